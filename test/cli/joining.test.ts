// Tokens, who waits, approve and reject on the command line, against a server with a CA.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { matchPending } from '../../cli/commands/device.js'
import { type CliResult, runHere } from '../support/cli.js'
import { credentials } from '../support/credentials.js'
import { Fort } from '../support/fort.js'
import { certificateOf } from '../support/newcomer.js'

const test = suite<{ fort: Fort }>('cli: joining')
test.before.each(async context => {
  context.fort = await Fort.start()
})
test.after.each(async ({ fort }) => fort.stop())

const cli = (fort: Fort, ...args: string[]): Promise<CliResult> =>
  runHere(args, {
    env: { SKERRY_SERVER: fort.manager.url, SKERRY_HTTP_TOKEN: credentials.authorization.slice('Bearer '.length), HOME: '/nowhere' },
  })

test('a token is one line to paste on standard output, is listed without its secret, and is taken back by its id', async ({ fort }) => {
  await cli(fort, 'group', 'create', 'line-1')
  const made = await cli(fort, 'token', 'create', '-g', 'line-1', '-l', 'hall=3', '--uses', '5', '--ttl', '2d', '--name', 'hall 3')
  assert.match(made.out, /^skerry agent join \S+ skj\.[\w-]{22}\.[\w-]{43}\n$/)
  assert.is(made.code, 0)
  const secret = made.out.split('.').at(-2)!
  const { out } = await cli(fort, 'token', 'list')
  assert.match(out, /^ID +NAME +USED +ENDS +GROUPS +LABELS\n\S+ +hall 3 +0\/5 +in (1d|47h\S*|2d) +line-1 +hall=3\n$/)
  const listed = await cli(fort, 'token', 'list', '-o', 'json')
  assert.is(listed.out.includes(secret), false)
  const { id } = JSON.parse(listed.out).items[0]
  assert.is((await cli(fort, 'token', 'delete', id)).out, `token ${id} deleted\n`)
  assert.match((await cli(fort, 'token', 'list')).err, /no join tokens/)
  assert.match((await cli(fort, 'token', 'delete', id)).err, /token\.unknown/)
  assert.match((await cli(fort, 'token', 'create', '-g', 'none')).err, /group\.unknown/)
  assert.is((await cli(fort, 'token', 'create', '-l', 'hall-')).code, 2)
})

test('who waits is listed, and approved or rejected by key, by the beginning of it, or by id', async ({ fort }) => {
  const [one, two] = [await fort.newcomer('d1'), await fort.newcomer('d2')]
  await one.ask()
  await two.ask()
  const { out } = await cli(fort, 'get', 'pending')
  assert.match(out, new RegExp(`^KEY .*\\n${one.key.slice(0, 16)} +d1 +press +pending +10\\.1\\.4\\.7 `))
  assert.is((await cli(fort, 'get', 'pending', '-o', 'name')).out, `${one.key}\n${two.key}\n`)

  const from = one.heard
  assert.match((await cli(fort, 'device', 'approve', '-l', 'hall=3', '--', one.key.slice(0, 20))).out, /^device d1 \(press\) has joined/)
  assert.is(certificateOf(await one.answer(from)).subject, 'CN=d1')
  assert.match((await cli(fort, 'describe', 'device', 'd1')).out, new RegExp(`Key: +${one.key}, by approval\\nCertificate: +until 20`))

  assert.is((await cli(fort, 'device', 'reject', 'd2')).out, 'device d2 rejected\n')
  assert.match((await cli(fort, 'get', 'pending')).out, / rejected /)
  assert.match((await cli(fort, 'device', 'approve', 'd3')).err, /device\.unknown/)
})

test('of several that wait, the exact one is meant, else all whose key begins so', () => {
  const facts = {} as never
  const item = (key: string, device: string) => ({ key, device, state: 'pending', facts, firstAt: '', lastAt: '' }) as const
  const items = [item('aaa', 'd1'), item('aab', 'd2'), item('b', 'aa'), item('c', 'd2')]
  const keys = (which: string) => matchPending(items, which).map(({ key }) => key)
  assert.equal([keys('aaa'), keys('aa'), keys('a'), keys('d2'), keys('x')], [['aaa'], ['b'], ['aaa', 'aab'], ['aab', 'c'], []])
})

test.run()
