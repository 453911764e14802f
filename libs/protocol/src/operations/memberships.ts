/** Commands about a member of a room. */
import { z } from 'zod'
import { type CommandDraft, numbers, type Operation, ownContent } from './operation.js'
import { accepted, filter, identifier, joinAnswer, milliseconds, numbered, roomId } from './schemas.js'

const reason = z.string().max(4_096).optional()
/** What a joining client wishes of the answer. */
export const joining = { filter: filter.optional(), inAnswer: z.boolean().optional() }

/** Commands about a member, all alike. */
function membership(verb: string, summary: string, members: z.ZodRawShape, output: z.ZodType = accepted): Operation {
  const type = `member.${verb}`
  return {
    name: verb,
    summary,
    kind: 'command',
    needs: 'token',
    method: 'POST',
    routes: [`/v1/rooms/{room}/${verb}`],
    op: 'do',
    does: [type],
    input: z.strictObject({ room: roomId, reason, ...members, ...numbered }),
    output,
    command: (input): CommandDraft => ({
      type,
      room: input.room,
      ...(input.user === undefined ? {} : { user: input.user }),
      content: ownContent({ reason: input.reason, until: input.until }),
      ...numbers(input),
    }),
  }
}

export const membershipOperations: readonly Operation[] = [
  membership('join', 'Joins a room, by ID or alias.', joining, joinAnswer),
  membership('leave', 'Leaves a room, or declines its invitation.', {}),
  membership(
    'invite',
    'Invites a user.',
    { user: identifier },
    accepted.extend({ user: z.object({ name: z.string().optional(), avatar: z.string().optional() }).optional() }),
  ),
  membership('kick', 'Removes a member, who may join again where the room is public.', { user: identifier }),
  membership('ban', 'Removes a user for good, or until a time.', { user: identifier, until: milliseconds.optional() }),
  membership('unban', 'Lifts a ban.', { user: identifier }),
  membership('knock', 'Asks to be let in.', {}),
]
