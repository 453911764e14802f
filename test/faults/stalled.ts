/**
 * A hundred sockets that stop reading for ten minutes while their rooms are full of talk: the process's memory stays flat.
 * Judged is anonymous memory. Pages of the embedded log's file that are mapped are the system's page cache: they count as
 * resident, grow with the log, and are given back whenever anybody needs them; they are printed beside it.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDeployment } from '../harness/deployment.ts'
import { Caller } from '../harness/http.ts'
import { WireSocket } from '../harness/socket.ts'

const sockets = 100
const minutes = Number(process.env.ROOMLOG_STALLED_MINUTES ?? 10)
const eventsPerSecond = 200
/** Buffers, rings and caches fill to their bounds first: at this rate the ring alone takes three minutes. */
const warmUpMinutes = 4

const growthMax = 0.15

export async function stalledSockets(progress: (line: string) => void): Promise<boolean> {
  const deployment = await startDeployment('embedded')
  try {
    const url = deployment.urls[0]!
    const talker = new Caller(url, await deployment.tokens.service('talker'))
    const token = await deployment.tokens.user('listener')
    const { room } = await new Caller(url, token).done('/v1/rooms', { access: 'public' })
    const opened = await Promise.all(Array.from({ length: sockets }, () => WireSocket.open(url, token)))
    for (const socket of opened) {
      await socket.ok({ op: 'subscribe', room })
      socket.ws.pause()
    }
    const { pid } = deployment.service('roomlog')
    let talking = true
    const talk = (async () => {
      const items = Array.from({ length: eventsPerSecond / 10 }, () => ({ type: 'msg.text', content: { body: 'x'.repeat(2_000) } }))
      while (talking) {
        await talker.post(`/v1/rooms/${room}/events`, items)
        await sleep(100)
      }
    })()
    const samples: number[] = []
    for (let minute = 0; minute <= minutes; minute++) {
      await sleep(60_000)
      const { anonymous, mapped } = residentMiB(pid())
      samples.push(anonymous)
      progress(`minute ${minute + 1}: ${anonymous} MiB, and ${mapped} MiB of mapped files`)
    }
    talking = false
    await talk
    for (const socket of opened) socket.ws.terminate()
    const [first, last] = [samples[Math.min(warmUpMinutes, samples.length) - 1]!, Math.max(...samples.slice(-3))]
    progress(`${first} MiB when everything was full, ${last} MiB at the end`)
    return last <= first * (1 + growthMax)
  } finally {
    await deployment.stop()
  }
}

function residentMiB(pid: number): { anonymous: number; mapped: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const of = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]) / 1_024)
  return { anonymous: of('RssAnon'), mapped: of('RssFile') }
}
