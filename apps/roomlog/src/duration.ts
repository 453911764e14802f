import { UsageError } from './settings.js'

const units: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** Seconds of `90s`, `15m`, `12h`, `7d`. @throws UsageError that names the option. */
export function secondsOf(option: string, text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text)
  if (!match) throw new UsageError(`${option} ${text}: must be a number and s, m, h or d`)
  return Number(match[1]) * units[match[2]!]!
}
