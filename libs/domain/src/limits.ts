/** Bounds of what a room takes. Doors check the same ones; a room decides them again, since other writers of commands exist. */
export interface DomainLimits {
  /** Content of one event, UTF-8. */
  contentBytesMax: number
  /** Type, key, IDs and idempotency keys, UTF-8. */
  nameBytesMax: number
  inviteesMax: number
  mentionsMax: number
  channelsMax: number
  readersMax: number
  /** Rooms that a restricted room may name. */
  accessRoomsMax: number
  /** Below the 128 follow-ups of one event, because the deletion of a room releases all of them. */
  aliasesMax: number
  /** How long a command waits for its `prevActionId`, in log time. */
  parkMs: number
  /** Commands of one device that wait at once; judged by the shell, which holds them. */
  parkedPerDeviceMax: number
  /** Rooms that one step of a profile change visits; with the next step's command at most 128. */
  profileStepMax: number
}

export const defaultLimits: Readonly<DomainLimits> = Object.freeze({
  contentBytesMax: 65_536,
  nameBytesMax: 255,
  inviteesMax: 100,
  mentionsMax: 100,
  channelsMax: 100,
  readersMax: 100,
  accessRoomsMax: 10,
  aliasesMax: 100,
  parkMs: 10_000,
  parkedPerDeviceMax: 64,
  profileStepMax: 127,
})
