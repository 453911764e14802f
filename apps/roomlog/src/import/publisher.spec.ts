import { ClientError } from '@roomlog/client'
import { expect, test, vi } from 'vitest'
import type { Step } from './plan.js'
import { keyOf, Publisher, StepRefused } from './publisher.js'

const step = (line: number, room = 'r'): Step => ({ room, file: 'f', line, part: 'line', command: { type: 'msg.text', content: {} } })
const error = (code: ClientError['code'], retriable = true) => new ClientError({ code, message: code, retriable })

/** An authority that keeps what came first under a key. `broken` says what goes wrong with a command. */
function world(broken: (line: number, attempt: number) => 'lost' | 'answer lost' | ClientError | undefined = () => undefined) {
  const log: string[] = []
  const attempts = new Map<string, number>()
  let inFlight = 0
  const seen = { inFlightMax: 0 }
  const publisher = new Publisher({
    windowMax: 300,
    giveUpMs: 10_000,
    command: async (_room, { idempotencyKey }) => {
      const key = String(idempotencyKey)
      const attempt = (attempts.get(key) ?? 0) + 1
      attempts.set(key, attempt)
      seen.inFlightMax = Math.max(seen.inFlightMax, ++inFlight)
      await Promise.resolve()
      inFlight--
      const fault = broken(Number(key.split(':')[2]), attempt)
      if (fault instanceof ClientError) throw fault
      if (fault !== 'lost' && !log.includes(key)) log.push(key)
      if (fault) throw error('unknown')
      return { event: key, room: 'r', seq: log.indexOf(key) + 1, position: '' }
    },
  })
  return { publisher, log, seen }
}

async function publish(publisher: Publisher, count: number): Promise<void> {
  for (let line = 1; line <= count; line++) await publisher.add(step(line))
  await publisher.drain()
}

test('publishes in order, with a bounded number in flight', async () => {
  const { publisher, log, seen } = world()
  await publish(publisher, 1_000)
  expect(log).toEqual(Array.from({ length: 1_000 }, (_, index) => keyOf(step(index + 1))))
  expect(seen.inFlightMax).toBeLessThanOrEqual(300)
  expect(publisher.outOfOrder).toBe(0)
})

test('what has no definite answer goes out again before anything new, and is there once', async () => {
  let isDown = true
  const { publisher, log } = world((line, attempt) => {
    if (attempt > 1) isDown = false
    if (!isDown || line < 150) return undefined
    return line < 200 ? 'answer lost' : 'lost'
  })
  await publish(publisher, 600)
  expect(log).toEqual(Array.from({ length: 600 }, (_, index) => keyOf(step(index + 1))))
  expect(publisher.outOfOrder).toBe(0)
})

test('a step that overtook another is counted', async () => {
  const { publisher } = world((line, attempt) => (line === 5 && attempt === 1 ? 'lost' : undefined))
  await publish(publisher, 10)
  expect(publisher.outOfOrder).toBe(5)
})

test('a definite refusal ends the import and names the line', async () => {
  const { publisher } = world((line) => (line === 7 ? error('forbidden', false) : undefined))
  await expect(publish(publisher, 200)).rejects.toThrow(StepRefused)
  await expect(publish(publisher, 1)).rejects.toThrow('f:7 was refused (forbidden)')
})

test('what fails for too long ends it too', async () => {
  vi.useFakeTimers()
  try {
    const { publisher } = world(() => error('unavailable'))
    const ended = expect(publish(publisher, 3)).rejects.toMatchObject({ code: 'unavailable' })
    await vi.advanceTimersByTimeAsync(12_000)
    await ended
  } finally {
    vi.useRealTimers()
  }
})
