/**
 * A WebSocket client for load: as little work per frame as can be, so that the generator is not what is measured.
 *
 * One socket is a TCP connection that reads into a buffer shared by all sockets. Frames are handed on as views of that buffer, good
 * only during the call, with the time at which their chunk was read. The client masks with zeros, which is a mask like any other.
 */
import { connect, type Socket } from 'node:net'

/** `bytes[start, end)` is the payload. `at`: `monotonicNs` when it was read. */
export type OnFrame = (bytes: Buffer, start: number, end: number, at: number) => void

/** CLOCK_MONOTONIC, which all processes of this machine share. */
export const monotonicNs = (): number => Number(process.hrtime.bigint())

const shared = Buffer.allocUnsafe(256 * 1024)

export class LoadSocket {
  onFrame: OnFrame = () => {}
  closed = false
  private upgraded: (() => void) | undefined
  private rest: Buffer | undefined
  private readonly waiting = new Map<number, (answer: any) => void>()
  private nextId = 1

  readonly socket: Socket

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('close', () => {
      this.closed = true
    })
    socket.on('error', () => {})
  }

  static async open(url: string, path = '/v1/ws'): Promise<LoadSocket> {
    const { hostname, port } = new URL(url)
    let self!: LoadSocket
    const onread = { buffer: shared, callback: (length: number, buffer: Uint8Array) => self.read(buffer as Buffer, length) }
    self = new LoadSocket(connect({ host: hostname, port: Number(port), onread } as never))
    await new Promise<void>((resolve, reject) => {
      self.upgraded = resolve
      self.socket.once('error', reject)
      self.socket.once('close', () => reject(new Error('closed before the upgrade')))
      const key = Buffer.from(String(Math.random()).padEnd(16).slice(0, 16)).toString('base64')
      const lines = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Version: 13']
      self.socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${lines.join('\r\n')}\r\nSec-WebSocket-Protocol: roomlog.v1\r\n\r\n`,
      )
    })
    return self
  }

  send(frame: unknown): void {
    this.socket.write(textFrame(typeof frame === 'string' ? frame : JSON.stringify(frame)))
  }

  /** @throws on an error answer, or when none came in 30 s. */
  request(frame: Record<string, unknown>): Promise<any> {
    const id = this.nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${JSON.stringify(frame).slice(0, 200)}`)), 30_000)
      this.waiting.set(id, (answer) => {
        clearTimeout(timer)
        if (answer.error) reject(new Error(`${JSON.stringify(frame).slice(0, 200)} → ${JSON.stringify(answer.error)}`))
        else resolve(answer.ok)
      })
      this.send({ id, ...frame })
    })
  }

  close(): void {
    this.socket.destroy()
  }

  private read(buffer: Buffer, length: number): boolean {
    const at = monotonicNs()
    let bytes = buffer.subarray(0, length)
    if (this.rest) {
      bytes = Buffer.concat([this.rest, bytes])
      this.rest = undefined
    }
    let from = 0
    if (this.upgraded) {
      const head = bytes.indexOf('\r\n\r\n')
      if (head < 0) return this.keep(bytes, 0)
      if (!bytes.subarray(0, 32).includes(' 101 ')) throw new Error(`no upgrade: ${bytes.subarray(0, 200)}`)
      this.upgraded()
      this.upgraded = undefined
      from = head + 4
    }
    while (from + 2 <= bytes.length) {
      const opcode = bytes[from]! & 0x0f
      const short = bytes[from + 1]! & 0x7f
      const start = from + (short < 126 ? 2 : short === 126 ? 4 : 10)
      if (start > bytes.length) break
      const size = short < 126 ? short : short === 126 ? bytes.readUInt16BE(from + 2) : bytes.readUInt32BE(from + 6)
      const end = start + size
      if (end > bytes.length) break
      if (opcode === 1) this.take(bytes, start, end, at)
      else if (opcode === 9) this.socket.write(pong)
      from = end
    }
    return this.keep(bytes, from)
  }

  private take(bytes: Buffer, start: number, end: number, at: number): void {
    if (this.waiting.size > 0 && bytes[start + 2] === 0x69) {
      const answer = JSON.parse(bytes.toString('utf8', start, end))
      this.waiting.get(answer.id)?.(answer)
      this.waiting.delete(answer.id)
    } else this.onFrame(bytes, start, end, at)
  }

  private keep(bytes: Buffer, from: number): boolean {
    if (from < bytes.length) this.rest = Buffer.from(bytes.subarray(from))
    return true
  }
}

/** The number behind `"<name>":` in a frame, or NaN. */
export function numberIn(bytes: Buffer, start: number, end: number, name: Buffer): number {
  const found = bytes.indexOf(name, start)
  if (found < 0 || found >= end) return Number.NaN
  let value = 0
  for (let i = found + name.length; i < end; i++) {
    const digit = bytes[i]! - 0x30
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
  }
  return value
}

/** Runs `step(0) … step(n - 1)`, at most `width` at a time. */
export async function inParallel(n: number, width: number, step: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < n) await step(next++)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const at = length < 126 ? 6 : length < 65_536 ? 8 : 14
  const frame = Buffer.alloc(at + length)
  frame[0] = 0x81
  if (at === 6) frame[1] = 0x80 | length
  else if (at === 8) {
    frame[1] = 0xfe
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 0xff
    frame.writeUInt32BE(length, 6)
  }
  frame.write(text, at)
  return frame
}

const pong = Buffer.from([0x8a, 0x80, 0, 0, 0, 0])
