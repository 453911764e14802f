/**
 * Reactions: one key, such as 👍, that a user gives to a message and may take back.
 *
 * The same reaction twice is refused while the room remembers the first: for its next 10,000 events, in buckets under the hash of
 * (user, message, key), so that a check reads one small entry and an event changes one. A bucket is bounded too, and forgets its
 * oldest first. What is older is taken again, and every reader folds reactions as a set.
 */
import { type JsonObject, objectOf } from './content.js'
import { roomKey } from './entry-key.js'
import { checkName } from './envelope.js'
import type { RawJson, RoomEvent } from './event.js'
import { fnv1a } from './hash.js'
import { isReaction, originalOf, permitPost, taken } from './message.js'
import { isRefusal, refuse } from './refusal.js'
import type { RoomEntry } from './room.js'
import type { Case, Outcome } from './rule.js'
import type { Entry, EntryKey } from './state.js'

/** Events of the room during which a repeat is refused. */
export const reactionWindow = 10_000
/** 10,000 spread over 1,024 are 10 ± 3 a bucket. */
const buckets = 1_024
const perBucketMax = 32

/** The entry `reactions:<bucket>`: what stands now, oldest first. */
export type ReactionsEntry = [name: string, seq: number][]

/** Needs the power of a message. The message must be there: a deleted one takes no reaction. */
export function react(of: Case): Outcome {
  const judged = judge(of)
  if ('refused' in judged) return judged
  const { name, outcome } = judged
  const standing = of.state.get(reactionsKey(name)) as ReactionsEntry | undefined
  const last = (of.state.get(roomKey) as RoomEntry).seq
  const isThere = standing?.some(([known, seq]) => known === name && seq > last - reactionWindow)
  return isThere ? refuse('duplicate_reaction', 'you reacted with this key already', { field: 'content' }) : outcome
}

/** Taking back what is not there changes nothing, and is no mistake: it may be older than what the room remembers. */
export function unreact(of: Case): Outcome {
  const judged = judge(of)
  return 'refused' in judged ? judged : judged.outcome
}

/** The key of a reaction's content; undefined where there is none, as in events older than the rule. */
export function reactionOf(content: RawJson): string | undefined {
  const parsed = objectOf(content) as JsonObject
  return typeof parsed.key === 'string' && parsed.key !== '' ? parsed.key : undefined
}

/** The entry that a reaction changes; none for one that names no message or key. */
export function reactionTouched(event: RoomEvent): EntryKey[] {
  const name = nameOf(event)
  return name === undefined ? [] : [reactionsKey(name)]
}

export function evolveReactions(entry: Entry | undefined, event: RoomEvent): ReactionsEntry {
  const name = nameOf(event)!
  const standing = ((entry as ReactionsEntry | undefined) ?? []).filter(
    ([known, seq]) => known !== name && seq > event.seq - reactionWindow,
  )
  if (event.type === 'msg.reaction') standing.push([name, event.seq])
  return standing.slice(-perBucketMax)
}

function judge(of: Case) {
  const allowed = permitPost(of)
  if (isRefusal(allowed)) return allowed
  const message = originalOf(of)
  if (isRefusal(message)) return message
  if (isReaction(message.type)) return refuse('invalid', 'a reaction is to a message', { field: 'ref' })
  const content = objectOf(of.command.content)
  if (isRefusal(content)) return content
  const refused = checkName(content.key, 'content.key', of.limits)
  if (refused) return refused
  const outcome = taken(of, allowed)
  return isRefusal(outcome) ? outcome : { outcome, name: named(of.actor, of.command.ref!, content.key as string) }
}

function nameOf({ sender, onBehalfOf, ref, content }: RoomEvent): string | undefined {
  const key = ref === undefined ? undefined : reactionOf(content)
  return key === undefined ? undefined : named(onBehalfOf ?? sender.id, ref!, key)
}

/** Neither an ID of an event nor a user holds a line break. */
const named = (user: string, ref: string, key: string) => `${ref}\n${user}\n${key}`

const reactionsKey = (name: string): EntryKey => `reactions:${fnv1a(name) % buckets}`
