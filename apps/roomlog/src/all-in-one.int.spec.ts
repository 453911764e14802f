/** Real: the four services in this process, the embedded log on disk, an embedded PostgreSQL, HTTP and WebSockets. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, connect } from '@roomlog/client'
import { type Config, loadConfig } from '@roomlog/runtime'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type AllInOne, startAllInOne } from './all-in-one.js'
import type { LogFile } from './import/file.js'
import { importIrc } from './import/irc.js'
import { digestHistory, digestLog } from './import/verify.js'
import { run } from './program.js'
import { readHistory } from './read-history.js'
import { allScopes, signToken } from './token.js'

const secret = 'a secret of at least thirty-two bytes'
let dataDir: string
let roomlog: AllInOne
const clients: Client[] = []

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rl-'))
  roomlog = await startAllInOne(config())
  // What the command line reads.
  Object.assign(process.env, { ROOMLOG_URL: roomlog.url, ROOMLOG_AUTH_SECRET: secret, ROOMLOG_DATA: dataDir })
})

afterAll(async () => {
  for (const client of clients) client.close()
  await roomlog?.close()
  await rm(dataDir, { recursive: true, force: true })
})

function config(port = 0): Config {
  return loadConfig({
    ROOMLOG_AUTH_SECRET: secret,
    ROOMLOG_DATA: dataDir,
    ROOMLOG_HTTP: `127.0.0.1:${port}`,
    ROOMLOG_ADMIN_HTTP: '127.0.0.1:0',
    ROOMLOG_PARTITIONS: '4',
    ROOMLOG_MQTT: '',
    ROOMLOG_LOG_LEVEL: 'error',
  })
}

function clientOf(sub: string, more: Partial<Parameters<typeof signToken>[1]> = {}): Client {
  const client = connect({ url: roomlog.url, token: () => signToken(secret, { sub, seconds: 300, ...more }) })
  client.on('error', () => {})
  clients.push(client)
  return client
}

const importer = () => clientOf('importer', { service: 'importer', scopes: allScopes })

test('one process serves it all, and a client goes on after a restart without a loss or a repeat', async () => {
  const anna = clientOf('anna')
  const { room: id } = await anna.http.createRoom({ name: 'Kitchen', access: 'public' })
  const room = anna.room(id!)
  const ben = clientOf('ben')
  await ben.room(id!).join()
  const seqs: number[] = []
  ben.room(id!).subscribe({ from: 1 }, { event: ({ event }) => void seqs.push(event.seq) })
  const before = await room.publish('msg.text', { text: 'before' }).done

  const port = Number(new URL(roomlog.url).port)
  await roomlog.close()
  const during = room.publish('msg.text', { text: 'during' })
  roomlog = await startAllInOne(config(port))
  const { seq } = await during.done

  expect(seq).toBe(before.seq + 1)
  await vi.waitFor(() => expect(seqs.at(-1)).toBe(seq), { timeout: 20_000 })
  expect(seqs).toEqual(Array.from({ length: seq }, (_, index) => index + 1))
  const page = await room.history({ limit: 2 })
  expect(page.events.map(({ content }) => content)).toEqual([{ text: 'before' }, { text: 'during' }])
})

test('an import that is cut off goes on, a second run changes nothing, and all ways of reading give the files', async () => {
  const files = logFiles(4, 600)
  const cut = importer()
  const first = importIrc(cut, { files, rooms: 'channel', onProgress: (lines) => lines > 1_000 && cut.close() })
  await expect(first).rejects.toThrow()

  const again = importer()
  const result = await importIrc(again, { files, rooms: 'channel' })
  expect(result.counts.lines).toBe(2_400)
  expect(result.outOfOrder).toBe(0)
  expect((await digestHistory(again, result.rooms)).hex).toBe(result.said.hex)
  expect((await digestLog(again, result.rooms)).hex).toBe(result.said.hex)

  const count = async () => (await again.http.room('irc-shop'))['seq']
  const seq = await count()
  const second = await importIrc(importer(), { files, rooms: 'channel' })
  expect([second.published, second.said.hex, await count()]).toEqual([0, result.said.hex, seq])
  const lines: unknown[] = []
  for await (const { content } of readHistory(again, 'irc-shop', {})) lines.push((content as { line?: unknown } | null)?.line)
  const named = lines.filter((line) => line !== undefined)
  expect(new Set(named).size).toBe(named.length)
})

test('files in another order, and one room for each, lose nothing either', async () => {
  const files = logFiles(3, 300)
  const client = importer()
  await importIrc(client, { files: files.slice(1, 2), rooms: 'channel', room: 'later' })
  const all = await importIrc(client, { files, rooms: 'channel', room: 'later' })
  expect(all.counts.lines).toBe(900)
  const texts: unknown[] = []
  for await (const { content } of readHistory(client, 'later', {})) texts.push((content as { line?: string } | null)?.line)
  expect(new Set(texts.filter(Boolean)).size).toBe(all.said.count + all.counts.modes)

  const each = await importIrc(client, { files, rooms: 'file' })
  expect(each.rooms).toHaveLength(3)
  expect((await digestLog(client, each.rooms)).hex).toBe(each.said.hex)
})

test('the command line sends, tails, shows history and rooms, and says what is wrong', async () => {
  expect(await roomlogCommand('send', 'lobby', 'hello,', 'world')).toMatchObject({ code: 0, out: [expect.stringMatching(/^lobby \d+ /)] })
  const tail = await roomlogCommand('tail', 'lobby', '--from', '1', '--no-follow', '--json', '--types', 'msg.*')
  expect(tail.out.map((line) => JSON.parse(line).content)).toEqual([{ text: 'hello, world' }])
  const shown = () => roomlogCommand('history', 'lobby', '--last', '1')
  await vi.waitFor(async () => expect((await shown()).out).toEqual([expect.stringMatching(/<cli> hello, world$/)]), { timeout: 10_000 })
  expect((await roomlogCommand('rooms', '--json')).out.map((line) => JSON.parse(line).room)).toContain('lobby')
  expect(await roomlogCommand('tail', 'nowhere')).toMatchObject({ code: 1, err: [expect.stringMatching(/not_found/)] })
  expect(await roomlogCommand('tail', 'lobby', '--from', 'x')).toMatchObject({ code: 2, err: [expect.stringMatching(/--from x/)] })
  expect(await roomlogCommand('--url', 'http://127.0.0.1:47001', 'rooms')).toMatchObject({
    code: 1,
    err: [expect.stringMatching(/ECONNREFUSED/)],
  })
  expect(await roomlogCommand('--url', 'http://127.0.0.1:47001', 'send', 'lobby', 'x')).toMatchObject({
    code: 1,
    err: [expect.stringMatching(/cannot reach http:\/\/127.0.0.1:47001/)],
  })
  expect(await roomlogCommand('--token', 'none', 'tail', 'lobby')).toMatchObject({
    code: 1,
    err: [expect.stringMatching(/token/), expect.anything()],
  })
  const { out } = await roomlogCommand('token', 'anna', '--grant', 'shop.*=read,write', '--expires', '5m')
  expect(JSON.parse(atob(out[0]!.split('.')[1]!))).toMatchObject({ sub: 'anna', roomlog: { rooms: { 'shop.*': ['read', 'write'] } } })
})

async function roomlogCommand(...args: string[]): Promise<{ code: number; out: string[]; err: string[] }> {
  const [out, err] = [[] as string[], [] as string[]]
  const take = (lines: string[]) => (text: unknown) => lines.push(String(text).trimEnd()) > 0
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(take(out)),
    vi.spyOn(process.stderr, 'write').mockImplementation(take(err)),
  ]
  try {
    return { code: await run(args), out, err }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

/** Made up, in the format of the real ones: joins, leaves, changes of nick, actions. */
function logFiles(count: number, lines: number): LogFile[] {
  return Array.from({ length: count }, (_, day) => {
    const text = Array.from({ length: lines }, (_, index) => lineOf(day, index)).join('\n')
    return { name: `2026-01-0${day + 1}.a.raw.txt`, bytes: Buffer.from(`${text}\n`) }
  })
}

function lineOf(day: number, index: number): string {
  const nick = `nick${(index * 7 + day) % 23}`
  if (index % 50 === 10) return `=== ${nick} [n=x@h]  has joined #shop`
  if (index % 50 === 20) return `=== ${nick} [n=x@h]  has left #shop ["bye"]`
  if (index % 50 === 30) return `=== ${nick} is now known as ${nick}_`
  if (index % 50 === 40) return `=== mode/#shop [+o ${nick}]  by ChanServ`
  if (index % 10 === 5) return `=== ${nick} waves ${index}`
  return `[1${day}:${String(index % 60).padStart(2, '0')}] <${nick}> line ${index} of day ${day} \u0003`
}
