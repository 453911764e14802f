/** Real: memory log, edges, sessions. Not real: clock, sockets, tokens. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { EdgeParts } from './edge.js'
import { Stage, until } from './testing/stage.js'

let stage: Stage
let [first, second]: EdgeParts[] = []
beforeEach(async () => {
  stage = await Stage.open({ partitions: 8 })
  first = stage.edge()
  second = stage.edge()
  await stage.writer.create('r', { access: 'public' })
  for (const edge of stage.edges) await edge.nodes.start()
})
afterEach(() => stage.close())

const where = async (edge: EdgeParts, rooms: string[]) => {
  const client = await stage.client('anna', edge)
  return (await client.request({ op: 'where', rooms })).ok.edges as { url: string; rooms: string[] }[]
}
const reached = (check: () => boolean) =>
  until(() => {
    if (!check()) stage.clock.advance(100)
    return check()
  })

test('clients are sent to an edge that follows their rooms already, whichever they ask', async () => {
  const bert = await stage.client('bert', second)
  await bert.request({ op: 'subscribe', room: 'r' })
  await reached(() => stage.edges.every((edge) => edge.nodes.where(['r']).edges[0]?.rooms.length === 1))
  for (const edge of stage.edges) expect((await where(edge, ['r', 'x']))[0]).toMatchObject({ url: 'http://edge-2', rooms: ['r'] })
})

test('where nobody follows a room, everybody is sent to the same edge', async () => {
  await reached(() => stage.edges.every((edge) => edge.nodes.where(['r']).edges.length === 2))
  expect((await where(first!, ['r']))[0]).toEqual((await where(second!, ['r']))[0])
})

test('an edge that is gone is named no more: at once when it says so, else after its lease', async () => {
  const third = stage.edge()
  await third.nodes.start()
  await reached(() => first!.nodes.where(['r']).edges.length === 3)
  await third.nodes.close()
  await reached(() => first!.nodes.where(['r']).edges.length === 2)
  Object.assign(second!.nodes, { over: true })
  const before = stage.clock.now()
  await reached(() => first!.nodes.where(['r']).edges.length === 1)
  expect(stage.clock.now() - before).toBeLessThanOrEqual(16_000)
})

test('the presence of a device that is connected to two edges is one', async () => {
  await stage.writer.join('r', 'bert')
  const [here, there] = [await stage.client('bert', first), await stage.client('bert', second)]
  for (const client of [here, there]) await client.request({ op: 'subscribe', room: 'r' })
  const shown = async () => (await there.request({ op: 'presence', room: 'r' })).ok.users
  for (let i = 0; i < 200 && (await shown()).length === 0; i++) stage.clock.advance(100)
  await here.request({ op: 'setPresence', presence: 'offline' })
  for (let i = 0; i < 200 && (await shown()).length > 0; i++) stage.clock.advance(100)
  expect(await shown()).toEqual([])
})

test('the presence of a device reaches the edge that it is connected to', async () => {
  await stage.writer.join('r', 'bert')
  const bert = await stage.client('bert', second)
  await bert.request({ op: 'subscribe', room: 'r' })
  const elsewhere = await stage.client('bert', first)
  await elsewhere.request({ op: 'setPresence', presence: 'away' })
  let users: any[] = []
  for (let i = 0; i < 200 && users[0]?.presence !== 'away'; i++) {
    users = (await bert.request({ op: 'presence', room: 'r' })).ok.users
    stage.clock.advance(100)
  }
  expect(users).toEqual([{ user: 'bert', presence: 'away' }])
})
