// What idle devices cost on the wire, side by side under several links: IP packets with all headers, both ways, by the counters of their network interfaces.
// The figures are taken with `node dist/bench/idle-bytes.js --minutes 60`; without that it looks for two minutes, at those that say enough in it.
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { profiles } from '../protocol/messages/link.js'
import { machineEngine } from '../test/support/docker.js'
import type { Fleet } from '../test/support/fleet.js'
import { labIsMissing } from '../test/support/net/lab.js'
import { bytesOf, type Metered, untilQuiet, withMetered } from '../test/support/net/metered.js'
import { printFigure } from './support/figures.js'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '2' } } })
const minutes = Number(values.minutes)

interface Case {
  readonly name: string
  readonly link: { readonly profile: string; readonly intervalS?: number; readonly keepaliveS?: number }
  readonly intervalS: number
  /** MB a month at most. */
  readonly target?: number
}

const all: readonly Case[] = [
  { name: 'lan', link: { profile: 'lan' }, intervalS: profiles.lan.intervalS },
  { name: 'every-minute', link: { profile: 'cellular', intervalS: 60, keepaliveS: 600 }, intervalS: 60, target: 8 },
  { name: 'cellular', link: { profile: 'cellular' }, intervalS: profiles.cellular.intervalS, target: 1.6 },
  { name: 'satellite', link: { profile: 'satellite' }, intervalS: profiles.satellite.intervalS, target: 0.5 },
]
/** Such as have their heartbeat at least twice. */
const cases = all.filter(({ intervalS }) => 2 * intervalS <= minutes * 60)
const [hoursADay, daysAMonth] = [24, 30]

const missing = labIsMissing()
if (missing !== undefined) {
  console.error(`not here: ${missing}`)
  process.exit(1)
}
await withMetered(Object.fromEntries(cases.map(({ name }) => [name, machineEngine])), async (fleet, devices) => {
  await Promise.all(cases.map((each, n) => settle(fleet, each, devices[n])))
  console.log(`${minutes} minutes, and up to two heartbeats more, from ${new Date().toISOString()} on`)
  const rates = await Promise.all(devices.map(measure))
  for (const [n, { name, target }] of cases.entries()) show(name, rates[n] ?? Number.NaN, target)
  await checkReady(fleet)
})

/** Goes by its link, and has said all that there was to say. */
async function settle(fleet: Fleet, { name, link, intervalS }: Case, device: Metered | undefined): Promise<void> {
  await fleet.api.call('PUT', `/devices/${name}/link`, link)
  await fleet.shown(name, 'goes by its link', shown => shown.intervalS === intervalS && shown.state === 'Ready')
  // Between frequent heartbeats it is quiet for a moment, too.
  if (device !== undefined) await untilQuiet(device)
}

/** Bytes an hour, from one heartbeat to another: of rare ones a window of its own would have one more or less. */
async function measure(device: Metered): Promise<number> {
  const from = await nextHeartbeat(device)
  let to = await nextHeartbeat(device)
  while (to.at - from.at < minutes * 60_000) to = await nextHeartbeat(device)
  return (to.bytes - from.bytes) / ((to.at - from.at) / 3_600_000)
}

/** When it began, and what had passed once it was answered. */
async function nextHeartbeat(device: Metered): Promise<{ readonly at: number; readonly bytes: number }> {
  const quiet = bytesOf(device)
  while (bytesOf(device) === quiet) await pause(200)
  const at = performance.now()
  await pause(2_000)
  return { at, bytes: bytesOf(device) }
}

function show(name: string, bytesAnHour: number, target: number | undefined): void {
  const aDay = bytesAnHour * hoursADay
  const aMonth = (aDay * daysAMonth) / 1e6
  printFigure(`${name}: bytes an hour`, Math.round(bytesAnHour))
  printFigure(`${name}: bytes a day, scaled`, Math.round(aDay))
  printFigure(`${name}: a month, scaled`, aMonth, 'MB', target === undefined ? undefined : `<= ${target}`)
  if (target !== undefined && aMonth > target) process.exitCode = 1
}

/** A device that was lost meanwhile makes the figures worth nothing. */
async function checkReady(fleet: Fleet): Promise<void> {
  for (const { name } of cases) {
    const device = await fleet.show(name)
    if (device?.state !== 'Ready') throw new Error(`${name} is not Ready any more: ${JSON.stringify(device)}`)
  }
}
