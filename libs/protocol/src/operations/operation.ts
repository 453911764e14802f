import type { Command, RawJson } from '@roomlog/domain'
import type { z } from 'zod'
import { numbered } from './schemas.js'

/** What an operation asks of a room: a command without what only the door knows of its sender. Without `room` the door mints one. */
export type CommandDraft = Omit<
  Command,
  'room' | 'sender' | 'device' | 'rights' | 'at' | 'digest' | 'origin' | 'then' | 'vouchedBy' | 'vouchers' | 'claimed' | 'judgedAt'
> & { room?: string }

/** Members of path, query and body (or of the frame), merged and valid by the operation's schema; raw members are `RawJson`. */
export type Input = Record<string, any>

export interface Operation {
  name: string
  summary: string
  /** A command goes to the authority, a read to persistence, the rest is served by whoever holds it. */
  kind: 'command' | 'read' | 'live'
  /** `anyone`: a room that the world may read answers without a token. Scopes and grants: see the summary. */
  needs: 'token' | 'anyone' | 'publish' | 'admin'
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** `{name}` is a path member; several where the last one is optional. */
  routes: readonly string[]
  input: z.ZodObject
  output: z.ZodType
  /** The body may be an array, each item with its own outcome; the answer then is an array. */
  many?: boolean
  /** Types of `do` that mean this operation; the rest of them mean `publish`. */
  does?: readonly string[]
  /** Operation over the WebSocket; absent = HTTP only. */
  op?: string
  /** The command goes to the sender's own inbox. */
  inbox?: true
  /** How the input becomes a command. */
  command?(input: Input): CommandDraft
}

/** Contents that the domain owns are written here, in one order of members, so that a repeat has the same digest. */
export function ownContent(members: Record<string, unknown>): RawJson {
  return JSON.stringify(members)
}

/** Names of the path members of a route. */
export function pathMembers(route: string): string[] {
  return [...route.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!)
}

const numberMembers = Object.keys(numbered)

/** How the client numbers the action, for operations whose content is ours. */
export function numbers(input: Input): Partial<CommandDraft> {
  return pick(input, numberMembers)
}

export function pick(input: Input, names: readonly string[]): Partial<CommandDraft> {
  const picked: Input = {}
  for (const name of names) if (input[name] !== undefined) picked[name] = input[name]
  return picked
}
