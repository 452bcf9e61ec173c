// Laws of the planner: from any observed state the plan comes to its end, and planning changes nothing that it is given.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Refresh, Wish } from '../../agent/core/desired.js'
import { scaleOf } from '../../agent/core/labels.js'
import { isRunning } from '../../agent/core/match.js'
import type { Observed, ObservedContainer } from '../../agent/core/observed.js'
import { plan } from '../../agent/core/plan.js'
import { judgeProgress } from '../../agent/core/progress.js'
import { applyStep, notePulled } from '../../agent/core/simulate.js'
import type { Step } from '../../agent/core/step.js'
import { takeRounds } from '../../agent/rounds.js'
import type { Dependency, Service } from '../../protocol/compose/project.js'
import { container, image, memory, observed, project, volume, wish } from '../support/project.js'

const names = ['a', 'b', 'c', 'd'] as const
const shares = ['network', 'ipc', 'pid', 'volumes', 'links', undefined] as const

/** Dependencies only point to earlier names, so that there are no cycles: compose files with some are refused. */
const services = fc
  .tuple(
    ...names.map((_, n) =>
      fc.record({
        use: fc.boolean(),
        deps: fc.subarray(names.slice(0, n)),
        share: fc.constantFrom(...shares),
        restart: fc.boolean(),
        scale: fc.constantFrom(undefined, 0, 2, 3),
        volume: fc.boolean(),
        image: fc.constantFrom('img:1', 'img:2'),
        pullPolicy: fc.constantFrom(undefined, 'always' as const, 1000),
      }),
    ),
  )
  .map(list => {
    const used = names.filter((_, n) => list[n]!.use)
    return Object.fromEntries(
      used.map((name): [string, Partial<Service>] => {
        const { deps, share, restart, scale, volume, image, pullPolicy } = list[names.indexOf(name)]!
        const there = deps.filter(dep => used.includes(dep))
        const dependency: Dependency = { condition: 'started', required: true, ...(restart ? { restart } : {}) }
        const [parent] = there.filter(dep => list[names.indexOf(dep)]!.scale !== 0)
        return [
          name,
          {
            image,
            dependsOn: Object.fromEntries(there.map(dep => [dep, dependency])),
            ...(parent === undefined ? {} : sharing(share, parent)),
            ...(scale === undefined ? {} : { scale }),
            ...(pullPolicy === undefined ? {} : { pullPolicy }),
            volumes: volume ? [{ type: 'volume', source: 'data', target: '/data', options: [] }] : [],
          },
        ]
      }),
    )
  })

function sharing(what: (typeof shares)[number], parent: string): Partial<Service> {
  switch (what) {
    case 'network':
      return { networkMode: `service:${parent}` }
    case 'ipc':
      return { ipc: `service:${parent}` }
    case 'pid':
      return { pid: `service:${parent}` }
    case 'volumes':
      return { volumesFrom: [{ service: parent, readOnly: true }] }
    case 'links':
      return { links: [{ service: parent, alias: 'x' }] }
    case undefined:
      return {}
  }
}

const states = ['created', 'running', 'paused', 'restarting', 'exited', 'dead'] as const
const containers = fc
  .array(
    fc.record({
      service: fc.constantFrom(...names, 'gone'),
      number: fc.constantFrom(1, 2, 5),
      temporary: fc.boolean(),
      hash: fc.constantFrom('old', undefined),
      imageId: fc.constantFrom('sha256:1', 'sha256:2'),
      state: fc.constantFrom(...states),
      exitCode: fc.constantFrom(0, 1, 137),
      startedAt: fc.nat(9),
      networks: fc.subarray(['app_default', 'app_old']),
      dependsOn: fc.subarray([...names]),
      parents: fc.subarray(['c0', 'c1']),
    }),
    { maxLength: 7 },
  )
  .map(list => {
    const seen = new Set<string>()
    return list.flatMap(({ service, number, temporary, hash, ...rest }, n): ObservedContainer[] => {
      const name = temporary ? `c${n}_app-${service}-${number}` : `app-${service}-${number}`
      if (seen.has(name)) return []
      seen.add(name)
      const fields = { id: `c${n}`, name, number, createdAt: n + 1, ...rest, ...(hash === undefined ? {} : { hash }) }
      return [container(service, fields)]
    })
  })

const start = fc.record({
  services,
  containers,
  oldNetwork: fc.boolean(),
  stale: fc.boolean(),
  image: fc.boolean(),
  pinned: fc.subarray([...names]),
  refresh: fc.constantFrom<Refresh | undefined>(undefined, {}, { services: ['a', 'd'] }, 'by-policy'),
  run: fc.constantFrom('running', 'stopped', 'removed'),
})
type Start = typeof start extends fc.Arbitrary<infer T> ? T : never

function wishOf({ services, pinned, refresh, run }: Start): Wish {
  const owner = { app: 'app', device: 'dev' }
  if (run === 'stopped') return { run, owner }
  if (run === 'removed') return { run, owner, volumes: true, images: ['img:1'] }
  return {
    ...wish(project(services, { volumes: { data: { driverOpts: {}, labels: {} } } })),
    images: Object.fromEntries(pinned.map(name => [name, 'sha256:2'])),
    ...(refresh === undefined ? {} : { refresh }),
  }
}

function seenAtFirst(given: Start): Observed {
  const networks = [
    { id: 'n1', name: 'app_default', owned: true, options: given.stale ? '{}' : '', endpoints: 0 },
    ...(given.oldNetwork ? [{ id: 'n2', name: 'app_old', owned: true, options: '', endpoints: 0 }] : []),
  ]
  const pinned = { 'sha256:2': image('sha256:2') }
  const images = given.image ? { 'img:1': image('sha256:1'), ...pinned } : pinned
  return observed(given.containers, { networks, images, volumes: [volume('app_other', { used: false })] })
}

const ending = suite('plan ends')

ending('the plan reaches [] in bounded steps from any observed state, and what then runs is what was wanted', () => {
  fc.assert(
    fc.property(start, given => {
      const of = wishOf(given)
      let state = seenAtFirst(given)
      let remembered = memory()
      for (let round = 0; ; round++) {
        assert.ok(round < 60, 'the plan does not end')
        const steps = plan(of, deepFreeze(state), remembered, 5000)
        if (steps.length === 0) break
        checkSteps(steps, state)
        remembered = steps.reduce(notePulled, remembered)
        state = steps.reduce((next, step) => applyStep(next, step, new Set()), state)
      }
      if (of.run === 'removed')
        assert.equal([state.containers, state.networks, state.volumes, state.images['img:1']], [[], [], [], undefined])
      if (of.run === 'stopped') assert.not(state.containers.some(isRunning))
      if (of.run === 'running') checkRunning(of, state, given)
    }),
    { numRuns: 3000 },
  )
})

ending('rounds with no look between them take only steps that a look would have led to, and come to the same end', async () => {
  await fc.assert(
    fc.asyncProperty(start, async given => {
      const of = wishOf(given)
      let world = seenAtFirst(given)
      let remembered = memory()
      const take = async (steps: readonly Step[]) => {
        checkSteps(steps, world)
        remembered = steps.reduce(notePulled, remembered)
        const ids = new Map<Step, string>()
        for (const step of steps) {
          world = applyStep(world, step, new Set())
          const made = world.containers.at(-1)
          if (step.kind === 'create' && made !== undefined) ids.set(step, made.id)
        }
        return ids
      }
      for (let looks = 0; ; looks++) {
        assert.ok(looks < 60, 'looking does not end')
        const steps = plan(of, world, remembered, 5000)
        if (steps.length === 0) break
        await takeRounds({ observed: world, steps }, { wish: of, memory: () => remembered, now: () => 5000, take, isOver: () => false })
      }
      if (of.run === 'running') checkRunning(of, world, given)
    }),
    { numRuns: 1000 },
  )
})

/** No name is taken twice, nothing that runs is removed, and nobody is created in a namespace of a container that is not there. */
function checkSteps(steps: ReturnType<typeof plan>, state: Observed): void {
  const held = new Set(state.containers.map(({ name }) => name))
  const ids = new Set(state.containers.map(({ id }) => id))
  for (const step of steps) {
    assert.is.not(step.kind, 'refuse')
    if (step.kind === 'create' || step.kind === 'rename') {
      assert.not(held.has(step.name), 'a name in use')
      held.add(step.name)
    }
    if (step.kind === 'remove') assert.not(state.containers.some(seen => seen.id === step.id && isRunning(seen)))
    if (step.kind !== 'create') continue
    const { NetworkMode, IpcMode, PidMode } = step.body.HostConfig
    for (const mode of [NetworkMode, IpcMode, PidMode]) {
      const parent = /^container:(.*)$/.exec(String(mode))?.[1]
      assert.ok(parent === undefined || ids.has(parent), 'a parent that is not there')
    }
  }
}

function checkRunning(of: Wish & { run: 'running' }, state: Observed, given: Start): void {
  for (const [name, service] of Object.entries(of.project.services)) {
    const own = state.containers.filter(container => container.service === name)
    assert.is(own.length, scaleOf(service), `the scale of ${name}`)
    assert.is(new Set(own.map(({ number }) => number)).size, own.length, 'numbers are unique')
    if (given.pinned.includes(name as 'a')) assert.ok(own.every(({ imageId }) => imageId === 'sha256:2'))
  }
  assert.is(state.containers.filter(({ service }) => of.project.services[service] === undefined).length, 0)
  assert.not(state.containers.some(({ state }) => state === 'created') && judgeProgress(of, state, memory(), false).state === 'done')
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const item of Object.values(Object.freeze(value))) deepFreeze(item)
  return value
}

ending.run()
