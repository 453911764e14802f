/**
 * Given, when, then, for the rules of rooms. What is given are commands that the rules take, so that no test stands on
 * a history that could not be. `Rooms` also runs what commands cause in other rooms, as the authority does.
 */
import {
  type Action,
  type Command,
  type Decision,
  type DomainLimits,
  decide,
  defaultLimits,
  type Entry,
  type EntryKey,
  type EventDraft,
  evolveEntry,
  type FollowUp,
  followUps,
  isRefusal,
  needs,
  nextSeq,
  type References,
  type RefusalCode,
  type RoomEvent,
  type RoomState,
  roomTime,
  touches,
} from '@roomlog/domain'
import { expect } from 'vitest'

/** The ID that the event at this `seq` has in these tests: the log of each room is a partition of its own. */
export const idAt = (seq: number): string => `0-${seq - 1}-12345678`

export class EntryMap implements RoomState {
  readonly entries = new Map<EntryKey, Entry>()

  get(key: EntryKey): Entry | undefined {
    return this.entries.get(key)
  }

  *keys(prefix: string): Iterable<EntryKey> {
    for (const key of this.entries.keys()) if (key.startsWith(prefix)) yield key
  }

  fold(event: RoomEvent): void {
    for (const key of touches(event)) this.entries.set(key, evolveEntry(key, this.entries.get(key), event))
  }
}

/** One room as its authority keeps it: its log, and the fold of it. */
export class TestRoom {
  readonly state = new EntryMap()
  readonly events: RoomEvent[] = []

  constructor(
    readonly id: string,
    readonly limits: DomainLimits = defaultLimits,
  ) {}

  decide(command: Command): Decision {
    return decide(this.state, command, this.references(command), this.limits)
  }

  /** Decides, and appends and folds what is decided. */
  do(command: Command): Decision {
    const decision = this.decide(command)
    if ('events' in decision) this.append(decision.events, roomTime(this.state, command))
    return decision
  }

  append(drafts: EventDraft[], at: number): void {
    for (const draft of drafts) {
      const seq = nextSeq(this.state)
      const event: RoomEvent = { ...draft, id: idAt(seq), room: this.id, seq, at }
      this.events.push(event)
      this.state.fold(event)
    }
  }

  private references(command: Command): References {
    const find = (id: string) => this.events.find((event) => event.id === id)
    return new Map(
      needs(command).map((id) => {
        const event = find(id)
        return [id, event ? { event } : 'not_found'] as const
      }),
    )
  }
}

/** Several rooms, with follow-ups run until nothing follows. Returns the decision that answers. */
export class Rooms {
  private readonly rooms = new Map<string, TestRoom>()
  /** Every command that followed from another, in order. */
  readonly followed: FollowUp[] = []

  room(id: string): TestRoom {
    const known = this.rooms.get(id) ?? new TestRoom(id)
    this.rooms.set(id, known)
    return known
  }

  do(command: Command): Decision {
    const room = this.room(command.room)
    const before = room.events.length
    const decision = room.do(command)
    const caused = room.events.slice(before).flatMap((event) => followUps(event, room.state))
    const decided = 'forward' in decision ? decision.forward : 'then' in decision ? (decision.then ?? []) : []
    let answer = decision
    for (const next of [...decided, ...caused]) {
      this.followed.push(next)
      const outcome = this.do({ at: command.at, digest: '', origin: '', ...next.command })
      if (next.carriesReply) answer = outcome
    }
    return answer
  }
}

/** A room in which these commands were taken, one after the other. */
export function given(...commands: Command[]): Given {
  const room = new TestRoom(commands[0]?.room ?? 'r')
  for (const command of commands) {
    const decision = room.do(command)
    if (!('events' in decision)) throw new Error(`given ${command.type} by ${command.sender.id}, but: ${JSON.stringify(decision)}`)
  }
  return new Given(room)
}

export class Given {
  constructor(readonly room: TestRoom) {}

  when(command: Command): Outcome {
    return new Outcome(this.room, this.room.do(command))
  }
}

/** What a test says of an event; the rest may be anything. */
type Expected = Partial<Omit<EventDraft, 'content' | 'prev' | 'action'>> & { content?: unknown; prev?: unknown; action?: Partial<Action> }

export class Outcome extends Given {
  constructor(
    room: TestRoom,
    readonly decision: Decision,
  ) {
    super(room)
  }

  /** Exactly these events, each with at least what is named. Contents are compared as values. */
  then(...expected: Expected[]): Given {
    expect(this.decision).toHaveProperty('events')
    const { events } = this.decision as { events: EventDraft[] }
    const parsed = events.map((event) => ({
      ...event,
      content: JSON.parse(event.content),
      ...(event.prev === undefined ? {} : { prev: JSON.parse(event.prev) }),
    }))
    expect(parsed).toMatchObject(expected)
    return this
  }

  thenRefused(code: RefusalCode, field?: string): Given {
    expect(this.decision).toMatchObject(field === undefined ? { refused: code } : { refused: code, field })
    expect(isRefusal(this.decision) && this.decision.message).toBeTruthy()
    return this
  }

  /** The first result again: the event at this `seq`. */
  thenRepeats(seq: number): Given {
    expect(this.decision).toEqual({ repeat: { event: idAt(seq), seq } })
    return this
  }

  thenWaitsFor(action: number, untilMs: number): Given {
    expect(this.decision).toEqual({ park: { for: action, untilMs } })
    return this
  }

  /** Nothing is decided here: these commands go on to other rooms. */
  thenForwards(...commands: Partial<Command>[]): Given {
    expect(this.decision).toMatchObject({ forward: commands.map((command) => ({ command })) })
    return this
  }
}
