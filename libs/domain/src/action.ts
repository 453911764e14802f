/**
 * Numbered actions: the same action twice is one event, and one device's actions keep their order.
 *
 * The entry of a device keeps the results of its last 64 actions in this room, the lowest ID leaving first, so the highest
 * accepted ID is always among them. Inside the window every ID is known to be used or unused; below it nothing is known,
 * hence `action_too_old`.
 *
 * A command whose `prevActionId` is not decided yet waits (`park`). Accepted actions are known from the events; those that leave
 * no event (refused ones, and a wish that is fulfilled already, such as joining again) the shell remembers while it lives,
 * under `refusedKey`, with `noteRefused`. If it dies, a waiting command waits its 10 s out and is refused with the retriable
 * `action_gap`: order holds, nothing is lost.
 */
import type { Command } from './command.js'
import { deviceKey, refusedKey } from './entry-key.js'
import type { RoomEvent } from './event.js'
import { refuse } from './refusal.js'
import type { Case } from './rule.js'
import type { Decision } from './rules.js'
import type { Entry } from './state.js'

export const actionWindow = 64

type Result = [id: number, digest: string, event: string, seq: number]

/** The entry `device:<user>:<device>`: ascending by ID, at most 64. */
export interface DeviceEntry {
  results: Result[]
}

/** What is already known about a numbered command: a repeat, a refusal or a wait. Nothing = decide it. */
export function judgeAction({ state, command, limits, now }: Case): Decision | undefined {
  const id = command.actionId!
  const results = (state.get(deviceKey(command.sender.id, command.device)) as DeviceEntry | undefined)?.results ?? []
  const known = find(results, id)
  if (known) return known[1] === command.digest ? { repeat: { event: known[2], seq: known[3] } } : reused(results)
  if (results.length >= actionWindow && id < results[0]![0]) {
    return refuse('action_too_old', `action ${id} is below the last ${actionWindow} of this device`, {
      field: 'actionId',
      ...last(results),
    })
  }
  const prev = command.prevActionId
  if (prev === undefined || isDecided(results, prev) || wasRefused(state.get(refusedKey(command.sender.id, command.device)), prev))
    return undefined
  const untilMs = command.at + limits.parkMs
  if (now < untilMs) return { park: { for: prev, untilMs } }
  return refuse('action_gap', `action ${prev} did not come within ${limits.parkMs} ms`, {
    field: 'prevActionId',
    retriable: true,
    ...last(results),
  })
}

export function evolveDevice(entry: Entry | undefined, event: RoomEvent): DeviceEntry {
  const { id, digest } = event.action!
  const results = (entry as DeviceEntry | undefined)?.results ?? []
  const next = results.slice(results.length >= actionWindow ? 1 : 0)
  let at = next.length
  while (at > 0 && next[at - 1]![0] > id) at--
  next.splice(at, 0, [id, digest, event.id, event.seq])
  return { results: next }
}

/** For the shell: the entry under `refusedKeyOf(command)` after it answered this command without an event. It is not written to the log. */
export function noteRefused(entry: Entry | undefined, command: Pick<Command, 'actionId'>): Entry {
  const ids = (entry as number[] | undefined) ?? []
  if (command.actionId === undefined || ids.includes(command.actionId)) return ids
  return [...ids, command.actionId].slice(-actionWindow)
}

export const refusedKeyOf = (command: Pick<Command, 'sender' | 'device'>): string => refusedKey(command.sender.id, command.device)

/** Most actions are the newest: look from the end. */
function find(results: Result[], id: number): Result | undefined {
  for (let i = results.length - 1; i >= 0 && results[i]![0] >= id; i--) if (results[i]![0] === id) return results[i]
  return undefined
}

function isDecided(results: Result[], id: number): boolean {
  return find(results, id) !== undefined || (results.length >= actionWindow && id < results[0]![0])
}

const wasRefused = (entry: Entry | undefined, id: number) => (entry as number[] | undefined)?.includes(id) ?? false

const last = (results: Result[]) => (results.length > 0 ? { lastActionId: results.at(-1)![0] } : {})

const reused = (results: Result[]) =>
  refuse('conflict', 'this action ID was used for something else', { field: 'actionId', ...last(results) })
