// What a changed compose file makes anew, and what it leaves alone; and that the plan foretold it.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { freePort } from '../support/mosquitto.js'
import { base, type Inspected, Site } from './support.js'

const site = new Site('update')
const updates = suite('updates')
updates.after.each(() => site.clear())
updates.after(() => site.close())

type Fate = 'kept' | 'restarted' | 'recreated' | 'created' | 'removed'

function fates(before: Record<string, Inspected>, after: Record<string, Inspected>): Record<string, Fate> {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return Object.fromEntries(names.map(name => [name, fate(before[name], after[name])]))
}

function fate(before: Inspected | undefined, after: Inspected | undefined): Fate {
  if (before === undefined) return 'created'
  if (after === undefined) return 'removed'
  if (before.Id !== after.Id) return 'recreated'
  return before.State.StartedAt === after.State.StartedAt ? 'kept' : 'restarted'
}

const services = (of: Record<string, string>, rest = '') =>
  `services:\n${Object.entries(of)
    .map(([name, fields]) => `  ${name}: { ${base}${fields === '' ? '' : `, ${fields}`} }\n`)
    .join('')}${rest}`

const table: readonly [string, string, string, Record<string, Fate>][] = [
  ['nothing', services({ a: '', b: '' }), services({ b: '', a: '' }), { 'a-1': 'kept', 'b-1': 'kept' }],
  ['one service', services({ a: '', b: '' }), services({ a: 'labels: { x: "1" }', b: '' }), { 'a-1': 'recreated', 'b-1': 'kept' }],
  ['equal meaning', services({ a: 'command: sleep 99' }), services({ a: 'command: [sleep, "99"]' }), { 'a-1': 'kept' }],
  ['dependencies', services({ a: '', b: '' }), services({ a: 'depends_on: [b]', b: '' }), { 'a-1': 'kept', 'b-1': 'kept' }],
  ['a service less', services({ a: '', b: '' }), services({ a: '' }), { 'a-1': 'kept', 'b-1': 'removed' }],
  ['more containers', services({ a: '' }), services({ a: 'scale: 3' }), { 'a-1': 'kept', 'a-2': 'created', 'a-3': 'created' }],
  ['fewer containers', services({ a: 'scale: 3' }), services({ a: '' }), { 'a-1': 'kept', 'a-2': 'removed', 'a-3': 'removed' }],
  ['all of a scale', services({ a: 'scale: 2' }), services({ a: 'scale: 2, user: "0"' }), { 'a-1': 'recreated', 'a-2': 'recreated' }],
  [
    'the parent of a network',
    services({ a: '', b: 'network_mode: "service:a"', c: '' }),
    services({ a: 'user: "0"', b: 'network_mode: "service:a"', c: '' }),
    { 'a-1': 'recreated', 'b-1': 'recreated', 'c-1': 'kept' },
  ],
  [
    'the parent of volumes',
    services({ a: 'volumes: ["/d"]', b: 'volumes_from: [a]' }),
    services({ a: 'volumes: ["/d"], user: "0"', b: 'volumes_from: [a]' }),
    { 'a-1': 'recreated', 'b-1': 'recreated' },
  ],
  [
    'what a dependant restarts with',
    services({ a: '', b: 'depends_on: { a: { condition: service_started, restart: true } }', c: 'depends_on: [a]' }),
    services({ a: 'user: "0"', b: 'depends_on: { a: { condition: service_started, restart: true } }', c: 'depends_on: [a]' }),
    { 'a-1': 'recreated', 'b-1': 'restarted', 'c-1': 'kept' },
  ],
  [
    'a network more',
    services({ a: '', b: '' }, 'networks: { n: {} }'),
    services({ a: 'networks: [default, n]', b: '' }, 'networks: { n: {} }'),
    { 'a-1': 'recreated', 'b-1': 'kept' },
  ],
  [
    'the options of a network',
    services({ a: 'networks: [n]', b: '' }, 'networks: { n: {} }'),
    services({ a: 'networks: [n]', b: '' }, 'networks: { n: { internal: true } }'),
    { 'a-1': 'recreated', 'b-1': 'kept' },
  ],
  [
    'the name of a volume',
    services({ a: 'volumes: ["v:/v"]', b: '' }, 'volumes: { v: {} }'),
    services({ a: 'volumes: ["w:/v"]', b: '' }, 'volumes: { w: {} }'),
    { 'a-1': 'recreated', 'b-1': 'kept' },
  ],
]
for (const [what, first, second, expected] of table) {
  updates(`changed: ${what}`, async () => {
    await site.apply(first)
    const before = site.containers()
    const foreseen = await site.plan(second)
    const steps = await site.apply(second)
    assert.equal([...steps].sort(), [...foreseen].sort(), 'the plan is what apply does')
    assert.equal(fates(before, site.containers()), expected)
    assert.equal(await site.plan(second), [], 'nothing is left to do')
  })
}

updates('two services swap their ports', async () => {
  const [p, q] = [await freePort(), await freePort()]
  const ports = (a: number, b: number) => services({ a: `ports: ["127.0.0.1:${a}:80"]`, b: `ports: ["127.0.0.1:${b}:80"]` })
  await site.apply(ports(p, q))
  await site.apply(ports(q, p))
  assert.equal(
    Object.values(site.containers()).map(({ State }) => State.Status),
    ['running', 'running'],
  )
})

updates('anonymous volumes go on in the container that replaces theirs, each in its own of a scale', async () => {
  await site.apply(services({ a: 'scale: 2, volumes: ["/data"]' }))
  for (const number of [1, 2]) site.run(`a-${number}`, 'touch', `/data/of-${number}`)
  await site.apply(services({ a: 'scale: 2, volumes: ["/data"], user: "0"' }))
  assert.equal(
    [1, 2].map(number => site.run(`a-${number}`, 'ls', '/data')),
    ['of-1', 'of-2'],
  )
})

updates('changed options of a volume are refused, and nothing is touched', async () => {
  const text = (size: string) =>
    services({ a: 'volumes: ["v:/v"]' }, `volumes: { v: { driver_opts: { type: tmpfs, device: tmpfs, o: size=${size} } } }`)
  await site.apply(text('1m'))
  const before = site.containers()
  const refusal = await site.apply(text('2m')).catch(error => error.refusal)
  assert.equal([refusal.code, refusal.path], ['engine.refused', 'volumes.v'])
  assert.equal(fates(before, site.containers()), { 'a-1': 'kept' })
})

updates.run()
