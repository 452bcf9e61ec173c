// Resident memory of an idle agent that is Ready, over mutual TLS: as installed, and bundled into one file. Needs a Docker Engine.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { follow } from './support/events.js'
import { median, printFigure } from './support/figures.js'
import { ServedFleet } from './support/served.js'

const runs = 3
const settleMs = 15_000

function residentMB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return (Number(status.match(/^VmRSS:\s+(\d+) kB/m)?.[1]) * 1024) / 1e6
}

async function measure(server: ServedFleet, [program = '', ...args]: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'skerry-bench-agent-'))
  const env = { ...process.env, SKERRY_DATA: folder }
  const joined = spawnSync(process.execPath, ['dist/cli/main.js', ...(await server.invite()), '--no-run'], { env, stdio: 'inherit' })
  if (joined.status !== 0) throw new Error('the agent cannot join')
  const ready = new Promise<void>(resolve => {
    void follow(server.url, event => event.type === 'device.ready' && resolve())
  })
  const child = spawn(program, args, { env, stdio: 'ignore' })
  await ready
  await new Promise(resolve => setTimeout(resolve, settleMs))
  const memory = residentMB(child.pid ?? 0)
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true, force: true })
  return memory
}

const built = spawnSync(process.execPath, ['scripts/build-agent.mjs'], { stdio: 'inherit' })
if (built.status !== 0) process.exit(1)

const server = await ServedFleet.start()
const variants = [
  { what: 'agent as installed (skerry agent)', target: '<= 80', command: [process.execPath, 'dist/cli/main.js', 'agent'] },
  { what: 'agent bundled (npm run build:agent)', target: '<= 65', command: ['dist/skerry-agent.mjs'] },
]
for (const { what, target, command } of variants) {
  const samples: number[] = []
  for (let run = 0; run < runs; run++) samples.push(await measure(server, command))
  printFigure(`${what}: resident, median of ${runs}`, median(samples), 'MB', target)
}
await server.stop()
