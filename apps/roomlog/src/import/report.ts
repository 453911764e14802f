import { createHash, type Hash } from 'node:crypto'
import type { Line } from './line.js'

/** How many lines there were of each kind. Without `impliedJoins` they add up to the number of lines. */
export class Counts {
  messages = 0
  actions = 0
  joins = 0
  /** Joins of those who did something without having joined. No lines. */
  impliedJoins = 0
  leaves = 0
  kicks = 0
  renames = 0
  modes = 0
  skipped = 0
  /** How many lines were skipped, by the reason. */
  readonly skippedReasons: Record<string, number> = {}

  add(line: Line): void {
    switch (line.kind) {
      case 'message':
      case 'notice':
        return void this.messages++
      case 'action':
        return void this.actions++
      case 'join':
        return void this.joins++
      case 'leave':
        return void this.leaves++
      case 'kick':
        return void this.kicks++
      case 'rename':
        return void this.renames++
      case 'mode':
        return void this.modes++
      case 'skipped':
        this.skipped++
        this.skippedReasons[line.reason] = (this.skippedReasons[line.reason] ?? 0) + 1
    }
  }

  get lines(): number {
    return this.messages + this.actions + this.joins + this.leaves + this.kicks + this.renames + this.modes + this.skipped
  }

  toJSON(): Record<string, unknown> {
    const { messages, actions, joins, impliedJoins, leaves, kicks, renames, modes, skipped, skippedReasons } = this
    return { messages, actions, joins, impliedJoins, leaves, kicks, renames, modes, skipped, skippedReasons }
  }
}

/**
 * SHA-256 of what was said, in order: for every message and action `<nick>\t<text>\n` in UTF-8. The same for the files, for
 * the history and for a reader of the room's log.
 */
export class SaidDigest {
  readonly #hash: Hash = createHash('sha256')
  count = 0

  add(nick: string, text: string): void {
    this.count++
    this.#hash.update(`${nick}\t${text}\n`)
  }

  /** Takes an event of an imported room, if it is one that says something. */
  addEvent(event: { type: string; content: unknown }): void {
    const content = event.content as { nick?: unknown; text?: unknown } | null
    if (event.type !== 'msg.text' || typeof content?.nick !== 'string' || typeof content.text !== 'string') return
    this.add(content.nick, content.text)
  }

  get hex(): string {
    return this.#hash.copy().digest('hex')
  }
}
