/** A hundred sockets that stop reading for ten minutes while their rooms are full of talk: the process's memory stays flat. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDeployment } from '../harness/deployment.ts'
import { Caller } from '../harness/http.ts'
import { WireSocket } from '../harness/socket.ts'

const sockets = 100
const minutes = Number(process.env.ROOMLOG_STALLED_MINUTES ?? 10)
const eventsPerSecond = 200
/** After the first minute, in which buffers and rings fill to their bounds. */
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
      samples.push(residentMiB(pid()))
      progress(`minute ${minute + 1}: ${samples.at(-1)} MiB`)
    }
    talking = false
    await talk
    for (const socket of opened) socket.ws.terminate()
    const [first, last] = [samples[0]!, Math.max(...samples.slice(-3))]
    progress(`${first} MiB after the first minute, ${last} MiB at the end`)
    return last <= first * (1 + growthMax)
  } finally {
    await deployment.stop()
  }
}

function residentMiB(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024)
}
