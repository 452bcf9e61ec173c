// The decisions at the door that need no connection: whose run it is, and how many may wait.
import { suite } from 'uvu'
import { equal, is } from 'uvu/assert'
import { type Greeting, introduce, sessionIdOf } from '../../broker/admission.js'
import { Runs, runOf } from '../../broker/runs.js'
import { Waiting } from '../../broker/waiting.js'
import { accept, refuse } from '../../protocol/errors.js'

const test = suite('runs and introductions')

test('a run is eight hexadecimal digits and nothing else', () => {
  equal(['run-0123abcd', 'run-0123ABCD', 'run-0123abcde', 'x-run-0123abcd', '', undefined].map(runOf), [
    '0123abcd',
    ...Array(5).fill(undefined),
  ])
})

test('only a run that was displaced, and comes back while another is there, proves two', () => {
  const runs = new Runs()
  runs.enter('a', 'one', undefined)
  is(runs.isProof('a', 'two', 'one'), false)
  runs.enter('a', 'two', 'one')
  equal([runs.isProof('a', 'one', 'two'), runs.isProof('a', 'one', undefined), runs.isProof('a', 'one', 'one')], [true, false, false])
  equal([runs.isProof('b', 'one', 'two'), runs.isProof('a', undefined, 'two'), runs.isProof('a', 'three', 'two')], [false, false, false])
  // It came in while nobody was there: now the other one would be the one that comes back.
  runs.enter('a', 'one', undefined)
  is(runs.isProof('a', 'one', 'two'), false)
  runs.enter('a', 'two', 'one')
  is(runs.isProof('a', 'one', 'two'), true)
})

test('agents of before, which tell no run, are never taken for two', () => {
  const runs = new Runs()
  runs.enter('a', undefined, undefined)
  runs.enter('a', undefined, undefined)
  is(runs.isProof('a', undefined, undefined), false)
  runs.enter('a', 'one', undefined)
  runs.enter('a', undefined, 'one')
  is(runs.isProof('a', 'one', undefined), false)
})

test('what is remembered of runs is bounded', () => {
  const runs = new Runs()
  for (let n = 1; n <= 40; n++) runs.enter('a', `${n}`, `${n - 1}`)
  equal([runs.isProof('a', '39', '40'), runs.isProof('a', '24', '40'), runs.isProof('a', '23', '40')], [true, true, false])
})

test('those who wait are counted by address, and once', () => {
  const waiting = new Waiting(3, 2)
  equal([waiting.enter('1', 'a'), waiting.enter('2', 'a'), waiting.enter('3', 'a')], [true, true, false])
  equal([waiting.enter('3', 'b'), waiting.enter('4', 'c')], [true, false])
  for (const name of ['1', '1', 'nobody']) waiting.leave(name)
  equal([waiting.enter('4', 'a'), waiting.enter('5', 'a')], [true, false])
})

const house = {
  root: 'skerry',
  access: {
    device: (id: string) => (id === 'a' ? accept(true as const) : refuse('device.unknown', id)),
    leaving: (id: string) => id === 'released',
    groupsOf: () => new Set<string>(),
  },
  now: 1000,
}
const greeting: Greeting = { trusted: false, secure: true, clientId: 'dev-a', clean: true }
const shown = { name: 'a', key: 'k', from: 0, until: 2000, genuine: true }

/** In a word. */
function met(given: Partial<Greeting>, at = house.now): string {
  const introduction = introduce({ ...greeting, ...given }, { ...house, now: at })
  if (introduction.kind === 'known') return introduction.principal.kind
  return introduction.kind === 'refused' ? `${introduction.returnCode} ${introduction.reason}` : introduction.name
}

test('who shows a certificate is its device or nobody, whatever else is said', () => {
  const password = { username: 'admin', password: Buffer.from('x') }
  equal(
    [met({ shown }), met({ shown, ...password }), met({ shown, clientId: 'x', ...password })],
    ['device', 'device', '5 identity-mismatch'],
  )
  equal(
    [met({ shown }, 2001), met({ shown }, -1), met({ shown: { ...shown, genuine: false } })],
    ['lapsed', '5 certificate-early', '5 certificate-foreign'],
  )
  equal(
    [met({ shown: { ...shown, name: 'b' }, clientId: 'dev-b' }), met({ shown: { ...shown, name: '../b' }, clientId: 'dev-../b' })],
    ['5 certificate-revoked', '5 certificate-foreign'],
  )
  const released = { shown: { ...shown, name: 'released' }, clientId: 'dev-released' }
  equal([met(released), met(released, 2001)], ['leaving', 'leaving'])
  // Dates that cannot be read are no dates.
  is(met({ shown: { ...shown, from: Number.NaN, until: Number.NaN } }), '5 certificate-early')
})

test('a client id is short, has no NUL, and is there if a session is to stay', () => {
  for (const clientId of ['x'.repeat(257), 'a\u0000b']) for (const trusted of [true, false]) is(met({ clientId, trusted }), '2 id-refused')
  equal([met({ clientId: '', clean: false }), met({ clientId: '', trusted: true })], ['2 id-refused', 'manager'])
})

test('who comes from inside is the manager, and nobody else is', () => {
  equal([met({ trusted: true }), met({ clientId: 'manager-1' })], ['manager', '5 login-missing'])
})

test('what a user calls a client stays the user’s', () => {
  const id = (name: string, clientId: string) => sessionIdOf({ kind: 'user', name, password: '' }, clientId)
  equal([id('a', 'b/c'), id('a/b', 'c'), id('a', '')], ['user/a/b/c', 'user/a%2Fb/c', ''])
})

test.run()
