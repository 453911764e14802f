import type { Command } from 'commander'

export function devVerb(root: Command): void {
  root
    .command('dev')
    .description('runs all of Roomlog in this process, on the embedded log and database')
    .action(async () => {
      await import('../main.js')
      // Until a signal ends the process.
      await new Promise(() => {})
    })
}
