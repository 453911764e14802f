import type { RoomSummary } from '@roomlog/client'
import type { Command } from 'commander'
import { flagsOf, openClient } from '../settings.js'
import { printable, printLine } from '../terminal.js'

export function roomsVerb(root: Command): void {
  root
    .command('rooms')
    .description('prints one’s rooms, or those in the public directory')
    .option('--directory [search]', 'the directory instead')
    .action(async ({ directory }: { directory?: string | true }, command: Command) => {
      const flags = flagsOf(command)
      const client = openClient(flags)
      try {
        const search = directory === true ? '' : directory
        const { rooms } = search === undefined ? await client.http.rooms() : await client.http.directory(search)
        for (const room of rooms) printLine(flags.json ? room : roomLine(room))
      } finally {
        client.close()
      }
    })
}

function roomLine({ room, name, seq, memberCount }: RoomSummary): string {
  return [room, name ?? '', `${memberCount ?? 0} members`, `${seq ?? 0} events`].map(printable).join('\t')
}
