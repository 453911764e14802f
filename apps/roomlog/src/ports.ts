import { createServer } from 'node:net'
import type { Config } from '@roomlog/runtime'

/**
 * Says at once that a port is taken, before databases are started for nothing.
 * @throws Error that names the variable and the port.
 */
export async function checkPorts(config: Pick<Config, 'http' | 'adminHttp'>): Promise<void> {
  await checkPort('ROOMLOG_HTTP', config.http)
  await checkPort('ROOMLOG_ADMIN_HTTP', config.adminHttp)
}

async function checkPort(variable: string, { host, port }: { host: string; port: number }): Promise<void> {
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, resolve)
    })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'EADDRINUSE' ? 'another process listens there' : code === 'EACCES' ? 'that needs more rights' : message
    throw new Error(`cannot listen on ${host}:${port}: ${reason}; set ${variable} to another host:port`)
  } finally {
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
}
