/** The same stream without a WebSocket: leave on one transport, go on over another, lose nothing. */
import { expect, test } from 'vitest'
import { otherUrl, Person, url } from '../world.ts'

test('long-poll, server-sent events and the WebSocket share their positions', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom()
  const first = await anna.http.get('/v1/sync')
  expect(first.status).toBe(200)
  await anna.http.publish(room, 'one')
  let position = first.body.position
  const seen: string[] = []
  for (let i = 0; i < 10 && !seen.includes('one'); i++) {
    const { body } = await anna.http.get(`/v1/sync?position=${position}&timeoutMs=5000`)
    seen.push(...body.events.map(({ event }: any) => event.content.body))
    position = body.position
  }
  expect(seen.filter((body) => body !== undefined)).toEqual(['one'])

  await anna.http.publish(room, 'two')
  const abort = new AbortController()
  const answer = await fetch(`${otherUrl}/v1/stream?access_token=${anna.token}`, {
    headers: { 'last-event-id': position },
    signal: abort.signal,
  })
  expect(answer.headers.get('content-type')).toContain('text/event-stream')
  let text = ''
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (/"two"[\s\S]*\n\n/.test(text)) break
  }
  abort.abort()
  expect(text).not.toContain('"one"')
  position = [...text.matchAll(/^id: (.+)$/gm)].at(-1)![1]

  await anna.http.publish(room, 'three')
  const socket = await anna.socket(url)
  await socket.ok({ op: 'sync', position })
  await socket.next((frame) => frame.event?.content?.body === 'three')
  expect(socket.events(room).at(-1)!.event.content.body).toBe('three')
})

test('an unknown position is a reset and never hangs', async () => {
  const anna = await Person.named('anna')
  const answer = await anna.http.get('/v1/sync?position=nonsense&timeoutMs=20000')
  expect(answer.body.reset).toMatchObject({ reason: 'unknown_position' })
})
