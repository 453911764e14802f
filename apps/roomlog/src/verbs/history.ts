import type { Command } from 'commander'
import { SaidDigest } from '../import/report.js'
import { type HistoryOptions, readHistory } from '../read-history.js'
import { flagsOf, openClient } from '../settings.js'
import { eventLine } from '../show.js'
import { printLine } from '../terminal.js'
import { whole } from './tail.js'

interface Options {
  after?: string
  before?: string
  last?: string
  types?: string
  senders?: string
  sha256?: boolean
}

export function historyVerb(root: Command): void {
  root
    .command('history <room>')
    .description('prints the events of a room from its history, oldest first: all of them, or what is asked for')
    .option('--after <position>', 'behind a position or event ID')
    .option('--before <position>', 'before a position or event ID: the last 50, or --last')
    .option('--last <n>', 'the last so many')
    .option('--types <globs>', 'only these types, comma-separated')
    .option('--senders <users>', 'only of these, comma-separated')
    .option('--sha256', 'print the digest of (nick, text) of what was said instead')
    .action(async (room: string, options: Options, command: Command) => {
      const flags = flagsOf(command)
      const client = openClient(flags)
      const said = new SaidDigest()
      try {
        for await (const event of readHistory(client, room, historyOf(options))) {
          if (options.sha256) said.addEvent(event)
          else printLine(flags.json ? event : eventLine(event))
        }
      } finally {
        client.close()
      }
      if (options.sha256) printLine(flags.json ? { sha256: said.hex, count: said.count } : said.hex)
    })
}

function historyOf({ after, before, last, types, senders }: Options): HistoryOptions {
  const filter = { ...(types && { types: types.split(',') }), ...(senders && { senders: senders.split(',') }) }
  return {
    ...(after && { after }),
    ...(before && { before }),
    ...(last === undefined ? {} : { last: whole('--last', last) }),
    ...(Object.keys(filter).length > 0 && { filter }),
  }
}
