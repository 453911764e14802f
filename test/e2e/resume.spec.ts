/** Positions: any age resumes; what cannot be continued is a reset, never a silence. */
import { expect, test } from 'vitest'
import { otherUrl, Person, url } from './world.ts'

async function roomWith(count: number) {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const sent: { seq: number; position: string; event: string }[] = []
  for (let i = 0; i < count; i++) sent.push(await anna.http.publish(room, `m${i}`))
  return { anna, room, sent }
}

test('a position resumes on another edge with everything that came after it, and nothing twice', async () => {
  const { anna, room, sent } = await roomWith(20)
  const first = await anna.socket(url)
  await first.ok({ op: 'subscribe', room, position: sent[4]!.position })
  await first.next((frame) => frame.live?.room === room)
  const upTo = first.events(room).at(-3)!
  await first.close()
  await anna.http.publish(room, 'while away')
  const second = await anna.socket(otherUrl)
  await second.ok({ op: 'subscribe', room, position: upTo.position })
  await second.next((frame) => frame.event?.content?.body === 'while away')
  expect(second.events(room).map((frame) => frame.event.seq)).toEqual([sent[18]!.seq, sent[19]!.seq, sent[19]!.seq + 1])
})

test('a second resume does not repeat the first', async () => {
  const { anna, room, sent } = await roomWith(5)
  let position = sent[1]!.position
  const seqs: number[] = []
  for (let round = 0; round < 3; round++) {
    const socket = await anna.socket(round % 2 ? url : otherUrl)
    await socket.ok({ op: 'subscribe', room, position })
    await socket.next((frame) => frame.live?.room === room)
    for (const frame of socket.events(room)) {
      seqs.push(frame.event.seq)
      position = frame.position
    }
    await socket.close()
    await anna.http.publish(room, `round ${round}`)
  }
  expect(seqs).toEqual([...new Set(seqs)])
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
})

test('from, last and the tail start where they say', async () => {
  const { anna, room, sent } = await roomWith(10)
  const starts: [frame: object, first: number | undefined][] = [
    [{ from: 1 }, 1],
    [{ from: sent[3]!.seq }, sent[3]!.seq],
    [{ last: 3 }, sent[7]!.seq],
    [{}, undefined],
  ]
  for (const [frame, first] of starts) {
    const socket = await anna.socket()
    const ok = await socket.ok({ op: 'subscribe', room, ...frame })
    expect(ok).toMatchObject({ room, seq: sent[9]!.seq, position: sent[9]!.position })
    await socket.next((candidate) => candidate.live?.room === room)
    expect([frame, socket.events(room)[0]?.event.seq]).toEqual([frame, first])
    await socket.close()
  }
})

test('an unknown position, one beyond the end and one of another log get a reset', async () => {
  const { anna, room, sent } = await roomWith(3)
  const [epoch, partition, offset, seq, check] = sent[2]!.position.split('.') as [string, string, string, string, string]
  const positions = [
    [`AAAAAAAA`, partition, offset, seq, check],
    [epoch, partition, String(Number(offset) + 1_000_000), String(Number(seq) + 1_000), check],
    [epoch, partition, offset, seq, 'BBBBBBBB'],
  ].map((parts) => parts.join('.'))
  for (const position of positions) {
    const socket = await anna.socket()
    await socket.ok({ op: 'subscribe', room, position }).catch(() => {})
    expect((await socket.next((frame) => frame.reset?.room === room || frame.error)).reset, position).toMatchObject({ room })
    await socket.close()
  }
})

test('a filter withholds, and `after` says that it did', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const socket = await anna.socket()
  await socket.ok({ op: 'subscribe', room, filter: { types: ['app.*'] } })
  await anna.http.publish(room, 'not wanted')
  const wanted = await anna.http.done(`/v1/rooms/${room}/events`, { type: 'app.moved', content: {} })
  const frame = await socket.next((candidate) => candidate.event?.room === room)
  expect(frame.event.seq).toBe(wanted.seq)
  expect(frame.after).toBeLessThan(wanted.seq - 1)
})

test('history pages in both directions meet without gap or overlap', async () => {
  const { anna, room, sent } = await roomWith(25)
  const seqs: number[] = []
  let before = ''
  for (let page = 0; page < 20; page++) {
    const answer = await anna.http.get(`/v1/rooms/${room}/events?limit=7&atLeast=${sent[24]!.position}${before ? `&before=${before}` : ''}`)
    expect(answer.status).toBe(200)
    seqs.push(...answer.body.events.map((item: any) => (item.event ?? item).seq))
    before = answer.body.earliest
    if (!answer.body.more.stored) break
  }
  expect([...seqs].sort((a, b) => a - b)).toEqual(Array.from({ length: sent[24]!.seq }, (_, i) => i + 1))
  const forward = await anna.http.get(`/v1/rooms/${room}/events?after=${sent[10]!.event}&limit=5`)
  expect(forward.body.events.map((item: any) => (item.event ?? item).seq)).toEqual([1, 2, 3, 4, 5].map((i) => sent[10]!.seq + i))
})

test('unsubscribe ends delivery, and the room can be subscribed again', async () => {
  const { anna, room } = await roomWith(1)
  const socket = await anna.subscribed(room)
  await socket.ok({ op: 'unsubscribe', room })
  const missed = await anna.http.publish(room, 'missed')
  await socket.ok({ op: 'subscribe', room, position: missed.position })
  await anna.http.publish(room, 'seen')
  await socket.next((frame) => frame.event?.content?.body === 'seen')
  expect(socket.events(room).map((frame) => frame.event.content.body)).toEqual(['seen'])
})
