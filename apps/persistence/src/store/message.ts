import type { RoomEvent } from '@roomlog/domain'

/** What counts as a message: not state, membership or the room's own events, and not what only refers to a message. */
export function isMessage(event: Pick<RoomEvent, 'type' | 'key'>): boolean {
  return event.key === undefined && !/^(room|member|alias|profile|call|user)\./.test(event.type) && !referring.has(event.type)
}

/** The same of a row of `events`. */
export const isMessageSql = (row: string): string =>
  `(${row}.key is null and ${row}.type <> all('{${[...referringTypes].join(',')}}'::text[]) and (${row}.type like 'msg.%' or ${row}.type !~ '^(room|member|alias|profile|call|user)\\.'))`

const referringTypes = ['msg.edit', 'msg.delete', 'msg.reaction', 'msg.unreact', 'time.passed']
const referring = new Set(referringTypes)
