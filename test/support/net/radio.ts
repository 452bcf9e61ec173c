// A slow, lossy radio link between two hosts. Kernels without netem have no delay: the packets go by way of a program that keeps them for a while.
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

export const radioDevice = 'radio0'
/** Beyond this a packet that waits for its turn is dropped. */
const queueMs = 2000

/** `relay` is a host of the link's own, where nobody else is: its loopback carries the packets from one end's program to the other's. */
export async function layRadio(ends: readonly [End, End], relay: Host, { delayMs, rate, loss }: RadioQuality): Promise<void> {
  const program = relay.run([process.execPath, 'dist/test/support/net/radio-relay.js', String(delayMs)])
  await program.line(/^ready$/)
  for (const [at, { host, address }] of ends.entries()) {
    const name = `tun${at}`
    relay.run(['socat', `TUN,tun-name=${name},tun-type=tun,iff-no-pi`, `UDP4-DATAGRAM:127.0.0.1:${7000 + at},bind=127.0.0.1:${7010 + at}`])
    // A process makes it: nobody tells when.
    await eventually(20_000, `the device ${name}`, () => relay.ip('-j', 'link', 'show').includes(`"${name}"`))
    relay.ip('link', 'set', name, 'netns', host.namespace, 'name', radioDevice)
    const other = ends[1 - at]?.address ?? ''
    host.ip('address', 'add', address, 'peer', other, 'dev', radioDevice)
    host.ip('link', 'set', radioDevice, 'up')
    host.exec(...`tc qdisc add dev ${radioDevice} root tbf rate ${rate} burst 3000 latency ${queueMs}ms`.split(' '))
    if (loss > 0) host.lose(radioDevice, loss)
  }
}
