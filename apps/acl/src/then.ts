/** What a decision or an event sends on: a command for another entity, with the asker's reply address where it answers. */
import type { FollowUp } from '@roomlog/domain'
import { type CommandValue, decodeCommand, encodeCommand } from '@roomlog/protocol'

export interface Then {
  command: CommandValue
  /** Of the user's command that is on its way, so that its repeat is known; absent = made from the cause. */
  origin?: string
  /** Header `reply` of the command that came first; absent = nobody waits for this one. */
  reply?: string
  traceparent?: string
}

export function thensOf(followUps: readonly FollowUp[], traceparent?: string, reply?: string): Then[] {
  return followUps.map(({ command, carriesReply }) => ({
    command,
    origin: command.origin ?? command.then?.origin,
    traceparent,
    reply: carriesReply ? reply : undefined,
  }))
}

/** The form inside a mark. The command is text, so that contents keep their bytes. */
type EncodedThen = Omit<Then, 'command'> & { command: string }

export function encodeThen(then: Then): EncodedThen {
  return { ...then, command: encodeCommand(then.command) }
}

export function decodeThen(encoded: unknown): Then {
  const { command, ...rest } = encoded as EncodedThen
  return { ...rest, command: decodeCommand({ value: command, headers: {}, time: 0 }) }
}
