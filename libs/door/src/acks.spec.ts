import type { Reply } from '@roomlog/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Acks, type MarkerDraft, type MarkerQuestion } from './acks.js'
import type { Principal } from './principal.js'

const ann: Principal = { user: 'ann', device: 'd', expiresAt: 1e15, scopes: [], grants: [], teams: [] }
const written: MarkerDraft[] = []
const asked: MarkerQuestion[] = []
let acks: Acks

beforeEach(() => {
  vi.useFakeTimers()
  written.length = 0
  asked.length = 0
  acks = new Acks({
    resolve: async (question) => {
      asked.push(question)
      const seq = Number(question.event ?? 100)
      return seq > 0 ? { event: `e${seq}`, seq } : undefined
    },
    write: async (_principal, draft): Promise<Reply> => {
      written.push(draft)
      return { id: '', ok: { event: 'm', room: draft.room, seq: written.length, position: 'p' } }
    },
    onFailure: () => undefined,
  })
})
afterEach(() => vi.useRealTimers())

const ack = (room: string, event?: string) => acks.ack(ann, { room, event }, {})
const seqs = () => written.map(({ content }) => JSON.parse(content).seq)

describe('an ack', () => {
  it('becomes the marker of the room in the own inbox, at once', async () => {
    const reply = await ack('r', '7')
    expect(written).toEqual([{ type: 'room.marker', room: '@ann', key: 'r', content: '{"seq":7,"event":"e7"}' }])
    expect(reply.ok).toMatchObject({ seq: 1, marker: { room: 'r', event: 'e7', seq: 7 } })
    await ack('other')
    expect(written.at(-1)).toMatchObject({ key: 'other', content: '{"seq":100,"event":"e100"}' })
  })

  it('within 2 s of the one before is written with the others, up to the furthest, and answered with them', async () => {
    await ack('r', '1')
    const later = ['2', '9', '5'].map((event) => ack('r', event))
    await vi.advanceTimersByTimeAsync(1_900)
    expect(seqs()).toEqual([1])
    await vi.advanceTimersByTimeAsync(200)
    const replies = await Promise.all(later)
    expect(seqs()).toEqual([1, 9])
    for (const { ok } of replies) expect(ok).toMatchObject({ marker: { seq: 9 } })
    const next = ack('r', '10')
    await vi.advanceTimersByTimeAsync(100)
    expect(seqs()).toEqual([1, 9])
    await vi.advanceTimersByTimeAsync(2_000)
    await next
    await vi.advanceTimersByTimeAsync(2_000)
    await ack('r', '11')
    expect(seqs()).toEqual([1, 9, 10, 11])
  })

  it('of an event that is not there, or not for them, is not_found; of one that cannot be looked up, unavailable', async () => {
    const missing = ack('r', '0')
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await missing).error?.code).toBe('not_found')
    expect(asked).toHaveLength(3)
    const failing = new Acks({
      resolve: () => Promise.reject(new Error('down')),
      write: () => Promise.reject(new Error('never')),
      onFailure: () => undefined,
    })
    expect((await failing.ack(ann, { room: 'r' }, {})).error?.code).toBe('unavailable')
  })

  it('is by somebody', async () => {
    expect((await acks.ack({ ...ann, anonymous: true }, { room: 'r' }, {})).error?.code).toBe('unauthenticated')
  })

  it('that is held back is written when the door stops', async () => {
    await ack('r', '1')
    const held = ack('r', '2')
    await vi.advanceTimersByTimeAsync(0)
    acks.stop()
    expect((await held).ok).toMatchObject({ marker: { seq: 2 } })
  })
})
