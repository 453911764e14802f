/**
 * Why somebody can, or cannot, see an event: the rule of visibility that decides, and the event that made it so. It says in words
 * what `AccessTimeline.maySee` answers, from the same facts; what a token grants beside is not part of it.
 */
import { inboxOf, roomKind } from './room-id.js'
import type { AccessFacts } from './visibility.js'

export interface Why {
  sees: boolean
  rule: string
  /** `seq` of the event that decides; absent where nothing ever happened that would. */
  by?: number
}

export function why(facts: AccessFacts, user: string, seq: number): Why {
  const { room, deleted } = facts
  const kind = roomKind(room)
  if (kind === 'inbox') return room === inboxOf(user) ? { sees: true, rule: 'it is their inbox' } : no('an inbox is read by its user alone')
  if (kind !== 'room') return no('only its own events say who reads them')
  if (deleted && seq !== facts.seq) return no('the room was deleted', facts.seq)
  const after = at(facts, seq, seq)
  if (after.sees) return after
  const before = at(facts, seq, seq - 1)
  return before.sees ? before : after
}

const no = (rule: string, by?: number): Why => decided(false, rule, by)
const yes = (rule: string, by?: number): Why => decided(true, rule, by)

function decided(sees: boolean, rule: string, by: number | undefined): Why {
  return by === undefined ? { sees, rule } : { sees, rule, by }
}

type Change = AccessFacts['history'][number]

/** What is in force once the event at `point` is folded, applied to the event at `seq`. */
function at({ history, membership }: AccessFacts, seq: number, point: number): Why {
  const mode = inForce(history, point) ?? history[0]
  const is = inForce(membership, point)
  switch (mode?.[1] ?? 'shared') {
    case 'world':
      return yes('history is world: everybody sees it', mode?.[0])
    case 'shared':
      return shared(membership, seq)
    case 'invited':
      if (is?.[1] === 'invited') return yes('history is invited, and they were invited then', is[0])
      return is?.[1] === 'joined'
        ? yes('history is invited, and they were a member then', is[0])
        : no('history is invited, and they were neither invited nor a member then', is?.[0])
    default:
      return is?.[1] === 'joined'
        ? yes('history is joined, and they were a member then', is[0])
        : no('history is joined, and they were no member then', is?.[0])
  }
}

function shared(membership: readonly Change[], seq: number): Why {
  const joined = membership.findLastIndex(([, value]) => value === 'joined')
  if (joined < 0) return no('history is shared among members, and they never were one', membership.at(-1)?.[0])
  const end = membership[joined + 1]
  if (!end || seq <= end[0]) return yes('history is shared among members, and they are or were one', membership[joined]![0])
  return no('history is shared among members, and their last time as one had ended', end[0])
}

const inForce = (changes: readonly Change[], point: number): Change | undefined => changes.findLast(([seq]) => seq <= point)
