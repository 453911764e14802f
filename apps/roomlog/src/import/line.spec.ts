import { expect, test } from 'vitest'
import { type Line, parseLine } from './line.js'

const cases: [string, Line][] = [
  ['[09:21] <anna> hello  there', { kind: 'message', nick: 'anna', text: 'hello  there', time: '09:21' }],
  ['[09:21] <anna>', { kind: 'message', nick: 'anna', text: '', time: '09:21' }],
  ['[09:21] <anna>  two spaces', { kind: 'message', nick: 'anna', text: ' two spaces', time: '09:21' }],
  ['[00:00] <a|b^`{}\\-_9> <b> [x] === y', { kind: 'message', nick: 'a|b^`{}\\-_9', text: '<b> [x] === y', time: '00:00' }],
  ['[09:21] <[x] > in brackets', { kind: 'message', nick: '[x]', text: 'in brackets', time: '09:21' }],
  ['[09:21] <a[b] c> between', { kind: 'message', nick: 'a[b]c', text: 'between', time: '09:21' }],
  ['[23:59]  * anna waves', { kind: 'action', nick: 'anna', text: 'waves', time: '23:59' }],
  ['[23:59]  * a[b] c waves', { kind: 'action', nick: 'a[b]c', text: 'waves', time: '23:59' }],
  ['[23:59]  * anna', { kind: 'action', nick: 'anna', text: '', time: '23:59' }],
  ['[05:12] -spam:#shop- buy this', { kind: 'notice', nick: 'spam', text: 'buy this', time: '05:12' }],
  ['[05:12] (ben/#shop) see there', { kind: 'notice', nick: 'ben', text: 'see there', time: '05:12' }],
  ['=== anna waves', { kind: 'action', nick: 'anna', text: 'waves' }],
  ['=== a[b] c er waves', { kind: 'action', nick: 'a[b]c', text: 'er waves' }],
  ['=== [x]  waves', { kind: 'action', nick: '[x]', text: 'waves' }],
  ['=== anna has joined the fight', { kind: 'action', nick: 'anna', text: 'has joined the fight' }],
  ['=== anna kicks ben', { kind: 'action', nick: 'anna', text: 'kicks ben' }],
  ['=== anna [n=anna@host.example]  has joined #shop', { kind: 'join', nick: 'anna', host: 'n=anna@host.example', channel: '#shop' }],
  ['=== [x]  [~x@10.0.0.1]  has joined #Shop', { kind: 'join', nick: '[x]', host: '~x@10.0.0.1', channel: '#Shop' }],
  ['=== a[b]  [n=a[b] @h]  has joined #shop', { kind: 'join', nick: 'a[b]', host: 'n=a[b] @h', channel: '#shop' }],
  ['=== anna [h]  has left #shop []', { kind: 'leave', nick: 'anna', host: 'h', channel: '#shop' }],
  ['=== anna [h]  has left #shop', { kind: 'leave', nick: 'anna', host: 'h', channel: '#shop' }],
  [
    '=== anna [h]  has left #shop ["Leaving [now] "]',
    { kind: 'leave', nick: 'anna', host: 'h', channel: '#shop', reason: 'Leaving [now] ' },
  ],
  ['=== anna [h]  has left #shop ["One]', { kind: 'leave', nick: 'anna', host: 'h', channel: '#shop', reason: 'One' }],
  ['=== anna is now known as anna_', { kind: 'rename', nick: 'anna', to: 'anna_' }],
  ['=== a[b]  is now known as [a] b', { kind: 'rename', nick: 'a[b]', to: '[a]b' }],
  [
    '=== ben was kicked off #shop by anna (flood (again))',
    { kind: 'kick', nick: 'ben', channel: '#shop', by: 'anna', reason: 'flood (again)' },
  ],
  ['=== ben was kicked off #shop by anna', { kind: 'kick', nick: 'ben', channel: '#shop', by: 'anna' }],
  ['=== mode/#shop [+o anna]  by ChanServ', { kind: 'mode', channel: '#shop', change: '+o anna', nick: 'ChanServ' }],
  ['=== mode/#shop [-bb *!*@a *!*@b]  by [x] ', { kind: 'mode', channel: '#shop', change: '-bb *!*@a *!*@b', nick: '[x]' }],
  ['', { kind: 'skipped', reason: 'empty line' }],
  ['not of this format', { kind: 'skipped', reason: 'no known form' }],
  ['[09:21] neither', { kind: 'skipped', reason: 'no known form', time: '09:21' }],
]

test.each(cases)('%s', (line, expected) => {
  expect(parseLine(line)).toEqual(expected)
})

test('control characters and every other dirt in the text stay as they are', () => {
  const text = '\u0002bold\u0003 4,12 caf\u00e9 \u{1f600} \u001c end \t'
  expect(parseLine(`[09:21] <anna> ${text}`)).toMatchObject({ text })
})

test('a line of any length is read in linear time', () => {
  const started = performance.now()
  for (const line of [`=== ${'[] '.repeat(50_000)}`, `=== ${'a] '.repeat(50_000)} is now known as`, `[09:21] <a> ${'x'.repeat(500_000)}`])
    parseLine(line)
  expect(performance.now() - started).toBeLessThan(2_000)
})
