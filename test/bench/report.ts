/**
 * How a benchmark reports: figures, ratios against the baseline of the same run, and aims.
 * Machines are noisy: runs are paired and alternate, medians are quoted, and where the baseline itself
 * varied by more than 20 % an aim is neither met nor missed.
 */
export interface Report {
  name: string
  figures: Record<string, number>
  ratios: Record<string, number>
  aims: { name: string; aim: string; met: boolean | null }[]
}

export interface Benchmark {
  name: string
  /** One sentence: what is measured, against which baseline. */
  about: string
  run(progress: (line: string) => void): Promise<Omit<Report, 'name'>>
}

export const median = (values: number[]) => quantile(values, 0.5)

export function quantile(values: number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

/** Spread of a baseline over its runs, relative to its median. */
export function spread(values: number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values)
}

export const baselineSpreadMax = 0.2

/** An aim's verdict; null where the baseline was too restless to tell. */
export function verdict(met: boolean, baseline: number[]): boolean | null {
  return spread(baseline) > baselineSpreadMax ? null : met
}

export const round = (value: number, digits = 3) => Number(value.toFixed(digits))
