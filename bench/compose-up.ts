// Ten services, ten volumes and a network: up, nothing to do, down; beside the same calls made raw and all at once, and docker-compose.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { applyOnce, removeOnce } from '../agent/standalone.js'
import { parseCompose } from '../protocol/compose/parse.js'
import { unwrap } from '../protocol/errors.js'
import { ensureTestImage } from '../test/support/busybox.js'
import { median, printFigure } from './support/figures.js'

const runs = 5
const engine = '/var/run/docker.sock'
const image = ensureTestImage()
const numbers = Array.from({ length: 10 }, (_, n) => n)
const portOf = (n: number) => (n < 3 ? 39_100 + n : undefined)

const composeText = `services:
${numbers
  .map(
    n => `  s${n}:
    image: ${image}
    stop_signal: SIGKILL
    environment: { NUMBER: "${n}" }
    volumes: ["v${n}:/data"]${portOf(n) === undefined ? '' : `\n    ports: ["${portOf(n)}:80"]`}
`,
  )
  .join('')}volumes:
${numbers.map(n => `  v${n}:\n`).join('')}`

interface Times {
  readonly up: number
  readonly again: number
  readonly down: number
}

async function timed(work: () => unknown): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** The floor: what the Engine takes for these calls with no thought given to them. */
async function raw(): Promise<Times> {
  const docker = new Docker({ socketPath: engine })
  const network = 'skerry-floor_default'
  const containers: Docker.Container[] = []
  const up = await timed(async () => {
    await Promise.all([
      docker.createNetwork({ Name: network, CheckDuplicate: true }),
      ...numbers.map(n => docker.createVolume({ Name: `skerry-floor_v${n}` })),
    ])
    await Promise.all(
      numbers.map(async n => {
        const port = portOf(n)
        const container = await docker.createContainer({
          name: `skerry-floor-s${n}-1`,
          Image: image,
          StopSignal: 'SIGKILL',
          Env: [`NUMBER=${n}`],
          ...(port === undefined ? {} : { ExposedPorts: { '80/tcp': {} } }),
          HostConfig: {
            NetworkMode: network,
            Binds: [`skerry-floor_v${n}:/data`],
            ...(port === undefined ? {} : { PortBindings: { '80/tcp': [{ HostPort: String(port) }] } }),
          },
        })
        containers.push(container)
        await container.start()
      }),
    )
  })
  const again = await timed(() => docker.listContainers({ all: true }))
  const down = await timed(async () => {
    await Promise.all(
      containers.map(async container => {
        await container.stop()
        await container.remove()
      }),
    )
    await Promise.all([docker.getNetwork(network).remove(), ...numbers.map(n => docker.getVolume(`skerry-floor_v${n}`).remove())])
  })
  return { up, again, down }
}

async function ours(folder: string): Promise<Times> {
  const app = 'skerry-bench'
  const { project } = unwrap(parseCompose(composeText))
  const up = await timed(() => applyOnce({ engine, app, project, folder }))
  const again = await timed(() => applyOnce({ engine, app, project, folder }))
  const down = await timed(() => removeOnce({ engine, app, volumes: true }))
  return { up, again, down }
}

async function reference(folder: string): Promise<Times> {
  const file = join(folder, 'compose.yaml')
  writeFileSync(file, `version: "3.7"\n${composeText}`)
  const compose = (...args: string[]) => {
    const { status, stderr } = spawnSync('docker-compose', ['-p', 'skerry-peer', '-f', file, ...args], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }
  const up = await timed(() => compose('up', '-d'))
  const again = await timed(() => compose('up', '-d'))
  const down = await timed(() => compose('down', '-v'))
  return { up, again, down }
}

const folder = mkdtempSync(join(tmpdir(), 'skerry-compose-'))
const hasPeer = spawnSync('docker-compose', ['version']).status === 0
const results = { floor: [] as Times[], skerry: [] as Times[], peer: [] as Times[] }
for (let run = 0; run < runs; run++) {
  results.floor.push(await raw())
  results.skerry.push(await ours(folder))
  if (hasPeer) results.peer.push(await reference(folder))
}
rmSync(folder, { recursive: true })

const mid = (times: readonly Times[], phase: keyof Times) => median(times.map(one => one[phase]))
for (const phase of ['up', 'again', 'down'] as const) {
  for (const [who, times] of Object.entries(results)) {
    if (times.length > 0) printFigure(`${phase}: ${who}, median of ${runs}`, mid(times, phase), 'ms')
  }
}
printFigure('up: ratio to the raw calls', mid(results.skerry, 'up') / mid(results.floor, 'up'), '', '<= 1.15')
if (hasPeer) printFigure('up: ratio to docker-compose', mid(results.skerry, 'up') / mid(results.peer, 'up'), '', '<= 0.65')
else console.log('docker-compose is not installed: no ratio to it')
printFigure('nothing to do', mid(results.skerry, 'again'), 'ms', '<= 100')
printFigure('down: ratio to the raw calls', mid(results.skerry, 'down') / mid(results.floor, 'down'), '', '<= 1.2')
process.exit(0)
