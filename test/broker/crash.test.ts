// kill -9 of the broker: whatever it acknowledged is there when it is back.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Packet } from 'mqtt-packet'
import { suite } from 'uvu'
import { is, ok } from 'uvu/assert'
import type { RawClient } from '../../bench/support/raw.js'
import { RawClient as Raw } from '../../bench/support/raw.js'
import { eventually, within } from '../support/within.js'
import { enter } from './support/brokers.js'

const test = suite('kill -9')
const rounds = 4

interface Process {
  readonly child: ChildProcess
  readonly port: number
}

async function start(file: string): Promise<Process> {
  const child = fork(new URL('../../bench/support/serve.js', import.meta.url), [file])
  const [port] = (await within(20_000, 'the broker started', once(child, 'message'))) as [number]
  // Where the test fails, the broker must not keep it from ending.
  child.unref()
  child.channel?.unref()
  return { child, port }
}

async function kill({ child }: Process): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await within(10_000, 'the broker gone', ended)
}

/** Publishes until the broker is killed; the payloads that it acknowledged. Even ones are retained, each on its own topic; odd ones are for the queue. */
async function publishUntilKilled(running: Process, round: number): Promise<string[]> {
  const publisher = await enter(running.port, 'publisher')
  const acknowledged: string[] = []
  const sent = new Map<number, string>()
  let next = 1
  const send = (): void => {
    const payload = `${round}-${next}`
    sent.set(next, payload)
    const retain = next % 2 === 0
    publisher.send({
      cmd: 'publish',
      topic: retain ? `kept/${payload}` : 'queued',
      payload,
      qos: next % 5 === 0 ? 2 : 1,
      retain,
      dup: false,
      messageId: next,
    })
    next++
  }
  const enough = new Promise<void>(resolve => {
    publisher.onPacket = packet => {
      const payload = sent.get(packet.messageId ?? 0)
      if (packet.cmd === 'pubrec') publisher.send({ cmd: 'pubrel', messageId: packet.messageId ?? 0 })
      if (packet.cmd === 'puback' || packet.cmd === 'pubrec') acknowledged.push(payload ?? '')
      if (packet.cmd !== 'pubcomp') send()
      if (acknowledged.length === 150) resolve()
    }
  })
  for (let i = 0; i < 20; i++) send()
  await within(20_000, '150 acknowledgements', enough)
  await kill(running)
  await publisher.closed
  return acknowledged
}

/** Takes and acknowledges messages until all of these have come. */
async function takeAll(client: RawClient, wanted: readonly string[]): Promise<void> {
  const missing = new Set(wanted)
  const take = (packet: Packet): void => {
    if (packet.cmd === 'pubrel') client.send({ cmd: 'pubcomp', messageId: packet.messageId ?? 0 })
    if (packet.cmd !== 'publish') return
    missing.delete(packet.payload.toString())
    if (packet.qos > 0) client.send({ cmd: packet.qos === 1 ? 'puback' : 'pubrec', messageId: packet.messageId ?? 0 })
  }
  client.onPacket = take
  for (const packet of client.pending.splice(0)) take(packet)
  await eventually(20_000, 'every acknowledged message', () => missing.size === 0)
}

test('every acknowledged message, retained or queued, outlives kill -9 of the broker', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-crash-'))
  const file = join(folder, 'broker.db')
  let running = await start(file)
  const away = await enter(running.port, 'away', { clean: false })
  away.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'queued', qos: 2 }] })
  await away.next('suback')
  await away.leave()
  const kept: string[] = []
  const queued: string[] = []
  for (let round = 0; round < rounds; round++) {
    for (const payload of await publishUntilKilled(running, round)) (Number(payload.split('-')[1]) % 2 === 0 ? kept : queued).push(payload)
    running = await start(file)
  }
  ok(kept.length > 100 && queued.length > 100)
  const watcher = await enter(running.port, 'watcher')
  watcher.send({ cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: 'kept/+', qos: 0 }] })
  await takeAll(watcher, kept)
  const { client, connack } = await Raw.connect(running.port, { clientId: 'away', clean: false })
  is(connack.sessionPresent, true)
  await takeAll(client, queued)
  await kill(running)
  rmSync(folder, { recursive: true })
})

test.run()
