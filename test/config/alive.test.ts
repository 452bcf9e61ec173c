// Which processes are alive.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startOf } from '../../config/alive.js'
import { eventually } from '../support/within.js'

const test = suite('alive')

test('a process that lives tells when it started; one that is gone, or waits for its parent to notice, does not', async () => {
  assert.match(startOf(process.pid) ?? '', /^\d+$/)
  // The child ends only once its parent is a program that asks for no children.
  const child = 'while [ "$(cat /proc/$PPID/comm)" != sleep ]; do :; done'
  const parent = spawn('sh', ['-c', `sh -c '${child}' & echo $!; exec sleep 100`], { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const [line] = await once(parent.stdout, 'data')
    const zombie = Number(String(line))
    await eventually(5000, 'the child has ended', () => startOf(zombie) === undefined)
    assert.is.not(startOf(parent.pid ?? 0), undefined)
    assert.not.throws(() => process.kill(zombie, 0), 'it still has its number')
  } finally {
    parent.kill('SIGKILL')
    await once(parent, 'exit')
  }
  assert.is(startOf(parent.pid ?? 0), undefined)
})

test.run()
