/** Commands as doors write them, in short: the sender's ID, what is special, and nothing else. */
import type { Command, Rights } from '@roomlog/domain'

export type Special = Partial<Omit<Command, 'type' | 'sender' | 'content'>> & { content?: unknown }

export const roomId = 'r'

/** Any command; contents are given as values, or as a text that is taken as it is. */
export function command(sender: string, type: string, { content = {}, ...more }: Special = {}): Command {
  return {
    type,
    room: roomId,
    sender: { id: sender },
    device: 'phone',
    rights: {},
    content: typeof content === 'string' ? content : JSON.stringify(content),
    at: 0,
    digest: JSON.stringify([type, content, more.user, more.key, more.ref]),
    origin: '',
    ...more,
  }
}

/** Public unless told otherwise, so that `join` suffices. */
export const createRoom = (creator: string, content: object = {}, more: Special = {}): Command =>
  command(creator, 'room.create', { content: { access: 'public', ...content }, ...more })
export const join = (user: string, more: Special = {}): Command => command(user, 'member.join', more)
export const leave = (user: string, more: Special = {}): Command => command(user, 'member.leave', more)
export const knock = (user: string, more: Special = {}): Command => command(user, 'member.knock', more)
export const invite = (by: string, user: string, more: Special = {}): Command => command(by, 'member.invite', { user, ...more })
export const kick = (by: string, user: string, more: Special = {}): Command => command(by, 'member.kick', { user, ...more })
export const ban = (by: string, user: string, more: Special = {}): Command => command(by, 'member.ban', { user, ...more })
export const unban = (by: string, user: string, more: Special = {}): Command => command(by, 'member.unban', { user, ...more })
/** A plain message. */
export const say = (sender: string, text: string, more: Special = {}): Command =>
  command(sender, 'msg.text', { content: { text }, ...more })
export const editMessage = (sender: string, ref: string, more: Special = {}): Command => command(sender, 'msg.edit', { ref, ...more })
export const deleteMessage = (sender: string, ref: string, more: Special = {}): Command => command(sender, 'msg.delete', { ref, ...more })
export const setState = (sender: string, type: string, key: string, content: unknown, more: Special = {}): Command =>
  command(sender, type, { key, content: content === null ? 'null' : (content as object), ...more })
export const setPower = (sender: string, levels: object, more: Special = {}): Command =>
  command(sender, 'room.power', { content: levels, ...more })
export const setAccess = (sender: string, value: string, rooms?: string[]): Command =>
  command(sender, 'room.access', { content: { value, rooms } })
export const setHistory = (sender: string, value: string): Command => command(sender, 'room.history', { content: { value } })
export const deleteRoom = (sender: string, content: object = {}): Command => command(sender, 'room.delete', { content })

/** Rights of a service's token. */
export const service = (name: string, ...scopes: NonNullable<Rights['scopes']>): Rights => ({ service: name, scopes })
