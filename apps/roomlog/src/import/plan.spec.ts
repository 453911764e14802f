import { identifierFault } from '@roomlog/protocol/operations'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linesOf } from './file.js'
import { channelOf } from './irc.js'
import { userIdOf } from './nick.js'
import { Planner } from './plan.js'
import { keyOf } from './publisher.js'
import { Counts, SaidDigest } from './report.js'
import { isInOrder } from './resume.js'

const fileOf = (lines: string[], name = '2026-01-02.a.raw.txt') => ({ name, bytes: Buffer.from(`${lines.join('\n')}\n`) })

function plan(...files: ReturnType<typeof fileOf>[]) {
  const counts = new Counts()
  const said = new SaidDigest()
  const planner = new Planner('r', counts, (nick, text) => said.add(nick, text))
  const steps = files.flatMap((file) => planner.file(file))
  const short = steps
    .filter(({ part }) => part !== 'mark')
    .map(({ line, part, command }) =>
      [line, part, command.type, command.onBehalfOf, command.user ?? command.name ?? command.content?.['text']]
        .filter((item) => item !== undefined)
        .join(' '),
    )
  return { counts, said, steps, short }
}

test('whoever does something without having joined is joined first', () => {
  const { short, counts } = plan(fileOf(['[10:00] <anna> hi', '=== ben [h]  has joined #shop', '[10:01] <ben> hi', '[10:02] <anna> you?']))
  expect(short).toEqual([
    '1 join member.join anna',
    '1 line msg.text anna hi',
    '2 line member.join ben',
    '3 line msg.text ben hi',
    '4 line msg.text anna you?',
  ])
  expect(counts.toJSON()).toMatchObject({ messages: 3, joins: 1, impliedJoins: 1 })
})

test('a change of nick changes the name, and the user stays who they are', () => {
  const { short, steps } = plan(
    fileOf([
      '[10:00] <anna> hi',
      '=== anna is now known as anna_',
      '[10:01] <anna_> still me',
      '=== anna_ is now known as anna',
      '[10:02] <anna> back',
    ]),
  )
  expect(short.slice(2)).toEqual([
    '2 line member.profile anna anna_',
    '3 line msg.text anna still me',
    '4 line member.profile anna anna',
    '5 line msg.text anna back',
  ])
  expect(steps.find(({ line, part }) => line === 3 && part === 'line')!.command.content).toEqual({
    text: 'still me',
    nick: 'anna_',
    time: '2026-01-02 10:01',
    line: '2026-01-02.a.raw.txt:3',
  })
})

test('a kick and a leave end the membership; the next word begins another', () => {
  const { short } = plan(
    fileOf(['=== ben was kicked off #shop by anna (flood)', '[10:00] <ben> why', '=== ben [h]  has left #shop ["bye"]', '=== ben waves']),
  )
  expect(short).toEqual([
    '1 join member.join ben',
    '1 line member.kick anna ben',
    '2 join member.join ben',
    '2 line msg.text ben why',
    '3 line member.leave ben',
    '4 join member.join ben',
    '4 line msg.text ben waves',
  ])
})

test('in a further file a nick is a user anew: known members are not joined again, and are called by their nick', () => {
  const first = fileOf(['[10:00] <anna> hi', '=== anna is now known as anna_'])
  const second = fileOf(['[10:00] <anna> hi', '=== ben [h]  has joined #shop', '=== ben [h]  has joined #shop'], '2026-01-03.a.raw.txt')
  const { short, counts } = plan(first, second)
  expect(short.slice(3)).toEqual(['1 name member.profile anna anna', '1 line msg.text anna hi', '2 line member.join ben'])
  expect(counts.toJSON()).toMatchObject({ joins: 2, impliedJoins: 1, renames: 1 })
})

test('lines without a time have that of the line before, at the beginning that of the first that has one', () => {
  const lines = linesOf(fileOf(['=== a [h]  has joined #s', '[09:59] <a> x', '=== a waves', '[10:00] <a> y']))
  expect(lines.map(({ time }) => time.slice(11))).toEqual(['09:59', '09:59', '09:59', '10:00'])
})

test('bytes that are no UTF-8 are read as Windows-1252, NUL is replaced, and no line is lost', () => {
  const bytes = Buffer.concat([
    Buffer.from('[10:00] <a> caf'),
    Buffer.from([0xe9, 0x80, 0x00]),
    Buffer.from('\r\n\n[10:01] <a> no newline at the end'),
  ])
  const lines = linesOf({ name: 'x.txt', bytes })
  expect(lines.map(({ line }) => ('text' in line ? line.text : line.kind))).toEqual(['café€\uFFFD', 'skipped', 'no newline at the end'])
})

test('the counts add up to the lines, whatever the lines are', () => {
  const part = fc.constantFrom(
    '[10:00] ',
    '=== ',
    '<a> ',
    ' * ',
    'a ',
    '[h] ',
    ' has joined #s',
    'is now known as ',
    'b',
    ']',
    '-a:#s- ',
    'mode/#s ',
    'x',
  )
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.array(part, { maxLength: 5 }).map((parts) => parts.join('')),
          fc.string(),
        ),
        { minLength: 1 },
      ),
      (lines) => {
        const clean = lines.map((line) => line.replaceAll('\n', ' '))
        const { counts, steps } = plan(fileOf(clean))
        expect(counts.lines).toBe(clean.length)
        expect(new Set(steps.map(keyOf)).size).toBe(steps.length)
        for (const { command } of steps)
          expect(command.onBehalfOf === undefined || identifierFault(command.onBehalfOf) === undefined).toBe(true)
      },
    ),
  )
})

test('the same files give the same plan', () => {
  const files = [fileOf(['[10:00] <anna> hi', '=== anna is now known as b', '[10:01] <b> hm'])]
  expect(plan(...files).steps).toEqual(plan(...files).steps)
})

test('user IDs are valid, the nick itself where it can be, and give the nick back', () => {
  expect(['anna', 'a|b^`{}', '[x]', 'Ünal'].map(userIdOf)).toEqual(['anna', 'a|b^`{}', '[x]', 'Ünal'])
  expect(userIdOf('100%')).toBe('100%25')
  expect(userIdOf('\u0002b')).toBe('%02b')
  expect(userIdOf('u\u0308')).toBe('u%CC%88')
  expect(userIdOf('~x')).toBe('%7Ex')
  expect(userIdOf('n'.repeat(300))).toMatch(/^~[\w-]{43}$/)
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }), (nick) => {
      const id = userIdOf(nick)
      expect(identifierFault(id)).toBeUndefined()
      if (!id.startsWith('~')) expect(decodeURIComponent(id)).toBe(nick)
    }),
  )
})

test('the channel is the one that the files name', () => {
  expect(channelOf([fileOf(['[10:00] <a> has joined #no'])])).toBe('#irc')
  expect(channelOf([fileOf(['=== a [h]  has joined #Shop'])])).toBe('#shop')
})

test('an import is in order where no file was left out or came earlier than its turn', () => {
  const files = ['a', 'b', 'c'].map((name) => ({ name }))
  const inOrder = (...found: [name: string, state: string, begun: number][]) =>
    isInOrder(files, new Map(found.map(([name, state, begun]) => [name, { done: state === 'done', line: 0, begun }])))
  expect(inOrder()).toBe(true)
  expect(inOrder(['a', 'done', 5], ['b', 'begun', 7])).toBe(true)
  expect(inOrder(['a', 'begun', 5], ['b', 'begun', 7])).toBe(true)
  expect(inOrder(['a', 'begun', 5], ['b', 'done', 7])).toBe(false)
  expect(inOrder(['b', 'done', 5])).toBe(false)
  expect(inOrder(['a', 'done', 9], ['b', 'done', 5])).toBe(false)
})
