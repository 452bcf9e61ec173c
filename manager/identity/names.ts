// Which names and addresses the server's certificate is good for: the machine's own and those that were configured.

import { isIP } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'

export interface Machine {
  readonly hostname: string
  readonly interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>
}

const always = ['localhost', '127.0.0.1', '::1']
const maxNames = 200
const dnsName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/

/** Sorted, each once. Link-local addresses are left out: nobody can be given one without its interface. */
export function namesOf({ hostname, interfaces }: Machine, configured: readonly string[]): string[] {
  const addresses = Object.values(interfaces).flatMap(infos => (infos ?? []).map(info => info.address))
  const host = hostname.toLowerCase()
  const own = [...(isHost(host) ? [host] : []), ...addresses.filter(address => !/^fe[89ab]/i.test(address))]
  const all = new Set([...configured.map(name => name.toLowerCase()).filter(isHost), ...always, ...own])
  return [...all].slice(0, maxNames).sort()
}

/** Addresses of this machine at which others may reach it, best first: IPv4 before IPv6, networks of containers last. */
export function addressesOf(interfaces: Machine['interfaces']): string[] {
  const outer = Object.entries(interfaces).flatMap(([name, infos]) =>
    (infos ?? []).filter(info => !info.internal && !/^fe[89ab]/i.test(info.address)).map(info => ({ name, ...info })),
  )
  const rank = ({ name, family }: { name: string; family: string }) => (isVirtual(name) ? 2 : 0) + (family === 'IPv4' ? 0 : 1)
  return outer.sort((one, other) => rank(one) - rank(other)).map(info => info.address)
}

/** Without networks of containers, which come and go: a certificate holds those of the moment when it is made, and is not made anew for them. */
export function lastingOf(interfaces: Machine['interfaces']): Machine['interfaces'] {
  return Object.fromEntries(Object.entries(interfaces).filter(([name]) => !isVirtual(name)))
}

function isVirtual(name: string): boolean {
  return /^(docker|br-|veth|virbr|cni|flannel|lxc|podman|tun|tap|wg)/.test(name)
}

function isHost(text: string): boolean {
  return isIP(text) !== 0 || dnsName.test(text)
}
