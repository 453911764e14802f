/**
 * Judges a history against the log: the anomalies A1–A12 (docs/architecture.md) that clients can see.
 * A rule is one function from (history, log) to what it found; none of them knows how the product works.
 */
import type { Entry, History, Logged } from './history.ts'

export interface Anomaly {
  rule: Rule
  what: string
}

export interface Evidence {
  history: History
  /** Every room's events in ascending order of `seq`. */
  log: Map<string, Logged[]>
  /** The log read again a while later, for what must never appear late. */
  later?: Map<string, Logged[]>
  /** The projection, read from PostgreSQL. */
  projection?: Map<string, Logged[]>
}

type Of<K extends Entry['kind']> = Extract<Entry, { kind: K }>

export const rules = {
  /** Every acknowledged action is in the log exactly once, under the number that was returned. */
  A1: ({ history, log }) => {
    const byWish = wishes(log)
    return of(history, 'ok').flatMap((ok) => {
      const found = byWish.get(ok.wish) ?? []
      if (found.length === 0) return [`${ok.wish} was acknowledged as ${ok.seq} and is not in the log`]
      if (found[0]!.seq !== ok.seq || found[0]!.event !== ok.event)
        return [`${ok.wish} was acknowledged as ${ok.seq} ${ok.event}, the log has ${found[0]!.seq} ${found[0]!.event}`]
      return []
    })
  },
  /** No action is in the log twice, and a repeat is answered like the first. */
  A2: ({ history, log }) => [
    ...[...wishes(log)]
      .filter(([, found]) => found.length > 1)
      .map(([wish, found]) => `${wish} is in the log ${found.length} times: ${found.map((logged) => logged.seq)}`),
    ...[...grouped(of(history, 'ok'), (ok) => ok.wish)]
      .filter(([, oks]) => new Set(oks.map((ok) => ok.event)).size > 1)
      .map(([wish]) => `${wish} was answered with different events`),
  ],
  /** Nobody receives what its sender was refused. */
  A3: ({ history, log }) => {
    const refused = new Set(of(history, 'refused').map((entry) => entry.wish))
    const appended = [...wishes(log).keys()].filter((wish) => refused.has(wish)).map((wish) => `${wish} was refused and is in the log`)
    const seen = of(history, 'delivered')
      .filter((entry) => entry.wish && refused.has(entry.wish))
      .map((entry) => `${entry.wish} was refused and delivered on ${entry.stream}`)
    return [...appended, ...seen]
  },
  /** (room, seq) is one payload, without gaps, for all readers. */
  A4: ({ history, log }) => {
    const gaps = [...log].flatMap(([room, events]) =>
      events.flatMap((logged, i) => (logged.seq === i + 1 ? [] : [`${room}: ${logged.seq} stands at place ${i + 1}`])),
    )
    const rooms = streamRooms(history)
    const differing = of(history, 'delivered').flatMap((entry) => {
      const logged = log.get(rooms.get(entry.stream)!)?.[entry.seq - 1]
      if (!logged) return [`${entry.stream} was given ${entry.seq}, which the log does not have`]
      return logged.event === entry.event && (logged.tombstone || logged.digest === entry.digest)
        ? []
        : [`${entry.stream} was given another ${entry.seq} than the log has`]
    })
    return [...gaps, ...differing]
  },
  /** Every stream is strictly increasing, skips nothing unsaid, and respects what its user saw before speaking. */
  A5: ({ history }) => {
    const found: string[] = []
    const last = new Map(of(history, 'subscribed').map((entry) => [entry.stream, entry.seq]))
    for (const entry of of(history, 'delivered')) {
      const before = last.get(entry.stream)!
      if (entry.seq <= before) found.push(`${entry.stream} stepped back from ${before} to ${entry.seq}`)
      else if (entry.after > before) found.push(`${entry.stream} was given ${entry.seq} after ${entry.after}, and had only ${before}`)
      last.set(entry.stream, Math.max(before, entry.seq))
    }
    return [...found, ...causality(history)]
  },
  /** What was acknowledged before another wish was made has the lower number (per room). */
  A6: ({ history }) => {
    const room = new Map(of(history, 'invoked').map((entry) => [entry.wish, entry.room]))
    const got = new Map(of(history, 'ok').map((ok) => [ok.wish, ok.seq]))
    const acknowledged = new Map<string, number>()
    const made = new Set<string>()
    return history.entries.flatMap((entry) => {
      if (entry.kind === 'ok') acknowledged.set(room.get(entry.wish)!, Math.max(acknowledged.get(room.get(entry.wish)!) ?? 0, entry.seq))
      if (entry.kind !== 'invoked' || made.has(entry.wish)) return []
      made.add(entry.wish)
      const [seq, floor] = [got.get(entry.wish), acknowledged.get(entry.room) ?? 0]
      return seq !== undefined && seq <= floor ? [`${entry.wish} got ${seq} though ${floor} was acknowledged before it was made`] : []
    })
  },
  /** Nobody receives an event after the one that removed them, until they are in again. */
  A8: ({ history, log }) => {
    const streams = new Map(of(history, 'subscribed').map((entry) => [entry.stream, entry]))
    const away = new Map<string, [from: number, to: number][]>()
    const awayOf = (user: string, room: string) => {
      const key = `${room}\n${user}`
      if (!away.has(key)) away.set(key, absences(log.get(room) ?? [], user))
      return away.get(key)!
    }
    return of(history, 'delivered').flatMap((entry) => {
      const { user, room } = streams.get(entry.stream)!
      return awayOf(user, room).some(([from, to]) => entry.seq > from && entry.seq < to)
        ? [`${user} was given ${entry.seq} of ${room} while removed`]
        : []
    })
  },
  /** After the last fault everybody reaches the end of the log. */
  A10: ({ history, log }) => {
    const ended = new Set(of(history, 'ended').map((entry) => entry.stream))
    const last = new Map(of(history, 'subscribed').map((entry) => [entry.stream, entry.seq]))
    for (const entry of of(history, 'delivered')) last.set(entry.stream, Math.max(last.get(entry.stream) ?? 0, entry.seq))
    const rooms = streamRooms(history)
    return [...last].flatMap(([stream, seq]) => {
      const end = log.get(rooms.get(stream)!)?.at(-1)?.seq ?? 0
      return ended.has(stream) || seq === end ? [] : [`${stream} stopped at ${seq} of ${end}`]
    })
  },
  /** What was left unknown is in the log once or never appears. */
  A11: ({ history, log, later }) => {
    const [first, second] = [wishes(log), wishes(later ?? log)]
    return of(history, 'unknown').flatMap((entry) => {
      const counts = [first.get(entry.wish)?.length ?? 0, second.get(entry.wish)?.length ?? 0]
      return counts[0]! > 1 || counts[0] !== counts[1]
        ? [`${entry.wish} was unknown and is in the log ${counts.join(', later ')} times`]
        : []
    })
  },
  /** The projection equals the log. */
  A12: ({ log, projection }) => {
    if (!projection) return []
    const rooms = new Set([...log.keys(), ...projection.keys()])
    return [...rooms].flatMap((room) => {
      const [truth, stored] = [log.get(room) ?? [], projection.get(room) ?? []]
      if (truth.length !== stored.length) return [`${room}: ${stored.length} events in the projection, ${truth.length} in the log`]
      return truth.flatMap((logged, i) =>
        stored[i]!.event === logged.event && (logged.tombstone || stored[i]!.digest === logged.digest)
          ? []
          : [`${room}: the projection has another ${logged.seq}`],
      )
    })
  },
} satisfies Record<string, (evidence: Evidence) => string[]>

export type Rule = keyof typeof rules

export function check(evidence: Evidence): Anomaly[] {
  return (Object.keys(rules) as Rule[]).flatMap((rule) => rules[rule](evidence).map((what) => ({ rule, what })))
}

/** Who saw e and then sent f has seq(e) < seq(f). */
function causality(history: History): string[] {
  const streams = new Map(of(history, 'subscribed').map((entry) => [entry.stream, entry]))
  const oks = new Map(of(history, 'ok').map((ok) => [ok.wish, ok.seq]))
  const saw = new Map<string, number>()
  const invoked = new Set<string>()
  return history.entries.flatMap((entry) => {
    if (entry.kind === 'delivered') {
      const { user, room } = streams.get(entry.stream)!
      saw.set(`${room}\n${user}`, Math.max(saw.get(`${room}\n${user}`) ?? 0, entry.seq))
    }
    if (entry.kind !== 'invoked' || invoked.has(entry.wish)) return []
    invoked.add(entry.wish)
    const [seen, got] = [saw.get(`${entry.room}\n${entry.user}`) ?? 0, oks.get(entry.wish)]
    return got !== undefined && got <= seen ? [`${entry.wish} got ${got} though its sender had seen ${seen}`] : []
  })
}

const removals = new Set(['member.leave', 'member.kick', 'member.ban'])

/** Open intervals of `seq` in which the user was out after having been in. */
function absences(events: Logged[], user: string): [from: number, to: number][] {
  const found: [number, number][] = []
  let from: number | undefined
  for (const logged of events) {
    if (logged.user !== user) continue
    if (removals.has(logged.type)) from ??= logged.seq
    if (logged.type === 'member.join' && from !== undefined) {
      found.push([from, logged.seq])
      from = undefined
    }
  }
  if (from !== undefined) found.push([from, Number.POSITIVE_INFINITY])
  return found
}

function of<K extends Entry['kind']>(history: History, kind: K): Of<K>[] {
  return history.entries.filter((entry): entry is Of<K> => entry.kind === kind)
}

function wishes(log: Map<string, Logged[]>): Map<string, Logged[]> {
  return grouped(
    [...log.values()].flat().filter((logged) => logged.wish),
    (logged) => logged.wish!,
  )
}

function streamRooms(history: History): Map<string, string> {
  return new Map(of(history, 'subscribed').map((entry) => [entry.stream, entry.room]))
}

function grouped<T>(items: T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group) group.push(item)
    else groups.set(key(item), [item])
  }
  return groups
}
