import type { Log } from '@roomlog/log'
import { commandsTopic, eventsTopic, type Family, families } from '@roomlog/protocol'
import { loadConfig } from '@roomlog/runtime'
import type { Command } from 'commander'
import { askCheckpoints, type Checkpoint } from '../checkpoints.js'
import { openDeploymentLog } from '../open-log.js'
import { flagsOf } from '../settings.js'
import { note, printLine } from '../terminal.js'

interface PartitionReport {
  topic: string
  partition: number
  start: number
  end: number
  /** Commands that no valid record covers yet. */
  undecided: number
  /** Events that are not stored yet; null where persistence cannot be asked. */
  notStored: number | null
}

export function partitionsVerb(root: Command): void {
  root
    .command('partitions')
    .description('how far each partition is: what is not decided and not stored yet (opens ROOMLOG_LOG_URL)')
    .action(async (_options: unknown, command: Command) => {
      const config = loadConfig()
      const log = await openDeploymentLog(config)
      const json = flagsOf(command).json === true
      try {
        const stored = await askCheckpoints(config)
        if (!stored) note(`roomlog: persistence does not answer at ${config.persistenceUrl}`)
        if (!json) printLine(['topic'.padEnd(12), 'partition', 'start', 'end', 'undecided', 'not stored'].join('\t'))
        for (const family of families) {
          for (let partition = 0; partition < log.partitions; partition++) {
            const report = await reportOf(log, family, partition, stored)
            printLine(json ? report : line(report))
          }
        }
      } finally {
        await log.close()
      }
    })
}

async function reportOf(log: Log, family: Family, partition: number, stored: Checkpoint[] | undefined): Promise<PartitionReport> {
  const topic = eventsTopic(family)
  const [{ start, end }, commands] = await Promise.all([log.range(topic, partition), log.range(commandsTopic(family), partition)])
  const checkpoint = stored?.find((of) => of.topic === topic && of.partition === partition)
  return {
    topic,
    partition,
    start,
    end,
    undecided: Math.max(0, commands.end - 1 - (await lastDecided(log, topic, partition, start, end, commands.start - 1))),
    notStored: stored ? end - (checkpoint?.offset ?? start) : null,
  }
}

/** Records that are read back from the end in one step; void ones are passed over. */
const backMax = 100

/** Header `cmd` of the last valid record. */
async function lastDecided(log: Log, topic: string, partition: number, start: number, end: number, none: number): Promise<number> {
  for (let before = end; before > start; ) {
    const from = Math.max(start, before - backMax)
    let cmd: string | undefined
    for (let at = from; at < before; ) {
      const batch = await log.read(topic, partition, at)
      cmd = batch.records.filter(({ offset }) => offset < before).at(-1)?.headers.cmd ?? cmd
      if (batch.next === at) break
      at = batch.next
    }
    if (cmd !== undefined) return Number(cmd)
    before = from
  }
  return none
}

function line({ topic, partition, start, end, undecided, notStored }: PartitionReport): string {
  return [topic.padEnd(12), partition, start, end, undecided, notStored ?? '?'].join('\t')
}
