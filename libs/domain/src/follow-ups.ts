/** What an event causes elsewhere: notices in the inboxes of those whom it concerns, aliases given back, profile changes. */
import { aliasesOf, release } from './alias.js'
import type { FollowUp } from './command.js'
import { isGone, type JsonObject, json } from './content.js'
import type { RoomEvent } from './event.js'
import { firstStep } from './profile.js'
import { inboxOf, roomKind } from './room-id.js'
import { settingOf } from './room-state.js'
import type { RoomState } from './state.js'

/**
 * The commands that follow from an event, at most 128, in an order that is always the same. `state` is the room's, with the
 * event folded in. `epoch` is that of the event's partition; with it, a join's notice names the position of the join.
 */
export function followUps(event: RoomEvent, state: RoomState, epoch?: string): FollowUp[] {
  switch (roomKind(event.room)) {
    case 'inbox':
      return event.type === 'profile.changed' ? [firstStep(event)] : []
    case 'room':
      return fromRoom(event, state, epoch)
    default:
      return []
  }
}

function fromRoom(event: RoomEvent, state: RoomState, epoch: string | undefined): FollowUp[] {
  switch (event.type) {
    case 'member.join':
      return [notify(event, 'room.joined', { ...place(event, epoch), name: settingOf(state, 'room.name') })]
    case 'member.invite':
      return [
        notify(event, 'room.invited', {
          room: event.room,
          by: event.onBehalfOf ?? event.sender.id,
          name: settingOf(state, 'room.name'),
          seq: event.seq,
        }),
      ]
    case 'member.leave':
      return [notify(event, 'room.left', { ...place(event), reason: 'left' })]
    case 'member.kick':
      return [notify(event, 'room.left', { ...place(event), reason: 'kicked' })]
    case 'member.ban':
      return event.ref === undefined ? [] : [notify(event, 'room.left', { ...place(event), reason: 'banned' })]
    case 'room.alias':
      return event.prev !== undefined && isGone(event.content) ? [release(event.key!, event)] : []
    case 'room.deleted':
      return aliasesOf(state).map((alias) => release(alias, event))
    default:
      return []
  }
}

function notify(event: RoomEvent, type: string, content: JsonObject): FollowUp {
  const command = { type, room: inboxOf(event.user!), sender: event.sender, device: '', rights: { internal: true }, content: json(content) }
  return { command, carriesReply: false }
}

/** Where the event is. An event ID is `<partition>-<offset>-<check>`. */
function place(event: RoomEvent, epoch?: string): JsonObject {
  const [partition, offset, ...check] = event.id.split('-')
  const position = epoch === undefined ? undefined : [epoch, partition, offset, event.seq, check.join('-')].join('.')
  return { room: event.room, partition: Number(partition), offset: Number(offset), seq: event.seq, position }
}
