/** Real PostgreSQL, the log in memory. */
import { type ClaimHandlers, type Log, partitionOf } from '@roomlog/log'
import { eventsTopic } from '@roomlog/protocol'
import type { DataSource, QueryRunner } from 'typeorm'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { Archiver } from './archiver.js'
import { Progress } from './progress.js'
import { checkRebuild } from './rebuild.js'
import { openArchive, quiet, reachedEnd, stopServer, type TestArchive, until } from './testing/archive.js'
import type { Writer } from './testing/writer.js'

const open: TestArchive[] = []
const archive = async (options?: Parameters<typeof openArchive>[0]) => {
  const opened = await openArchive(options)
  open.push(opened)
  return opened
}
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})
afterAll(stopServer)

/** A bit of everything that has a projection. */
async function live(writer: Writer, rounds: number): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    const room = `room-${i % 5}`
    if (i < 5) await writer.create(room, 'anna', { access: 'public' })
    const said = await writer.say(room, 'anna', `message ${i}`, { device: 'd1', action: { id: i, digest: 'x' } })
    await writer.append({ room, type: 'member.join', user: `user-${i}`, sender: { id: `user-${i}`, name: `User ${i}` } })
    await writer.append(
      { room, type: 'room.name', key: '', content: `{"value":"name ${i}"}` },
      { room, type: 'app.pool', key: `k${i}`, content: `{"n":${i}}` },
    )
    await writer.append({
      room: `@user-${i}`,
      type: 'room.joined',
      content: JSON.stringify({ room, partition: 0, offset: 1, seq: said.seq + 1 }),
    })
    await writer.append({ room: `@user-${i}`, type: 'room.marker', key: room, content: `{"seq":${said.seq}}` })
    await writer.append({ room: `@user-${i}`, type: 'profile.changed', content: `{"name":"New ${i}"}` })
    await writer.append({ room, type: 'member.profile', user: `user-${i}`, content: `{"name":"New ${i}"}`, prev: `{"name":"User ${i}"}` })
    if (i % 3 === 0) await writer.append({ room, type: 'msg.edit', ref: said.id, content: '{"body":"edited"}' })
    if (i % 4 === 0) await writer.append({ room, type: 'msg.delete', ref: said.id, erases: said.seq, content: '{}' })
    if (i % 5 === 0) await writer.append({ room, type: 'member.kick', user: `user-${i}` }, { room, type: 'msg.late', follows: said.id })
    await writer.append({ room: `#alias-${i % 7}`, type: i % 2 ? 'alias.release' : 'alias.claim', content: JSON.stringify({ room }) })
    if (i === 33) await writer.append({ room: 'room-3', type: 'room.history', key: '', content: '{"value":"joined"}' })
  }
}

/** A log that grants every partition to everybody. */
function everybodysLog(log: Log): Log {
  const partitions = Array.from({ length: log.partitions }, (_, i) => i)
  const claim = async (_group: string, _topics: string[], handlers: ClaimHandlers) => {
    handlers.onGranted(partitions)
    return { release: () => handlers.onRevoked(partitions) }
  }
  return new Proxy(log, {
    get: (target, name) => (name === 'claim' ? claim : ((target as any)[name].bind?.(target) ?? (target as any)[name])),
  })
}

/** The environment heals after this many failures. */
const plantedMax = 12

/** Fails a share of all statements, half of them after they were executed: commits whose outcome is not known among them. */
function failingSource(dataSource: DataSource, random: () => number, share: number): DataSource & { failures: number } {
  const failing = Object.create(dataSource) as DataSource & { failures: number }
  failing.failures = 0
  failing.createQueryRunner = () => {
    const runner: QueryRunner = dataSource.createQueryRunner()
    const query = runner.query.bind(runner)
    const fail = (when: string) => {
      failing.failures++
      throw new Error(`${when} a statement: planted`)
    }
    runner.query = async (...args: any[]) => {
      const goesOn = failing.failures < plantedMax
      const [before, after] = [goesOn && random() < share / 2, goesOn && random() < share / 2]
      const isRollback = /rollback/i.test(args[0])
      if (before && !isRollback) fail('before')
      const result = await (query as any)(...args)
      if (after && !isRollback) fail('after')
      return result
    }
    return runner
  }
  return failing
}

function seeded(seed: number): () => number {
  return () => {
    seed = (seed * 1_664_525 + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
}

describe('the archiver', () => {
  it('stores every event with the bytes of its record', async () => {
    const { writer, database, caughtUp } = await archive()
    await writer.create('r', 'anna')
    const content = '{"z":1,"a":12345678901234567890,"e":1e400,"t":"\\u0041\\/\\u0000","n":{"__proto__":{}}, "2":[ 1 ]}'
    await writer.append({ room: 'r', type: 'msg.text', content })
    await caughtUp()
    const rows = await database.dataSource.query(`select seq, value from events where room = 'r' order by seq`)
    expect(rows.map((row: { seq: number }) => row.seq)).toEqual([1, 2, 3, 4, 5, 6])
    expect(rows[5].value).toContain(`"content":${content}}`)
    const [room] = await database.dataSource.query(`select * from rooms where room = 'r'`)
    expect(room).toMatchObject({ seq: 6, access: 'limited', history: 'shared', messages: 1, joined: 1, last_message: 6 })
  })

  it('goes on after the log is trimmed, and says that it cannot be rebuilt from it', async () => {
    const { writer, log, database, caughtUp } = await archive()
    await live(writer, 5)
    await caughtUp()
    await log.trim(eventsTopic('room'), partitionOf('room-1', log.partitions), 2)
    await writer.say('room-1', 'anna', 'later')
    await caughtUp()
    await expect(checkRebuild(log, database)).rejects.toThrow(/was trimmed to 2: the check needs an untrimmed log/)
  })

  it('gives the same tables as a rebuild from the log', async () => {
    const { writer, log, database, caughtUp } = await archive()
    await live(writer, 40)
    await caughtUp()
    const report = await checkRebuild(log, database)
    expect(report).toEqual({ equal: true, events: expect.any(Number), differences: [] })
    expect(report.events).toBeGreaterThan(400)
    await database.dataSource.query(`update members set name = 'planted' where user_id = 'user-1'`)
    await database.dataSource.query(`delete from events where room = 'room-1' and seq = 3`)
    expect((await checkRebuild(log, database)).differences).toEqual([
      'events: 0 rows only live, 1 rows only rebuilt',
      'members: 1 rows only live, 1 rows only rebuilt',
    ])
  })

  it.each([1, 2, 3])(
    'stores every event once when any step may fail, also a commit that happened (seed %i)',
    async (seed) => {
      const { writer, log, database } = await archive({ start: false })
      const dataSource = failingSource(database.dataSource, seeded(seed), 0.12)
      const archiver = new Archiver({ log, dataSource, logger: quiet, progress: new Progress() })
      await archiver.start()
      // What fails depends on how the batches fall, so until it has failed often enough.
      await until(async () => {
        await live(writer, 10)
        return dataSource.failures > 5
      }, 60_000)
      await reachedEnd(log, database, 60_000)
      await archiver.stop()
      expect(await checkRebuild(log, database)).toMatchObject({ equal: true })
    },
    90_000,
  )

  it('stores every event once when two instances believe that they own every partition', async () => {
    const { writer, log, database } = await archive({ start: false })
    const both = [0, 1].map(
      () => new Archiver({ log: everybodysLog(log), dataSource: database.dataSource, logger: quiet, progress: new Progress() }),
    )
    await Promise.all(both.map((archiver) => archiver.start()))
    await live(writer, 40)
    await reachedEnd(log, database)
    await Promise.all(both.map((archiver) => archiver.stop()))
    expect(await checkRebuild(log, database)).toMatchObject({ equal: true })
  })

  it('goes on where it stood after a stop', async () => {
    const { writer, log, database, archiver, caughtUp } = await archive()
    await live(writer, 10)
    await caughtUp()
    await archiver.stop()
    await live(writer, 20)
    const next = new Archiver({ log, dataSource: database.dataSource, logger: quiet, progress: new Progress() })
    await next.start()
    await caughtUp()
    await next.stop()
    expect(await checkRebuild(log, database)).toMatchObject({ equal: true })
  })

  it('takes the words of a deleted event, and of its edits, out of the database with the deletion', async () => {
    const { writer, database, caughtUp } = await archive()
    await writer.create('r', 'anna')
    const said = await writer.say('r', 'ben', 'a secret', { mentions: ['carl'] })
    const [edit] = await writer.append({
      room: 'r',
      type: 'msg.edit',
      ref: said.id,
      sender: { id: 'ben' },
      content: '{"body":"another secret"}',
    })
    await caughtUp()
    const [deletion] = await writer.append({
      room: 'r',
      type: 'msg.delete',
      ref: said.id,
      erases: said.seq,
      sender: { id: 'mod' },
      content: '{"reason":"rude"}',
    })
    await caughtUp()
    const everything = JSON.stringify(await database.dataSource.query('select * from events, rooms, state'))
    expect(everything).not.toContain('secret')
    const rows = await database.dataSource.query(`select value from events where room = 'r' and seq in ($1, $2) order by seq`, [
      said.seq,
      edit!.seq,
    ])
    for (const { value } of rows) {
      expect(JSON.parse(value)).toMatchObject({
        content: null,
        sender: { id: 'ben' },
        deleted: { by: 'mod', reason: 'rude', event: deletion!.id },
      })
    }
    expect(await database.dataSource.query('select seq, by_seq from erased order by seq')).toEqual([
      { seq: said.seq, by_seq: deletion!.seq },
      { seq: edit!.seq, by_seq: deletion!.seq },
    ])
  })

  it('shows an out-of-order event at the place of the event that it follows, and one that follows it too', async () => {
    const { writer, database, caughtUp } = await archive()
    await writer.create('r', 'anna')
    const first = await writer.say('r', 'anna', 'first')
    await writer.say('r', 'anna', 'second')
    const late = await writer.say('r', 'bridge', 'late', { follows: first.id })
    await caughtUp()
    await writer.say('r', 'bridge', 'later', { follows: late.id })
    await writer.say('r', 'bridge', 'lost', { follows: '0-9999-abcdefgh' })
    await caughtUp()
    const rows = await database.dataSource.query(`select seq, place from events where room = 'r' and seq > 5 order by place, seq`)
    expect(rows).toEqual([
      { seq: 6, place: 6 },
      { seq: 8, place: 6 },
      { seq: 9, place: 6 },
      { seq: 7, place: 7 },
      { seq: 10, place: 10 },
    ])
  })
})

describe('a contradiction', () => {
  it('of another event under the same seq stops its partition, loudly, and no other', async () => {
    const { writer, database, progress, caughtUp } = await archive()
    // Two rooms in different partitions.
    await writer.create('room-0', 'anna')
    await writer.create('room-1', 'anna')
    await caughtUp()
    await database.dataSource.query(`insert into events (room, seq, place, partition, "offset", proof, type, sender, at, value)
      select room, 6, 6, partition, 999, 'planted_', type, sender, at, value from events where room = 'room-0' and seq = 5`)
    await writer.say('room-0', 'anna', 'cannot be stored')
    await until(() => Object.keys(progress.stoppedPartitions()).length > 0)
    expect(Object.values(progress.stoppedPartitions())[0]).toMatch(/stored already, differently/)
    await writer.say('room-1', 'anna', 'goes on')
    await until(async () => (await database.dataSource.query(`select 1 from events where room = 'room-1' and seq = 6`)).length > 0)
  })

  it.each([
    ['is no event', { seq: '1' }, '{"mark":"nonsense"}'],
    [
      'stands elsewhere than its ID says',
      { seq: '1' },
      '{"id":"0-77-abcdefgh","room":"r","seq":1,"type":"msg.text","sender":{"id":"anna"},"at":1,"content":{}}',
    ],
    [
      'is not the first of its room',
      { seq: '9' },
      '{"id":"0-0-abcdefgh","room":"r","seq":9,"type":"msg.text","sender":{"id":"anna"},"at":1,"content":{}}',
    ],
  ])('of a record that %s stops it', async (_, headers, value) => {
    const { log, progress } = await archive({ partitions: 1 })
    await log.append(eventsTopic('room'), 0, 0, [{ key: 'r', value, headers: { v: '1', cmd: '0', ...headers } }])
    await until(() => Object.keys(progress.stoppedPartitions()).length > 0)
  })

  it('of a topic that is another one stops it, and touches nothing', async () => {
    const { writer, database, archiver, log, caughtUp } = await archive()
    await writer.create('r', 'anna')
    await caughtUp()
    await archiver.stop()
    await database.dataSource.query(`update checkpoints set epoch = 'planted_'`)
    const progress = new Progress()
    const next = new Archiver({ log, dataSource: database.dataSource, logger: quiet, progress })
    await next.start()
    await until(() => Object.keys(progress.stoppedPartitions()).length === 4)
    await next.stop()
    expect(await database.dataSource.query('select count(*) as n from events')).toEqual([{ n: 5 }])
  })
})

describe('a log that is another incarnation', () => {
  it.each([
    ['shorter', `update checkpoints set "offset" = "offset" + 100 where "offset" > 0`],
    ['different', `update checkpoints set last_proof = 'planted_' where last_proof is not null`],
  ])('(%s) is archived anew, and what it lacks is kept aside', async (_, change) => {
    const { writer, database, archiver, log, caughtUp } = await archive()
    await live(writer, 6)
    await caughtUp()
    const before = await database.dataSource.query(`select count(*) as n from events where room like 'room%'`)
    await archiver.stop()
    await database.dataSource.query(change)
    const errors: string[] = []
    const next = new Archiver({
      log,
      dataSource: database.dataSource,
      logger: { ...quiet, error: (_detail: object, message: string) => errors.push(message) },
      progress: new Progress(),
    })
    await next.start()
    await caughtUp()
    await until(async () => (await checkRebuild(log, database)).equal)
    await next.stop()
    expect(errors[0]).toMatch(/another incarnation/)
    const lost = await database.dataSource.query(`select count(*) as n from lost_events where topic = $1`, [eventsTopic('room')])
    expect(lost).toEqual(await database.dataSource.query(`select count(*) as n from events where room !~ '^@'`))
    expect(before[0].n).toBeGreaterThan(0)
  })

  it('moves the epoch when the log says so itself', async () => {
    const { writer, database, caughtUp } = await archive()
    await writer.create('r', 'anna')
    await caughtUp()
    const [before] = await database.dataSource.query(`select partition, epoch from checkpoints where incarnation <> ''`)
    await writer.mark(eventsTopic('room'), before.partition, { mark: 'incarnation', incarnation: 'second' })
    await caughtUp()
    const [after] = await database.dataSource.query(`select epoch from checkpoints where incarnation = 'second'`)
    expect(after.epoch).not.toBe(before.epoch)
  })
})
