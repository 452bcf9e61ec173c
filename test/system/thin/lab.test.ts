// What a test has made of namespaces, processes and folders is gone when it is killed.
import { existsSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { labIsMissing } from '../../support/net/lab.js'
import { run } from '../../support/process.js'
import { eventually } from '../../support/within.js'

const test = suite('labs')
const missing = labIsMissing()
if (missing !== undefined) console.log(`SKIP: ${missing}`)
const inLab = missing === undefined ? test : test.skip

const program = `
import { Lab } from './dist/test/support/net/lab.js'
const lab = await Lab.open()
const host = lab.host()
const child = host.run(['sleep', '1000'])
console.log(host.namespace, child.pid, lab.folder)
`

inLab('a lab whose test is killed goes with all that is in it', async () => {
  const killed = run(process.execPath, ['--input-type=module', '-e', program])
  const [, namespace, pid, folder = ''] = await killed.line(/^(\S+) (\d+) (\S+)$/)
  const places = [`/run/netns/${namespace}`, `/proc/${pid}`, folder]
  assert.equal(places.map(existsSync), [true, true, true])
  await killed.end('SIGKILL')
  await eventually(30_000, 'all of it is gone', () => places.every(place => !existsSync(place)))
})

test.run()
