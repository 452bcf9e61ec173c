// 1,000 devices connect at once over mutual TLS, with a key and a certificate each: connects a second beside mosquitto's with the same certificates.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { median, ratioLine } from './support/figures.js'
import { makeIdentities } from './support/identities.js'
import { processorS, residentMiB, startMosquitto, startSkerry, type Target } from './support/targets.js'
import type { TlsLoad } from './support/tls-load.js'

const rounds = 5
const devices = 1000
const inFlight = 50

interface Run {
  readonly ms: number
  readonly processorS: number
  readonly memoryMiB: number
}

async function measure(folder: string, start: (certificates: string) => Promise<Target>): Promise<Run> {
  const target = await start(folder)
  const load = fork(new URL('./support/tls-load.js', import.meta.url))
  try {
    await once(load, 'message')
    const before = processorS(target.pid)
    load.send({ port: target.port, folder, inFlight } satisfies TlsLoad)
    const ended = once(load, 'exit').then(() => Promise.reject(new Error('load ended')))
    const [ms] = (await Promise.race([once(load, 'message'), ended])) as [number]
    return { ms, processorS: processorS(target.pid) - before, memoryMiB: residentMiB(target.pid) }
  } finally {
    load.kill()
    await target.stop()
  }
}

const folder = await makeIdentities(devices)
const ours: Run[] = []
const theirs: Run[] = []
try {
  for (let round = 0; round < rounds; round++) {
    ours.push(await measure(folder, startSkerry))
    theirs.push(await measure(folder, startMosquitto))
  }
} finally {
  rmSync(folder, { recursive: true })
}

const of = (runs: readonly Run[], key: keyof Run): number => median(runs.map(run => run[key]))
for (const [name, runs] of Object.entries({ skerry: ours, mosquitto: theirs })) {
  const times = runs.map(({ ms }) => ms.toFixed(0)).join(', ')
  const perSecond = (devices * 1000) / of(runs, 'ms')
  console.log(
    `${name}: ${perSecond.toFixed(0)} connects/s; median ${of(runs, 'ms').toFixed(0)} ms of ${times}; processor ${of(runs, 'processorS').toFixed(2)} s; memory ${of(runs, 'memoryMiB').toFixed(0)} MiB`,
  )
}
console.log(`1,000 connects with mutual TLS: ${ratioLine(of(ours, 'ms'), of(theirs, 'ms'), 1.5)}`)
