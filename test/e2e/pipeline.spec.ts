import { expect, test } from 'vitest'
import { Caller, http } from '../harness/http.ts'
import { WireSocket } from '../harness/socket.ts'
import { deployment, otherUrl, Person, tokens, unique, url } from './world.ts'

test('an event published over HTTP reaches a subscriber of another edge, and history', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ name: 'Kitchen', access: 'public' })
  const socket = await anna.subscribed(room)
  const published = await anna.http.publish(room, 'hello')
  const frame = await socket.next((frame) => frame.event?.id === published.event)
  expect(frame).toMatchObject({
    event: { id: published.event, room, seq: published.seq, type: 'msg.text', sender: { id: anna.id }, content: { body: 'hello' } },
    after: published.seq - 1,
    position: published.position,
  })
  expect(Number.isInteger(frame.event.at)).toBe(true)
  const history = await anna.http.get(`/v1/rooms/${room}/events?limit=50&atLeast=${published.position}`)
  expect(history.status).toBe(200)
  const events = history.body.events.map((item: any) => item.event ?? item)
  expect(events.at(-1) ?? events[0]).toBeDefined()
  expect(events.find((event: any) => event.id === published.event)).toMatchObject({ seq: published.seq, content: { body: 'hello' } })
})

test('all readers see the same events under the same numbers, without a gap', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const readers: WireSocket[] = []
  for (const baseUrl of [url, otherUrl, otherUrl]) {
    const ben = await Person.named('ben')
    await ben.http.done(`/v1/rooms/${room}/join`)
    const socket = await ben.socket(baseUrl)
    await socket.ok({ op: 'subscribe', room, from: 1 })
    readers.push(socket)
  }
  const published = await Promise.all(Array.from({ length: 60 }, (_, i) => anna.http.publish(room, `m${i}`)))
  const last = Math.max(...published.map((answer) => answer.seq))
  const sequences = []
  for (const reader of readers) {
    await reader.next((frame) => frame.event?.seq === last)
    sequences.push(reader.events(room).map((frame) => [frame.event.seq, frame.event.id]))
  }
  expect(sequences[0]!.map(([seq]) => seq)).toEqual(Array.from({ length: last }, (_, i) => i + 1))
  expect(sequences[1]).toEqual(sequences[0])
  expect(sequences[2]).toEqual(sequences[0])
})

test('a numbered action is decided once, whatever the transport and edge of its repeat', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const wish = { type: 'msg.text', content: { body: 'once' }, actionId: 1 }
  const first = await anna.http.done(`/v1/rooms/${room}/events`, wish)
  const again = await new Caller(otherUrl, anna.token).done(`/v1/rooms/${room}/events`, wish)
  const socket = await anna.socket()
  const third = await socket.ok({ op: 'do', room, ...wish })
  expect([again.event, again.seq]).toEqual([first.event, first.seq])
  expect([third.event, third.seq]).toEqual([first.event, first.seq])
  const other = await anna.http.post(`/v1/rooms/${room}/events`, { ...wish, content: { body: 'not the same' } })
  expect(other.status).toBe(409)
  expect(other.body.error).toMatchObject({ code: 'conflict', lastActionId: 1 })
  const next = await anna.http.publish(room, 'next')
  expect(next.seq).toBe(first.seq + 1)
})

test('the action ID comes back to the sending device and to nobody else', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const ben = await Person.named('ben')
  await ben.http.done(`/v1/rooms/${room}/join`)
  const [same, ofBen] = [await anna.subscribed(room), await ben.subscribed(room)]
  const otherDevice = await anna.socket(otherUrl, await tokens.user(anna.id, 'd2'))
  await otherDevice.ok({ op: 'subscribe', room })
  const { event } = await same.ok({ op: 'do', room, type: 'msg.text', content: {}, actionId: 7 })
  const seen = (socket: WireSocket) => socket.next((frame) => frame.event?.id === event)
  expect((await seen(same)).actionId).toBe(7)
  expect(await seen(ofBen)).not.toHaveProperty('actionId')
  expect(await seen(otherDevice)).not.toHaveProperty('actionId')
  expect(JSON.stringify(await seen(ofBen))).not.toContain('"d1"')
})

test('actions of one device that name their predecessor are decided in that order, over two edges', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const order = [4, 2, 3, 1, 5]
  const answers = await Promise.all(
    order.map((id) =>
      new Caller(id % 2 ? url : otherUrl, anna.token).done(`/v1/rooms/${room}/events`, {
        type: 'msg.text',
        content: { id },
        actionId: id,
        ...(id > 1 ? { prevActionId: id - 1 } : {}),
      }),
    ),
  )
  const seqs = order
    .map((id, i) => [id, answers[i].seq] as const)
    .sort(([a], [b]) => a - b)
    .map(([, seq]) => seq)
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
  expect(new Set(seqs).size).toBe(5)
})

test('content is delivered as it was sent, byte for byte, live and from history', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const socket = await anna.subscribed(room)
  const content = '{"z":1,"a":12345678901234567890,"e":1e400,"t":"\\u0041\\/é","n":{"__proto__":{"x":1},"z":-0.0},"2":[ 1 , 2 ]}'
  const answer = await http(url, anna.token, 'POST', `/v1/rooms/${room}/events`, `{"type":"msg.text","content":${content}}`)
  expect(answer.status).toBe(200)
  await socket.next((frame) => frame.event?.id === answer.body.event)
  expect(socket.texts.some((text) => text.includes(`"content":${content}`))).toBe(true)
  const history = await anna.http.get(`/v1/rooms/${room}/events?atLeast=${answer.body.position}`)
  expect(history.text).toContain(content)
})

test('one array publishes many, each with its own outcome', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const answer = await anna.http.post(`/v1/rooms/${room}/events`, [
    { type: 'msg.text', content: { n: 1 } },
    { type: '', content: {} },
    { type: 'msg.text', content: { n: 3 } },
  ])
  expect(answer.status).toBe(200)
  const outcomes = answer.body.results ?? answer.body
  expect(outcomes).toHaveLength(3)
  expect(outcomes[1].error).toMatchObject({ code: 'invalid' })
  expect(outcomes[2].seq).toBe(outcomes[0].seq + 1)
})

test('a room made with an action ID is made once', async () => {
  const anna = await Person.named('anna')
  const first = await anna.http.done('/v1/rooms', { name: 'one', actionId: 5 })
  const again = await new Caller(otherUrl, anna.token).done('/v1/rooms', { name: 'one', actionId: 5 })
  expect(first.room).toMatch(/^[A-Za-z0-9_-]{22}$/)
  expect(again.room).toBe(first.room)
})

test('an alias has one owner, leads to the room, and is free again after the room is deleted', async () => {
  const [anna, ben] = [await Person.named('anna'), await Person.named('ben')]
  const alias = `#${unique('lounge')}`
  const room = await anna.createRoom({ alias, access: 'public' })
  const taken = await ben.http.post('/v1/rooms', { alias, access: 'public' })
  expect([taken.status, taken.body.error.code]).toEqual([409, 'alias_taken'])
  const joined = await ben.http.done(`/v1/rooms/${encodeURIComponent(alias)}/join`)
  expect(joined.room).toBe(room)
  expect((await anna.http.delete(`/v1/rooms/${room}`)).status).toBe(200)
  const gone = await ben.http.post(`/v1/rooms/${room}/events`, { type: 'msg.text', content: {} })
  expect([gone.status, gone.body.error.code]).toEqual([404, 'not_found'])
  await expect.poll(async () => (await ben.http.post('/v1/rooms', { alias, access: 'public' })).status, { timeout: 10_000 }).toBe(200)
})

test('members of a named room may join a restricted one, others may not', async () => {
  const [anna, ben, carl] = [await Person.named('anna'), await Person.named('ben'), await Person.named('carl')]
  const club = await anna.createRoom({ access: 'public' })
  await ben.http.done(`/v1/rooms/${club}/join`)
  const backroom = await anna.createRoom({ access: 'restricted', accessRooms: [club] })
  expect((await ben.http.post(`/v1/rooms/${backroom}/join`)).status).toBe(200)
  expect((await carl.http.post(`/v1/rooms/${backroom}/join`)).body.error.code).toMatch(/forbidden|not_found/)
})

test('an edit is by its author; a deletion erases the content everywhere and leaves a tombstone', async () => {
  const [anna, ben] = [await Person.named('anna'), await Person.named('ben')]
  const room = await anna.createRoom({ access: 'public' })
  await ben.http.done(`/v1/rooms/${room}/join`)
  const secret = unique('secret')
  const message = await ben.http.publish(room, secret)
  const edit = (who: Person) =>
    who.http.post(`/v1/rooms/${room}/events`, { type: 'msg.edit', ref: message.event, content: { body: 'edited' } })
  expect((await edit(anna)).status).toBe(403)
  expect((await edit(ben)).status).toBe(200)
  const deletion = await anna.http.done(`/v1/rooms/${room}/events`, { type: 'msg.delete', ref: message.event, content: { reason: 'rude' } })
  const history = await anna.http.get(`/v1/rooms/${room}/events?limit=100&atLeast=${deletion.position}`)
  expect(history.text).not.toContain(secret)
  const socket = await anna.subscribed(room, { from: 1 })
  await socket.next((frame) => frame.live?.room === room)
  expect(socket.texts.join()).not.toContain(secret)
  expect(socket.events(room).map((frame) => frame.event.seq)).toContain(message.seq)
})

test('the answer names the trace, and the event that readers of the log see carries it', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
  const answer = await fetch(`${url}/v1/rooms/${room}/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${anna.token}`, 'content-type': 'application/json', traceparent: `00-${trace}-00f067aa0ba902b7-01` },
    body: JSON.stringify({ type: 'msg.text', content: {} }),
  })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('traceparent')).toContain(trace)
})

test('every service answers for its health and shows its metrics', async () => {
  for (const [name, adminUrl] of Object.entries(deployment.adminUrls)) {
    const ready = await fetch(`${adminUrl}/health/ready`)
    expect([name, ready.status]).toEqual([name, 200])
    expect((await fetch(`${adminUrl}/health/live`)).status).toBe(200)
    expect(await (await fetch(`${adminUrl}/metrics`)).text()).toMatch(/^roomlog_/m)
  }
})
