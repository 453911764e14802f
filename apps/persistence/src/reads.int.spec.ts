/** Real HTTP and PostgreSQL, the log in memory. */
import type { RoomEvent } from '@roomlog/domain'
import { currentEpoch, parseComposite, parseEventId, position } from '@roomlog/log'
import { eventsTopic, familyOf } from '@roomlog/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stopServer } from './testing/archive.js'
import { startService, type TestService } from './testing/service.js'

let service: TestService
beforeAll(async () => {
  service = await startService()
})
afterAll(async () => {
  await service?.close()
  await stopServer()
})

let rooms = 0
const freshRoom = () => `room-${++rooms}`

async function positionOf(event: RoomEvent): Promise<string> {
  const place = parseEventId(event.id)!
  const { epoch } = await currentEpoch(service.log, eventsTopic(familyOf(event.room)), place.partition)
  return position({ ...place, epoch, seq: event.seq })
}

const bodies = (events: any[]) => events.map((event) => event.content?.body).filter(Boolean)

describe('history', () => {
  it('gives the stored bytes of each event and its position', async () => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna')
    const content = '{"z":1,"a":12345678901234567890,"e":1e400,"t":"\\u0041\\/\\u0000","n":{"__proto__":{"x":1},"z":-0.0},"2":[ 1 , 2 ]}'
    const [event] = await writer.append({ room, type: 'msg.text', content })
    const at = await positionOf(event!)
    const anna = await service.as('anna')
    const page = await anna.get(`/v1/rooms/${room}/events?limit=1&atLeast=${at}`)
    expect(page.status).toBe(200)
    expect(page.text).toContain(`"content":${content},"position":"${at}"}`)
    expect(page.body).toMatchObject({ more: { stored: true, backfill: false }, earliest: at, position: at })
  })

  it('scrolls in both directions without gap or overlap', async () => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna')
    let last: RoomEvent | undefined
    for (let i = 0; i < 23; i++) last = await writer.say(room, 'anna', `m${i}`)
    const anna = await service.as('anna')
    const seqs: number[] = []
    for (let before = '', more = true; more; ) {
      const { body } = await anna.get(`/v1/rooms/${room}/events?limit=5&atLeast=${await positionOf(last!)}${before}`)
      seqs.unshift(...body.events.map((event: any) => event.seq))
      before = `&before=${body.earliest}`
      more = body.more.stored
    }
    expect(seqs).toEqual(Array.from({ length: 28 }, (_, i) => i + 1))
    const forward: number[] = []
    const [first] = (await anna.get(`/v1/rooms/${room}/events?limit=500`)).body.events
    for (let after = first.id, more = true; more; ) {
      const { body } = await anna.get(`/v1/rooms/${room}/events?limit=5&after=${after}`)
      forward.push(...body.events.map((event: any) => event.seq))
      after = body.position
      more = body.more.stored
    }
    expect(forward).toEqual(Array.from({ length: 27 }, (_, i) => i + 2))
  })

  it.each([
    ['world', ['1 before', '2 invited', '3 joined', '4 after']],
    ['shared', ['1 before', '2 invited', '3 joined']],
    ['invited', ['2 invited', '3 joined']],
    ['joined', ['3 joined']],
  ])('with mode %s shows a member who left what they could see', async (mode, expected) => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna', { access: 'public', history: mode })
    await writer.say(room, 'anna', '1 before')
    await writer.append({ room, type: 'member.invite', user: 'ben' })
    await writer.say(room, 'anna', '2 invited')
    await writer.append({ room, type: 'member.join', user: 'ben', sender: { id: 'ben' } })
    await writer.say(room, 'anna', '3 joined')
    await writer.append({ room, type: 'member.kick', user: 'ben' })
    const last = await writer.say(room, 'anna', '4 after')
    const ben = await service.as('ben')
    const path = `/v1/rooms/${room}/events?limit=100&atLeast=${await positionOf(last)}`
    expect(bodies((await ben.get(path)).body.events)).toEqual(expected)
    expect((await (await service.as('carl')).get(path)).status).toBe(mode === 'world' ? 200 : 404)
    expect((await service.anonymous.get(path)).status).toBe(mode === 'world' ? 200 : 404)
  })
})

it('an unknown room and a forbidden room look the same', async () => {
  const room = freshRoom()
  const events = await service.writer.create(room, 'anna')
  const ben = await service.as('ben')
  for (const path of ['', '/events', '/members', '/state']) {
    const forbidden = await ben.get(`/v1/rooms/${room}${path}?atLeast=${await positionOf(events.at(-1)!)}`)
    const unknown = await ben.get(`/v1/rooms/AAAAAAAAAAAAAAAAAAAAAA${path}`)
    expect([path, forbidden.status, forbidden.text]).toEqual([path, 404, unknown.text])
  }
})

describe('a room', () => {
  it('has a summary, members with power, and its state, for those who are in it', async () => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna')
    await writer.append({ room, type: 'member.join', user: 'ben', sender: { id: 'ben', name: 'Ben' } })
    await writer.append({ room, type: 'room.name', key: '', content: '{"value":"Kitchen"}' })
    await writer.append(
      { room, type: 'app.lamp', key: 'b', content: '{"on":1e400}' },
      { room, type: 'app.lamp', key: 'a', content: '{"on":true}' },
    )
    await writer.append({ room: `#kitchen-${room}`, type: 'alias.claim', content: JSON.stringify({ room }) })
    const gone = (
      await writer.append(
        { room, type: 'app.lamp', key: 'c' },
        { room, type: 'room.alias', key: `kitchen-${room}` },
        { room, type: 'app.lamp', key: 'c', content: 'null' },
      )
    ).at(-1)
    const ben = await service.as('ben')
    const at = `atLeast=${await positionOf(gone!)}`
    const summary = await ben.get(`/v1/rooms/${room}?${at}`)
    expect(summary.body).toEqual({
      room,
      name: 'Kitchen',
      access: 'limited',
      history: 'shared',
      listed: false,
      aliases: [`kitchen-${room}`],
      memberCount: 2,
      membership: 'joined',
      power: 0,
      seq: gone!.seq,
      position: await positionOf(gone!),
    })
    expect((await ben.get(`/v1/rooms/%23kitchen-${room}`)).body).toEqual(summary.body)
    expect((await ben.get(`/v1/rooms/${room}/members?limit=1`)).body).toEqual({
      members: [{ user: 'anna', membership: 'joined', power: 100 }],
      next: 'anna',
    })
    expect((await ben.get(`/v1/rooms/${room}/members?after=anna`)).body).toEqual({
      members: [{ user: 'ben', name: 'Ben', membership: 'joined', power: 0 }],
    })
    const pool = await ben.get(`/v1/rooms/${room}/state/app.lamp?limit=10`)
    expect(pool.body.state.map(({ key }: any) => key)).toEqual(['a', 'b'])
    expect(pool.text).toContain('"content":{"on":1e400}')
    expect((await ben.get(`/v1/rooms/${room}/state/app.lamp/a`)).body).toMatchObject({ key: 'a', content: { on: true } })
    expect((await ben.get(`/v1/rooms/${room}/state/room.name`)).body).toMatchObject({ type: 'room.name', content: { value: 'Kitchen' } })
    expect((await ben.get(`/v1/rooms/${room}/state/app.lamp/c`)).status).toBe(404)
    const first = await ben.get(`/v1/rooms/${room}/state?limit=3`)
    const second = await ben.get(`/v1/rooms/${room}/state?after=${first.body.next}`)
    expect([...first.body.state, ...second.body.state].map(({ type, key }: any) => `${type} ${key}`)).toEqual(
      ['app.lamp a', 'app.lamp b', `room.alias kitchen-${room}`, 'room.access ', 'room.history ', 'room.name ', 'room.power '].sort(
        (a, b) => (a < b ? -1 : 1),
      ),
    )
    expect((await ben.get('/v1/profile/ben')).body).toEqual({ user: 'ben', name: 'Ben' })
  })

  it('that is deleted is gone from every read', async () => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna', { access: 'public', history: 'world' })
    const [last] = await writer.append({ room, type: 'room.deleted' })
    const anna = await service.as('anna')
    const at = `?atLeast=${await positionOf(last!)}`
    for (const path of ['', '/events', '/members', '/state', '/state/room.name'])
      expect([path, (await anna.get(`/v1/rooms/${room}${path}${at}`)).status]).toEqual([path, 404])
    expect((await anna.get('/v1/rooms')).body.rooms.map((listed: any) => listed.room)).not.toContain(room)
  })

  it('is in the directory only while it is listed', async () => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna', { access: 'public' })
    await writer.append({ room, type: 'room.topic', key: '', content: '{"value":"100% tea_time"}' })
    const [listed] = await writer.append({ room, type: 'room.listed', key: '', content: '{"value":true}' })
    const search = async (text: string, at: string) =>
      (await service.anonymous.get(`/v1/directory?search=${encodeURIComponent(text)}&atLeast=${at}`)).body.rooms.map(
        (found: any) => found.room,
      )
    const at = await positionOf(listed!)
    expect(await search('100% TEA_', at)).toEqual([room])
    expect(await search('100_ tea', at)).toEqual([])
    const [hidden] = await writer.append({ room, type: 'room.listed', key: '', content: '{"value":false}' })
    expect(await search('tea', await positionOf(hidden!))).toEqual([])
  })
})

describe('initial sync', () => {
  it('names the rooms of the inbox with the position to stream from, once each has reached its join', async () => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna')
    const [join] = await writer.append({ room, type: 'member.join', user: 'dora', sender: { id: 'dora' } })
    const place = parseEventId(join!.id)!
    await writer.append({
      room: '@dora',
      type: 'room.joined',
      content: JSON.stringify({ room, partition: place.partition, offset: place.offset, seq: join!.seq }),
    })
    const [invited] = await writer.append({ room: '@dora', type: 'room.invited', content: '{"room":"elsewhere","by":"ben","seq":9}' })
    const dora = await service.as('dora')
    const { body } = await dora.get(`/v1/initialSync?atLeast=${await positionOf(invited!)}`)
    expect(body.rooms).toMatchObject([
      { room, membership: 'joined', memberCount: 2, seq: join!.seq, position: await positionOf(join!), power: 0 },
    ])
    expect(body.invites).toEqual([{ room: 'elsewhere', by: 'ben', seq: 9 }])
    const composite = parseComposite(body.position)!
    expect(composite.inbox).toBe(await positionOf(invited!))
    expect(composite.partitions.find(([partition]) => partition === place.partition)![2]).toBeGreaterThan(place.offset)
  })

  it('is unavailable rather than without a room that is not stored yet', async () => {
    const { writer } = service
    const [joined] = await writer.append({
      room: '@emil',
      type: 'room.joined',
      content: '{"room":"late","partition":1,"offset":100000,"seq":2}',
    })
    const emil = await service.as('emil')
    const { status, body } = await emil.get(`/v1/initialSync?atLeast=${await positionOf(joined!)}`)
    expect([status, body.error.code]).toEqual([503, 'unavailable'])
  })
})

describe('a position', () => {
  it('of another log is refused, and one that is not reached is unavailable', async () => {
    const { writer } = service
    const room = freshRoom()
    const events = await writer.create(room, 'anna')
    const anna = await service.as('anna')
    const at = await positionOf(events.at(-1)!)
    await anna.get(`/v1/rooms/${room}?atLeast=${at}`)
    const [, partition, offset, seq, check] = at.split('.')
    expect((await anna.get(`/v1/rooms/${room}/events?before=xxxxxxxx.${partition}.${offset}.${seq}.${check}`)).body.error.code).toBe(
      'wrong_epoch',
    )
    expect((await anna.get(`/v1/rooms/${room}/events?before=${at.slice(0, -8)}xxxxxxxx`)).body.error.code).toBe('wrong_epoch')
    expect((await anna.get(`/v1/rooms/${room}/events?before=nonsense`)).body.error.code).toBe('not_found')
    const beyond = position({ epoch: at.split('.')[0]!, partition: Number(partition), offset: 1_000_000, seq: 99, check: 'abcdefgh' })
    expect((await anna.get(`/v1/rooms/${room}?atLeast=${beyond}`)).body.error.code).toBe('unavailable')
  })
})

describe('the action of an event', () => {
  it('is told to the device that sent it, and to nobody else', async () => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna', { access: 'public', history: 'world' })
    const said = await writer.say(room, 'anna', 'numbered', { device: 'd1', action: { id: 17, digest: 'x' } })
    const path = `/v1/rooms/${room}/events?limit=1&atLeast=${await positionOf(said)}`
    expect((await (await service.as('anna')).get(path)).body.events[0].actionId).toBe(17)
    for (const other of [await service.as('anna', { did: 'd2' }), await service.as('ben'), service.anonymous]) {
      expect((await other.get(path)).text).not.toMatch(/actionId|d1/)
    }
  })
})

describe('a statement to other services', () => {
  it('names what is stored and at which offset it is true', async () => {
    const { writer } = service
    const room = freshRoom()
    await writer.create(room, 'anna', { access: 'public' })
    const said = await writer.say(room, 'anna', 'gone', { device: 'd1', action: { id: 3, digest: 'x' } })
    await writer.append({ room, type: 'member.join', user: 'ben', sender: { id: 'ben' } })
    const [deletion] = await writer.append({ room, type: 'msg.delete', ref: said.id, erases: said.seq })
    await service.anonymous.get(`/v1/rooms/${room}?atLeast=${await positionOf(deletion!)}`)
    const place = parseEventId(deletion!.id)!
    const access = await service.service.get(`/internal/rooms/${room}/access?user=ben`)
    expect(access.body).toEqual({
      room,
      partition: place.partition,
      through: place.offset + 1,
      exists: true,
      deleted: false,
      seq: deletion!.seq,
      access: 'public',
      history: [
        [1, 'shared'],
        [5, 'shared'],
      ],
      membership: [[7, 'joined']],
    })
    const page = await service.service.get(`/internal/rooms/${room}/events?after=5&limit=2`)
    expect(page.body.through).toBe(place.offset + 1)
    expect(page.body.events).toMatchObject([
      { seq: 6, type: 'msg.text', device: 'd1', action: '{"id":3}', sender: 'anna' },
      { seq: 7, type: 'member.join' },
    ])
    expect(JSON.parse(page.body.events[0].bytes)).toMatchObject({ content: null, deleted: { by: 'anna' } })
    expect((await service.service.get(`/internal/rooms/${room}/erased`)).body).toEqual({ erased: [6], through: place.offset + 1 })
    expect((await service.service.get(`/internal/events/${deletion!.id}`)).body).toMatchObject({ id: deletion!.id, type: 'msg.delete' })
    expect((await service.service.get('/internal/rooms/nowhere/access?user=ben')).body).toMatchObject({
      exists: false,
      history: [],
      membership: [],
    })
    expect((await service.service.get('/internal/checkpoints')).body.checkpoints.length).toBe(4)
    expect((await service.service.get('/internal/rebuild')).body).toMatchObject({ equal: true, differences: [] })
  })

  it('does not exist for anybody else', async () => {
    for (const path of [
      '/internal/rooms/r/access?user=ben',
      '/internal/events/0-1-abcdefgh',
      '/internal/checkpoints',
      '/internal/rebuild',
    ]) {
      expect((await service.anonymous.get(path)).status).toBe(404)
      expect((await (await service.as('anna')).get(path)).status).toBe(404)
    }
  })
})

it('metrics and health say how far the archive is', async () => {
  const text = await service.metrics.text()
  expect(text).toMatch(/roomlog_persistence_events_total [1-9]/)
  expect(text).toMatch(/roomlog_persistence_lag_records\{partition="room.events\/0"\} 0/)
  const ready = await service.anonymous.get('/health/ready')
  expect(ready.body.checks.archive).toEqual({ ok: true, behind: 0, stopped: {} })
})
