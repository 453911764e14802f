/**
 * The fold: which entries an event changes, and how. Each entry's new value comes from that entry and the event alone, so that
 * a checkpoint is written and replayed entry by entry, in any mixture of old and new.
 */
import { evolveDevice } from './action.js'
import { evolveAlias } from './alias.js'
import { aliasKey, deviceKey, kindOf, memberKey, profileKey, roomKey, stateKey } from './entry-key.js'
import type { RoomEvent } from './event.js'
import { evolveJoined, joinedTouched } from './inbox.js'
import { evolveMember, membershipAfter } from './membership.js'
import { erasedKey, evolveErased, isReaction } from './message.js'
import { evolvePaced, pacedKey } from './moderation.js'
import { evolveOrigins, originKey } from './origin.js'
import { evolveProfile } from './profile.js'
import { evolveReactions, reactionTouched } from './reaction.js'
import { evolveRoom } from './room.js'
import { roomKind } from './room-id.js'
import type { Entry, EntryKey } from './state.js'
import { evolveState } from './state-event.js'

/** The keys of the entries that an event changes. */
export function touches(event: RoomEvent): EntryKey[] {
  const keys = [roomKey]
  if (event.key !== undefined) keys.push(stateKey(event.type, event.key))
  if (event.action !== undefined) keys.push(deviceKey(event.sender.id, event.device ?? ''))
  if (event.origin !== undefined) keys.push(originKey(event.origin))
  if (isReaction(event.type)) keys.push(...reactionTouched(event))
  if (event.pacedUntil !== undefined) keys.push(pacedKey(event.onBehalfOf ?? event.sender.id))
  if (event.erases !== undefined) keys.push(erasedKey(event.erases))
  if (isMembership(event.type)) keys.push(memberKey(event.user!))
  else if (roomKind(event.room) === 'inbox') keys.push(...inInbox(event))
  else if (event.type === 'alias.claim' || event.type === 'alias.release') keys.push(aliasKey)
  return keys
}

export function evolveEntry(key: EntryKey, entry: Entry | undefined, event: RoomEvent): Entry {
  const evolve = byKind[kindOf(key)]
  if (evolve === undefined) throw new Error(`no entry is called ${key}`)
  return evolve(entry, event)
}

const byKind: Record<string, (entry: Entry | undefined, event: RoomEvent) => Entry> = {
  room: evolveRoom,
  state: (_entry, event) => evolveState(event),
  member: evolveMember,
  device: evolveDevice,
  origins: evolveOrigins,
  keys: evolveOrigins,
  erased: evolveErased,
  reactions: evolveReactions,
  paced: evolvePaced,
  joined: evolveJoined,
  profile: (_entry, event) => evolveProfile(event),
  alias: (_entry, event) => evolveAlias(event),
}

const isMembership = (type: string) => Object.hasOwn(membershipAfter, type) || type === 'member.profile'

function inInbox(event: RoomEvent): EntryKey[] {
  if (event.type === 'profile.changed') return [profileKey]
  return event.type === 'room.joined' || event.type === 'room.left' ? [joinedTouched(event)] : []
}
