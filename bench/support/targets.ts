// The brokers that benches measure, each in a process of its own on a free loopback port: Skerry's and mosquitto.
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const mosquitto = 'mosquitto'

export interface Target {
  readonly name: 'skerry' | 'mosquitto'
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

/** Resident memory of a process, in MiB. */
export function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024
}

/** Processor time of a process since it started, in seconds. */
export function processorS(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** With certificates: TLS, and nobody without one of them. */
export async function startSkerry(certificates?: string): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-bench-'))
  const more = certificates === undefined ? [] : [certificates]
  const child = fork(new URL('./serve.js', import.meta.url), [join(folder, 'broker.db'), ...more])
  const [port] = (await once(child, 'message')) as [number]
  return { name: 'skerry', port, pid: pidOf(child), stop: () => end(child, folder) }
}

export async function startMosquitto(certificates?: string): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-bench-mosquitto-'))
  const port = await freePort()
  const settings = [
    'user root',
    `listener ${port} 127.0.0.1`,
    ...(certificates === undefined ? ['allow_anonymous true'] : tlsOf(certificates)),
    'set_tcp_nodelay true',
    'persistence true',
    `persistence_location ${folder}/`,
    'log_dest none',
  ]
  writeFileSync(join(folder, 'mosquitto.conf'), `${settings.join('\n')}\n`)
  const child = spawn(mosquitto, ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' })
  await untilOpen(port)
  return { name: 'mosquitto', port, pid: pidOf(child), stop: () => end(child, folder) }
}

function tlsOf(folder: string): string[] {
  const files = { cafile: 'ca.crt', certfile: 'server.crt', keyfile: 'server.key' }
  const lines = Object.entries(files).map(([key, name]) => `${key} ${join(folder, name)}`)
  return [...lines, 'require_certificate true', 'use_identity_as_username true']
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the process did not start')
  return child.pid
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function untilOpen(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect({ port, host: '127.0.0.1' })
    const open = await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (open) return
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  throw new Error(`nothing listens on port ${port}`)
}
