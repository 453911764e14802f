import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

/** The client's address. `X-Forwarded-For` is believed only from proxies that the configuration names (all, n, or a list). */
export function addressOf(request: IncomingMessage, trust: boolean | number | readonly string[]): string {
  const peer = plain(request.socket.remoteAddress ?? '')
  const header = request.headers['x-forwarded-for']
  if (trust === false || header === undefined) return peer
  const hops = [
    ...String(header)
      .split(',')
      .map((hop) => plain(hop.trim())),
    peer,
  ]
  if (trust === true) return hops[0]!
  if (typeof trust === 'number') return hops[Math.max(hops.length - 1 - trust, 0)]!
  const proxies = listed(trust)
  for (let i = hops.length - 1; i > 0; i--) if (!contains(proxies, hops[i]!)) return hops[i]!
  return hops[0]!
}

function listed(addresses: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of addresses) {
    const [address, prefix] = entry.split('/') as [string, string | undefined]
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (isIP(address) === 0) continue
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return list
}

const contains = (list: BlockList, address: string) => isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/, '')
