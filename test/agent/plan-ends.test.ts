// Laws of the planner: from any observed state the plan comes to its end, and planning changes nothing that it is given.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Wish } from '../../agent/core/desired.js'
import { isRunning } from '../../agent/core/match.js'
import type { Observed, ObservedContainer } from '../../agent/core/observed.js'
import { plan } from '../../agent/core/plan.js'
import { judgeProgress } from '../../agent/core/progress.js'
import { applyStep } from '../../agent/core/simulate.js'
import type { Service } from '../../protocol/compose/project.js'
import { container, memory, observed, project, wish } from '../support/project.js'

const names = ['a', 'b', 'c', 'd'] as const

/** Dependencies only point to earlier names, so that there are no cycles: compose files with some are refused. */
const services = fc
  .tuple(
    ...names.map((_, n) =>
      fc.record({
        use: fc.boolean(),
        deps: fc.subarray(names.slice(0, n)),
        share: fc.boolean(),
        volume: fc.boolean(),
        image: fc.constantFrom('img:1', 'img:2'),
      }),
    ),
  )
  .map(list => {
    const used = names.filter((_, n) => list[n]!.use)
    return Object.fromEntries(
      used.map((name): [string, Partial<Service>] => {
        const { deps, share, volume, image } = list[names.indexOf(name)]!
        const dependsOn = Object.fromEntries(
          deps.filter(dep => used.includes(dep)).map(dep => [dep, { condition: 'started' as const, required: true }]),
        )
        const parent = share ? deps.find(dep => used.includes(dep)) : undefined
        return [
          name,
          {
            image,
            dependsOn,
            ...(parent === undefined ? {} : { networkMode: `service:${parent}` }),
            volumes: volume ? [{ type: 'volume', source: 'data', target: '/data', options: [] }] : [],
          },
        ]
      }),
    )
  })

const states = ['created', 'running', 'paused', 'restarting', 'exited', 'dead'] as const
const containers = fc
  .array(
    fc.record({
      service: fc.constantFrom(...names, 'gone'),
      temporary: fc.boolean(),
      hash: fc.constantFrom('old', undefined),
      state: fc.constantFrom(...states),
      exitCode: fc.constantFrom(0, 1, 137),
      networks: fc.subarray(['app_default', 'app_old']),
      dependsOn: fc.subarray([...names]),
      parent: fc.constantFrom(undefined, 'c0', 'c1'),
    }),
    { maxLength: 7 },
  )
  .map(list => {
    const seen = new Set<string>()
    return list.flatMap(({ service, temporary, hash, parent, ...rest }, n): ObservedContainer[] => {
      const name = temporary ? `c${n}_app-${service}-1` : `app-${service}-1`
      if (seen.has(name)) return []
      seen.add(name)
      const fields = {
        id: `c${n}`,
        name,
        createdAt: n + 1,
        ...rest,
        ...(hash === undefined ? {} : { hash }),
        parents: parent === undefined ? [] : [parent],
      }
      return [container(service, fields)]
    })
  })

const start = fc.record({
  services,
  containers,
  oldNetwork: fc.boolean(),
  stale: fc.boolean(),
  image: fc.boolean(),
  run: fc.constantFrom('running', 'stopped', 'removed'),
})

const ending = suite('plan ends')

ending('the plan reaches [] in bounded steps from any observed state, and what then runs is what was wanted', () => {
  fc.assert(
    fc.property(start, given => {
      const owner = { app: 'app', device: 'dev' }
      const of: Wish =
        given.run === 'running'
          ? wish(project(given.services, { volumes: { data: { driverOpts: {}, labels: {} } } }))
          : given.run === 'stopped'
            ? { run: 'stopped', owner }
            : { run: 'removed', owner, volumes: true }
      const networks = [
        { id: 'n1', name: 'app_default', owned: true, options: given.stale ? '{}' : '', endpoints: 0 },
        ...(given.oldNetwork ? [{ id: 'n2', name: 'app_old', owned: true, options: '', endpoints: 0 }] : []),
      ]
      let state: Observed = observed(given.containers, { networks, ...(given.image ? {} : { images: {} }) })
      const paused = new Set(given.containers.filter(({ state }) => state === 'paused' || state === 'restarting').map(({ id }) => id))
      for (let round = 0; ; round++) {
        assert.ok(round < 40, 'the plan does not end')
        const steps = plan(of, deepFreeze(state), memory(), 0)
        if (steps.length === 0) break
        const held = new Set(state.containers.map(({ name }) => name))
        for (const step of steps) if (step.kind === 'create' || step.kind === 'rename') assert.not(held.has(step.name), 'a name in use')
        for (const step of steps)
          if (step.kind === 'remove') assert.not(state.containers.some(seen => seen.id === step.id && isRunning(seen)))
        state = steps.reduce((next, step) => applyStep(next, step, new Set()), state)
      }
      if (of.run === 'removed') assert.equal([state.containers, state.networks, state.volumes], [[], [], []])
      if (of.run === 'stopped') assert.not(state.containers.some(isRunning))
      if (of.run === 'running') {
        assert.equal(new Set(state.containers.map(({ service }) => service)), new Set(Object.keys(given.services)))
        assert.not(state.containers.some(({ state }) => state === 'created') && judgeProgress(of, state, memory(), false).state === 'done')
        assert.ok(paused.size >= 0)
      }
    }),
    { numRuns: 2000 },
  )
})

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const item of Object.values(Object.freeze(value))) deepFreeze(item)
  return value
}

ending.run()
