import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LogRecord, partitionOf } from '@roomlog/log'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Stage, startStage } from './testing/stage.js'

let stage: Stage

beforeEach(async () => {
  stage = await startStage()
})
afterEach(() => stage.close())

const produce = (key: string | null, value: string | null, headers: Record<string, string> = {}) =>
  stage.log.produce('ingest.events', partitionOf(key ?? '', 4), [{ key, value, headers }])

async function all(topic: string): Promise<LogRecord[]> {
  const batches = await Promise.all(Array.from({ length: 4 }, (_, partition) => stage.log.read(topic, partition, 0)))
  return batches.flatMap(({ records }) => records)
}

const commands = (count: number) => vi.waitFor(() => expect(stage.authority.commands).toHaveLength(count), 5_000)

describe('a record of ingest.events', () => {
  it('becomes a command with the record’s place as its origin, its service as its sender, its content as it stands', async () => {
    const content = '{ "n":12345678901234567890.0 }'
    const { baseOffset } = await produce('r', `{"content":${content},"type":"msg.text","idempotencyKey":"k"}`, {
      'roomlog-service': 'billing',
      traceparent: 'tp',
    })
    await commands(1)
    expect(stage.authority.commands[0]).toMatchObject({
      type: 'msg.text',
      room: 'r',
      content,
      idempotencyKey: 'k',
      sender: { id: 'billing' },
      rights: { scopes: ['publish', 'impersonate'], service: 'billing' },
      origin: `ingest.events/${partitionOf('r', 4)}:${baseOffset}`,
    })
    expect((await all('room.commands'))[0]?.headers).toMatchObject({ traceparent: 'tp' })
  })

  it('names its room and sender itself where it does, and is a system event under channels', async () => {
    await produce('r', '{"room":"other","type":"t","content":1,"sender":{"id":"ann","name":"Ann"}}', { 'roomlog-service': 's' })
    await produce('r', '{"type":"t","content":2,"sender":"bob"}')
    await produce('r', '{"type":"t","content":3}')
    await produce(null, '{"type":"files.new","content":4,"channels":["files"],"readers":["any"]}')
    await commands(4)
    const by = (content: string) => stage.authority.commands.find((command) => command.content === content)
    expect(by('1')).toMatchObject({ room: 'other', sender: { id: 'ann', name: 'Ann' }, rights: { service: 's' } })
    expect(by('2')).toMatchObject({ room: 'r', sender: { id: 'bob' }, rights: { service: 'bob' } })
    expect(by('3')).toMatchObject({ sender: { id: 'kafka' } })
    expect(by('4')).toMatchObject({ room: 'system.files', channels: ['files'], readers: ['any'] })
  })

  it('may ask for several things, all or nothing', async () => {
    await produce('r', '[{"type":"t","content":1},{"type":"t","content":2}]')
    await produce('r', '[{"type":"t","content":3},{"type":5,"content":4}]')
    await produce('r', '{"type":"t","content":5}')
    await commands(3)
    expect(stage.authority.commands.map(({ content }) => content)).toEqual(['1', '2', '5'])
    expect(stage.authority.commands.map(({ origin }) => origin.replace(/^.*:/, ''))).toEqual(['0/0', '0/1', '2'])
    expect(await all('ingest.dead')).toHaveLength(1)
  })

  const malformed: [title: string, value: string | null, reason: RegExp, key?: string | null][] = [
    ['no JSON', '{"type":', /invalid/],
    ['without a value', null, /no value/],
    ['of a wrong type', '{"type":5,"content":1}', /type/],
    ['without a room', '{"type":"t","content":1}', /room is missing/, null],
    ['with a type of the authority', '{"type":"t","content":1,"rights":{"internal":true}}', /rights/],
    ['for an alias', '{"type":"t","content":1,"room":"#a"}', /alias/],
    ['with a sender that is none', '{"type":"t","content":1,"sender":{"id":"a","power":100}}', /sender/],
    ['with a content that is too large', JSON.stringify({ type: 't', content: 'x'.repeat(70_000) }), /too_large/],
    ['with a lone surrogate', '{"type":"t","content":"\\ud800"}', /surrogate/],
  ]
  it.each(malformed)(
    '%s lies in ingest.dead with its reason, key and headers, and the next one is processed',
    async (_title, value, reason, key = 'r') => {
      await produce(key, value, { 'x-mine': 'kept' })
      await produce('r', '{"type":"t","content":"next"}')
      await commands(1)
      await vi.waitFor(async () => expect(await all('ingest.dead')).toHaveLength(1))
      const [letter] = await all('ingest.dead')
      expect([letter?.key, letter?.value?.toString() ?? null]).toEqual([key, value])
      expect(letter?.headers).toMatchObject({ reason: expect.stringMatching(reason), 'x-mine': 'kept' })
    },
  )
})

describe('a service that waits for the outcome', () => {
  const wants = (replyTopic: string) => ({ kafka_correlationId: 'c1', kafka_replyTopic: replyTopic, kafka_replyPartition: '2' })
  const reply = () =>
    vi
      .waitFor(async () => expect((await stage.log.read('ingest.events.reply', 2, 0)).records).toHaveLength(1))
      .then(async () => (await stage.log.read('ingest.events.reply', 2, 0)).records[0]!)

  it('gets what was appended, in the shape of Nest', async () => {
    await produce('r', '{"type":"t","content":1}', wants('ingest.events.reply'))
    const { value, headers } = await reply()
    expect(JSON.parse(value!.toString())).toMatchObject({ room: 'r', seq: 1 })
    expect(headers).toMatchObject({ kafka_correlationId: 'c1', 'kafka_nest-is-disposed': expect.anything() })
    expect(headers).not.toHaveProperty('kafka_nest-err')
  })

  it('gets the refusal of the door and of the authority', async () => {
    stage.authority.decide = () => ({ code: 'banned', message: 'b', retriable: false })
    await produce('r', '{"type":"t","content":1}', wants('ingest.events.reply'))
    const { value, headers } = await reply()
    expect([value, JSON.parse(headers['kafka_nest-err']!)]).toEqual([null, { code: 'banned', message: 'b', retriable: false }])
  })

  it.each(['room.commands', 'room.events', 'user.events.reply', 'ingest.events', 'ingest.dead.reply', 'x'])(
    'gets none in %s, but its command is taken',
    async (topic) => {
      await produce('r', '{"type":"t","content":1}', wants(topic))
      await commands(1)
      await produce('r', '{"type":"t","content":2}')
      await commands(2)
      expect(stage.lines.join()).toContain('a reply to a service was refused')
    },
  )
})

it('goes on after a restart where it was, on a log that outlives it', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'ingest-'))
  const env = { ROOMLOG_LOG_URL: `file:${join(dataDir, 'log')}`, ROOMLOG_DATA: dataDir }
  try {
    const first = await startStage(env)
    await first.log.produce('ingest.events', 0, [{ key: 'a', value: '{"type":"t","content":1}' }])
    await vi.waitFor(() => expect(first.authority.commands).toHaveLength(1))
    await first.close()
    const second = await startStage(env)
    await second.log.produce('ingest.events', 0, [{ key: 'a', value: '{"type":"t","content":2}' }])
    await vi.waitFor(() => expect(second.authority.commands.map(({ content }) => content)).toEqual(['1', '2']))
    await second.close()
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})
