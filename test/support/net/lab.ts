// Hosts of a test's own on this machine, the cables and radio links between them, and their end. Needs root.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'uvu'
import { Cable, type End } from './cable.js'
import { Guard } from './guard.js'
import { Host } from './host.js'
import { Radio, type RadioQuality } from './radio.js'

const tools = ['ip', 'tc', 'iptables', 'nsenter', 'socat', 'tcpdump', 'sysctl'] as const
const prefix = 'skt'

/** What makes tests that need a lab: they are passed over, and it is said why, where there can be none. */
export function needingLab(test: Test): Test | Test['skip'] {
  const missing = labIsMissing()
  if (missing === undefined) return test
  console.log(`SKIP: ${missing}`)
  return test.skip
}

/** Why there can be no lab here; undefined where there can. */
export function labIsMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  const missing = tools.filter(tool => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0)
  if (missing.length > 0) return `${missing.join(', ')} not installed`
  if (!existsSync('/dev/net/tun')) return 'no /dev/net/tun'
  return tryOut()
}

/** Whether the kernel has what is needed, as finding out beforehand is no proof. */
function tryOut(): string | undefined {
  const name = `${prefix}${process.pid}-try`
  const steps = [
    ['netns', `ip netns add ${name}`],
    ['a TUN device', `ip -n ${name} tuntap add dev tun0 mode tun`],
    ['tbf', `ip netns exec ${name} tc qdisc add dev tun0 root tbf rate 100kbit burst 3000 latency 1s`],
    ['the statistic match', `ip netns exec ${name} iptables -t mangle -A PREROUTING -m statistic --mode random --probability 0.5 -j DROP`],
    ['NAT', `ip netns exec ${name} iptables -t nat -A POSTROUTING -o tun0 -j MASQUERADE`],
    ['connection tracking', `ip netns exec ${name} iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT`],
  ] as const
  const failing = steps.find(([, step]) => spawnSync('sh', ['-c', step]).status !== 0)
  spawnSync('ip', ['netns', 'delete', name])
  return failing && `the kernel gives no ${failing[0]}`
}

export class Lab {
  readonly #guard = new Guard()
  #hosts = 0

  private constructor(readonly folder: string) {
    this.#guard.note('folder', folder)
  }

  /** Also removes what a lab has left whose guard was killed too. */
  static async open(): Promise<Lab> {
    removeStale()
    return new Lab(await mkdtemp(join(tmpdir(), 'skt-lab-')))
  }

  host(): Host {
    const name = `${prefix}${process.pid}-${this.#hosts++}`
    this.#guard.note('net', name)
    return new Host(name)
  }

  cable(near: End, far: End): Cable {
    return new Cable(near, far)
  }

  radio(one: End, other: End, quality: RadioQuality): Promise<Radio> {
    return Radio.lay([one, other], this.host(), quality)
  }

  /** A name for control groups, which go with the lab. */
  controlGroup(): string {
    const name = `${prefix}${process.pid}-group`
    this.#guard.note('cgroup', name)
    return name
  }

  /** Ends every process in its hosts. */
  remove(): Promise<void> {
    return this.#guard.act()
  }
}

export async function withLab(test: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await Lab.open()
  await test(lab).finally(() => lab.remove())
}

function removeStale(): void {
  const names = existsSync('/run/netns') ? readdirSync('/run/netns') : []
  for (const name of names) {
    const [, owner = ''] = new RegExp(`^${prefix}(\\d+)-`).exec(name) ?? []
    if (owner === '' || existsSync(`/proc/${owner}`)) continue
    spawnSync('sh', ['-c', `ip netns pids ${name} | xargs -r kill -9; ip netns delete ${name}`])
  }
}
