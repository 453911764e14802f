import type { SubscribeOptions } from '@roomlog/client'
import type { Command } from 'commander'
import { SaidDigest } from '../import/report.js'
import { flagsOf, openClient, UsageError } from '../settings.js'
import { eventLine } from '../show.js'
import { note, printLine } from '../terminal.js'

interface Options {
  from?: string
  last?: string
  position?: string
  types?: string
  follow: boolean
  sha256?: boolean
}

export function tailVerb(root: Command): void {
  root
    .command('tail <room>')
    .description('prints the events of a room as they come, over a WebSocket')
    .option('--from <seq>', 'begin at this event; 1 = the first that one may see')
    .option('--last <n>', 'begin with the last so many')
    .option('--position <position>', 'go on behind a position')
    .option('--types <globs>', 'only these types, comma-separated')
    .option('--no-follow', 'end when the past is told')
    .option('--sha256', 'print the digest of (nick, text) of what was said instead, at the end')
    .action(async (room: string, options: Options, command: Command) => {
      const flags = flagsOf(command)
      const client = openClient(flags)
      const said = new SaidDigest()
      const stream = client.room(room).subscribe(startOf(options), {
        event: ({ event, position }) => {
          if (options.sha256) said.addEvent(event)
          else printLine(flags.json ? { ...event, position } : eventLine(event))
        },
        live: () => !options.follow && stream.close(),
        gap: ({ accounted, after }) => note(`roomlog: events ${accounted + 1} to ${after} were missing and are read again`),
        reset: ({ reason }) => note(`roomlog: the room begins anew (${reason})`),
      })
      process.once('SIGINT', () => stream.close())
      try {
        await stream.ready
        const { reason } = await stream.ended
        if (reason !== 'closed') throw new Error(`the subscription ended: ${reason}`)
      } finally {
        client.close()
      }
      if (options.sha256) printLine(flags.json ? { sha256: said.hex, count: said.count } : said.hex)
    })
}

function startOf({ from, last, position, types }: Options): SubscribeOptions {
  if ([from, last, position].filter((start) => start !== undefined).length > 1) throw new UsageError('one of --from, --last, --position')
  return {
    ...(from === undefined ? {} : { from: whole('--from', from) }),
    ...(last === undefined ? {} : { last: whole('--last', last) }),
    ...(position === undefined ? {} : { position }),
    ...(types === undefined ? {} : { filter: { types: types.split(',') } }),
  }
}

export function whole(flag: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${flag} ${text}: must be a whole number`)
  return Number(text)
}
