// A radio link between two hosts, good until it is spoilt. Kernels without netem know no delay: the packets go by way of a program that keeps them.
import type { Child } from '../process.js'
import { eventually } from '../within.js'
import type { End } from './cable.js'
import type { Host } from './host.js'

export interface RadioQuality {
  /** One way. */
  readonly delayMs: number
  /** Each way, as tc writes it, such as `100kbit`. */
  readonly rate: string
  /** Share of the packets that get lost, each way. */
  readonly loss: number
}

const device = 'radio0'
/** Beyond this a packet that waits for its turn is dropped. */
const queueMs = 2000

export class Radio {
  private constructor(
    private readonly ends: readonly [End, End],
    private readonly program: Child,
    private readonly quality: RadioQuality,
  ) {}

  /** `relay` is a host of the link's own: its loopback carries the packets from one end's program to the other's. */
  static async lay(ends: readonly [End, End], relay: Host, quality: RadioQuality): Promise<Radio> {
    const program = relay.run([process.execPath, 'dist/test/support/net/radio-child.js', String(quality.delayMs)])
    await program.line(/^ready$/)
    for (const [at, { host, address }] of ends.entries()) {
      const name = `tun${at}`
      const datagrams = `UDP4-DATAGRAM:127.0.0.1:${7000 + at},bind=127.0.0.1:${7010 + at}`
      relay.run(['socat', `TUN,tun-name=${name},tun-type=tun,iff-no-pi`, datagrams])
      // A process makes it: nobody tells when.
      await eventually(20_000, `the device ${name}`, () => relay.ip('-j', 'link', 'show').includes(`"${name}"`))
      relay.ip('link', 'set', name, 'netns', host.namespace, 'name', device)
      host.ip('address', 'add', address, 'peer', ends[1 - at]?.address ?? '', 'dev', device)
      host.ip('link', 'set', device, 'up')
    }
    return new Radio(ends, program, quality)
  }

  /** From here on it is as bad as it was laid to be. */
  async spoil(): Promise<void> {
    const { rate, loss } = this.quality
    for (const { host } of this.ends) {
      host.exec(...`tc qdisc add dev ${device} root tbf rate ${rate} burst 3000 latency ${queueMs}ms`.split(' '))
      host.exec(...`iptables -t mangle -A PREROUTING -i ${device} -m statistic --mode random --probability ${loss} -j DROP`.split(' '))
    }
    process.kill(this.program.pid, 'SIGUSR1')
    await this.program.line(/^late$/)
  }
}
