// Logging in over HTTP: sessions of pages and of programs, what other sites' pages cannot do, limits, headers, and streams that end.
import * as assert from 'node:assert/strict'
import { suite } from 'uvu'
import { bearer, credentials } from '../support/credentials.js'
import { eventually } from '../support/within.js'
import { openEvents, request, type Site, startSite } from './site.js'

const test = suite<{ site: Site }>('log-in')
const password = 'correct horse'

test.before(async context => {
  context.site = await startSite()
  await request(context.site.manager, 'POST', '/groups', { name: 'line-1' })
  await request(context.site.manager, 'POST', '/users', { name: 'eva', role: 'admin', password })
})
test.after(async ({ site }) => site.stop())

interface Sent {
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

/** With no credentials but those that are given. */
function send({ manager }: Site, method: string, path: string, { headers = {}, body }: Sent = {}): Promise<Response> {
  return fetch(`${manager.url}/api/v1${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

// biome-ignore lint/suspicious/noExplicitAny: tests assert on whatever the API answers
const read = async (response: Response): Promise<any> => JSON.parse((await response.text()) || '{}')

/** The cookie that a page's log-in gives. */
async function logIn(site: Site, name = 'eva', given = password): Promise<string> {
  const response = await send(site, 'POST', '/login', { body: { user: name, password: given } })
  assert.equal(response.status, 200, await response.clone().text())
  const [cookie = ''] = response.headers.getSetCookie()
  return cookie
}

const pairOf = (cookie: string) => cookie.split(';')[0]!

test('the first start makes one admin, whose password is told once', async ({ site }) => {
  const first = site.manager.firstPassword!
  assert.match(first, /^[a-z0-9]{5}(-[a-z0-9]{5}){3}$/)
  const refused = await send(site, 'POST', '/login', { body: { user: 'admin', password: first } })
  assert.deepEqual([refused.status, (await read(refused)).code], [400, 'auth.password'])
  await site.restart()
  assert.equal(site.manager.firstPassword, undefined)
  const changed = await send(site, 'POST', '/login', { body: { user: 'admin', password: first, newPassword: 'a new password' } })
  assert.equal(changed.status, 200)
  assert.equal((await send(site, 'POST', '/login', { body: { user: 'admin', password: first } })).status, 401)
  await logIn(site, 'admin', 'a new password')
})

test('a page’s session is a cookie that scripts and other sites do not get, and nothing of it is in the answer', async ({ site }) => {
  const response = await send(site, 'POST', '/login', { body: { user: 'eva', password } })
  const [cookie = ''] = response.headers.getSetCookie()
  assert.match(cookie, /^skerry=sks\.[\w-]{43}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/)
  const body = await read(response)
  assert.deepEqual([body.name, body.kind, body.role, body.groups, body.token], ['eva', 'user', 'admin', null, undefined])
  const who = await send(site, 'GET', '/whoami', { headers: { cookie: pairOf(cookie) } })
  assert.equal((await read(who)).name, 'eva')
})

test('a program’s session is a bearer token, and no cookie', async ({ site }) => {
  const response = await send(site, 'POST', '/login', { body: { user: 'eva', password, as: 'token' } })
  assert.deepEqual(response.headers.getSetCookie(), [])
  const { token } = await read(response)
  assert.equal((await send(site, 'POST', '/groups', { headers: bearer(token), body: { name: 'by-token' } })).status, 201)
  assert.equal((await send(site, 'POST', '/logout', { headers: bearer(token) })).status, 204)
  assert.equal((await send(site, 'GET', '/whoami', { headers: bearer(token) })).status, 401)
})

test('a cookie changes something only for pages of this server', async ({ site }) => {
  const cookie = pairOf(await logIn(site))
  const { url } = site.manager
  const create = async (name: string, headers: Record<string, string>) =>
    (await send(site, 'POST', '/groups', { headers: { cookie, ...headers }, body: { name } })).status
  assert.equal(await create('no-word', {}), 403)
  assert.equal(await create('foreign', { origin: 'https://evil.example' }), 403)
  assert.equal(await create('sandboxed', { origin: 'null' }), 403)
  assert.equal(await create('cross', { 'sec-fetch-site': 'cross-site' }), 403)
  assert.equal(await create('sibling', { 'sec-fetch-site': 'same-site', origin: url }), 403)
  assert.equal(await create('both', { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' }), 403)
  assert.equal(await create('own', { origin: url }), 201)
  assert.equal(await create('own-fetch', { 'sec-fetch-site': 'same-origin' }), 201)
  const { body } = await request(site.manager, 'GET', '/groups')
  const made = body.items.map(({ name }: { name: string }) => name)
  assert.deepEqual(
    ['no-word', 'foreign', 'sandboxed', 'cross', 'sibling', 'both'].filter(name => made.includes(name)),
    [],
  )
  const login = await send(site, 'POST', '/login', { headers: { origin: 'https://evil.example' }, body: { user: 'eva', password } })
  assert.equal((await read(login)).code, 'auth.forbidden')
})

test('a program’s token is no cookie', async ({ site }) => {
  const { body } = await request(site.manager, 'POST', '/access-tokens', { name: 'as-cookie', role: 'admin', days: 1 })
  const response = await send(site, 'GET', '/whoami', { headers: { cookie: `skerry=${body.token}` } })
  assert.equal((await read(response)).code, 'auth.refused')
})

test('logging out ends the session and takes the cookie back', async ({ site }) => {
  const cookie = pairOf(await logIn(site))
  const out = await send(site, 'POST', '/logout', { headers: { cookie, origin: site.manager.url } })
  assert.equal(out.status, 204)
  assert.match(out.headers.getSetCookie()[0]!, /^skerry=; Max-Age=0; Path=\/; /)
  assert.equal((await send(site, 'GET', '/whoami', { headers: { cookie } })).status, 401)
})

test('users are made, changed and deleted; one-time passwords are told once; passwords never', async ({ site }) => {
  const { manager } = site
  const made = await request(manager, 'POST', '/users', { name: 'max', role: 'operator', groups: ['line-1'] })
  assert.equal(made.status, 201)
  assert.match(made.body.password, /^[a-z0-9]{5}-/)
  const shown = (await request(manager, 'GET', '/users/max')).body
  assert.deepEqual([shown.oneTimePassword, shown.password, shown.groups], [true, undefined, ['line-1']])
  await send(site, 'POST', '/login', { body: { user: 'max', password: made.body.password, newPassword: 'of my own choice' } })
  const cookie = pairOf(await logIn(site, 'max', 'of my own choice'))
  assert.equal((await request(manager, 'PATCH', '/users/max', { role: 'viewer' })).body.role, 'viewer')
  assert.equal((await send(site, 'GET', '/whoami', { headers: { cookie } })).status, 401, 'sessions end when their user is changed')
  const again = await request(manager, 'POST', '/users/max/password', {})
  assert.match(again.body.password, /^[a-z0-9]{5}-/)
  assert.equal((await send(site, 'POST', '/login', { body: { user: 'max', password: 'of my own choice' } })).status, 401)
  assert.equal((await request(manager, 'DELETE', '/users/max')).status, 204)
  assert.equal((await request(manager, 'DELETE', '/users/max')).body.code, 'user.unknown')
  assert.equal((await request(manager, 'POST', '/users', { name: 'eva', role: 'viewer' })).status, 409)
  const { items } = (await request(manager, 'GET', '/events?limit=1000')).body
  const told = items.filter(({ data }: { data: { user?: string } }) => data.user === 'max').map(({ type }: { type: string }) => type)
  assert.deepEqual(told, ['user.created', 'user.changed', 'user.changed', 'user.changed', 'login.refused', 'user.deleted'])
  assert.doesNotMatch(JSON.stringify(items), /of my own choice|scrypt|sha256/)
})

test('too many wrong passwords are 429, with how long to wait', async ({ site }) => {
  const attempt = (given: string) => send(site, 'POST', '/login', { body: { user: 'guessed', password: given } })
  for (let n = 0; n < 10; n++) assert.equal((await attempt(`guess ${n}`)).status, 401)
  const limited = await attempt('guess 10')
  assert.deepEqual(
    [limited.status, limited.headers.get('content-type'), limited.headers.has('retry-after')],
    [429, 'application/problem+json', true],
  )
  assert.equal((await read(limited)).code, 'auth.limited')
})

test('every answer tells browsers what they may do with it', async ({ site }) => {
  for (const path of ['/health', '/devices', '/nothing']) {
    const { headers } = await send(site, 'GET', path)
    const told = ['content-security-policy', 'x-content-type-options', 'x-frame-options', 'referrer-policy', 'cache-control'].map(name =>
      headers.get(name),
    )
    assert.deepEqual(told, ["default-src 'none';frame-ancestors 'none'", 'nosniff', 'DENY', 'no-referrer', 'no-store'], path)
    assert.equal(headers.get('strict-transport-security'), null)
    assert.equal(headers.get('access-control-allow-origin'), null)
  }
  const refused = await send(site, 'GET', '/devices')
  assert.deepEqual([refused.status, refused.headers.get('www-authenticate'), (await read(refused)).code], [401, 'Bearer', 'auth.refused'])
})

test('an open stream ends when what let its reader in does', async ({ site }) => {
  const { body } = await request(site.manager, 'POST', '/access-tokens', { name: 'watcher', role: 'viewer', days: 1 })
  const response = await send(site, 'GET', '/events/stream', { headers: bearer(body.token) })
  const ended = response.text()
  await request(site.manager, 'DELETE', '/access-tokens/watcher')
  assert.match(await ended, /^: open/)
  const other = await openEvents(site.manager, credentials)
  await request(site.manager, 'POST', '/groups', { name: 'still' })
  await eventually(5000, 'streams of others go on', () => other.events.some(({ type }) => type === 'group.created'))
  await other.close()
})

test.run()
