/**
 * Restricted rooms: members of the named rooms may come in.
 *
 * Another room's members are not in this room's state. So the join goes to the named rooms, one after the other, as
 * `member.attest`; the first in which the user is a member sends it back with `vouchedBy`, the last sends it back without:
 * it is always the room itself that answers, and that knows the action as decided.
 */
import type { Command, FollowUp } from './command.js'
import { contentOf, objectOf } from './content.js'
import { stateKey } from './entry-key.js'
import { membershipOf } from './membership.js'
import { isRefusal, refuse } from './refusal.js'
import type { Case, Outcome } from './rule.js'
import type { StateEntry } from './state-event.js'

const nobody = ''

/** A join of a restricted room by somebody who is not invited. */
export function judgeRestricted(of: Case, take: (content: string) => Outcome): Outcome {
  const { command, state } = of
  const rooms = (contentOf(state.get(stateKey('room.access', '')) as StateEntry | undefined)?.rooms ?? []) as string[]
  const vouchedBy = command.vouchedBy
  if (vouchedBy === undefined && rooms.length > 0) return { forward: [attest(rooms, command)] }
  if (vouchedBy === undefined || !rooms.includes(vouchedBy)) return refuse('forbidden', 'this room is for members of other rooms')
  const content = objectOf(command.content)
  return isRefusal(content) ? content : take(withVoucher(command.content, content, vouchedBy))
}

/** In a named room, which need not exist: whether the user is a member here. Only the authority itself asks. */
export function attestMember(of: Case): Outcome {
  const { command, state, now, room } = of
  const asked = command.then
  if (!command.rights.internal || asked === undefined) return refuse('forbidden', 'only the authority asks for an attestation')
  const user = command.user ?? asked.onBehalfOf ?? asked.sender.id
  if (!room?.deleted && membershipOf(state, user, now) === 'joined') return { forward: [forwarded(asked, { vouchedBy: command.room })] }
  const others = command.vouchers ?? []
  return { forward: [others.length > 0 ? attest(others, asked) : forwarded(asked, { vouchedBy: nobody })] }
}

/** The command of somebody who waits for an answer, on its way to another room or back. */
export function forwarded(command: Command, more: Partial<Command>): FollowUp {
  const { at: _at, judgedAt: _judgedAt, ...rest } = command
  return { command: { ...rest, ...more }, carriesReply: true }
}

function attest([room, ...vouchers]: string[], join: Command): FollowUp {
  return {
    command: {
      type: 'member.attest',
      room: room!,
      sender: join.sender,
      device: join.device,
      user: join.onBehalfOf ?? join.sender.id,
      rights: { internal: true },
      content: '{}',
      vouchers,
      then: join,
    },
    carriesReply: true,
  }
}

/** Put in front, textually: what the user sent stays as it was sent. */
function withVoucher(raw: string, content: object, vouchedBy: string): string {
  const first = `{"vouchedBy":${JSON.stringify(vouchedBy)}`
  return Object.keys(content).length === 0 ? `${first}}` : `${first},${raw.slice(raw.indexOf('{') + 1)}`
}
