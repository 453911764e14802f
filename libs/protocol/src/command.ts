/**
 * Commands as records: the value of `room.commands` and `user.commands`.
 */
import type { Command } from '@roomlog/domain'
import type { Headers } from './headers.js'
import { parseEnvelope } from './json.js'

/** What goes into the value; `at` is the record's time and `origin` a header. */
export type CommandValue = Omit<Command, 'at' | 'origin' | 'digest' | 'then'> & { digest?: string; then?: CommandValue }

/** The command's JSON, with every `content` (also of `then`) as it stands. */
export function encodeCommand(command: CommandValue): string {
  let text = '{'
  for (const name of commandMembers) {
    const value = command[name]
    if (value !== undefined) text += `"${name}":${JSON.stringify(value)},`
  }
  if (command.then !== undefined) text += `"then":${encodeCommand(command.then)},`
  return `${text}"content":${command.content}}`
}

/**
 * The command of a record: `at` is its append time, `origin` its header.
 * @throws Error if the value is no command.
 */
export function decodeCommand(record: { value: Uint8Array | string | null; headers: Headers; time: number }): Command {
  if (record.value === null) throw new Error('not a command: no value')
  return decodeValue(record.value, record.time, record.headers.origin ?? '')
}

function decodeValue(value: Uint8Array | string, at: number, origin: string): Command {
  const parsed = parseEnvelope(value, commandForm)
  if ('invalid' in parsed) throw new Error(`not a command: ${parsed.invalid}`)
  const { then, ...members } = parsed.ok
  const command = members as unknown as Command
  if (typeof command.type !== 'string' || typeof command.room !== 'string' || typeof command.content !== 'string') {
    throw new Error('not a command')
  }
  command.at = at
  command.origin = origin
  command.digest ??= ''
  if (then !== undefined) command.then = decodeValue(then as string, at, origin)
  return command
}

const commandForm = { raw: ['content', 'then'], depthMax: 4096, keysMax: 4096 }

/** As a record and not a list: a member of `Command` that is forgotten here does not compile, and so is never lost on the way. */
const memberNames: Record<Exclude<keyof CommandValue, 'content' | 'then'>, true> = {
  type: true,
  room: true,
  sender: true,
  device: true,
  rights: true,
  actionId: true,
  prevActionId: true,
  idempotencyKey: true,
  user: true,
  key: true,
  ifSeq: true,
  ref: true,
  follows: true,
  thread: true,
  mentions: true,
  onBehalfOf: true,
  channels: true,
  readers: true,
  vouchedBy: true,
  vouchers: true,
  claimed: true,
  judgedAt: true,
  digest: true,
}

const commandMembers = Object.keys(memberNames) as (keyof typeof memberNames)[]
