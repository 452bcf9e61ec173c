// A server and devices, each with a cable of its own to a router: what passes on a cable is what its device costs.
import { setTimeout as pause } from 'node:timers/promises'
import { type Device, type Fleet, withFleet } from '../fleet.js'
import type { Cable } from './cable.js'
import type { Host } from './host.js'
import { withLab } from './lab.js'

export interface Metered {
  readonly device: Device
  readonly cable: Cable
  /** At the far end of the cable. */
  readonly router: Host
}

const server = '10.88.0.1'
const toServer = '10.88.0.2'

/** Devices by the addresses of their Engines. They have joined and are Ready. */
export function withMetered(
  engines: Readonly<Record<string, string>>,
  act: (fleet: Fleet, devices: readonly Metered[]) => Promise<void>,
): Promise<void> {
  return withLab(async lab => {
    const [office, router] = [lab.host(), lab.host()]
    router.forward()
    lab.cable({ host: office, address: server }, { host: router, address: toServer })
    office.ip('route', 'add', 'default', 'via', toServer)
    const test = async (fleet: Fleet): Promise<void> => {
      const devices = Object.entries(engines).map(([name, engine], n) => {
        const [host, near, far] = [lab.host(), `10.88.${n + 1}.1`, `10.88.${n + 1}.2`]
        const cable = lab.cable({ host, address: near }, { host: router, address: far })
        host.ip('route', 'add', 'default', 'via', far)
        const device = fleet.device(name, engine, host)
        device.start(fleet.server)
        return { device, cable, router }
      })
      for (const name of Object.keys(engines)) await fleet.shown(name, 'Ready', ({ state }) => state === 'Ready')
      await act(fleet, devices)
    }
    await withFleet(test, { at: { host: office, address: server }, parent: lab.folder })
  })
}

/** Bytes so far, both ways. */
export function bytesOf({ cable }: Metered): number {
  const { sent, received } = cable.traffic()
  return sent + received
}

/** Waits until nothing has passed for a while. */
export async function untilQuiet(device: Metered, quietMs = 3_000): Promise<void> {
  for (let before = -1, now = bytesOf(device); before !== now; now = bytesOf(device)) {
    before = now
    await pause(quietMs)
  }
}
