import { createInterface } from 'node:readline'
import type { Action } from '@roomlog/client'
import type { Command } from 'commander'
import { flagsOf, openClient, UsageError } from '../settings.js'
import { printLine } from '../terminal.js'

interface Options {
  type: string
  content?: string
  key?: string
  as?: string
}

/** Actions that wait for their outcome while standard input is read. */
const outstandingMax = 256

export function sendVerb(root: Command): void {
  root
    .command('send <room> [text...]')
    .description('publishes a message; without text or content, one for each line of standard input')
    .option('--type <type>', 'event type', 'msg.text')
    .option('--content <json>', 'content, instead of {"text": …}')
    .option('--key <key>', 'state key: publishes state')
    .option('--as <user>', 'on behalf of this user (needs scope impersonate)')
    .action(async (room: string, words: string[], options: Options, command: Command) => {
      const flags = flagsOf(command)
      const client = openClient(flags)
      try {
        const publish = (content: unknown) =>
          client.room(room).publish(options.type, content, {
            ...(options.key === undefined ? {} : { key: options.key }),
            ...(options.as === undefined ? {} : { onBehalfOf: options.as }),
          })
        for await (const action of actionsOf(words, options, publish)) {
          const { event, seq, position } = await action.done
          printLine(flags.json ? { event, room, seq, position } : `${room} ${seq} ${event}`)
        }
      } finally {
        client.close()
      }
    })
}

/** In order, a bounded number ahead of the one that is awaited. */
async function* actionsOf(words: string[], { content }: Options, publish: (content: unknown) => Action): AsyncGenerator<Action> {
  if (content !== undefined) return yield publish(contentOf(content))
  if (words.length > 0) return yield publish({ text: words.join(' ') })
  const ahead: Action[] = []
  for await (const text of createInterface({ input: process.stdin })) {
    ahead.push(publish({ text }))
    if (ahead.length >= outstandingMax) yield ahead.shift()!
  }
  yield* ahead
}

function contentOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`--content: ${(error as Error).message}`)
  }
}
