// Subnets, and what is in them.
import { BlockList, isIP } from 'node:net'

interface Cidr {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

export function parseCidr(text: string): Cidr | undefined {
  const [, address = '', digits = ''] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text) ?? []
  const version = isIP(address)
  const prefix = Number(digits)
  if (version === 0 || prefix > (version === 4 ? 32 : 128)) return undefined
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' }
}

/** Whether an address, or the first one of a range, is in a subnet. */
export function isWithin(addressOrRange: string, subnet: string): boolean {
  const [address = ''] = addressOrRange.split('/')
  const cidr = parseCidr(subnet)
  if (cidr === undefined || isIP(address) !== (cidr.family === 'ipv4' ? 4 : 6)) return false
  const list = new BlockList()
  list.addSubnet(cidr.address, cidr.prefix, cidr.family)
  return list.check(address, cidr.family)
}
