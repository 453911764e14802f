import { type Log, openLog, RoomlogError, type Tail } from '@roomlog/log'
import { commandsTopic, decodeCommand, topics } from '@roomlog/protocol'
import { operation } from '@roomlog/protocol/operations'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { derivedRoom, digestOf } from './digest.js'
import { doInput } from './do.js'
import { Door, type DoorOptions } from './door.js'
import { anonymousPrincipal, type Principal } from './principal.js'
import { readsByToken, rightsFor } from './rights.js'
import { readInput } from './validate.js'

const ann: Principal = { user: 'ann', device: 'd', expiresAt: 1e15, scopes: [], grants: [], teams: [] }
const limits = { eventBytes: 100, replyMs: 200, userMessagesPerSecond: 1, userMessagesBurst: 2 }
const draft = { type: 't', room: 'r', content: '1' }

let log: Log
let door: Door
let tails: Tail[]
let count = 0

beforeEach(async () => {
  log = await openLog(`memory:door-${count++}`, { partitions: 2 })
  await log.prepare(topics, 'relaxed')
  tails = []
  door = await start()
})
afterEach(async () => {
  await door.stop()
  await Promise.all(tails.map((tail) => tail.stop()))
  await log.close()
})

async function start(options: Partial<DoorOptions> = {}): Promise<Door> {
  const made = new Door({ log, secret: 's', limits, resolveAlias: async () => undefined, ...options })
  await made.start()
  return made
}

/** Answers every command as told. */
function answerWith(value: (id: string, content: string) => string): void {
  for (const partition of [0, 1]) {
    tails.push(
      log.tail(commandsTopic('room'), partition, 0, async ({ records }) => {
        for (const record of records) {
          const [to, id] = record.headers.reply!.split(':') as [string, string]
          await log.produce('room.replies', Number(to), [{ key: id, value: value(id, decodeCommand(record).content) }])
        }
      }),
    )
  }
}

describe('a door', () => {
  it('gives each request its own reply, whatever the order of the replies', async () => {
    answerWith((id, content) => JSON.stringify({ id, ok: { content } }))
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, n) => door.submit(ann, { ...draft, room: `r${n}`, content: String(n) })),
    )
    expect(replies.map(({ ok }) => ok?.content)).toEqual(Array.from({ length: 50 }, (_, n) => String(n)))
    expect(door.waiting).toBe(0)
  })

  it('says unknown when nothing comes in time, and takes no reply that is late or not JSON', async () => {
    answerWith(() => '{')
    expect((await door.submit(ann, draft)).error?.code).toBe('unknown')
    expect(door.waiting).toBe(0)
  })

  it('says unavailable when the log definitely did not take the command, unknown when it may have', async () => {
    const produce = vi.spyOn(log, 'produce')
    produce.mockRejectedValueOnce(new RoomlogError('unavailable', 'no leader'))
    expect((await door.submit(ann, draft)).error?.code).toBe('unavailable')
    produce.mockRejectedValueOnce(new RoomlogError('unknown', 'lost'))
    expect((await door.submit(ann, draft)).error?.code).toBe('unknown')
  })

  it('says unknown to those who wait when it stops', async () => {
    const waiting = door.submit(ann, draft)
    await door.stop()
    expect((await waiting).error?.code).toBe('unknown')
  })

  it('writes nothing for what it refuses', async () => {
    const produce = vi.spyOn(log, 'produce')
    expect((await door.submit(ann, { ...draft, content: `"${'x'.repeat(100)}"` })).error?.code).toBe('too_large')
    expect((await door.submit(anonymousPrincipal(), draft)).error?.code).toBe('unauthenticated')
    expect((await door.perform(ann, operation('kick'), { room: 'r' })).error).toMatchObject({ code: 'invalid', field: 'user' })
    expect((await door.submit(ann, { ...draft, room: '#a' })).error?.code).toBe('not_found')
    expect(produce).not.toHaveBeenCalled()
  })

  it('looks an alias up once, and again after its room is gone', async () => {
    const resolveAlias = vi.fn(async () => 'r')
    const other = await start({ resolveAlias })
    answerWith((id) => JSON.stringify({ id, error: { code: 'not_found', message: '', retriable: false } }))
    await other.submit(ann, { ...draft, room: '#a' })
    expect(await other.roomOf('#a')).toBe('r')
    await other.roomOf('#a')
    expect(resolveAlias).toHaveBeenCalledTimes(2)
    await other.stop()
  })

  it('charges users, not services that publish, and a repeated action once', () => {
    const service: Principal = { ...ann, user: 'svc', scopes: ['publish'] }
    expect([door.charge(ann, [{}]), door.charge(ann, [{ actionId: 1 }])]).toEqual([undefined, undefined])
    expect(door.charge(ann, [{}])).toMatchObject({ code: 'limited', retryAfterMs: expect.any(Number) })
    for (let i = 0; i < 5; i++) expect(door.charge(service, [{}])).toBeUndefined()
    const repeat = [{ actionId: 1 }]
    expect([1, 2, 3].map(() => door.charge(ann, repeat))).toEqual([undefined, undefined, undefined])
    expect(door.charge(ann, repeat)).toMatchObject({ code: 'limited' })
  })

  it('derives the room of a numbered creation from the deployment, the user, the device and the number', () => {
    const room = derivedRoom('s', 'ann', 'd', 1)
    expect(room).toMatch(/^[A-Za-z0-9_-]{22}$/)
    expect(derivedRoom('s', 'ann', 'd', 1)).toBe(room)
    for (const other of [
      derivedRoom('x', 'ann', 'd', 1),
      derivedRoom('s', 'bob', 'd', 1),
      derivedRoom('s', 'ann', 'e', 1),
      derivedRoom('s', 'ann', 'd', 2),
    ]) {
      expect(other).not.toBe(room)
    }
  })

  it('digests type, content and envelope, and not the numbers of the action', () => {
    const digest = digestOf({ ...draft, actionId: 1, prevActionId: 0 })
    expect(digestOf({ ...draft, actionId: 2 })).toBe(digest)
    for (const other of [
      { type: 'u' },
      { content: '1.0' },
      { key: '' },
      { ref: 'e' },
      { mentions: ['a'] },
      { user: 'b' },
      { onBehalfOf: 'b' },
    ]) {
      expect(digestOf({ ...draft, ...other })).not.toBe(digest)
    }
  })
})

describe('a do', () => {
  it('means the operation of its type, with members in the frame or in its content', () => {
    const kick = { room: 'r', user: 'bob', reason: 'x' }
    expect(doInput({ type: 'member.kick', ...kick })).toMatchObject({ operation: { name: 'kick' }, input: kick })
    expect(doInput({ type: 'member.kick', room: 'r', user: 'bob', content: '{"reason":"x"}' })).toMatchObject({ input: kick })
    expect(doInput({ type: 'room.create', content: '{"access":"public","type":"chat"}', actionId: 1 })).toMatchObject({
      operation: { name: 'createRoom' },
      input: { access: 'public', type: 'chat', actionId: 1 },
    })
    expect(doInput({ type: 'room.delete', room: 'r', content: '{"k":1.0}' })).toMatchObject({
      operation: { name: 'deleteRoom' },
      input: { content: '{"k":1.0}' },
    })
    expect(doInput({ type: 'msg.text', room: 'r', content: '{"k":1.0}' })).toMatchObject({
      operation: { name: 'publish' },
      input: { type: 'msg.text', content: '{"k":1.0}' },
    })
  })

  it('is refused for types of the authority and contents that are no objects', () => {
    for (const type of ['alias.claim', 'room.created', 'member.attest', 'time.passed', '', 5])
      expect(doInput({ type, room: 'r' })).toMatchObject({ code: 'invalid', field: 'type' })
    for (const content of ['[]', '1', 'null', '{"a":1,"a":2}', '{"__proto__":{}}']) {
      expect(doInput({ type: 'member.kick', room: 'r', content })).toMatchObject({ code: 'invalid', field: 'content' })
    }
  })
})

describe('rights', () => {
  it('are those of the patterns that match, exactly or as a prefix', () => {
    const of = (pattern: string, room: string) => rightsFor({ ...ann, grants: [[pattern, ['read']]] }, room).read === true
    expect([of('a', 'a'), of('a', 'ab'), of('a*', 'ab'), of('*', 'x'), of('a*', 'b'), of('a*c', 'abc'), of('', '')]).toEqual([
      true,
      false,
      true,
      true,
      false,
      false,
      true,
    ])
  })

  it('let a reader read as if the room were the world’s', () => {
    const reads = (grants: Principal['grants'], room: string, scopes: Principal['scopes'] = []) =>
      readsByToken({ ...ann, grants, scopes }, room)
    expect(reads([['*', ['logs']]], 'g_logs')).toBe(true)
    expect(reads([['*', ['logs', 'write']]], 'g')).toBe(false)
    expect([reads([], 'g', ['read']), reads([], 'g', ['admin']), reads([], 'g', ['publish'])]).toEqual([true, true, false])
  })
})

describe('the input of a read', () => {
  it('comes from path and query, lists by commas, switches as 1 or true', () => {
    const input = readInput(
      operation('history'),
      { room: 'r' },
      { limit: '5', types: 'a,b', backfill: '1', full: 'true', access_token: 'x' },
    )
    expect(input).toEqual({ ok: { room: 'r', limit: 5, types: ['a', 'b'], backfill: true, full: true } })
  })

  it('is refused as invalid, with its field', () => {
    const refused: [Record<string, string>, string][] = [
      [{ limit: '501' }, 'limit'],
      [{ limit: 'x' }, 'limit'],
      [{ unknown: '1' }, 'unknown'],
      [{ room: 'other' }, 'room'],
    ]
    for (const [query, field] of refused)
      expect(readInput(operation('history'), { room: 'r' }, query)).toMatchObject({ code: 'invalid', field })
  })
})
