import type { RecordDraft } from '@roomlog/log'
import { encodeCommand, recordVersion } from '@roomlog/protocol'

/** The command that an owner sends itself where something waits for a time: its broker time is the log's. */
export function timePassed(room: string, now: number): RecordDraft {
  const value = encodeCommand({ type: 'time.passed', room, sender: { id: 'roomlog' }, device: '', rights: {}, content: '{}' })
  return { key: room, value, headers: { v: recordVersion, origin: `time/${now}` } }
}
