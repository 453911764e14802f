/** Events as answers show them: the stored bytes, and, beside what they say, where they stand and what became of them. */
import { roomKind } from '@roomlog/domain'
import { eventId } from '@roomlog/log'
import type { HistoryEvent } from '../store/history.js'
import { reactionsTo, threadsOf } from '../store/summaries.js'
import type { JsonText, Reading } from './read.js'
import { positionOf, type View } from './view.js'

/** The stored bytes, with the event's position, and, to the device that sent it, its action. */
export function eventText(
  { principal }: Pick<Reading, 'principal'>,
  view: Pick<View, 'access'>,
  event: HistoryEvent,
  beside: Record<string, JsonText | undefined> = {},
): JsonText {
  const own = event.action !== null && !principal.anonymous && event.sender === principal.user && event.device === principal.device
  let text = `${event.value.slice(0, -1)},"position":"${positionOf(view, event)}"${own ? `,"actionId":${event.action}` : ''}`
  for (const [name, value] of Object.entries(beside)) if (value !== undefined) text += `,"${name}":${value}`
  return `${text}}`
}

/** Events of one room, each with the reactions to it and the thread that begins there, as far as the reader may see those. */
export async function eventTexts(reading: Reading, view: View, events: readonly HistoryEvent[]): Promise<JsonText[]> {
  if (roomKind(view.room) !== 'room' || events.length === 0) return events.map((event) => eventText(reading, view, event))
  const { dataSource, principal } = reading
  const ids = events.map(idOf)
  const [reactions, threads] = await Promise.all([
    reactionsTo(dataSource, view, ids, principal.anonymous ? undefined : principal.user),
    threadsOf(dataSource, view, ids),
  ])
  return events.map((event, index) => {
    const [reacted, thread] = [reactions.get(ids[index]!), threads.get(ids[index]!)]
    return eventText(reading, view, event, {
      reactions: reacted && JSON.stringify(reacted),
      threadSummary: thread && `{"count":${thread.count},"last":${eventText(reading, view, thread.last)}}`,
    })
  })
}

const idOf = ({ partition, offset, proof }: HistoryEvent) => eventId({ partition, offset, check: proof })
