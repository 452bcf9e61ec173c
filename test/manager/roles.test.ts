// Roles and scopes against every route of docs/openapi.json: who is let through, and who is not.
import * as assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fastify from 'fastify'
import { suite } from 'uvu'
import { guardRoutes, type RouteAccess } from '../../manager/api/access.js'
import type { Api } from '../../manager/api/server.js'
import { type Role, roles } from '../../protocol/access.js'
import { bearer, type Credentials } from '../support/credentials.js'
import { FakeDevice } from '../support/device.js'
import { deviceIs, request, type Site, startSite } from './site.js'

interface Route {
  readonly method: string
  readonly path: string
  readonly access: RouteAccess | undefined
}

const methods = ['get', 'post', 'put', 'patch', 'delete']
const { paths } = JSON.parse(readFileSync('docs/openapi.json', 'utf8'))
const routes: Route[] = Object.entries<Record<string, { 'x-access'?: RouteAccess }>>(paths).flatMap(([path, operations]) =>
  methods
    .filter(method => operations[method] !== undefined)
    .map(method => ({ method: method.toUpperCase(), path: path.replace('/api/v1', ''), access: operations[method]?.['x-access'] })),
)

interface Principal {
  readonly name: string
  readonly role: Role
  /** The groups of the scope; null: the whole fleet. */
  readonly groups: readonly string[] | null
  readonly credentials: Credentials
}

const test = suite<{ site: Site; principals: Principal[] }>('roles and routes')

test.before(async context => {
  const site = await startSite()
  context.site = site
  for (const id of ['a1', 'b1']) {
    const device = await FakeDevice.online({ url: site.broker.url, id })
    await device.end('Stopped')
    await device.leave()
    await deviceIs(site.manager, id, 'NotReady')
  }
  await request(site.manager, 'POST', '/groups', { name: 'in', devices: ['a1'] })
  await request(site.manager, 'POST', '/groups', { name: 'out', devices: ['b1'] })
  const wanted = roles.flatMap(role => [
    { name: `${role}-all`, role, groups: null },
    { name: `${role}-in`, role, groups: ['in'] },
    { name: `${role}-none`, role, groups: [] },
  ])
  context.principals = []
  for (const each of wanted) {
    const { body } = await request(site.manager, 'POST', '/access-tokens', { ...each, days: 1 })
    context.principals.push({ ...each, credentials: bearer(body.token) })
  }
})
test.after(async ({ site }) => site.stop())

/** What the path names, for one side of the scope. */
function fill(path: string, side: 'in' | 'out'): string {
  const device = side === 'in' ? 'a1' : 'b1'
  const values: Record<string, string> = {
    device,
    group: side,
    target: path.startsWith('/groups') ? side : device,
    topic: `data/group/${side}/x`,
  }
  return path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '1')
}

/** Status and code. A body of no known type is refused once somebody has been let through, so that nothing is changed. */
async function ask(
  site: Site,
  { method, path }: Route,
  side: 'in' | 'out',
  credentials: Record<string, string>,
): Promise<[number, string]> {
  const body = method === 'GET' ? {} : { body: 'x', headers: { ...credentials, 'content-type': 'application/x-nothing' } }
  const response = await fetch(`${site.manager.url}/api/v1${fill(path, side)}`, { method, headers: credentials, ...body })
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json') === true
  const { code = '' } = isProblem ? ((await response.json()) as { code: string }) : {}
  if (!isProblem) await response.body?.cancel()
  return [response.status, code]
}

function isLetThrough({ role, groups }: Principal, access: RouteAccess, side: 'in' | 'out'): boolean {
  if (access === 'open') return true
  if (roles.indexOf(role) < roles.indexOf(access.role)) return false
  if (access.about === 'self' || access.about === 'list') return true
  // Of a topic it is the broker's rules that say so; this one names a group.
  return groups === null || (access.about !== 'fleet' && groups.includes(side))
}

test('every route has a rule, and only health and log-in are open', () => {
  assert.ok(routes.length > 40, `${routes.length} routes`)
  assert.deepEqual(
    routes.filter(({ access }) => access === undefined),
    [],
  )
  assert.deepEqual(
    routes.filter(({ access }) => access === 'open').map(({ method, path }) => `${method} ${path}`),
    ['GET /health', 'POST /login'],
  )
})

test('a viewer changes nothing but what is their own, and only an admin of the whole fleet sees users and tokens', () => {
  const own = ['/login', '/logout', '/password']
  for (const { method, path, access } of routes) {
    if (access === undefined || access === 'open') continue
    if (method !== 'GET' && !own.includes(path)) assert.notEqual(access.role, 'viewer', `${method} ${path}`)
    if (/^\/(users|access-tokens)/.test(path)) assert.deepEqual(access, { role: 'admin', about: 'fleet' }, `${method} ${path}`)
    if (/\{(device|group|target)\}/.test(path)) assert.match(access.about, /^(device|group|fleet)$/, `${method} ${path}`)
  }
})

test('nobody gets anywhere without credentials, or with wrong ones', async ({ site }) => {
  for (const route of routes) {
    for (const credentials of [{}, bearer('wrong'), bearer('skt.none.none'), { cookie: 'skerry=sks.wrong' }]) {
      const [status, code] = await ask(site, route, 'in', credentials)
      const expected = route.access === 'open' ? [status !== 401, code !== 'auth.refused'] : [status === 401, code === 'auth.refused']
      assert.deepEqual(expected, [true, true], `${route.method} ${route.path} ${JSON.stringify(credentials)}: ${status} ${code}`)
    }
  }
})

for (const role of roles) {
  test(`${role}: let through where role and scope say so, and 403 everywhere else`, async ({ site, principals }) => {
    const before = (await request(site.manager, 'GET', '/events?limit=1')).body.items[0].id
    for (const principal of principals.filter(each => each.role === role)) {
      for (const route of routes) {
        for (const side of ['in', 'out'] as const) {
          const [status, code] = await ask(site, route, side, principal.credentials)
          const isRefused = status === 403 && code === 'auth.forbidden'
          const what = `${principal.name}: ${route.method} ${fill(route.path, side)}: ${status} ${code}`
          assert.equal(isRefused, !isLetThrough(principal, route.access ?? 'open', side), what)
          assert.notEqual(status, 401, what)
        }
      }
    }
    assert.equal((await request(site.manager, 'GET', '/events?limit=1')).body.items[0].id, before, 'nothing was changed')
  })
}

test('a viewer cannot deploy', async ({ site, principals }) => {
  const { credentials } = principals.find(({ name }) => name === 'viewer-all')!
  const { status, body } = await request(site.manager, 'PUT', '/devices/a1/apps/web', 'services: {}', credentials)
  assert.deepEqual([status, body.code], [403, 'auth.forbidden'])
  assert.match(body.detail, /viewer-all has the role viewer/)
})

test('a route without a rule cannot be registered', async () => {
  const app = fastify()
  guardRoutes(app as unknown as Api, () => assert.fail('nobody asks'), { permit: () => assert.fail('nobody asks') })
  assert.throws(() => app.get('/forgotten', async () => 'x'), /the route GET \/forgotten has no access rule/)
  await app.close()
})

test.run()
