// 5,000 devices connect at once, subscribe to 4 filters each and get their retained state: time beside mosquitto's, and memory after it.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { limitLine, median, ratioLine } from './support/figures.js'
import { filtersOf, type LoadOptions } from './support/load.js'
import { RawClient } from './support/raw.js'
import { processorS, residentMiB, startMosquitto, startSkerry, type Target } from './support/targets.js'

const rounds = 5
const fleet = { devices: 5000, groups: 20, specs: 20, inFlight: 500 }

interface Run {
  readonly ms: number
  readonly memoryMiB: number
  readonly processorS: number
}

/** Retains one message for every filter: manifests of 250 bytes, specs of 2 KiB. */
async function retain(port: number): Promise<void> {
  const { client } = await RawClient.connect(port, { clientId: 'publisher' })
  const topics = new Set(Array.from({ length: fleet.devices }, (_, device) => filtersOf(device, fleet)).flat())
  for (const topic of topics) {
    const payload = Buffer.alloc(topic.includes('/spec/') ? 2048 : 250, 'x')
    client.send({ cmd: 'publish', topic, payload, qos: 0, retain: true, dup: false })
  }
  await client.sync()
  await client.leave()
}

async function measure(start: () => Promise<Target>): Promise<Run> {
  const target = await start()
  try {
    await retain(target.port)
    const load = fork(new URL('./support/load.js', import.meta.url), ['load'])
    await once(load, 'message')
    const before = processorS(target.pid)
    load.send({ ...fleet, port: target.port } satisfies LoadOptions)
    const [ms] = (await Promise.race([once(load, 'message'), once(load, 'exit').then(() => Promise.reject(new Error('load ended')))])) as [
      number,
    ]
    const run = { ms, memoryMiB: residentMiB(target.pid), processorS: processorS(target.pid) - before }
    load.kill()
    return run
  } finally {
    await target.stop()
  }
}

const ours: Run[] = []
const theirs: Run[] = []
for (let round = 0; round < rounds; round++) {
  ours.push(await measure(startSkerry))
  theirs.push(await measure(startMosquitto))
}

const of = (runs: readonly Run[], key: keyof Run): number => median(runs.map(run => run[key]))
for (const [name, runs] of Object.entries({ skerry: ours, mosquitto: theirs })) {
  const times = runs.map(({ ms }) => ms.toFixed(0)).join(', ')
  console.log(
    `${name}: median ${of(runs, 'ms').toFixed(0)} ms of ${times}; processor ${of(runs, 'processorS').toFixed(2)} s; memory ${of(runs, 'memoryMiB').toFixed(0)} MiB`,
  )
}
console.log(`5,000 devices connect, subscribe and have their state: ${ratioLine(of(ours, 'ms'), of(theirs, 'ms'), 1.5)}`)
console.log(limitLine('server memory after it', Math.max(...ours.map(({ memoryMiB }) => memoryMiB)), 300, 'MiB'))
