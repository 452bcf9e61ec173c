// From the SIGKILL of a device's process to NotReady in the event stream, with 1,000 devices connected.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { BenchFleet, BenchServer } from './support/children.js'
import { follow } from './support/events.js'
import { median, printFigure, quantile } from './support/figures.js'

const connected = 1000
const kills = 200
const atOnce = 20

const server = await BenchServer.start()
const fleet = new BenchFleet()
await fleet.ask({ kind: 'connect', port: server.mqttPort, from: 0, count: connected - atOnce, follow: true }, 'connected')

const dead = new Map<string, (at: number) => void>()
const unfollow = await follow(server.url, event => {
  if (event.type === 'device.not-ready' && event.device) dead.get(event.device)?.(event.at)
})

const program = fileURLToPath(new URL('./support/device-process.js', import.meta.url))

function startVictim(id: string) {
  const child = fork(program, [String(server.mqttPort), id], { stdio: 'inherit' })
  return new Promise<{ id: string; kill: () => void }>((resolve, reject) => {
    child.once('message', () => resolve({ id, kill: () => process.kill(child.pid ?? 0, 'SIGKILL') }))
    child.once('exit', () => reject(new Error('a device ended by itself')))
  })
}

const delays: number[] = []
for (let round = 0; round < kills / atOnce; round++) {
  const victims = await Promise.all(Array.from({ length: atOnce }, (_, n) => startVictim(`victim-${round}-${n}`)))
  for (const victim of victims) {
    const seen = new Promise<number>(resolve => dead.set(victim.id, resolve))
    const killed = performance.now()
    victim.kill()
    delays.push((await seen) - killed)
  }
}

printFigure(`SIGKILL to NotReady, ${connected} devices, ${kills} kills: median`, median(delays), 'ms', '<= 15')
printFigure('  p99', quantile(delays, 0.99), 'ms', '<= 250')
unfollow()
await fleet.stop()
await server.stop()
