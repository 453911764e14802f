/** Where events stand: their ID, `seq` and time as they are drafted, and their position as it is answered. */
import type { Command, EventDraft, RoomEvent, RoomState } from '@roomlog/domain'
import { eventCheck, eventId, parseEventId, position } from '@roomlog/log'
import type { Accepted } from '@roomlog/protocol'
import type { Fold } from './fold.js'
import type { Site } from './site.js'

export interface Origin {
  command: Command
  /** Offset of the command's record. */
  commandOffset: number
  /** Which of the command's events it is. */
  index: number
}

/** The event of a draft that is meant to stand at `offset`, next in its room. */
export function placed(
  { rules, partition }: Site,
  { incarnation }: Fold,
  room: RoomState,
  draft: EventDraft,
  offset: number,
  of: Origin,
): RoomEvent {
  const { command, commandOffset, index } = of
  const at = rules.roomTime(room, command)
  const check = eventCheck({ incarnation, room: command.room, sender: draft.sender.id, at, commandOffset, index })
  return { ...draft, id: eventId({ partition, offset, check }), room: command.room, seq: rules.nextSeq(room), at }
}

/** The answer that names an event. */
export function accepted({ epoch }: Fold, room: string, event: string, seq: number): Accepted {
  const place = parseEventId(event)
  return { event, room, seq, position: place ? position({ epoch, ...place, seq }) : '' }
}
