// Secrets that a command line must have do not stay where other users of the machine can see them.
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import { match, not } from 'uvu/assert'
import { formatJoinToken } from '../../protocol/join-token.js'
import { skerry } from '../support/process.js'
import { eventually } from '../support/within.js'

const test = suite('arguments')

test('a join token is gone from the list of processes while the agent runs', async () => {
  const silent = createServer(() => {})
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  const folder = await mkdtemp(join(tmpdir(), 'skerry-arguments-'))
  const token = formatJoinToken({ secret: Buffer.alloc(16, 7), ca: 'c'.repeat(43) })
  const child = skerry(['agent', 'join', `mqtts://127.0.0.1:${(silent.address() as AddressInfo).port}`, token, '--data', folder])
  try {
    const shown = () => readFileSync(`/proc/${child.pid}/cmdline`, 'utf8')
    const [, secret = ''] = token.split('.')
    await eventually(20_000, 'the token is gone', () => !shown().includes(secret))
    match(shown(), /^skerry agent/)
    not.match(shown(), /skj\./)
  } finally {
    await child.end('SIGKILL')
    silent.close()
    await rm(folder, { recursive: true, force: true })
  }
})

test.run()
