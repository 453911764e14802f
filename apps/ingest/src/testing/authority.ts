/** An authority for tests: takes every command, numbers it per room, answers; or answers what it is told to. Not the real rules. */
import type { Command } from '@roomlog/domain'
import { type Log, position, type Tail } from '@roomlog/log'
import { commandsTopic, decodeCommand, families, type Reply, type WireError } from '@roomlog/protocol'

export class FakeAuthority {
  /** Every command that reached the log, in order per room. */
  readonly commands: Command[] = []
  /** Decides instead of taking: an error, or silence. */
  decide: (command: Command) => WireError | 'silent' | undefined = () => undefined
  private readonly seqs = new Map<string, number>()
  private readonly seen = new Map<string, Reply['ok']>()
  private tails: Tail[] = []

  constructor(private readonly log: Log) {}

  async start(): Promise<this> {
    for (const family of families) {
      for (let partition = 0; partition < this.log.partitions; partition++) {
        const { start } = await this.log.range(commandsTopic(family), partition)
        const tail = this.log.tail(commandsTopic(family), partition, start, async ({ records }) => {
          for (const record of records) await this.take(decodeCommand(record), record.headers.reply)
        })
        this.tails.push(tail)
      }
    }
    return this
  }

  async stop(): Promise<void> {
    await Promise.all(this.tails.map((tail) => tail.stop()))
  }

  private async take(command: Command, reply: string | undefined): Promise<void> {
    this.commands.push(command)
    const decided = this.decide(command)
    if (decided === 'silent') return
    const outcome: Omit<Reply, 'id'> = decided ? { error: decided } : { ok: this.append(command) }
    if (!reply) return
    const [partition, id] = [Number(reply.slice(0, reply.indexOf(':'))), reply.slice(reply.indexOf(':') + 1)]
    await this.log.produce('room.replies', partition, [{ key: id, value: JSON.stringify({ id, ...outcome }) }])
  }

  private append({ room, origin }: Command): Reply['ok'] {
    const key = `${room} ${origin}`
    const known = this.seen.get(key)
    if (known) return known
    const seq = (this.seqs.get(room) ?? 0) + 1
    this.seqs.set(room, seq)
    const ok = {
      event: `0-${seq}-aaaaaaaa`,
      room,
      seq,
      position: position({ epoch: 'aaaaaaaa', partition: 0, offset: seq, seq, check: 'aaaaaaaa' }),
    }
    this.seen.set(key, ok)
    return ok
  }
}
