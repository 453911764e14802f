import type { Client } from '@roomlog/client'
import { Argument, type Command, Option } from 'commander'
import { linesOf } from '../import/file.js'
import { type ImportResult, importIrc, windowMax } from '../import/irc.js'
import { readSource } from '../import/source.js'
import { digestHistory, digestLog } from '../import/verify.js'
import { flagsOf, openClient } from '../settings.js'
import { note, Progress, printLine } from '../terminal.js'

interface Options {
  rooms: 'channel' | 'file'
  room?: string
  verify?: boolean
}

export function importVerb(root: Command): void {
  root
    .command('import')
    .description('imports a log of another system; again after an interruption it goes on, and when all is there it changes nothing')
    .addArgument(new Argument('<format>', 'what is imported').choices(['irc']))
    .argument('<path>', 'a directory, a .tar.gz, or one file')
    .addOption(
      new Option('--rooms <which>', 'one room for the channel, files in order of date, or one for each file')
        .choices(['channel', 'file'])
        .default('channel'),
    )
    .option('--room <id>', 'ID of the channel’s room; default irc-<channel>')
    .option('--verify', 'read everything back through the history and over a WebSocket, and compare')
    .action(async (_format: string, path: string, options: Options, command: Command) => {
      const flags = flagsOf(command)
      const files = await readSource(path)
      const total = files.reduce((sum, file) => sum + linesOf(file).length, 0)
      const client = openClient(flags, { requestsMax: windowMax * 2 })
      const progress = new Progress('lines', total)
      try {
        const started = performance.now()
        const result = await importIrc(client, {
          files,
          rooms: options.rooms,
          ...(options.room && { room: options.room }),
          onProgress: (lines) => progress.update(lines),
          onTrouble: warnOnce(),
        })
        progress.end()
        const seconds = (performance.now() - started) / 1_000
        printReport(result, { lines: total, seconds, json: flags.json === true })
        if (result.outOfOrder > 0) throw new Error(`${result.outOfOrder} lines came out of order`)
        if (options.verify) await verify(client, result, flags.json === true)
      } finally {
        client.close()
      }
    })
}

function printReport(result: ImportResult, { lines, seconds, json }: { lines: number; seconds: number; json: boolean }): void {
  const { counts, said, rooms, published } = result
  const perSecond = Math.round(lines / seconds)
  const report = {
    ...counts.toJSON(),
    lines,
    published,
    rooms: rooms.length,
    seconds: Math.round(seconds * 100) / 100,
    perSecond,
    sha256: said.hex,
  }
  if (json) return printLine({ ...report, room: rooms.length === 1 ? rooms[0] : undefined })
  for (const [name, value] of Object.entries(report))
    printLine(`${name.padEnd(14)} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
  if (rooms.length === 1) printLine(`${'room'.padEnd(14)} ${rooms[0]}`)
}

/** @throws Error where a way of reading gives something else than the files. */
async function verify(client: Client, { said, rooms }: ImportResult, json: boolean): Promise<void> {
  const ways = { history: await digestHistory(client, rooms), log: await digestLog(client, rooms) }
  for (const [way, { hex, count }] of Object.entries(ways)) {
    const same = hex === said.hex
    printLine(json ? { verified: way, sha256: hex, count, same } : `${way.padEnd(14)} ${hex} ${same ? 'same' : 'DIFFERENT'}`)
    if (!same) throw new Error(`the ${way} gives ${count} messages with another digest than the ${said.count} of the files`)
  }
}

/** What fails is tried again; one line for each kind of trouble is enough. */
function warnOnce(): (message: string) => void {
  const told = new Set<string>()
  return (message) => {
    if (told.has(message)) return
    told.add(message)
    note(`roomlog: ${message}; trying again`)
  }
}
