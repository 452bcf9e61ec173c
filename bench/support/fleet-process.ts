// A child process that is many simulated devices, told what to do by messages from its benchmark.
import { SimulatedDevice } from './device.js'

export type FleetOrder =
  | { readonly kind: 'connect'; readonly port: number; readonly from: number; readonly count: number; readonly follow: boolean }
  | { readonly kind: 'beat'; readonly perSecond: number; readonly seconds: number }
  /** Answers once every device has got one more manifest and spec than before. */
  | { readonly kind: 'await-spec' }
  | { readonly kind: 'end' }

/** `at` values are ms since 1970 with fractions, comparable between processes of one machine. */
export type FleetAnswer =
  | { readonly kind: 'connected' }
  | { readonly kind: 'beaten'; readonly sent: number }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'specs'; readonly manifestsAt: number[]; readonly specsAt: number[] }

const devices: SimulatedDevice[] = []
const now = () => performance.timeOrigin + performance.now()
const answer = (message: FleetAnswer) => process.send?.(message)

export function deviceId(number: number): string {
  return `sim-${String(number).padStart(6, '0')}`
}

async function connect(order: Extract<FleetOrder, { kind: 'connect' }>): Promise<void> {
  const numbers = Array.from({ length: order.count }, (_, n) => order.from + n)
  const lanes = Array.from({ length: 50 }, async () => {
    for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
      const device = await SimulatedDevice.connect(order.port, deviceId(number))
      if (order.follow) await device.follow()
      await device.birth()
      devices.push(device)
    }
  })
  await Promise.all(lanes)
  answer({ kind: 'connected' })
}

/** Sends at a steady pace in slices of 10 ms, each device in turn; one that is behind is waited for, not skipped. */
async function beat({ perSecond, seconds }: Extract<FleetOrder, { kind: 'beat' }>): Promise<void> {
  const start = performance.now()
  let sent = 0
  for (let due = 0; due < perSecond * seconds; ) {
    due = Math.min(perSecond * seconds, Math.floor(((performance.now() - start) / 1000) * perSecond))
    for (; sent < due; sent++) devices[sent % devices.length]?.beat()
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  answer({ kind: 'beaten', sent })
}

function awaitSpec(): void {
  const manifestsAt: number[] = []
  const specsAt: number[] = []
  for (const device of devices) {
    device.onDesired = kind => {
      const list = kind === 'spec' ? specsAt : manifestsAt
      list.push(now())
      if (kind === 'spec' && specsAt.length === devices.length) answer({ kind: 'specs', manifestsAt, specsAt })
    }
  }
  answer({ kind: 'waiting' })
}

process.on('message', (order: FleetOrder) => {
  switch (order.kind) {
    case 'connect':
      void connect(order)
      break
    case 'beat':
      void beat(order)
      break
    case 'await-spec':
      awaitSpec()
      break
    case 'end':
      process.exit(0)
  }
})
// The benchmark has ended, perhaps by a fault.
process.once('disconnect', () => process.exit())
