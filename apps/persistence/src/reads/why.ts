/**
 * Why a user can, or cannot, see an event, and do something: the rule, and the event that decides it. What a token of theirs grants
 * is not known here, and left out.
 */
import {
  type Command,
  type Decision,
  decide,
  memberOf,
  neededPower,
  powerLevels,
  powerOf,
  type StateEntry,
  stateKey,
  why as whySees,
} from '@roomlog/domain'
import { hasScope, type Principal } from '@roomlog/door'
import { type WireError, wireError } from '@roomlog/protocol'
import { readAccess } from '../store/access.js'
import type { StoredEvent } from '../store/entities.js'
import { eventAt, findEvent } from '../store/find.js'
import { type Past, pastOf } from '../store/past.js'
import { type Answer, isRefused, jsonWith, notFound, type Reading } from './read.js'
import { viewRoom } from './view.js'

export async function why(reading: Reading): Promise<Answer> {
  const { dataSource, principal, partitions, input } = reading
  const user: string = input.user ?? principal.user
  const refused = await refusedTo(principal, user, reading)
  if (refused) return refused
  const access = await readAccess(dataSource, input.room, user, partitions)
  if (!access.exists) return notFound()
  const event = await askedEvent(reading, access.seq)
  if (!event) return wireError('not_found', 'there is no such event in this room', { field: input.event === undefined ? 'seq' : 'event' })
  const { by, ...seen } = whySees(access, user, event.seq)
  const decisive = by === undefined ? undefined : await eventAt(dataSource, input.room, by)
  const act = input.type === undefined ? undefined : await judged(reading, user, event)
  if (act && isRefused(act)) return act
  return jsonWith({ room: input.room, user, seq: event.seq, ...seen, by: decisive && nameOf(decisive), do: act })
}

/** One asks about oneself, in a room that one may know of; administrators ask about everybody. */
async function refusedTo(principal: Principal, user: string, reading: Reading): Promise<WireError | undefined> {
  if (hasScope(principal, 'admin')) return undefined
  if (user !== principal.user) return wireError('forbidden', 'to ask about others needs the scope admin', { field: 'user' })
  const view = await viewRoom(reading, 'room')
  return isRefused(view) ? view : undefined
}

/** The event asked for; without one, the room's last. */
async function askedEvent({ dataSource, input }: Reading, last: number): Promise<StoredEvent | undefined> {
  if (input.event === undefined) return eventAt(dataSource, input.room, input.seq ?? last)
  const found = await findEvent(dataSource, input.event)
  return found?.room === input.room ? found : undefined
}

/** What the rules would answer right after that event. Slow mode is not judged: who waits is not stored. */
async function judged({ dataSource, input }: Reading, user: string, { seq, at }: StoredEvent): Promise<object | WireError> {
  const past = await pastOf(dataSource, input.room, seq)
  if (!past) return wireError('too_large', 'too much has happened in this room')
  const decision = decide(past, wish(input, user, at), new Map())
  const { type } = input
  const levels = powerLevels(past)
  return {
    type,
    ...outcomeOf(decision),
    membership: memberOf(past, user)?.membership ?? 'none',
    membershipBy: memberOf(past, user)?.seq || undefined,
    power: powerOf(levels, user),
    needs: type.startsWith('member.') ? undefined : neededPower(levels, type, input.key !== undefined),
    powerBy: seqOf(past, 'room.power', ''),
    muteBy: seqOf(past, 'room.mute', user),
    modeBy: seqOf(past, 'room.mode', ''),
  }
}

function outcomeOf(decision: Decision): { may: boolean; code?: string; message?: string } {
  return 'refused' in decision ? { may: false, code: decision.refused, message: decision.message } : { may: true }
}

const seqOf = (past: Past, type: string, key: string) => (past.get(stateKey(type, key)) as StateEntry | undefined)?.seq

function wish({ room, type, key, target }: Reading['input'], user: string, at: number): Command {
  const command: Command = { type, room, sender: { id: user }, device: '', rights: {}, content: '{}', at, digest: '', origin: '' }
  if (key !== undefined) command.key = key
  if (target !== undefined) command.user = target
  return command
}

const nameOf = ({ seq, type, sender, at }: StoredEvent) => ({ seq, type, sender, at })
