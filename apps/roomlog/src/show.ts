import type { WireEvent } from '@roomlog/client'
import { printable } from './terminal.js'

/** An event on one line, for people. */
export function eventLine(event: WireEvent): string {
  const when = new Date(event.at).toISOString().slice(0, 19).replace('T', ' ')
  const who = event.onBehalfOf ?? event.sender.name ?? event.sender.id
  return printable(`${event.seq}  ${when}  ${said(event, who)}`)
}

function said(event: WireEvent, who: string): string {
  const content = event.content as { text?: unknown; body?: unknown; nick?: unknown; action?: unknown } | null
  const text = content?.text ?? content?.body
  if (event.type === 'msg.text' && typeof text === 'string') {
    const speaker = typeof content?.nick === 'string' ? content.nick : who
    return content?.action === true ? `* ${speaker} ${text}` : `<${speaker}> ${text}`
  }
  const about = [event.user === who ? undefined : event.user, event.key].filter((part) => part !== undefined && part !== '')
  return [who, event.type, ...about, JSON.stringify(event.content)].join(' ')
}
