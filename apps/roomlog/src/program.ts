/** The verbs, and how what goes wrong becomes a message and an exit code: 0 = done, 1 = refused or failed, 2 = wrong use. */
import { ClientError } from '@roomlog/client'
import { ConfigError } from '@roomlog/runtime'
import { Command, CommanderError } from 'commander'
import { explain } from './explain.js'
import { UsageError } from './settings.js'
import { note } from './terminal.js'
import { benchVerb } from './verbs/bench.js'
import { devVerb } from './verbs/dev.js'
import { doctorVerb } from './verbs/doctor.js'
import { historyVerb } from './verbs/history.js'
import { importVerb } from './verbs/import.js'
import { partitionsVerb } from './verbs/partitions.js'
import { roomsVerb } from './verbs/rooms.js'
import { sendVerb } from './verbs/send.js'
import { tailVerb } from './verbs/tail.js'
import { tokenVerb } from './verbs/token.js'
import { topicsVerb } from './verbs/topics.js'

export function program(): Command {
  const root = new Command('roomlog')
    .description('Rooms that are event logs: a client of a Roomlog deployment.')
    .option('--url <url>', 'the deployment (ROOMLOG_URL; default http://127.0.0.1:7700)')
    .option('--token <token>', 'the token (ROOMLOG_TOKEN; default: the service `cli`, signed with the deployment’s secret)')
    .option('--json', 'one JSON object a line')
    .exitOverride()
    .showHelpAfterError('(roomlog --help)')
  const verbs = [
    devVerb,
    tokenVerb,
    sendVerb,
    tailVerb,
    historyVerb,
    roomsVerb,
    importVerb,
    topicsVerb,
    partitionsVerb,
    doctorVerb,
    benchVerb,
  ]
  for (const verb of verbs) verb(root)
  return root
}

/** The exit code. */
export async function run(args: string[]): Promise<number> {
  try {
    await program().parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    note(`roomlog: ${messageOf(error)}`)
    return error instanceof UsageError || error instanceof ConfigError ? 2 : 1
  }
}

function messageOf(error: unknown): string {
  if (error instanceof ClientError) return `${error.code}: ${error.message}`
  return explain(error)
}
