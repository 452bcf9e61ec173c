// A cable between two hosts: it carries packets, can be pulled, and what passes can be counted and written down.
import type { Child } from '../process.js'
import type { Host } from './host.js'

export interface End {
  readonly host: Host
  readonly address: string
}

/** IP packets with their headers, in bytes, seen from one end. */
export interface Traffic {
  readonly sent: number
  readonly received: number
}

const ethernetHeader = 14

export class Cable {
  readonly #near: End
  readonly #far: End
  /** The devices at the two ends. */
  readonly near: string
  readonly far: string

  constructor(near: End, far: End) {
    this.#near = near
    this.#far = far
    this.near = near.host.nextDevice()
    this.far = far.host.nextDevice()
    near.host.ip('link', 'add', this.near, 'type', 'veth', 'peer', 'name', this.far, 'netns', far.host.namespace)
    for (const [end, device, other] of [[near, this.near, far] as const, [far, this.far, near] as const]) {
      // One packet a segment, or the counters would see several under one header.
      end.host.ip('link', 'set', device, 'address', hardwareAddress(end), 'gso_max_segs', '1')
      end.host.ip('address', 'add', `${end.address}/24`, 'dev', device)
      end.host.ip('link', 'set', device, 'up')
      // Nobody has to ask who has the address.
      end.host.ip('neighbour', 'add', other.address, 'lladdr', hardwareAddress(other), 'dev', device, 'nud', 'permanent')
    }
  }

  /** The far end is dead; the near one loses its carrier and keeps its address and routes. */
  pull(): void {
    this.#far.host.ip('link', 'set', this.far, 'down')
  }

  plug(): void {
    const { host } = this.#far
    host.ip('link', 'set', this.far, 'up')
    host.ip('neighbour', 'replace', this.#near.address, 'lladdr', hardwareAddress(this.#near), 'dev', this.far, 'nud', 'permanent')
  }

  /** All that has passed so far, by the counters of the near device. */
  traffic(): Traffic {
    const [{ stats64 }] = JSON.parse(this.#near.host.ip('-s', '-j', 'link', 'show', 'dev', this.near)) as [{ stats64: Counters }]
    const bytes = ({ bytes, packets }: Counter): number => bytes - packets * ethernetHeader
    return { sent: bytes(stats64.tx), received: bytes(stats64.rx) }
  }

  /** Writes everything that passes at the near end to a file, from when this resolves until the process ends by SIGINT. */
  async capture(file: string): Promise<Child> {
    // At once: by default what came within the last second is still the kernel's when the process ends, and lost.
    const flags = ['--immediate-mode', '-U', '-s', '0', '-Z', 'root']
    const tcpdump = this.#near.host.run(['tcpdump', '-i', this.near, '-w', file, ...flags])
    await tcpdump.line(/listening on/)
    return tcpdump
  }
}

interface Counter {
  readonly bytes: number
  readonly packets: number
}

interface Counters {
  readonly rx: Counter
  readonly tx: Counter
}

/** Locally administered, and the IP address in it. */
function hardwareAddress({ address }: End): string {
  return ['02', '00', ...address.split('.').map(part => Number(part).toString(16).padStart(2, '0'))].join(':')
}
