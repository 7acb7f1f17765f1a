/**
 * Addresses that are not asked unless the user allows it: link-local ones, where clouds keep their credentials. What
 * discovery says can steer a scrape, so literal addresses are looked at, and what a name resolves to as well.
 */
import dns from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

const linkLocal = new BlockList()
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4') // and so ::ffff:169.254.0.0/112
linkLocal.addSubnet('fe80::', 10, 'ipv6')
linkLocal.addAddress('fd00:ec2::254', 'ipv6') // EC2's metadata service
linkLocal.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6') // 169.254.0.0/16 behind NAT64

export class ForbiddenAddressError extends Error {
  constructor(address: string) {
    super(`${address} is a link-local address; --scrape-allow-link-local permits it`)
    this.name = 'ForbiddenAddressError'
  }
}

/** Whether `host`, as in a URL, is a literal link-local address. Names are looked at when they are resolved. */
export function isLinkLocal(host: string): boolean {
  const address = host.startsWith('[') ? host.slice(1, -1) : host
  const family = isIP(address)
  return family !== 0 && linkLocal.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** Resolves names as `dns.lookup` does, and fails if one of the addresses is link-local. */
export const guardedLookup: LookupFunction = (host, options, callback) => {
  dns.lookup(host, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 0)
    const forbidden = addresses.find(({ address }) => isLinkLocal(address))
    if (forbidden !== undefined) return callback(new ForbiddenAddressError(`${host} (${forbidden.address})`), '', 0)
    if (options.all) return callback(null, addresses)
    const first = addresses[0]!
    return callback(null, first.address, first.family)
  })
}
