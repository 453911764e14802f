/**
 * One line of a raw IRC log, as the *irc-disentanglement* data set keeps them:
 *
 *   [hh:mm] <nick> text                          said
 *   [hh:mm]  * nick text     === nick text       done (an action)
 *   [hh:mm] -nick:#channel- text                 a notice; also (nick/#channel)
 *   === nick [user@host]  has joined #channel    and: has left #channel [reason]
 *   === a is now known as b
 *   === nick was kicked off #channel by nick (reason)
 *   === mode/#channel [+o nick]  by nick
 *
 * Whoever wrote these files put a space behind every `]`, also inside of nicks (`bur[n] er` is `bur[n]er`).
 */
export type Line = Form & {
  /** `hh:mm`, where the line has one. */
  time?: string
}

type Form =
  | { kind: 'message' | 'notice' | 'action'; nick: string; text: string }
  | { kind: 'join'; nick: string; host: string; channel: string }
  | { kind: 'leave'; nick: string; host: string; channel: string; reason?: string }
  | { kind: 'rename'; nick: string; to: string }
  | { kind: 'kick'; nick: string; channel: string; by: string; reason?: string }
  | { kind: 'mode'; channel: string; change: string; nick: string }
  | { kind: 'skipped'; reason: string }

/** Never refuses: what has none of these forms is `skipped`, with the reason. */
export function parseLine(line: string): Line {
  if (line.startsWith('=== ')) return parseEvent(line.slice(4))
  const timed = /^\[(\d\d:\d\d)\] (.*)$/s.exec(line)
  if (timed) return { ...parseSpoken(timed[2]!), time: timed[1]! }
  return { kind: 'skipped', reason: line.trim() === '' ? 'empty line' : 'no known form' }
}

/** A nick as it is written: any run without spaces, but for the one behind a `]`. */
const nick = String.raw`((?:[^\s\]]|\] ?)+)`

const said = /^<([^>]+)>(?: (.*))?$/s
const done = new RegExp(`^ \\* ${nick}(?: (.*))?$`, 's')
const noticed = /^-([^\s:]+):(#\S+)- ?(.*)$/s
const addressed = /^\(([^\s/]+)\/(#\S+)\) ?(.*)$/s

function parseSpoken(rest: string): Form {
  const found = said.exec(rest)
  if (found) return { kind: 'message', nick: nickOf(found[1]!), text: found[2] ?? '' }
  const action = done.exec(rest)
  if (action) return { kind: 'action', nick: nickOf(action[1]!), text: action[2] ?? '' }
  const notice = noticed.exec(rest) ?? addressed.exec(rest)
  if (notice) return { kind: 'notice', nick: nickOf(notice[1]!), text: notice[3]! }
  return { kind: 'skipped', reason: 'no known form' }
}

const moved = new RegExp(`^${nick} \\[(.*?)\\] +has (joined|left) (#\\S+)(?: (.*))?$`, 's')
const renamed = new RegExp(`^${nick} is now known as ${nick}$`, 's')
const kicked = new RegExp(`^${nick} was kicked off (#\\S+) by ${nick}(?: \\((.*)\\))?$`, 's')
const mode = new RegExp(`^mode/(#\\S+) \\[(.*)\\] +by ${nick}$`, 's')
const acted = new RegExp(`^${nick}(?: (.*))?$`, 's')

function parseEvent(rest: string): Form {
  const found = moved.exec(rest)
  if (found) return parseMove(found)
  const rename = renamed.exec(rest)
  if (rename) return { kind: 'rename', nick: nickOf(rename[1]!), to: nickOf(rename[2]!) }
  const kick = kicked.exec(rest)
  if (kick) return { kind: 'kick', nick: nickOf(kick[1]!), channel: kick[2]!, by: nickOf(kick[3]!), ...reason(kick[4]) }
  const change = mode.exec(rest)
  if (change) return { kind: 'mode', channel: change[1]!, change: change[2]!, nick: nickOf(change[3]!) }
  const action = acted.exec(rest)
  if (action) return { kind: 'action', nick: nickOf(action[1]!), text: action[2] ?? '' }
  return { kind: 'skipped', reason: 'no nick' }
}

function parseMove([, who, host, verb, channel, rest]: RegExpExecArray): Form {
  const move = { nick: nickOf(who!), host: host!, channel: channel! }
  if (verb === 'joined') return { kind: 'join', ...move }
  // `["Leaving"]`; the closing quote is lost in some files.
  return { kind: 'leave', ...move, ...reason(/^\["?(.*?)"?\] ?$/s.exec(rest ?? '')?.[1]) }
}

const nickOf = (written: string) => written.replaceAll('] ', ']')

const reason = (text: string | undefined) => (text ? { reason: text } : {})
