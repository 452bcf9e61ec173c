// Heartbeats from 5,000 connections: decoded, folded into the fleet's state and stored, at a steady pace, none lost.
import { ask } from './support/ask.js'
import { BenchFleet, BenchServer } from './support/children.js'
import { median, printFigure } from './support/figures.js'

const devices = 5000
const perSecond = 11_000
const seconds = 10
const runs = 3

interface Stats {
  readonly messages: { readonly received: number; readonly dropped: Record<string, number> }
}

const server = await BenchServer.start()
const fleet = new BenchFleet()
await fleet.ask({ kind: 'connect', port: server.mqttPort, from: 0, count: devices, follow: false }, 'connected')

await server.untilReady(devices)

async function received(): Promise<number> {
  const stats = (await (await ask(`${server.url}/api/v1/stats`)).json()) as Stats
  return stats.messages.received
}

/** Waits until the server has taken `count`, for at most 30 s. */
async function take(count: number): Promise<number> {
  const end = performance.now() + 30_000
  while (performance.now() < end) {
    const now = await received()
    if (now >= count) return now
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return received()
}

const rates: number[] = []
const cpu: number[] = []
let sentInAll = 0
const before = await received()
for (let run = 0; run < runs; run++) {
  const start = performance.now()
  const usage = await server.usage()
  const { sent } = await fleet.ask({ kind: 'beat', perSecond, seconds }, 'beaten')
  sentInAll += sent
  await take(before + sentInAll)
  const elapsedMs = performance.now() - start
  rates.push((sent / elapsedMs) * 1000)
  cpu.push(((await server.usage()).cpuMs - usage.cpuMs) / elapsedMs)
}
const lost = before + sentInAll - (await received())

const stored = (await (await ask(`${server.url}/api/v1/devices?state=Ready`)).json()) as { items: { lastSeen: string | null }[] }
printFigure(`heartbeats from ${devices} connections, ${seconds} s, median of ${runs}`, median(rates), '1/s', '>= 10000')
printFigure('  lost', lost, '', '0')
printFigure('  devices Ready at the end', stored.items.length, '', String(devices))
printFigure('  processors used by the server', median(cpu))
printFigure("  server's resident memory", (await server.usage()).rssBytes / 1e6, 'MB')
await fleet.stop()
await server.stop()
process.exit(lost === 0 ? 0 : 1)
