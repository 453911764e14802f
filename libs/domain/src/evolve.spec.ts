import { readFileSync } from 'node:fs'
import { EntryMap } from '@roomlog/testing/given'
import { describe, expect, it } from 'vitest'
import type { RoomEvent } from './event.js'
import { evolveEntry, touches } from './evolve.js'

/** Events as a deployment wrote them with records of version 1, and what they came to. It is only ever added to. */
const version1 = JSON.parse(readFileSync(new URL('./fixtures/events-v1.json', import.meta.url), 'utf8')) as Record<
  string,
  { events: RoomEvent[]; entries: Record<string, unknown> }
>

describe('events that were ever written', () => {
  for (const [room, { events, entries }] of Object.entries(version1)) {
    it(`of version 1 fold to what they always did: ${room}`, () => {
      const state = new EntryMap()
      for (const event of events) state.fold(event)
      expect(Object.fromEntries(state.entries)).toEqual(entries)
    })

    it(`go on from a snapshot at any of them as if there had been none: ${room}`, () => {
      for (let cut = 0; cut <= events.length; cut++) {
        const before = new EntryMap()
        for (const event of events.slice(0, cut)) before.fold(event)
        const after = new EntryMap()
        for (const [key, entry] of before.entries) after.entries.set(key, JSON.parse(JSON.stringify(entry)))
        for (const event of events.slice(cut)) after.fold(event)
        expect(Object.fromEntries(after.entries)).toEqual(entries)
      }
    })
  }
})

it("every event changes the room's own entry, and each entry once", () => {
  for (const { events } of Object.values(version1)) {
    for (const event of events) {
      const keys = touches(event)
      expect(keys).toContain('room')
      expect(new Set(keys).size).toBe(keys.length)
    }
  }
})

it('an entry that no rule knows is a bug', () => {
  expect(() => evolveEntry('nothing:x', undefined, version1['r']!.events[0]!)).toThrow('nothing:x')
})
