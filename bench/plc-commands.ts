// 1,000 commands a second from 20 PLCs for 10 s, good ones and garbage: each answered, none lost, and how soon.

import mqtt, { type MqttClient } from 'mqtt'
import { answerTopics } from '../protocol/command-topics.js'
import { ask } from './support/ask.js'
import { BenchServer } from './support/children.js'
import { printFigure, quantile } from './support/figures.js'

const plcs = 20
const perSecond = 1000
const seconds = 10
const compose = (n: number) => `services:\n  main:\n    image: bench:${n}\n`

interface Sent {
  readonly at: number
  readonly good: boolean
}

interface Plc {
  readonly client: MqttClient
  readonly group: string
  /** Commands not yet answered, by the topic of their answers, in order. */
  readonly waiting: Map<string, Sent[]>
}

const tally = { good: 0, bad: 0, refused: 0, done: 0, unexpected: 0 }
const delays: number[] = []

const server = await BenchServer.start()

async function api(method: string, path: string, body?: object | string): Promise<unknown> {
  const type = typeof body === 'string' ? 'application/yaml' : 'application/json'
  const answer = await ask(`${server.url}/api/v1${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': type }, body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

function take({ waiting }: Plc, topic: string, code: string): void {
  const sent = waiting.get(topic)?.shift()
  if (sent === undefined || sent.good !== (code === '0')) tally.unexpected++
  else {
    delays.push(performance.now() - sent.at)
    if (sent.good) tally.done++
    else tally.refused++
  }
}

async function connect(number: number): Promise<Plc> {
  const group = `line-${number}`
  await api('POST', '/groups', { name: group })
  for (const revision of [1, 2]) await api('PUT', `/groups/${group}/apps/web`, compose(revision))
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, { reconnectPeriod: 0 })
  const plc: Plc = { client, group, waiting: new Map() }
  await client.subscribeAsync([`skerry/a/g/${group}/+/+`, `skerry/ack/group/${group}`], { qos: 1 })
  client.on('message', (topic, payload) => take(plc, topic, payload.toString()))
  return plc
}

/** One of every ten kinds in turn; six are good. */
function commandOf(group: string, n: number): { topic: string; payload: string | Buffer; good: boolean } {
  const web = `skerry/c/g/${group}/web`
  const kinds = [
    { topic: `${web}/run`, payload: String(Math.floor(n / 10) % 2), good: true },
    { topic: `${web}/run`, payload: 'TRUE\u0000\u0000', good: true },
    { topic: `${web}/run`, payload: Buffer.from([0xff, 0xfe, n & 0xff]), good: false },
    { topic: `${web}/rev`, payload: String(1 + (Math.floor(n / 10) % 2)), good: true },
    { topic: `skerry/c/g/${group}/none/run`, payload: '1', good: false },
    { topic: `${web}/run`, payload: `{"value":0,"id":${n}}`, good: true },
    { topic: `${web}/rev`, payload: '{"value":', good: false },
    { topic: `skerry/cmd/group/${group}`, payload: `{"verb":"run","app":"web","value":"on","id":"${n}"}`, good: true },
    { topic: `skerry/cmd/group/${group}`, payload: 'garbage', good: false },
    { topic: `${web}/spec`, payload: compose(Math.floor(n / 10) % 2), good: true },
  ]
  return kinds[n % 10] ?? { topic: web, payload: '', good: false }
}

function send({ client, group, waiting }: Plc, n: number): void {
  const { topic, payload, good } = commandOf(group, n)
  const answers = answerTopics('skerry', topic)?.code ?? ''
  waiting.set(answers, [...(waiting.get(answers) ?? []), { at: performance.now(), good }])
  client.publish(topic, payload, { qos: n % 2 === 0 ? 0 : 1 })
  if (good) tally.good++
  else tally.bad++
}

const fleet = await Promise.all(Array.from({ length: plcs }, (_, n) => connect(n)))
// Whoever wants to be answered waits for this.
const watch = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`)
const alive = new Promise<void>(resolve => watch.on('message', (_topic, payload) => payload.toString() === '1' && resolve()))
await watch.subscribeAsync('skerry/state/manager')
await alive

const before = await server.usage()
const start = performance.now()
for (let n = 0; n < perSecond * seconds; ) {
  const due = Math.min(perSecond * seconds, Math.floor(((performance.now() - start) / 1000) * perSecond))
  for (; n < due; n++) {
    const plc = fleet[n % plcs]
    if (plc !== undefined) send(plc, Math.floor(n / plcs))
  }
  await new Promise(resolve => setTimeout(resolve, 10))
}
for (const end = performance.now() + 30_000; delays.length + tally.unexpected < perSecond * seconds && performance.now() < end; ) {
  await new Promise(resolve => setTimeout(resolve, 20))
}
const elapsedMs = performance.now() - start
const after = await server.usage()
const { commands } = (await api('GET', '/stats')) as { commands: { received: number; done: number; refused: Record<string, number> } }
const counted = Object.values(commands.refused).reduce((sum, count) => sum + count, 0)

printFigure(`commands from ${plcs} PLCs in ${seconds} s, good and garbage`, ((tally.good + tally.bad) / elapsedMs) * 1000, '1/s', '>= 900')
printFigure('  good ones not answered with 0', tally.good - tally.done, '', '0')
printFigure('  garbage not counted', tally.bad - counted, '', '0')
printFigure('  garbage not answered', tally.bad - tally.refused, '', '0')
printFigure('  answers to nothing, or wrong', tally.unexpected, '', '0')
printFigure('  answer after, median', quantile(delays, 0.5), 'ms')
printFigure('  answer after, slowest', quantile(delays, 1), 'ms', '<= 5000')
printFigure('  processors used by the server', (after.cpuMs - before.cpuMs) / elapsedMs)
for (const { client } of [...fleet, { client: watch }]) await client.endAsync(true)
await server.stop()
process.exit(tally.done === tally.good && counted === tally.bad && tally.unexpected === 0 ? 0 : 1)
