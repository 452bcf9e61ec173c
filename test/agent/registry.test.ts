// Pulling from a real registry by the real Docker Engine: progress, moved and missing tags, credentials.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectEngine } from '../../agent/docker.js'
import type { PullProgress } from '../../agent/engine.js'
import { Logins, registryOf, withLogins } from '../../agent/logins.js'
import { docker } from '../support/docker.js'
import { Child } from '../support/process.js'
import { startRegistry } from '../support/registry.js'
import { within } from '../support/within.js'

const pulls = suite('registry')
const engine = connectEngine('/var/run/docker.sock')
const pull = (image: string, seen: PullProgress[] = []) =>
  engine.pull({ image, services: [] }, progress => seen.push(progress), new AbortController().signal)
const remove = (...images: string[]) => docker('rmi', '-f', ...images)
const idOf = (image: string) => docker('inspect', '-f', '{{.Id}}', image)

pulls('an image is pulled, its tag moves, and a missing tag is told from it', async () => {
  const registry = await startRegistry()
  try {
    const image = await registry.push('keep/app', '1', 'one')
    await pull(image)
    const first = idOf(image)
    await registry.push('keep/app', '1', 'two')
    await pull(image)
    assert.is.not(idOf(image), first)
    const code = await pull(`${registry.host}/keep/app:none`).catch(error => error.code)
    assert.is(code, 'image.unavailable')
    remove(first, image)
  } finally {
    await registry.close()
  }
})

pulls('progress is told in bytes and only ever grows towards its end', async () => {
  const registry = await startRegistry({ bytesPerS: 4_000_000 })
  try {
    const image = await registry.push('keep/large', '1', `large ${process.pid}`, { ballast: randomBytes(2_000_000) })
    const seen: PullProgress[] = []
    await pull(image, seen)
    const counted = seen.filter(({ totalBytes }) => totalBytes > 0).map(({ currentBytes }) => currentBytes)
    assert.ok(counted.length > 3, `${counted.length} signs of progress`)
    assert.equal(
      counted,
      [...counted].sort((a, b) => a - b),
    )
    assert.is(seen.at(-1)?.currentBytes, seen.at(-1)?.totalBytes)
    remove(image)
  } finally {
    await registry.close()
  }
})

pulls('a registry that asks who it is lets in whoever has a login, and nobody else', async () => {
  const login = { username: 'line-1', password: 'se cret' }
  const registry = await startRegistry({ login })
  const folder = mkdtempSync(join(tmpdir(), 'skerry-logins-'))
  try {
    const image = await registry.push('keep/private', '1', 'private')
    const logins = new Logins(folder)
    const knowing = withLogins(engine, logins)
    const pullAs = () => knowing.pull({ image, services: [] }, () => {}, new AbortController().signal).catch(error => error.code)
    assert.is(await pullAs(), 'image.unavailable')
    logins.set(`http://${registry.host}/v2/`, login.username, login.password)
    assert.is(statSync(join(folder, 'registries.json')).mode & 0o777, 0o600)
    assert.equal(logins.names(), [{ registry: registry.host, username: 'line-1' }])
    assert.is(await pullAs(), undefined)
    remove(image)
    const check = (password: string) => engine.checkLogin({ ...login, password, serveraddress: registry.host }).catch(error => error.code)
    assert.equal([await check('se cret'), await check('wrong')], [undefined, 'auth.refused'])
    assert.ok(logins.remove(registry.host))
    assert.not(logins.remove(registry.host))
    assert.is(await pullAs(), 'image.unavailable')
  } finally {
    await registry.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

pulls('the registry of an image is its host, or the default one', () => {
  const images = [
    'busybox',
    'a/b:1',
    'docker.io/a/b',
    'localhost/a',
    'host:5000/a/b:2',
    'registry.example/a@sha256:00',
    'index.docker.io/a/b',
  ]
  assert.equal(images.map(registryOf), ['docker.io', 'docker.io', 'docker.io', 'localhost', 'host:5000', 'registry.example', 'docker.io'])
})

pulls('the command keeps what the registry accepts, says nothing of the password, and forgets it', async () => {
  const registry = await startRegistry({ login: { username: 'line-1', password: 'secret' } })
  const data = mkdtempSync(join(tmpdir(), 'skerry-logins-'))
  const command = (input: string, ...args: string[]) => {
    const child = spawn(process.execPath, ['dist/cli/main.js', 'agent', '--data', data, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin.end(input)
    const ended = new Child(child)
    return within(
      20_000,
      args.join(' '),
      ended.ended.then(code => ({ code, output: ended.lines.join('\n') })),
    )
  }
  try {
    const refused = await command('wrong', 'login', registry.host, '-u', 'line-1', '--password-stdin')
    assert.is(refused.code, 4, refused.output)
    assert.match((await command('', 'registries')).output, 'no logins')
    const done = await command('secret\n', 'login', registry.host, '-u', 'line-1', '--password-stdin')
    assert.is(done.code, 0, done.output)
    const listed = await command('', 'registries')
    assert.match(listed.output, new RegExp(`${registry.host} +line-1`))
    assert.not.match(done.output + listed.output, 'secret')
    assert.is((await command('', 'logout', registry.host)).code, 0)
    assert.is((await command('', 'logout', registry.host)).code, 2)
  } finally {
    await registry.close()
    rmSync(data, { recursive: true, force: true })
  }
})

pulls.run()
