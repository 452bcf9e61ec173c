// 1,000 commands a second from 20 PLCs for 10 s, good ones and garbage: each answered, none lost, and how soon.

import mqtt from 'mqtt'
import { answered, LoadPlc, loadApp, newTally, sendPaced } from '../test/support/plc-load.js'
import { ask } from './support/ask.js'
import { BenchServer } from './support/children.js'
import { printFigure, quantile } from './support/figures.js'

const plcs = 20
const perSecond = 1000
const seconds = 10
const total = perSecond * seconds

const server = await BenchServer.start()
const url = `mqtt://127.0.0.1:${server.mqttPort}`
const tally = newTally()

async function api(method: string, path: string, body?: object | string): Promise<unknown> {
  const type = typeof body === 'string' ? 'application/yaml' : 'application/json'
  const answer = await ask(`${server.url}/api/v1${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': type }, body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

async function connect(number: number): Promise<LoadPlc> {
  const group = `line-${number}`
  await api('POST', '/groups', { name: group })
  for (const revision of [1, 2]) await api('PUT', `/groups/${group}/apps/web?version=${revision}.0`, loadApp(revision))
  return LoadPlc.connect(url, group, tally)
}

const fleet = await Promise.all(Array.from({ length: plcs }, (_, n) => connect(n)))
// Whoever wants to be answered waits for this.
const watch = await mqtt.connectAsync(url)
const alive = new Promise<void>(resolve => watch.on('message', (_topic, payload) => payload.toString() === '1' && resolve()))
await watch.subscribeAsync('skerry/state/manager')
await alive

const before = await server.usage()
const start = performance.now()
await sendPaced(fleet, { perSecond, total })
for (const end = performance.now() + 30_000; answered(tally) < total && performance.now() < end; ) {
  await new Promise(resolve => setTimeout(resolve, 20))
}
const elapsedMs = performance.now() - start
const after = await server.usage()
const { commands } = (await api('GET', '/stats')) as { commands: { received: number; done: number; refused: Record<string, number> } }
const counted = Object.values(commands.refused).reduce((sum, count) => sum + count, 0)

printFigure(`commands from ${plcs} PLCs in ${seconds} s, good and garbage`, (total / elapsedMs) * 1000, '1/s', '>= 900')
printFigure('  good ones not answered with 0', tally.good - tally.done, '', '0')
printFigure('  garbage not counted', tally.bad - counted, '', '0')
printFigure('  garbage not answered', tally.bad - tally.refused, '', '0')
printFigure('  answers to nothing, or wrong', tally.unexpected, '', '0')
printFigure('  answer after, median', quantile(tally.delaysMs, 0.5), 'ms')
printFigure('  answer after, slowest', quantile(tally.delaysMs, 1), 'ms', '<= 5000')
printFigure('  processors used by the server', (after.cpuMs - before.cpuMs) / elapsedMs)
for (const each of fleet) await each.leave()
await watch.endAsync(true)
await server.stop()
process.exit(tally.done === tally.good && counted === tally.bad && tally.unexpected === 0 ? 0 : 1)
