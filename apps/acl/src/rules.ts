import {
  type Command,
  type Decide,
  type DomainLimits,
  decide,
  type Entry,
  type EntryKey,
  type EvolveEntry,
  evolveEntry,
  type FollowUp,
  followUps,
  type Needs,
  needs,
  nextSeq,
  noteRefused,
  type RoomEvent,
  type RoomState,
  refusedKeyOf,
  roomTime,
  type Touches,
  touches,
} from '@roomlog/domain'

/** The pure functions of `libs/domain` that the authority runs; a simulation may give its own. */
export interface Rules {
  needs: Needs
  decide: Decide
  touches: Touches
  evolveEntry: EvolveEntry
  /** `state` holds the event; `epoch` is that of its partition. */
  followUps(event: RoomEvent, state: RoomState, epoch: string): FollowUp[]
  /** The `seq` of a room's next event. */
  nextSeq(state: RoomState): number
  /** The time of a command's events. */
  roomTime(state: RoomState, command: Pick<Command, 'at' | 'judgedAt'>): number
  /** Where the rules look for refused actions of the command's device; kept by the authority, not by the log. */
  refusedKeyOf(command: Command): EntryKey
  noteRefused(entry: Entry | undefined, command: Command): Entry
}

/** The rules of rooms, with a deployment's limits. */
export function domainRules(limits?: DomainLimits): Rules {
  return {
    needs,
    decide: (state, command, referenced) => decide(state, command, referenced, limits),
    touches,
    evolveEntry,
    followUps,
    nextSeq,
    roomTime,
    refusedKeyOf,
    noteRefused,
  }
}
