/** Prometheus's hashmod: the last 8 bytes of the MD5 of the value, big-endian, modulo. Needs Node. */
import { createHash } from 'node:crypto'

export function hashmod(value: string, modulus: number): string {
  const digest = createHash('md5').update(value, 'utf8').digest()
  return String(digest.readBigUInt64BE(8) % BigInt(modulus))
}
