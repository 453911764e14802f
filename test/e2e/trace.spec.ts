/** One trace from the front door through both topics into the frame that the client received. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { CollectedSpan } from '../harness/collector.ts'
import { deployment, eventually, Person, url } from './world.ts'

const spansOf = async (traceId: string): Promise<CollectedSpan[]> =>
  (await fetch(`${deployment.collectorUrl}/spans?trace=${traceId}`)).json() as Promise<CollectedSpan[]>

/** Every span but the caller's own hangs from another one of the trace. */
function isConnected(spans: CollectedSpan[], root: string): boolean {
  const known = new Set([root, ...spans.map((span) => span.spanId)])
  return spans.every((span) => span.parentSpanId !== undefined && known.has(span.parentSpanId))
}

test('the caller’s trace goes through door, authority, log and edge in one piece, and the archive’s batch is linked to it', async () => {
  const anna = await Person.named('anna')
  const room = await anna.createRoom({ access: 'public' })
  const socket = await anna.subscribed(room)
  const [traceId, caller] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
  const answer = await fetch(`${url}/v1/rooms/${room}/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${anna.token}`, 'content-type': 'application/json', traceparent: `00-${traceId}-${caller}-01` },
    body: JSON.stringify({ type: 'msg.text', content: { body: 'traced' } }),
  })
  expect(answer.headers.get('traceparent')).toContain(traceId)
  await socket.next((frame) => frame.event?.content?.body === 'traced')
  const spans = await eventually(async () => {
    const found = await spansOf(traceId)
    return (
      found.some((span) => span.name === 'deliver') &&
      isConnected(
        found.filter((span) => span.traceId === traceId),
        caller,
      ) &&
      found.some((span) => span.links.includes(traceId)) &&
      found
    )
  }, 30_000)
  const names = spans.filter((span) => span.traceId === traceId).map((span) => span.name)
  expect(names).toEqual(expect.arrayContaining(['send room.commands', 'send room.events', 'deliver']))
  const deliver = spans.find((span) => span.name === 'deliver')!
  const sent = spans.find((span) => span.name === 'send room.events')!
  expect(deliver.parentSpanId).toBe(sent.spanId)
})
