// Which processes are alive.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startOf } from '../../config/alive.js'
import { eventually } from '../support/within.js'

const test = suite('alive')

test('a process that lives tells when it started; one that is gone, or waits for its parent to notice, does not', async () => {
  assert.match(startOf(process.pid) ?? '', /^\d+$/)
  // The child waits for a line, and the shell, which would ask for it when it ends, makes way for a program that does not.
  const parent = spawn('sh', ['-c', '(read line <&3) & echo $!; exec sleep 100'], { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] })
  try {
    const [line] = await once(parent.stdout as Readable, 'data')
    const zombie = Number(String(line))
    await eventually(5000, 'the shell has made way', () => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n')
    ;(parent.stdio[3] as Writable).write('\n')
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
