// From the death of a device to the arrival of its will at a watcher, beside mosquitto: by SIGKILL of a process, and by a reset of the connection alone.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { median, quantile, ratioLine } from './support/figures.js'
import { RawClient } from './support/raw.js'
import { startMosquitto, startSkerry, type Target } from './support/targets.js'

const rounds = 5
const kills = 20
const resets = 50
/** Other devices that are connected meanwhile. */
const others = 200

/** Kills a device in some way; returns when that began, on the clock of `performance.now()`. */
type Death = (port: number, id: string) => Promise<() => number>

const byReset: Death = async (port, id) => {
  const device = await enter(port, id)
  await device.sync()
  return () => {
    const started = performance.now()
    device.reset()
    return started
  }
}

const bySigkill: Death = async (port, id) => {
  const child = fork(new URL('./support/victim.js', import.meta.url), [String(port), id])
  await once(child, 'message')
  return () => {
    const started = performance.now()
    child.kill('SIGKILL')
    return started
  }
}

async function enter(port: number, id: string): Promise<RawClient> {
  const will = { topic: `skerry/device/${id}/status`, payload: Buffer.from('a30001010102f4', 'hex'), qos: 1 as const, retain: true }
  return (await RawClient.connect(port, { clientId: `dev-${id}`, will })).client
}

async function measure(port: number, watcher: RawClient, { die, times }: { die: Death; times: number }): Promise<number[]> {
  const found: number[] = []
  for (let sample = 0; sample < times; sample++) {
    const kill = await die(port, `victim-${sample}`)
    const arrived = watcher.next('publish')
    const started = kill()
    const packet = await arrived
    found.push(performance.now() - started)
    watcher.send({ cmd: 'puback', messageId: packet.messageId ?? 0 })
    await watcher.sync()
  }
  return found
}

interface Times {
  readonly sigkill: number[]
  readonly reset: number[]
}

async function run(start: () => Promise<Target>, into: Times): Promise<void> {
  const target = await start()
  const { client: watcher } = await RawClient.connect(target.port, { clientId: 'watcher' })
  watcher.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'skerry/device/+/status', qos: 1 }] })
  await watcher.next('suback')
  const crowd = await Promise.all(Array.from({ length: others }, (_, device) => enter(target.port, `other-${device}`)))
  into.reset.push(...(await measure(target.port, watcher, { die: byReset, times: resets })))
  into.sigkill.push(...(await measure(target.port, watcher, { die: bySigkill, times: kills })))
  for (const client of [...crowd, watcher]) await client.leave()
  await target.stop()
}

const ours: Times = { sigkill: [], reset: [] }
const theirs: Times = { sigkill: [], reset: [] }
for (let round = 0; round < rounds; round++) {
  await run(startSkerry, ours)
  await run(startMosquitto, theirs)
}
for (const how of ['sigkill', 'reset'] as const) {
  for (const [name, { [how]: times }] of Object.entries({ skerry: ours, mosquitto: theirs })) {
    console.log(
      `${name}, ${how}: median ${median(times).toFixed(2)} ms, p99 ${quantile(times, 0.99).toFixed(2)} ms of ${times.length} wills`,
    )
  }
}
console.log(`will after a SIGKILL: ${ratioLine(median(ours.sigkill), median(theirs.sigkill), 1.2)}`)
const more = median(ours.reset) - median(theirs.reset)
console.log(`will after a reset alone: ${more.toFixed(2)} ms more than mosquitto; no target, it is the broker's own share of the above`)
