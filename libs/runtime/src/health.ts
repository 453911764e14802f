/**
 * What a process says of itself. `live`: do not kill me. `ready`: send me work. Each check has a body for the operator:
 * what is behind, what may be lost.
 */
export interface CheckResult {
  ok: boolean
  [detail: string]: unknown
}

export type Check = () => CheckResult | Promise<CheckResult>

export interface HealthReport {
  status: 'ready' | 'not_ready' | 'live' | 'failing'
  checks: Record<string, CheckResult>
}

/** A check that does not answer in time is one that failed. */
const checkMsMax = 2_000

export class Health {
  private readonly readyChecks = new Map<string, Check>()
  private readonly liveChecks = new Map<string, Check>()
  private stopping = false

  /** Decides readiness; a later check of the same name replaces it. */
  ready(name: string, check: Check): void {
    this.readyChecks.set(name, check)
  }

  /** Decides liveness: only what a restart would mend. */
  live(name: string, check: Check): void {
    this.liveChecks.set(name, check)
  }

  /** From now on not ready: whoever balances load looks elsewhere. */
  stop(): void {
    this.stopping = true
  }

  async readiness(): Promise<HealthReport> {
    const checks = await run(this.readyChecks)
    if (this.stopping) checks.stopping = { ok: false }
    return { status: all(checks) ? 'ready' : 'not_ready', checks }
  }

  async liveness(): Promise<HealthReport> {
    const checks = await run(this.liveChecks)
    return { status: all(checks) ? 'live' : 'failing', checks }
  }
}

async function run(checks: Map<string, Check>): Promise<Record<string, CheckResult>> {
  const results = await Promise.all([...checks].map(async ([name, check]) => [name, await bounded(check)] as const))
  return Object.fromEntries(results)
}

async function bounded(check: Check): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, reason: `no answer within ${checkMsMax} ms` }), checkMsMax)
  })
  try {
    return await Promise.race([(async () => check())(), late])
  } catch (error) {
    return { ok: false, reason: (error as Error).message.slice(0, 300) }
  } finally {
    clearTimeout(timer)
  }
}

function all(checks: Record<string, CheckResult>): boolean {
  return Object.values(checks).every((result) => result.ok)
}
