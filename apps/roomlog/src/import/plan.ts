/**
 * From lines to commands. Pure: the same files give the same plan, line by line, so that an import that was interrupted
 * goes on with the same commands under the same idempotency keys.
 *
 * Who speaks under a nick is a user; the user's ID is the first nick under which the file shows them. Somebody who does
 * something without having joined is joined first. A join of somebody who is there already tells nothing new (the logs
 * have no quits), and a nick that the user has already is no change: such lines count, and need no command.
 */
import type { FileLine, LogFile } from './file.js'
import { linesOf } from './file.js'
import { userIdOf } from './nick.js'
import type { Counts } from './report.js'

/** What the room's service of record sends; `file` and `line` make its idempotency key. */
export interface Step {
  room: string
  file: string
  /** 0 and the file's last line + 1 are the marks of its beginning and end. */
  line: number
  /** Several steps of one line are told apart by this. */
  part: 'line' | 'join' | 'name' | 'mark'
  command: Command
}

export interface Command {
  type: string
  onBehalfOf?: string
  user?: string
  key?: string
  name?: string
  reason?: string
  content?: Record<string, unknown>
}

/** State of the room, key = the file: how far it is imported. */
export const markType = 'irc.file'

/** What one room's import knows: who is in, and under which name. */
export class Planner {
  readonly #joined = new Set<string>()
  readonly #names = new Map<string, string>()

  constructor(
    readonly room: string,
    private readonly counts: Counts,
    /** Told every (nick, text) of messages and actions, in order. */
    private readonly said: (nick: string, text: string) => void = () => {},
  ) {}

  /** What was known of the room may be wrong by now: who acts is joined again, which changes nothing for a member. */
  forget(): void {
    this.#joined.clear()
    this.#names.clear()
  }

  /** The steps of the next file, in order. */
  file(file: LogFile): Step[] {
    const lines = linesOf(file)
    const users = new Map<string, string>()
    const steps: Step[] = []
    const mark = (line: number, content: Record<string, unknown>) =>
      steps.push({ room: this.room, file: file.name, line, part: 'mark', command: { type: markType, key: file.name, content } })
    mark(0, { lines: lines.length, state: 'begun' })
    for (const line of lines) {
      const add = (part: Step['part'], command: Command) =>
        steps.push({ room: this.room, file: file.name, line: line.number, part, command })
      this.#line(file.name, line, users, add)
    }
    mark(lines.length + 1, { lines: lines.length, state: 'done' })
    return steps
  }

  #line(
    file: string,
    { number, line, time }: FileLine,
    users: Map<string, string>,
    add: (part: Step['part'], command: Command) => void,
  ): void {
    this.counts.add(line)
    if (line.kind === 'skipped') return
    const user = this.#userOf(line.nick, users)
    const where = { time, line: `${file}:${number}` }
    const present = () => {
      if (this.#enter(user)) {
        this.counts.impliedJoins++
        add('join', { type: 'member.join', onBehalfOf: user })
      }
      this.#called(user, line.nick, (name) => add('name', { type: 'member.profile', onBehalfOf: user, name }))
    }
    switch (line.kind) {
      case 'message':
      case 'notice':
      case 'action': {
        present()
        this.said(line.nick, line.text)
        const kind = line.kind === 'message' ? {} : { [line.kind]: true }
        return add('line', { type: 'msg.text', onBehalfOf: user, content: { text: line.text, nick: line.nick, ...kind, ...where } })
      }
      case 'join':
        if (this.#enter(user)) add('line', { type: 'member.join', onBehalfOf: user })
        return this.#called(user, line.nick, (name) => add('name', { type: 'member.profile', onBehalfOf: user, name }))
      case 'leave':
        present()
        this.#joined.delete(user)
        return add('line', { type: 'member.leave', onBehalfOf: user, ...reason(line) })
      case 'rename':
        present()
        users.delete(line.nick)
        users.set(line.to, user)
        return this.#called(user, line.to, (name) => add('line', { type: 'member.profile', onBehalfOf: user, name }))
      case 'kick':
        present()
        this.#joined.delete(user)
        return add('line', { type: 'member.kick', onBehalfOf: this.#userOf(line.by, users), user, ...reason(line) })
      case 'mode':
        return add('line', { type: 'irc.mode', key: '', onBehalfOf: user, content: { change: line.change, by: line.nick, ...where } })
    }
  }

  #userOf(nick: string, users: Map<string, string>): string {
    let user = users.get(nick)
    if (user === undefined) users.set(nick, (user = userIdOf(nick)))
    return user
  }

  #enter(user: string): boolean {
    if (this.#joined.has(user)) return false
    this.#joined.add(user)
    return true
  }

  /** A user without a name is called by the ID. */
  #called(user: string, nick: string, change: (name: string) => void): void {
    if ((this.#names.get(user) ?? user) === nick) return
    this.#names.set(user, nick)
    change(nick)
  }
}

const reason = (line: { reason?: string }) => (line.reason === undefined ? {} : { reason: line.reason })
