/**
 * Answers that hold more than the log gives: joining (and creating, which is joining) answers with the room as the user now sees it,
 * an invitation with the profile of the invited. What cannot be read in time is left out: the command is done either way.
 */
import type { Accepted } from '@roomlog/protocol'
import { parseEnvelope } from '@roomlog/protocol'
import type { Input, Operation } from '@roomlog/protocol/operations'
import type { Reads } from './reads.js'

interface Answered {
  operation: Operation
  input: Input
  accepted: Partial<Accepted>
  token: string
  traceparent: string
}

const readMsMax = 2_500
const profileMsMax = 500
/** Enough messages to fill a screen. */
const screenEvents = 30

export class Completion {
  constructor(private readonly reads: Reads) {}

  /** JSON text of the answer. */
  async of(answered: Answered): Promise<string> {
    const { operation, accepted } = answered
    if (operation.name === 'join' || operation.name === 'createRoom') return this.joined(answered)
    if (operation.name === 'invite') return this.invited(answered)
    return JSON.stringify(accepted)
  }

  private async joined({ input, accepted, token, traceparent }: Answered): Promise<string> {
    const base = `/v1/rooms/${encodeURIComponent(accepted.room ?? '')}`
    const read = (path: string, query: Record<string, string> = {}) => {
      const search = new URLSearchParams({ ...query, ...(accepted.position ? { atLeast: accepted.position } : {}) })
      return this.reads.text(`${base}${path}?${search}`, token, traceparent, readMsMax)
    }
    const wanted = { limit: String(screenEvents), ...filterQuery(input.filter) }
    const [summary, members, history] = await Promise.all([
      read(''),
      read('/members'),
      input.inAnswer === false ? undefined : read('/events', wanted),
    ])
    return merged(accepted, [
      [summary, ['name', 'topic', 'avatar', 'aliases', 'memberCount', 'access', 'history', 'type', 'membership', 'power']],
      [members, ['members']],
      [history, ['events', 'more', 'earliest']],
    ])
  }

  private async invited({ input, accepted, token, traceparent }: Answered): Promise<string> {
    const profile = await this.reads.text(`/v1/profile/${encodeURIComponent(input.user)}`, token, traceparent, profileMsMax)
    const parsed = profile === undefined ? undefined : parseEnvelope(profile)
    const { name, avatar } = parsed && 'ok' in parsed ? parsed.ok : {}
    return JSON.stringify({ ...accepted, user: { name: name ?? undefined, avatar: avatar ?? undefined } })
  }
}

/** Members of other answers, cut out as they stand: events keep their bytes. */
function merged(accepted: Partial<Accepted>, parts: [text: string | undefined, members: string[]][]): string {
  const members = new Map<string, string>()
  for (const [name, value] of Object.entries(accepted)) members.set(name, JSON.stringify(value))
  for (const [text, names] of parts) {
    const parsed = text === undefined ? undefined : parseEnvelope(text, { raw: names, depthMax: 4_096, keysMax: 100_000 })
    if (!parsed || 'invalid' in parsed) continue
    for (const name of names) if (typeof parsed.ok[name] === 'string' && !members.has(name)) members.set(name, parsed.ok[name])
  }
  return `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`
}

function filterQuery(filter: Record<string, unknown> | undefined): Record<string, string> {
  const query: Record<string, string> = {}
  for (const [name, value] of Object.entries(filter ?? {})) {
    if (name !== 'rooms') query[name] = Array.isArray(value) ? value.join(',') : String(value)
  }
  return query
}
