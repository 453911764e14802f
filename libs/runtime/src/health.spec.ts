import { expect, test, vi } from 'vitest'
import { Health } from './health.js'

test('a process is ready when every check is, and says what each knows', async () => {
  const health = new Health()
  health.ready('log', () => ({ ok: true, mayLose: ['room.events'] }))
  expect(await health.readiness()).toEqual({ status: 'ready', checks: { log: { ok: true, mayLose: ['room.events'] } } })
  health.ready('database', async () => ({ ok: false, behind: 12 }))
  expect(await health.readiness()).toMatchObject({ status: 'not_ready', checks: { database: { ok: false, behind: 12 } } })
})

test('a check that throws has failed, and says why', async () => {
  const health = new Health()
  health.ready('log', () => {
    throw new Error('no broker')
  })
  expect(await health.readiness()).toMatchObject({ status: 'not_ready', checks: { log: { ok: false, reason: 'no broker' } } })
})

test('a check that does not answer fails within two seconds', async () => {
  vi.useFakeTimers()
  const health = new Health()
  health.live('loop', () => new Promise(() => {}))
  const report = health.liveness()
  await vi.advanceTimersByTimeAsync(2_000)
  vi.useRealTimers()
  expect(await report).toMatchObject({ status: 'failing', checks: { loop: { ok: false } } })
})

test('a process that stops is alive but not ready', async () => {
  const health = new Health()
  health.stop()
  expect((await health.readiness()).status).toBe('not_ready')
  expect((await health.liveness()).status).toBe('live')
})
