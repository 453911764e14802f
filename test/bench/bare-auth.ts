/** A bare `ws` server that checks the token of the first message and answers: the least that a connect can cost. */

import { jwtVerify } from 'jose'
import { WebSocketServer } from 'ws'

const secret = new TextEncoder().encode(process.argv[2])
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
server.on('connection', (ws) =>
  ws.on('message', async (data) => {
    const { id, token } = JSON.parse(String(data)) as { id: number; token: string }
    await jwtVerify(token, secret, { algorithms: ['HS256'] })
    ws.send(JSON.stringify({ id, ok: {} }))
  }),
)
server.on('listening', () => process.send!({ port: (server.address() as { port: number }).port }))
process.on('disconnect', () => process.exit(0))
