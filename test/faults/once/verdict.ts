import { expect } from 'vitest'
import type { CampaignResult } from '../campaign.ts'

export const progress = (line: string) => void process.stderr.write(`${line}\n`)

export function expectClean(result: CampaignResult): void {
  expect(result.anomalies.slice(0, 10)).toEqual([])
  // A green run that met nothing would mean nothing.
  expect(result.counts.acknowledged).toBeGreaterThan(result.counts.published * 0.5)
  expect(result.counts.delivered).toBeGreaterThan(result.counts.acknowledged)
  expect(result.quietMs).toBeLessThan(30_000)
}
