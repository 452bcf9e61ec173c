// `skerry agent policy`: what holds on this machine, and what it says of a compose file.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runHere } from '../support/cli.js'

const test = suite<{ data: string }>('cli: policy')

test.before.each(context => {
  context.data = mkdtempSync(join(tmpdir(), 'skerry-cli-policy-'))
})
test.after.each(({ data }) => rmSync(data, { recursive: true, force: true }))

const wild = 'services: { web: { image: x, privileged: true, volumes: ["/:/host"] } }\n'

test('the policy that holds is printed as a file that says the same', async ({ data }) => {
  const first = await runHere(['agent', 'policy', '--data', data])
  assert.is(first.code, 0)
  assert.match(first.err, /there is no .*policy\.yaml: this holds where there is none/)
  assert.match(first.out, /^privileged: false$/m)
  const file = join(data, 'mine.yaml')
  writeFileSync(file, `${first.out}\n`.replace('privileged: false', 'privileged: true'))
  const second = await runHere(['agent', 'policy', '--data', data, '--policy', file])
  assert.match(second.err, /the policy in .*mine\.yaml/)
  assert.is(second.out, first.out.replace('privileged: false', 'privileged: true'))
})

test('a check names every fault, and ends with 4; what is allowed is said', async ({ data }) => {
  const check = () => runHere(['agent', 'policy', 'check', '--data', data, '-f', '-'], { input: wild })
  const denied = await check()
  assert.is(denied.code, 4)
  const lines = denied.err.split('\n').filter(line => line.startsWith('error: '))
  assert.is(lines.length, 4, denied.err)
  assert.match(denied.err, /could write privileged: true\) \(policy\.denied\) at services\.web\.privileged/)
  writeFileSync(join(data, 'policy.yaml'), 'privileged: true\ndocker: true\nagent-data: true\npaths: [default, /]\n')
  const allowed = await check()
  assert.equal([allowed.code, allowed.out], [0, 'allowed: web\n'])
})

test('a file with a fault is named with the line, and so is one that is not there', async ({ data }) => {
  writeFileSync(join(data, 'policy.yaml'), '# mine\nprivileged: perhaps\n')
  const faulty = await runHere(['agent', 'policy', '--data', data])
  assert.is(faulty.code, 2)
  assert.match(faulty.err, /privileged is true or false, not "perhaps" \(config\.invalid\) at .*policy\.yaml:2/)
  const missing = await runHere(['agent', 'policy', '--data', data, '--policy', join(data, 'none.yaml')])
  assert.equal([missing.code, /there is no such policy file/.test(missing.err)], [2, true])
})

test.run()
