// A real MQTT broker on a free loopback port, for tests.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './within.js'

export interface Mosquitto {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

/** Starts mosquitto on `port`, or any free one, with further lines of configuration for its listener. */
export async function startMosquitto(port?: number, lines: readonly string[] = []): Promise<Mosquitto> {
  const chosen = port ?? (await freePort())
  const folder = mkdtempSync(join(tmpdir(), 'skerry-mosquitto-'))
  const file = join(folder, 'mosquitto.conf')
  const all = [`listener ${chosen} 127.0.0.1`, ...lines, 'allow_anonymous true', 'persistence false', 'log_dest none']
  writeFileSync(file, `${all.join('\n')}\n`)
  const child = spawn('mosquitto', ['-c', file], { stdio: 'ignore' })
  await eventually(10_000, 'mosquitto listens', () => accepts(chosen))
  return {
    url: `mqtt://127.0.0.1:${chosen}`,
    port: chosen,
    stop: async () => {
      await ended(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
