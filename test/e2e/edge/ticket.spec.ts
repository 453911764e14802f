/** A ticket saves proofs and nothing else. */
import { expect, test } from 'vitest'
import { WireSocket } from '../../harness/socket.ts'
import { otherUrl, Person, url } from '../world.ts'

async function ticketOf(socket: WireSocket): Promise<string> {
  for (;;) {
    const answer = await socket.request({ op: 'ticket' })
    if (answer.ok) return answer.ok.ticket
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function back(person: Person, ticket: string): Promise<{ socket: WireSocket; ok: any }> {
  const socket = await WireSocket.open(otherUrl)
  person.sockets.push(socket)
  return { socket, ok: await socket.ok({ op: 'auth', token: person.token, ticket }) }
}

test('a ticket of one edge is good on the other, and a kick in between takes effect', async () => {
  const [anna, bert] = [await Person.named('anna'), await Person.named('bert')]
  const room = await anna.createRoom({ access: 'public' })
  await bert.http.done(`/v1/rooms/${room}/join`)
  const [first, gone] = [await anna.socket(url), await bert.socket(url)]
  const { position } = await first.ok({ op: 'subscribe', room })
  await gone.ok({ op: 'subscribe', room })
  const [ticket, stale] = [await ticketOf(first), await ticketOf(gone)]
  await Promise.all([first.close(), gone.close()])
  await anna.http.publish(room, 'missed')
  await anna.http.done(`/v1/rooms/${room}/kick`, { user: bert.id })
  await anna.http.publish(room, 'after the kick')
  const here = await back(anna, ticket)
  expect(here.ok.ticketRefused).toBeUndefined()
  await here.socket.ok({ op: 'subscribe', room, position })
  await here.socket.next((frame) => frame.event?.content?.body === 'after the kick')
  expect(here.socket.events(room).map((frame) => frame.event.type)).toEqual(['msg.text', 'member.kick', 'msg.text'])
  const there = await back(bert, stale)
  await there.socket.request({ op: 'subscribe', room })
  await there.socket.ok({ op: 'ping' })
  await anna.http.publish(room, 'once more')
  expect(there.socket.texts.join()).not.toContain('after the kick')
  expect((await back(anna, stale)).ok.ticketRefused).toBe('forbidden')
  expect((await back(anna, 't1.x.y')).ok.ticketRefused).toBe('invalid')
})
