/** A log whose calls a test may hold, fail or answer itself; everything else is the log's own. */
import type { Appended, Conflict, Log, RecordDraft } from '@roomlog/log'

export interface Meddling {
  append?: (next: () => Promise<Appended | Conflict>, records: RecordDraft[], expectedEnd: number) => Promise<Appended | Conflict>
  produce?: (next: () => Promise<{ baseOffset: number }>, topic: string, records: RecordDraft[]) => Promise<{ baseOffset: number }>
}

export function meddlingLog(log: Log, meddling: Meddling): Log {
  return new Proxy(log, {
    get(target, name) {
      if (name === 'append' && meddling.append) {
        return (topic: string, partition: number, expectedEnd: number, records: RecordDraft[]) =>
          meddling.append!(() => target.append(topic, partition, expectedEnd, records), records, expectedEnd)
      }
      if (name === 'produce' && meddling.produce) {
        return (topic: string, partition: number, records: RecordDraft[]) =>
          meddling.produce!(() => target.produce(topic, partition, records), topic, records)
      }
      const member = Reflect.get(target, name) as unknown
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
