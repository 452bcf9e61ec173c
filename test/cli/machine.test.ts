// What is decided and made on the machine itself: the engine's set-up, archives, the example, the lock, contexts.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkContexts, loadContexts, saveContexts } from '../../cli/contexts.js'
import { connectionOf, findFault } from '../../cli/engine-api.js'
import { decideEngine, type EngineFacts, readSystems } from '../../cli/engine-decision.js'
import { composeExample } from '../../cli/example/compose.js'
import { programEntries, readLibraries } from '../../cli/example/image.js'
import { makeFolder } from '../../cli/folder.js'
import { isRunning } from '../../cli/leftovers.js'
import { findHolder, lockData } from '../../cli/lock.js'
import { writeTar } from '../../cli/tar.js'
import { parseCompose } from '../../protocol/compose/parse.js'
import { SkerryError, unwrap } from '../../protocol/errors.js'

const test = suite<{ folder: string }>('cli: machine')

test.before.each(context => {
  context.folder = mkdtempSync(join(tmpdir(), 'skerry-cli-'))
})
test.after.each(context => rmSync(context.folder, { recursive: true, force: true }))

const bareRoot: EngineFacts = {
  answers: false,
  denied: false,
  local: true,
  root: true,
  systems: ['debian'],
  installed: false,
  systemd: false,
  allowed: true,
}

test('an engine is installed and started only where that is possible and allowed', () => {
  const table: [string, Partial<EngineFacts>, string][] = [
    ['answers', { answers: true, local: false }, 'nothing'],
    ['bare Debian, root', {}, 'install, dockerd'],
    ['bare Ubuntu with systemd', { systems: ['ubuntu', 'debian'], systemd: true }, 'install, systemctl'],
    ['installed, not running', { installed: true }, 'dockerd'],
    ['installed, not running, another system', { installed: true, systems: ['fedora'], systemd: true }, 'systemctl'],
    [
      'not allowed',
      { allowed: false },
      'apt-get update && apt-get install -y --no-install-recommends docker.io iptables ca-certificates && dockerd &',
    ],
    ['not root', { root: false, installed: true, systemd: true }, 'sudo systemctl start docker'],
    ['may not use it', { root: false, denied: true, installed: true }, 'sudo usermod -aG docker $USER    # then log in again'],
    ['another system', { systems: ['alpine'] }, 'see https://docs.docker.com/engine/install/'],
    ['a remote engine', { local: false }, 'docker info    # and check --engine'],
  ]
  for (const [what, facts, expected] of table) {
    const action = decideEngine({ ...bareRoot, ...facts })
    const text =
      action.do === 'refuse' ? action.command : action.do === 'nothing' ? 'nothing' : `${action.install ? 'install, ' : ''}${action.start}`
    assert.is(text, expected, what)
  }
})

test('the system is read from os-release', () => {
  assert.equal(readSystems('NAME="X"\nVERSION_ID="12"\nID=debian\n'), ['debian'])
  assert.equal(readSystems('ID=pop\nID_LIKE="ubuntu debian"\n'), ['pop', 'ubuntu', 'debian'])
  assert.equal(readSystems(''), [])
})

test('a pid file counts only while its own program runs', () => {
  assert.ok(isRunning('54 (dockerd) S 1 54', 'dockerd'))
  for (const stat of ['', '54 (dockerd) Z 1 54', '54 (sleep) S 1 54', '54 (a) (dockerd) R 1']) assert.not(isRunning(stat, 'dockerd'), stat)
})

test('engine addresses', () => {
  assert.equal(connectionOf('/run/d.sock').connect, { socketPath: '/run/d.sock' })
  assert.equal(connectionOf('unix:///run/d.sock').connect, { socketPath: '/run/d.sock' })
  assert.equal(connectionOf('tcp://10.0.0.1:2375').connect, { host: '10.0.0.1', port: 2375 })
  assert.is(findFault('{"status":"Pulling"}\n{"error":"no such image"}\n'), 'no such image')
  assert.is(findFault('{"status":"done"}\n'), undefined)
})

test('tar reads the archives', async ({ folder }) => {
  const program = join(folder, 'program')
  writeFileSync(program, 'x'.repeat(700))
  const entries = [
    ...programEntries('bin/program', program, []),
    { kind: 'link', path: 'bin/sh', to: 'program' } as const,
    { kind: 'text', path: 'note', text: 'ä' } as const,
  ]
  const pieces: Buffer[] = []
  for await (const piece of writeTar(entries)) pieces.push(piece)
  const archive = Buffer.concat(pieces)
  assert.is(archive.length % 512, 0)
  const into = spawnSync('tar', ['-xpf', '-', '-C', folder], { input: archive })
  assert.is(into.status, 0, String(into.stderr))
  assert.is(readFileSync(join(folder, 'bin/sh'), 'utf8').length, 700)
  assert.is(statSync(join(folder, 'bin/program')).mode & 0o777, 0o755)
  assert.is(readFileSync(join(folder, 'note'), 'utf8'), 'ä')
})

test('libraries are read from ldd', () => {
  const ldd =
    '\tlinux-vdso.so.1 (0x7f)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x7f)\n\t/lib64/ld-linux-x86-64.so.2 (0x7f)\n\tlibx.so => not found\n'
  assert.equal(readLibraries(ldd), ['/lib/x86_64-linux-gnu/libc.so.6', '/lib64/ld-linux-x86-64.so.2'])
  assert.equal(readLibraries('\tnot a dynamic executable\n'), [])
})

for (const flavour of ['busybox', 'node'] as const) {
  test(`the example is a compose file that Skerry takes without a warning (${flavour})`, () => {
    const { project, warnings } = unwrap(parseCompose(composeExample({ name: 'x:1', flavour }, 8099)))
    assert.equal(warnings, [])
    const web = project.services.web
    assert.equal(web?.ports, [{ hostIp: '127.0.0.1', published: 8099, target: 8080, protocol: 'tcp' }])
    assert.match(web?.environment.PAGE ?? '', '<title>Skerry on {device}</title>')
    assert.not.match(JSON.stringify(web?.command), '$$')
  })
}

test('a folder that cannot be made is refused at once, also where nothing can be made', async ({ folder }) => {
  await makeFolder(join(folder, 'a', 'b'))
  assert.is(statSync(join(folder, 'a', 'b')).mode & 0o777, 0o700)
  writeFileSync(join(folder, 'file'), '')
  for (const path of ['/proc/skerry/data', join(folder, 'file'), join(folder, 'file', 'data')]) {
    const error = await makeFolder(path).catch((thrown: unknown) => thrown)
    assert.is(error instanceof SkerryError && error.code, 'config.invalid', path)
  }
})

test('one process at a time holds a data folder', async ({ folder }) => {
  const lock = await lockData(folder)
  await lock.announce('http://127.0.0.1:1')
  assert.is((await findHolder(folder))?.url, 'http://127.0.0.1:1')
  try {
    await lockData(folder)
    assert.unreachable()
  } catch (error) {
    assert.instance(error, SkerryError)
    assert.is((error as SkerryError).code, 'state.in-use')
    assert.match((error as SkerryError).message, 'http://127.0.0.1:1')
  }
  await lock.release()
  assert.is(await findHolder(folder), undefined)
  await (await lockData(folder)).release()
})

test('a lock whose holder is gone is void, even if its number is in use again', async ({ folder }) => {
  const child = spawn(process.execPath, ['-e', ''])
  await new Promise(resolve => child.once('exit', resolve))
  for (const holder of [{ pid: child.pid, started: '1', url: 'x' }, { pid: process.pid, started: '1', url: 'x' }, 'garbage']) {
    writeFileSync(join(folder, 'skerry.lock'), typeof holder === 'string' ? holder : JSON.stringify(holder))
    assert.is(await findHolder(folder), undefined)
    await (await lockData(folder)).release()
  }
})

test('contexts are kept for their owner only', async ({ folder }) => {
  const file = join(folder, 'a', 'contexts.yaml')
  assert.equal(await loadContexts(file), { contexts: {} })
  const contexts = { current: 'plant', contexts: { plant: { url: 'http://h', token: 't' }, other: { url: 'http://o' } } }
  await saveContexts(file, contexts)
  assert.equal(await loadContexts(file), contexts)
  assert.is(statSync(file).mode & 0o777, 0o600)
  for (const bad of [
    null,
    7,
    {},
    { contexts: [] },
    { contexts: { a: {} } },
    { contexts: {}, current: 7 },
    { contexts: { a: { url: 'x', token: 1 } } },
  ]) {
    assert.is(checkContexts(bad), undefined)
  }
})

test.run()
