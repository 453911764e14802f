import { createServer, type Server } from 'node:net'
import type { Config } from '@roomlog/runtime'

interface Address {
  host: string
  port: number
}

/**
 * Says at once that a port is taken, before databases are started for nothing.
 * @throws Error that names the variable and the port.
 */
export async function checkPorts(config: Pick<Config, 'http' | 'adminHttp'>): Promise<void> {
  await checkPort('ROOMLOG_HTTP', config.http)
  await checkPort('ROOMLOG_ADMIN_HTTP', config.adminHttp)
}

export async function checkPort(variable: string, { host, port }: Address): Promise<void> {
  try {
    await close(await listen({ host, port }))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'EADDRINUSE' ? 'another process listens there' : code === 'EACCES' ? 'that needs more rights' : message
    throw new Error(`cannot listen on ${host}:${port}: ${reason}; set ${variable} to another host:port`)
  }
}

export async function isFree(address: Address): Promise<boolean> {
  try {
    await close(await listen(address))
    return true
  } catch {
    return false
  }
}

/** Some port of the loopback interface that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = await listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.address() as { port: number }
  await close(server)
  return port
}

function listen({ host, port }: Address): Promise<Server> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve(server))
  })
}

const close = (server: Server) => new Promise<void>((resolve) => server.close(() => resolve()))
