import { EntryMap } from '@roomlog/testing/given'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RoomEvent } from './event.js'
import { evolveEntry, touches } from './evolve.js'
import { commands, run } from './testing/wishes.js'

describe('replaying the events', () => {
  it('gives the same state, entry by entry, also through JSON', () => {
    fc.assert(
      fc.property(commands, (wishes) => {
        const room = run(wishes)
        const replayed = new EntryMap()
        for (const event of JSON.parse(JSON.stringify(room.events)) as RoomEvent[]) {
          for (const key of touches(event)) {
            const entry = replayed.get(key)
            replayed.entries.set(key, JSON.parse(JSON.stringify(evolveEntry(key, entry, event))))
          }
        }
        expect(Object.fromEntries(replayed.entries)).toEqual(Object.fromEntries(room.state.entries))
      }),
    )
  })

  it('gives the same state where every entry begins at a checkpoint of its own', () => {
    fc.assert(
      fc.property(commands, fc.array(fc.nat(), { minLength: 1, maxLength: 40 }), (wishes, cuts) => {
        const { events, state } = run(wishes)
        const at = (seq: number) => {
          const past = new EntryMap()
          for (const event of events.slice(0, seq)) past.fold(event)
          return past
        }
        const restored = new EntryMap()
        const through = new Map<string, number>()
        ;[...state.entries.keys()].forEach((key, index) => {
          const seq = cuts[index % cuts.length]! % (events.length + 1)
          const entry = at(seq).get(key)
          if (entry !== undefined) restored.entries.set(key, JSON.parse(JSON.stringify(entry)))
          through.set(key, seq)
        })
        for (const event of events) {
          for (const key of touches(event)) {
            if (event.seq > through.get(key)!) restored.entries.set(key, evolveEntry(key, restored.get(key), event))
          }
        }
        expect(Object.fromEntries(restored.entries)).toEqual(Object.fromEntries(state.entries))
      }),
    )
  })

  it('changes no entry in place', () => {
    const frozen = (value: unknown): unknown => {
      if (typeof value !== 'object' || value === null) return value
      for (const part of Object.values(value)) frozen(part)
      return Object.freeze(value)
    }
    fc.assert(
      fc.property(commands, (wishes) => {
        const state = new EntryMap()
        for (const event of run(wishes).events)
          for (const key of touches(event)) state.entries.set(key, frozen(evolveEntry(key, state.get(key), event)))
      }),
    )
  })
})
