import { type Log, openLog, partitionOf } from '@roomlog/log'
import { type CommandValue, commandsTopic, encodeCommand, eventsTopic, familyOf, type Reply, topics } from '@roomlog/protocol'
import { describe, expect, it } from 'vitest'
import { Authority } from './authority.js'
import { Figures } from './observer.js'
import { ReferenceCache } from './references.js'
import { domainRules } from './rules.js'

const rules = domainRules()

describe('an authority', () => {
  let log: Log
  it('creates a room, takes a message and answers', async () => {
    log = await openLog('memory:smoke', { partitions: 1 })
    await log.prepare(topics, 'relaxed')
    const authorities = (['room', 'user'] as const).map(
      (family) =>
        new Authority({ log, family, partition: 0, rules, observer: new Figures(), cache: new ReferenceCache(), newId: () => 'inc' }),
    )
    await Promise.all(authorities.map((authority) => authority.ready))
    const send = (id: string, command: Partial<CommandValue>) => {
      const value = { room: 'r', sender: { id: 'ann' }, device: 'd', rights: {}, content: '{}', ...command } as CommandValue
      return log.produce(commandsTopic(familyOf(value.room)), partitionOf(value.room, 1), [
        { key: value.room, value: encodeCommand(value), headers: { v: '1', origin: id, reply: `0:${id}` } },
      ])
    }
    await send('1', { type: 'room.create', content: '{"access":"public"}' })
    await send('2', { type: 'msg.text', content: '{"text":"hello"}' })
    const replies: Reply[] = []
    await new Promise<void>((resolve) => {
      log.tail('room.replies', 0, 0, (batch) => {
        for (const record of batch.records) replies.push(JSON.parse(record.value!.toString()))
        if (replies.length === 2) resolve()
      })
    })
    expect(replies.map(({ ok }) => ok?.seq)).toEqual([5, 6])
    const { records } = await log.read(eventsTopic('room'), 0, 0)
    expect(records.map(({ headers }) => headers['type'] ?? 'mark')).toEqual([
      'mark',
      'mark',
      'room.created',
      'member.join',
      'room.power',
      'room.access',
      'room.history',
      'msg.text',
    ])
    await Promise.all(authorities.map((a) => a.stop()))
    await log.close()
  })
})
