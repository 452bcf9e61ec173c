// The bundled agent: it runs without its libraries beside it, and stays small.
import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { GateWorld } from '../support/gate.js'
import { enrol } from '../support/membership.js'
import { observe } from '../support/observer.js'
import { eventually, within } from '../support/within.js'

/** Resident memory that an idle agent may have, KiB. */
const mostKiB = 65 * 1000

const bundles = suite('bundle')

bundles('the bundled agent connects, sees the Engine, stays within 65 MB, and ends cleanly', async () => {
  const built = spawnSync(process.execPath, ['scripts/build-agent.mjs'], { encoding: 'utf8' })
  assert.is(built.status, 0, built.stderr)
  const folder = mkdtempSync(join(tmpdir(), 'skerry-bundle-'))
  const file = join(folder, 'skerry-agent.mjs')
  copyFileSync('dist/skerry-agent.mjs', file)
  const gate = await GateWorld.open()
  const observer = await observe(gate.url, gate.pki.caPem)
  await enrol(join(folder, 'data'), gate)
  const env = {
    PATH: process.env.PATH,
    SKERRY_DATA: join(folder, 'data'),
    SKERRY_INTERVAL: '1',
    SKERRY_LOG_LEVEL: 'silent',
  }
  const child = spawn(file, { env, cwd: folder, stdio: 'ignore' })
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  try {
    await eventually(20_000, 'a birth with the Engine', () => observer.seen.statuses.find(status => status.engine === true))
    await eventually(20_000, 'five heartbeats', () => observer.seen.heartbeats.length >= 5)
    // Idle is what it is once it has put away what starting took.
    const resident = () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1])
    await eventually(60_000, `an agent of at most ${mostKiB} KiB`, () => resident() <= mostKiB)
    child.kill('SIGTERM')
    assert.is(await within(10_000, 'a clean end', ended), 0)
    assert.is(observer.seen.statuses.at(-1)?.reason, 'Stopped')
  } finally {
    child.kill('SIGKILL')
    await observer.stop()
    await gate.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

bundles.run()
