// Logging in at a server with a CA of its own, and what its users and programs are made with: by command, against a real server over TLS.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadContexts } from '../../cli/contexts.js'
import { certificateName } from '../../protocol/fingerprint.js'
import { type CliOptions, type CliResult, type RunningCli, runHere, startCli } from '../support/cli.js'
import { within } from '../support/within.js'

const test = suite('cli: log-in')
const folder = mkdtempSync(join(tmpdir(), 'skerry-login-'))
const data = join(folder, 'data')
const home = { HOME: folder }
const file = join(folder, '.config/skerry/contexts.yaml')
const password = 'correct horse'
let server: RunningCli
let url: string
let ca: string
let first: string

const cli = (args: readonly string[], options: CliOptions = {}): Promise<CliResult> => runHere(args, { env: home, ...options })

async function fine(args: readonly string[], options: CliOptions = {}): Promise<string> {
  const { code, out, err } = await cli(args, options)
  assert.is(code, 0, `skerry ${args.join(' ')}: ${err}`)
  return out
}

async function refused(args: readonly string[], options: CliOptions = {}): Promise<string | undefined> {
  const { out, err } = await cli(args, options)
  assert.is(out, '', 'data on standard output')
  return /^error: .* \(([a-z.-]+)\)/m.exec(err)?.[1]
}

test.before(async () => {
  server = startCli(['server', '--data', data, '--http-tls', 'true', '--mqtt-port', '0', '--http-port', '0'], home)
  url = (await server.until(/^https:\S+/m))[0]
  first = (await server.until(/one-time password (\S+)/))[1]!
  ca = certificateName(readFileSync(join(data, 'pki', 'ca.crt')))
})
test.after(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('the server says at its start which CA it has', async () => {
  assert.ok(server.err().includes(ca))
})

test('commands on the same machine come in by themselves', async () => {
  assert.match(await fine(['whoami', '--data', data]), /^local \(this machine’s own token\): admin of the whole fleet, at https:/)
  assert.is(statSync(join(data, 'local.token')).mode & 0o777, 0o600)
  assert.is(await refused(['whoami', '--data', join(folder, 'elsewhere'), '--server', url]), 'server.unavailable')
})

test('a server is trusted by its fingerprint or by whoever is asked, and told nothing before', async () => {
  const login = ['login', url, '-u', 'admin', '--password-stdin']
  assert.is(await refused([...login, '--fingerprint', 'A'.repeat(43)], { input: first }), 'ca.mismatch')
  assert.is(await refused(login, { input: first, answers: ['n'] }), 'ca.mismatch')
  assert.is(await refused(login, { input: first }), 'ca.mismatch')
  writeFileSync(join(folder, 'none.pem'), 'nothing')
  assert.is(await refused([...login, '--ca', join(folder, 'none.pem')], { input: first }), 'usage.invalid')
  assert.equal((await loadContexts(file)).contexts, {})
})

test('the first log-in replaces the one-time password, and commands then go there', async () => {
  const asked = await cli(['login', url], { answers: ['y', 'admin', first, password, password] })
  assert.is(asked.code, 0, asked.err)
  assert.match(asked.err, ca)
  assert.match(asked.err, /admin \(user\): admin of the whole fleet; commands now talk to https:/)
  assert.not.match(asked.err, new RegExp(`${first}|${password}`))
  assert.match(await fine(['whoami']), /^admin \(user\): admin of the whole fleet/)
  const { current, contexts } = await loadContexts(file)
  assert.is(current, '127.0.0.1')
  assert.is(certificateName(contexts['127.0.0.1']?.ca ?? ''), ca)
  assert.is(statSync(file).mode & 0o777, 0o600)
  assert.not.match(readFileSync(file, 'utf8'), password)
})

test('fingerprints are taken as openssl writes them, too; a CA that is known is not asked for again', async () => {
  const hex = Buffer.from(ca, 'base64url').toString('hex').toUpperCase().match(/../g)!.join(':')
  const env = { HOME: join(folder, 'other') }
  const login = ['login', url, '-u', 'admin', '--password-stdin', '--context', 'plant']
  assert.is((await cli([...login, '--fingerprint', `sha256 Fingerprint=${hex}`], { env, input: password })).code, 0)
  assert.is((await cli([...login], { env, input: password })).code, 0)
  assert.match((await cli(['context', 'list'], { env })).out, /^\* {8}plant/m)
  assert.is((await cli([...login, '--ca', join(data, 'pki', 'ca.crt')], { env: { HOME: join(folder, 'third') }, input: password })).code, 0)
})

test('users are made, listed, changed and deleted', async () => {
  await fine(['group', 'create', 'line-1'])
  const made = await fine(['user', 'create', 'eva', '--role', 'viewer', '--group', 'line-1'])
  const once = /one-time password (\S+)$/m.exec(made)?.[1] ?? ''
  assert.is(await refused(['user', 'create', 'eva', '--role', 'viewer']), 'user.exists')
  assert.match(await fine(['user', 'list']), /^eva {4}viewer {2}line-1 {2}- +one-time$/m)

  const env = { HOME: join(folder, 'eva') }
  const login = ['login', url, '-u', 'eva', '--fingerprint', ca, '--password-stdin']
  assert.is((await cli(login, { env, input: `${once}\nof my own choice\n` })).code, 0)
  assert.is(await refused(['group', 'create', 'line-2'], { env }), 'auth.forbidden')
  await fine(['user', 'set', 'eva', '--role', 'operator', '--all-groups'])
  assert.is(await refused(['whoami'], { env }), 'auth.refused')
  assert.is((await cli(login, { env, input: 'of my own choice' })).code, 0)
  assert.match((await cli(['whoami'], { env })).out, /^eva \(user\): operator of the whole fleet/)
  assert.is((await cli(['user', 'password', '--password-stdin'], { env, input: 'of my own choice\nanother of my own' })).code, 0)
  assert.is((await cli(['whoami'], { env })).code, 0, 'this session goes on')
  assert.match(await fine(['user', 'password', 'eva']), /with the one-time password \S+$/m)
  assert.is(await refused(['user', 'set', 'eva']), 'usage.invalid')
  await fine(['user', 'delete', 'eva'])
  assert.is(await refused(['user', 'delete', 'eva']), 'user.unknown')
})

test('a program’s token is printed alone, once', async () => {
  const created = await cli(['access-token', 'create', 'scada', '--role', 'operator', '--group', 'line-1', '--days', '30'])
  assert.match(created.out, /^skt\.[\w-]+\.[\w-]{43}\n$/)
  const env = { HOME: join(folder, 'scada'), SKERRY_HTTP_TOKEN: created.out.trim() }
  await cli(['context', 'set', 'plant', url, '--ca', join(data, 'pki', 'ca.crt')], { env })
  assert.match((await cli(['whoami'], { env })).out, /^scada \(a program’s token\): operator of line-1/)
  const listed = await fine(['access-token', 'list', '-o', 'wide'])
  assert.match(listed, /^scada +operator +line-1 +\d+s +(29d|30d)/m)
  assert.not.match(listed, created.out.trim())
  await fine(['access-token', 'delete', 'scada'])
  assert.is(await refused(['whoami'], { env }), 'auth.refused')
})

test('a log-out ends the session there, too', async () => {
  const token = (await loadContexts(file)).contexts['127.0.0.1']?.token ?? ''
  assert.is((await cli(['logout'])).code, 0)
  assert.is(await refused(['whoami']), 'auth.refused')
  assert.is((await loadContexts(file)).contexts['127.0.0.1']?.token, undefined)
  assert.is(await refused(['whoami'], { env: { ...home, SKERRY_HTTP_TOKEN: token } }), 'auth.refused')
})

test('what is typed at a terminal as a password is not shown', async () => {
  const command = `${process.execPath} dist/cli/main.js login ${url} -u admin --fingerprint ${ca}`
  const terminal = spawn('script', ['-qec', command, '/dev/null'], { env: { ...process.env, HOME: join(folder, 'typed') } })
  let shown = ''
  terminal.stdout.on('data', (chunk: Buffer) => {
    shown += chunk
    if (/Password of admin: $/.test(shown)) terminal.stdin.write(`${password}\r`)
  })
  const code = await within(30_000, 'the log-in ends', new Promise(resolve => terminal.once('close', resolve)))
  assert.is(code, 0, shown)
  assert.match(shown, /Password of admin: \r\n.*commands now talk to/s)
  assert.not.match(shown, password)
})

test.run()
