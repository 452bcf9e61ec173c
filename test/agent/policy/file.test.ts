// The policy's file: what it may say, how faults are told, when it is read anew, and that no slip of a pen opens a device up.
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type DevicePolicy, defaultPolicy, ruleNames } from '../../../agent/core/device-policy.js'
import { matchesPath, matchesText } from '../../../agent/core/glob.js'
import { writePolicy } from '../../../agent/core/policy-writer.js'
import { Permits } from '../../../agent/permits.js'
import { loadPolicy, parsePolicy } from '../../../agent/policy-file.js'
import { realPath } from '../../../agent/real-path.js'
import { parseCompose } from '../../../protocol/compose/parse.js'
import { SkerryError, unwrap } from '../../../protocol/errors.js'
import { ManualClock } from '../../support/clock.js'
import { eventually } from '../../support/within.js'

interface World {
  folder: string
  file: string
}
const test = suite<World>('policy file')

test.before.each(world => {
  world.folder = mkdtempSync(join(tmpdir(), 'skerry-policy-'))
  world.file = join(world.folder, 'policy.yaml')
})
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }))

const rulesOf = (policy: DevicePolicy) => Object.fromEntries(ruleNames.map(name => [name, policy[name]]))

/** Text, and what is said of it with the line. */
const faults: Record<string, readonly [place: string, message: RegExp][]> = {
  'privileged: "true"': [['1', /privileged is true or false, not "true"/]],
  'privileged: yes': [['1', /true or false/]],
  '\nprivileged:\n': [['2', /not nothing|not null/]],
  'docker: 1\n\npaths: /srv\n': [
    ['1', /docker is true or false/],
    ['3', /paths is a list/],
  ],
  'host_namespaces: [pid]': [['1', /there is no rule "host_namespaces"; did you mean host-namespaces\?/]],
  'all: true': [['1', /there is no rule "all"$/]],
  'host-namespaces: [net]': [['1', /"net" under host-namespaces is not one of network/]],
  'paths: [srv]': [['1', /absolute path/]],
  'paths: [/srv/../etc]': [['1', /without \. and \.\./]],
  'paths: [/srv/, /a//b]': [
    ['1', /"\/srv\/"/],
    ['1', /"\/a\/\/b"/],
  ],
  'capabilities: [cap_net_admin]': [['1', /a capability such as NET_ADMIN/]],
  "device-rules: ['c 1 rwm']": [['1', /a rule such as/]],
  'paths: [[/srv]]': [['1', /absolute path/]],
  'paths: [1]': [['1', /absolute path/]],
  'docker: true\ndocker: false': [['2', /unique|twice/]],
  '- docker': [['1', /expected lines/]],
  'a: [': [['1', /./]],
  'paths: &a [/srv]\ndevices: *a': [['', /cannot be read/]],
}

for (const [text, expected] of Object.entries(faults)) {
  test(`refuses ${JSON.stringify(text)}, with the line`, async ({ file }) => {
    writeFileSync(file, text)
    const read = await loadPolicy(file, false)
    const found = read.ok ? [] : read.refusals
    assert.is(found.length, expected.length, JSON.stringify(found))
    for (const [n, [line, message]] of expected.entries()) {
      assert.is(found[n]?.code, 'config.invalid')
      assert.is(found[n]?.path, line === '' ? file : `${file}:${line}`)
      assert.match(found[n]?.message ?? '', message)
    }
  })
}

test('without a file, or with an empty one, the default holds', async ({ file }) => {
  assert.equal(unwrap(await loadPolicy(file, false)), defaultPolicy)
  writeFileSync(file, '# nothing\n')
  assert.equal(rulesOf(unwrap(await loadPolicy(file, false))), rulesOf(defaultPolicy))
})

test('a file that was named must be there', async ({ file }) => {
  const read = await loadPolicy(file, true)
  assert.is(read.ok ? '' : read.refusals[0].message, 'there is no such policy file')
})

test('a file that everybody may write is none', async ({ file }) => {
  writeFileSync(file, 'docker: true')
  chmodSync(file, 0o666)
  const read = await loadPolicy(file, false)
  assert.match(read.ok ? '' : read.refusals[0].message, /everybody may write/)
})

test('default stands for what holds without the line, and a list without it holds alone', async () => {
  const policy = unwrap(await parsePolicy('capabilities: [default, NET_ADMIN]\ndevices: [/dev/x]\n', 'f'))
  assert.equal(policy.capabilities, [...defaultPolicy.capabilities, 'NET_ADMIN'])
  assert.equal(policy.devices, ['/dev/x'])
  assert.equal(policy.sysctls, defaultPolicy.sysctls)
})

test('who allows only some images allows no builds, unless they are allowed by name', async () => {
  assert.equal(unwrap(await parsePolicy('registries: [r.example]', 'f')).builds, false)
  assert.equal(unwrap(await parsePolicy('images: ["r.example/**"]\nbuilds: true', 'f')).builds, true)
  assert.equal(unwrap(await parsePolicy('images: [default]', 'f')).builds, true)
})

test('what is shown reads as the same policy', async () => {
  const odd = 'docker: true\nsecurity-options: ["seccomp=*", "a:b,c"]\npaths: [default, "/srv/with space:ro"]\nvolume-types: ["null"]\n'
  for (const text of ['', odd]) {
    const policy = unwrap(await parsePolicy(text, 'f'))
    assert.equal(rulesOf(unwrap(await parsePolicy(writePolicy(policy), 'f'))), rulesOf(policy))
  }
})

test('the example says what holds without it', async () => {
  const policy = unwrap(await parsePolicy(readFileSync('config/policy.example.yaml', 'utf8'), 'f'))
  assert.equal(rulesOf(policy), rulesOf(defaultPolicy))
  assert.equal([...policy.given].sort(), [...ruleNames].sort())
})

const privileged = unwrap(parseCompose('services: { web: { image: x, privileged: true } }')).project

test('a change is taken up; a broken file, and one that is gone, change nothing', async ({ file, folder }) => {
  const clock = new ManualClock()
  const errors: unknown[] = []
  const log = pino({ level: 'error' }, { write: line => errors.push(line) })
  writeFileSync(file, 'privileged: false\n')
  const permits = await Permits.open({ source: { file }, folder, engine: '/run/none.sock', clock, log })
  let changes = 0
  let told = 0
  permits.start({ onChange: () => changes++, onFault: () => told++ })
  const allows = () => permits.check('app', privileged, { folder: join(folder, 'apps', 'app'), held: [] }) === undefined
  const looked = async (what: string, is: () => boolean) =>
    await eventually(10_000, what, () => {
      clock.advance(5_000)
      return is() || undefined
    })
  assert.not(allows())
  writeFileSync(file, 'privileged: true\n')
  await looked('the change is taken up', () => changes === 1 && allows())
  writeFileSync(file, 'privileged: [\n')
  await looked('the fault is told', () => errors.length === 1)
  assert.ok(allows())
  assert.equal([told, permits.faults().map(({ code, path }) => [code, path])], [1, [['config.invalid', `${file}:2`]]])
  rmSync(file)
  await looked('the loss is told', () => errors.length === 2)
  assert.ok(allows())
  writeFileSync(file, '\n# nothing but a remark\n')
  await looked('the default is taken up', () => changes === 2 && !allows())
  permits.stop()
  assert.equal([errors.length, told, permits.faults()], [2, 2, []])
})

test('an agent does not start on a broken file', async ({ file, folder }) => {
  writeFileSync(file, 'privileged: perhaps')
  const log = pino({ level: 'silent' })
  try {
    await Permits.open({ source: { file }, folder, engine: '/run/none.sock', clock: new ManualClock(), log })
    assert.unreachable()
  } catch (error) {
    assert.ok(error instanceof SkerryError && error.code === 'config.invalid' && error.path === `${file}:1`, String(error))
  }
})

test('links are followed as far as they lead, also where nothing is', ({ folder }) => {
  symlinkSync('/etc', join(folder, 'abs'))
  symlinkSync('abs/passwd', join(folder, 'chain'))
  symlinkSync('../../nowhere/at/all', join(folder, 'dangling'))
  symlinkSync('loop', join(folder, 'loop'))
  assert.is(realPath(`${folder}/abs/x/y`), '/etc/x/y')
  assert.is(realPath(`${folder}/chain`), realPath('/etc/passwd'))
  assert.is(realPath(`${folder}/dangling`), join(realPath(folder), '../../nowhere/at/all'))
  assert.is(realPath(`${folder}/loop/x`), `${folder}/loop/x`)
  assert.is(realPath('/'), '/')
  assert.is(realPath('/no/such//thing/'), '/no/such/thing')
})

test('stars stand for what they should', () => {
  const text: [string, string, boolean][] = [
    ['net.*', 'net.ipv4.x', true],
    ['net.*', 'network', false],
    ['*', '', true],
    ['a+b', 'aab', false],
  ]
  for (const [pattern, value, is] of text) assert.is(matchesText(pattern, value), is, `${pattern} ${value}`)
  const paths: [string, string, boolean][] = [
    ['/dev/tty*', '/dev/ttyS0', true],
    ['/dev/tty*', '/dev/tty/x', false],
    ['/dev/dri/**', '/dev/dri', true],
    ['/dev/dri/**', '/dev/dri/by-path/x', true],
    ['/dev/dri/**', '/dev/drink', false],
    ['/dev/ttyS0', '/dev/ttyS01', false],
    ['/dev/**/x', '/dev/x', true],
  ]
  for (const [pattern, value, is] of paths) assert.is(matchesPath(pattern, value), is, `${pattern} ${value}`)
})

test.run()
