import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { flagsOf, UsageError } from '../settings.js'

/** The benchmarks start deployments of their own, so they belong to the repository and not to the client. */
const runner = new URL('../../../../test/bench/run.ts', import.meta.url)

export function benchVerb(root: Command): void {
  root
    .command('bench [name]')
    .description('runs a benchmark of the repository; without a name lists them')
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      if (!existsSync(runner)) throw new UsageError('benchmarks are run from a clone of the repository')
      const args = [fileURLToPath(runner), ...(name === undefined ? [] : [name]), ...(flagsOf(command).json ? ['--json'] : [])]
      const child = spawn(process.execPath, args, { stdio: 'inherit' })
      process.exitCode = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
    })
}
