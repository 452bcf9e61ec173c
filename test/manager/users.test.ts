// Users, their passwords and sessions, and tokens of programs, as the door knows them: a clock that a test moves, and no network.
import * as assert from 'node:assert/strict'
import { suite } from 'uvu'
import { Inventory } from '../../manager/inventory.js'
import { Journal } from '../../manager/journal.js'
import { type Db, openDb } from '../../manager/store/db.js'
import { insertGroup, insertMember } from '../../manager/store/groups.js'
import { forgetGroup } from '../../manager/store/users.js'
import { Door } from '../../manager/users/door.js'
import { LoginLimits } from '../../manager/users/limits.js'
import { Once } from '../../manager/users/once.js'
import { checkPassword } from '../../manager/users/passwords.js'
import { parseBearer } from '../../manager/users/secrets.js'
import type { User } from '../../protocol/access.js'
import type { Result } from '../../protocol/errors.js'
import { ManualClock } from '../support/clock.js'
import { silent } from './site.js'

interface Context {
  db: Db
  clock: ManualClock
  journal: Journal
  inventory: Inventory
  door: Door
  first: string
}

const test = suite<Context>('users')
const address = '10.1.4.7'
const hourMs = 3_600_000
const password = 'correct horse'

test.before.each(context => {
  context.db = openDb(':memory:')
  context.clock = new ManualClock()
  context.journal = new Journal(context.db, context.clock, silent)
  context.inventory = new Inventory({ ...context, log: silent, caughtUp() {} })
  context.door = new Door(context, { local: 'the-local-token-of-a-test' })
  context.first = context.door.users.start() ?? assert.fail('there is a user already')
  insertGroup(context.db, 'line-1', 0)
  insertGroup(context.db, 'line-2', 0)
})
test.after.each(({ journal, db }) => {
  journal.stop()
  db.close()
})

const code = (result: Result<unknown>) => (result.ok ? undefined : result.refusals[0].code)
const nameOf = (result: Result<User>) => (result.ok ? result.value.name : result.refusals[0].code)
const secretsOf = ({ db }: Context) =>
  JSON.stringify(['users', 'sessions', 'access_tokens', 'events'].map(table => db.all(db.build.selectFrom(table as 'users').selectAll())))

/** A session's bearer. */
async function logIn({ door }: Context, name: string, given = password): Promise<string> {
  const session = await door.sessions.begin({ name, password: given, address, kind: 'token' })
  return session.ok ? session.value.secret : assert.fail(session.refusals[0].message)
}

test('the first admin’s password is good for one log-in, which replaces it', async context => {
  const { door, first } = context
  const begin = (given: string, newPassword?: string) =>
    door.sessions.begin({ name: 'admin', password: given, address, kind: 'token', ...(newPassword === undefined ? {} : { newPassword }) })
  assert.equal(code(await begin('something else')), 'auth.refused')
  assert.equal(code(await begin(first)), 'auth.password')
  assert.equal(await nameOf(await door.logIn('admin', first, address)), 'auth.refused', 'the broker’s clients cannot replace it')
  await assert.rejects(begin(first, 'short'), { code: 'auth.password' })
  assert.equal(code(await begin(first, password)), undefined)
  assert.equal(code(await begin(first, password)), 'auth.refused')
  assert.equal(nameOf(await door.logIn('admin', password, address)), 'admin')
  assert.equal(door.users.start(), undefined, 'it is made once')
  assert.doesNotMatch(secretsOf(context), new RegExp(`${first}|${password}`))
})

test('two that have the same one-time password cannot both replace it', async ({ door, first }) => {
  const begin = (newPassword: string) => door.sessions.begin({ name: 'admin', password: first, address, kind: 'token', newPassword })
  const ends = await Promise.allSettled([begin('the first one in'), begin('the second one in')])
  assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('a session ends by log-out, when it is not used, when it is old, and when its user is changed', async context => {
  const { door, clock } = context
  await door.users.create('eva', { role: 'viewer', groups: null }, password)
  const isGood = (secret: string) => door.identify(secret, address) !== undefined

  const left = await logIn(context, 'eva')
  const other = await logIn(context, 'eva')
  const caller = door.identify(left, `::ffff:${address}`)!
  assert.deepEqual([caller.who.name, caller.who.kind, caller.who.role, caller.who.address], ['eva', 'user', 'viewer', address])
  door.sessions.end(caller.session!)
  assert.deepEqual([isGood(left), isGood(other), caller.isGood()], [false, true, false])

  clock.advance(7 * 24 * hourMs)
  assert.equal(isGood(other), false, 'not used for a week')

  const old = await logIn(context, 'eva')
  for (let day = 0; day < 29; day++) {
    clock.advance(24 * hourMs)
    assert.equal(isGood(old), true, `day ${day}`)
  }
  clock.advance(25 * hourMs)
  assert.equal(isGood(old), false, 'a month old')

  for (const change of [{ role: 'operator' }, { groups: ['line-1'] }, { password: 'another horse' }] as const) {
    const session = await logIn(context, 'eva')
    const open = door.identify(session, address)!
    await door.users.change('eva', change)
    assert.deepEqual([isGood(session), open.isGood()], [false, false], JSON.stringify(change))
  }
  const last = await logIn(context, 'eva', 'another horse')
  door.users.remove('eva')
  assert.equal(isGood(last), false)
  assert.equal(nameOf(await door.logIn('eva', 'another horse', address)), 'auth.refused')
  assert.doesNotMatch(secretsOf(context), new RegExp(parseBearer(last).secret))
})

test('one’s own new password needs the old one, and ends the other sessions', async context => {
  const { door } = context
  await door.users.create('eva', { role: 'viewer', groups: null }, password)
  const [own, other] = [await logIn(context, 'eva'), await logIn(context, 'eva')]
  const { session } = door.identify(own, address)!
  const change = (given: string, next: string) => door.sessions.changePassword({ name: 'eva', password: given, address }, next, session)
  await assert.rejects(change('wrong one', 'a new password'), { code: 'auth.refused' })
  await assert.rejects(change(password, 'eva'), { code: 'auth.password' })
  await change(password, 'a new password')
  assert.deepEqual([door.identify(own, address)?.who.name, door.identify(other, address)], ['eva', undefined])
  assert.equal(nameOf(await door.logIn('eva', password, address)), 'auth.refused')
  assert.equal(nameOf(await door.logIn('eva', 'a new password', address)), 'eva')
})

test('sessions of one user are bounded: the oldest go', async context => {
  const { door, clock, db } = context
  await door.users.create('eva', { role: 'viewer', groups: null }, password)
  const first = await logIn(context, 'eva')
  for (let n = 0; n < 50; n++) {
    clock.advance(1000)
    await logIn(context, 'eva')
  }
  assert.equal(db.all(db.build.selectFrom('sessions').selectAll()).length, 50)
  assert.equal(door.identify(first, address), undefined)
})

test('a program’s token is good until it ends or is taken away, for HTTP and, under its name, for the broker', async context => {
  const { door, clock, db } = context
  const grant = { role: 'operator', groups: ['line-1'] } as const
  const { token, row } = door.users.createToken('scada', grant, { days: 2, by: 'eva' })
  const open = door.identify(token, address)!
  assert.deepEqual(
    [open.who.name, open.who.kind, open.who.role, [...(open.who.scope.groups as Set<string>)]],
    ['scada', 'token', 'operator', ['line-1']],
  )
  assert.equal(nameOf(await door.logIn('scada', token, address)), 'scada')
  assert.equal(nameOf(await door.logIn('other', token, address)), 'auth.refused')
  assert.equal(door.user('scada')?.role, 'operator')
  assert.equal(door.users.listTokens()[0]?.lastSeen, clock.now())
  assert.equal(door.identify(`${token.slice(0, -2)}AA`, address), undefined)
  assert.equal(door.identify(`skt.${row.id}.`, address), undefined)
  clock.advance(48 * hourMs)
  assert.deepEqual([door.identify(token, address), open.isGood(), door.user('scada')], [undefined, false, undefined])
  assert.equal(nameOf(await door.logIn('scada', token, address)), 'auth.refused')

  const second = door.users.createToken('press', grant, { days: 2, by: 'eva' })
  const used = door.identify(second.token, address)!
  door.users.removeToken('press')
  assert.deepEqual([door.identify(second.token, address), used.isGood()], [undefined, false])
  assert.throws(() => door.users.removeToken('press'), { code: 'token.unknown' })
  assert.doesNotMatch(secretsOf(context), new RegExp(`${second.token.split('.')[2]}|${token.split('.')[2]}`))
  assert.ok(db.isOpen)
})

test('users and tokens share their names, and no one is called like the tokens outside', async ({ door }) => {
  const grant = { role: 'viewer', groups: null } as const
  await door.users.create('eva', grant, password)
  door.users.createToken('scada', grant, { days: 1, by: 'eva' })
  for (const name of ['eva', 'scada', 'local', 'config']) {
    await assert.rejects(door.users.create(name, grant, password), { code: 'user.exists' }, name)
    assert.throws(() => door.users.createToken(name, grant, { days: 1, by: 'eva' }), { code: 'user.exists' }, name)
  }
  await assert.rejects(door.users.create('Eva Maria', grant, password), { code: 'name.invalid' })
  await assert.rejects(door.users.create('max', { role: 'viewer', groups: ['nowhere'] }, password), {
    code: 'group.unknown',
    path: 'groups[0]',
  })
  await assert.rejects(door.users.change('nobody', { role: 'admin' }), { code: 'user.unknown' })
})

test('a scope follows the fleet, knows names that are one device’s alone, and goes with its group', async ({
  door,
  db,
  inventory,
  journal,
}) => {
  const { token } = door.users.createToken('scada', { role: 'viewer', groups: ['line-1'] }, { days: 1, by: 'eva' })
  const devices = () => door.identify(token, address)!.who.scope.devices as ReadonlySet<string>
  for (const id of ['a1', 'b1', 'c1']) inventory.ensure(id)
  journal.flush()
  const scope = devices()
  assert.deepEqual([scope.has('a1'), scope.size], [false, 0])
  const change = (type: 'group.joined' | 'group.left', act: () => void) =>
    journal.change(note => {
      act()
      note({ type, message: '', device: 'a1', group: 'line-1', app: null, data: {} })
    })
  change('group.joined', () => insertMember(db, 'line-1', 'a1'))
  assert.deepEqual([scope.has('a1'), scope.has('b1'), [...scope]], [true, false, ['a1']])
  inventory.devices.get('a1')!.name = 'press'
  assert.deepEqual([scope.has('press'), [...scope]], [true, ['a1', 'press']])
  inventory.devices.get('b1')!.name = 'press'
  assert.equal(scope.has('press'), false, 'two have this name')
  inventory.devices.get('a1')!.name = 'c1'
  assert.equal(scope.has('c1'), false, 'a name does not reach the device whose id it is')
  forgetGroup(db, 'line-1')
  assert.equal(devices().has('a1'), false)
  assert.deepEqual(door.users.listTokens()[0]?.groups, [])
})

test('passwords are guessed at a bounded rate, by account and address; others are not shut out', async ({ door, clock, db, journal }) => {
  await door.users.create('eva', { role: 'viewer', groups: null }, password)
  const attempt = async (from: string, given: string) => nameOf(await door.logIn('eva', given, from))
  assert.equal(await attempt(address, password), 'eva')
  for (let n = 0; n < 10; n++) assert.equal(await attempt('10.9.9.9', `wrong ${n}`), 'auth.refused')
  assert.equal(await attempt('10.9.9.9', password), 'auth.limited', 'even the right one')
  assert.equal(await attempt(address, password), 'eva')
  clock.advance(30_000)
  assert.equal(await attempt('10.9.9.9', password), 'eva')
  journal.flush()
  const events = db.all(db.build.selectFrom('events').select(['type', 'message', 'data']).where('type', '=', 'login.refused'))
  assert.deepEqual(
    events.map(({ data }) => JSON.parse(data)),
    [
      { user: 'eva', address: '10.9.9.9', code: 'auth.refused' },
      { user: 'eva', address: '10.9.9.9', code: 'auth.limited' },
    ],
  )
})

test('what is no user’s name is not told: it may be a password in the wrong field', async context => {
  const { door, journal } = context
  assert.equal(nameOf(await door.logIn('hunter2hunter2', 'x', address)), 'auth.refused')
  journal.flush()
  assert.doesNotMatch(secretsOf(context), /hunter2/)
})

test('a thousand that come again with one password are checked once', async ({ door }) => {
  await door.users.create('plc', { role: 'operator', groups: null }, password)
  let checks = 0
  const { passwords } = door.users
  const verify = passwords.verify.bind(passwords)
  passwords.verify = (...args) => {
    checks++
    return verify(...args)
  }
  const together = await Promise.all(Array.from({ length: 1000 }, (_, n) => door.logIn('plc', password, `10.1.${n >> 8}.${n & 255}`)))
  assert.equal(together.filter(({ ok }) => ok).length, 1000)
  assert.equal(checks, 1)
  await door.users.change('plc', { password: 'another password' })
  assert.equal(nameOf(await door.logIn('plc', password, address)), 'auth.refused', 'what is remembered goes with the password')
  assert.equal(checks, 2)
})

test('limits count by address and by account, too, and their memory is bounded', () => {
  const limits = new LoginLimits()
  const guess = (name: string, from: string, now = 0) => {
    const waitMs = limits.wait(name, from, now)
    if (waitMs === 0) limits.count(name, from, { guesses: 1, now })
    return waitMs
  }
  for (let n = 0; n < 50; n++) assert.equal(guess(`user-${n}`, '10.0.0.1'), 0, `${n}`)
  assert.ok(guess('user-50', '10.0.0.1') > 0, 'one address')
  assert.equal(guess('user-50', '10.0.0.2'), 0)
  for (let n = 0; n < 100; n++) guess('admin', `10.1.0.${n}`)
  assert.ok(guess('admin', '10.2.0.1') > 0, 'one account')
  limits.know('admin', '10.3.0.1')
  assert.equal(guess('admin', '10.3.0.1'), 0, 'whoever has logged in from there may go on')
  assert.equal(guess('v6', '2001:db8:1:2:3::1'), 0)
  for (let n = 0; n < 60; n++) guess(`w${n}`, `2001:db8:1:2::${n}`)
  assert.ok(guess('x', '2001:db8:1:2:ffff::1') > 0, 'one network of IPv6')
  assert.equal(guess('admin', '10.2.0.1', 10 * 60_000), 0, 'it passes')
  for (let n = 0; n < 10; n++) guess('forgotten', '10.4.0.1')
  assert.ok(guess('forgotten', '10.4.0.1') > 0)
  for (let n = 0; n < 10_000; n++) guess(`n${n}`, `10.5.${n >> 8}.${n & 255}`)
  assert.equal(guess('forgotten', '10.4.0.1'), 0, 'the oldest of too many are forgotten')
})

test('things are told once in a while, and not without bound', () => {
  const once = new Once({ againMs: 1000, atMost: 3 })
  assert.deepEqual(
    ['a', 'a', 'b', 'c', 'd'].map(key => once.isNew(key, 0)),
    [true, false, true, true, false],
  )
  assert.deepEqual(
    ['a', 'd'].map(key => once.isNew(key, 1000)),
    [true, true],
  )
})

test('passwords that are none are refused', () => {
  for (const bad of ['', 'short', 'aaaaaaaaaaaa', 'abababababab', 'x'.repeat(300)]) assert.equal(checkPassword(bad, 'eva').ok, false, bad)
  assert.equal(checkPassword('evamaria1', 'evamaria').ok, false)
  for (const good of ['correct horse', 'пароль-длинный', 'eva has a long one']) assert.equal(checkPassword(good, 'eva').ok, true, good)
})

test.run()
