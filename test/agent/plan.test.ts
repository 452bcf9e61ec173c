// The planner, with tables: from what should be and what is to the next steps.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Wish } from '../../agent/core/desired.js'
import { nothingObserved, type Observed } from '../../agent/core/observed.js'
import { plan } from '../../agent/core/plan.js'
import { foreseeSteps } from '../../agent/core/simulate.js'
import { describeStep } from '../../agent/core/step.js'
import { container, image, memory, network, observed, project, volume, wish } from '../support/project.js'

const short = (of: Wish, seen: Observed, remembered = memory(), now = 0) =>
  plan(of, seen, remembered, now).map(
    step => `${step.kind} ${'service' in step ? step.service : 'name' in step ? step.name : describeStep(step)}`,
  )

const planning = suite('plan')

planning('nothing to do for what runs as it should', () => {
  assert.equal(short(wish(project({ web: {} })), observed([container('web')])), [])
})

planning('images are pulled before anything else, each once', () => {
  const of = wish(project({ a: { image: 'x' }, b: { image: 'x' } }))
  assert.equal(short(of, nothingObserved), ['pull pull image x'])
})

planning('images are built when all others are here: where a build has to wait, no pull that fails waits with it', () => {
  const of = wish(project({ a: { image: 'x' }, b: { image: 'own', build: { context: '.', labels: {} } as never } }))
  assert.equal(short(of, nothingObserved), ['pull pull image x'])
  assert.equal(short(of, { ...nothingObserved, images: { x: image('sha256:x') } }), ['build build image own'])
})

planning('nothing is stopped while an image is missing', () => {
  const of = wish(project({ web: { image: 'new' } }), { web: 'new hash' })
  assert.equal(short(of, observed([container('web')])), ['pull pull image new'])
})

planning('networks and volumes come before containers', () => {
  const volumes = { data: { driverOpts: {}, labels: {} } }
  const of = wish(project({ web: { volumes: [{ type: 'volume', source: 'data', target: '/data', options: [] }] } }, { volumes }))
  assert.equal(short(of, observed([], { networks: [] })), ['createNetwork app_default', 'createVolume app_data'])
})

planning('an external network that is missing is refused by its path', () => {
  const of = wish(project({ web: {} }, { networks: { default: network({ external: true, name: 'lan' }) } }))
  const [step] = plan(of, observed([], { networks: [] }), memory(), 0)
  assert.is(step?.kind === 'refuse' && step.path, 'networks.default')
})

planning('all containers are created in one go', () => {
  assert.equal(short(wish(project({ a: {}, b: {} })), observed([])), ['create a', 'create b'])
})

planning('dependencies start first', () => {
  const of = wish(project({ a: { dependsOn: { b: { condition: 'started', required: true } } }, b: {} }))
  const both = [container('a', { state: 'created' }), container('b', { state: 'created' })]
  assert.equal(short(of, observed(both)), ['start b'])
  assert.equal(short(of, observed([both[0]!, container('b')])), ['start a'])
})

planning('a dependant waits for health, and starts with it', () => {
  const of = wish(project({ a: { dependsOn: { b: { condition: 'healthy', required: true } } }, b: {} }))
  const a = container('a', { state: 'created' })
  assert.equal(short(of, observed([a, container('b', { health: 'starting' })])), [])
  assert.equal(short(of, observed([a, container('b', { health: 'unhealthy' })])), [])
  assert.equal(short(of, observed([a, container('b', { health: 'healthy' })])), ['start a'])
})

planning('a dependant waits for completion', () => {
  const of = wish(project({ a: { dependsOn: { b: { condition: 'completed', required: true } } }, b: {} }))
  const a = container('a', { state: 'created' })
  assert.equal(short(of, observed([a, container('b')])), [])
  assert.equal(short(of, observed([a, container('b', { state: 'exited', exitCode: 3 })])), [])
  assert.equal(short(of, observed([a, container('b', { state: 'exited', exitCode: 0 })])), ['start a'])
})

planning('a failed dependency that is not required holds nobody up', () => {
  const of = wish(project({ a: { dependsOn: { b: { condition: 'completed', required: false } } }, b: {} }))
  assert.equal(short(of, observed([container('a', { state: 'created' }), container('b', { state: 'exited', exitCode: 3 })])), ['start a'])
})

planning('a changed service is created anew beside the old one, which then stops, goes, and gives up its name', () => {
  const of = wish(project({ web: {}, db: {} }), { web: 'new' })
  const old = container('web', { id: 'oldoldoldold' })
  const db = container('db')
  const [create] = plan(of, observed([old, db]), memory(), 0)
  assert.is(create?.kind === 'create' && create.name, 'oldoldoldold_app-web-1')
  const made = container('web', { id: 'new', hash: 'new', name: 'oldoldoldold_app-web-1', state: 'created' })
  assert.equal(plan(of, observed([old, db, made]), memory(), 0), [{ kind: 'stop', service: 'web', id: 'oldoldoldold', hooks: [] }])
  const stopped = { ...old, state: 'exited' as const }
  assert.equal(plan(of, observed([stopped, db, made]), memory(), 0), [
    { kind: 'remove', service: 'web', id: 'oldoldoldold', volumes: false },
  ])
  assert.equal(plan(of, observed([db, made]), memory(), 0), [{ kind: 'rename', service: 'web', id: 'new', name: 'app-web-1' }])
  assert.equal(plan(of, observed([db, { ...made, name: 'app-web-1' }]), memory(), 0), [
    { kind: 'start', service: 'web', id: 'new', again: false, files: [], hooks: [] },
  ])
})

const recreated: readonly [string, Observed][] = [
  ['its hash differs', observed([container('web', { hash: 'other' })])],
  ['its image has another id', observed([container('web', { imageId: 'sha256:2' })])],
  ['a network is not attached', observed([container('web', { networks: [] })])],
  ['it is dead', observed([container('web', { state: 'dead' })])],
]
for (const [why, seen] of recreated) {
  planning(`a container is replaced when ${why}`, () => {
    assert.equal(short(wish(project({ web: {} })), seen), ['create web'])
  })
}

planning('a container is replaced when a named volume is not mounted', () => {
  const of = wish(project({ web: { volumes: [{ type: 'volume', source: 'data', target: '/data', options: [] }] } }))
  const seen = observed([container('web')], { volumes: [volume('app_data')] })
  assert.equal(short(of, seen), ['create web'])
  assert.equal(short(of, { ...seen, containers: [container('web', { volumes: [{ name: 'app_data', target: '/data' }] })] }), [])
})

planning('an image that is no longer here does not matter to what runs', () => {
  assert.equal(short(wish(project({ web: {} })), observed([container('web')], { images: {} })), [])
})

planning('an image to go back to that is gone is pulled once, from where it came; otherwise it is refused', () => {
  const back = { ...wish(project({ web: {} })), images: { web: 'sha256:a' }, sources: { web: 'registry/web@sha256:1' } }
  const without = observed([], { images: {} })
  assert.equal(short(back, without), ['pull pull image registry/web@sha256:1'])
  const [step] = plan(back, without, memory({ pulled: ['registry/web@sha256:1'] }), 0)
  assert.equal(step?.kind === 'refuse' && [step.code, step.path], ['image.unavailable', 'services.web.image'])
})

planning('whoever shares the network of a replaced container is replaced after it', () => {
  const of = wish(project({ app: {}, side: { networkMode: 'service:app' } }), { app: 'new' })
  const old = container('app')
  const side = container('side', { parents: ['id-app'], networks: [] })
  assert.equal(short(of, observed([old, side])), ['create app'])
  const made = container('app', { id: 'new', hash: 'new', name: 'x_app-app-1', state: 'created' })
  assert.equal(short(of, observed([old, side, made])), ['create side'])
})

planning('all that is replaced stops before anything starts, dependants first', () => {
  const of = wish(project({ a: {}, b: {} }), { a: 'new', b: 'new' })
  const old = [container('a', { dependsOn: ['b'] }), container('b')]
  const made = ['a', 'b'].map(name => container(name, { id: `new-${name}`, hash: 'new', name: `x_app-${name}-1`, state: 'created' }))
  assert.equal(short(of, observed([...old, ...made])), ['stop a'])
})

planning('services that the spec no longer has are removed, and their network', () => {
  const of = wish(project({ web: {} }))
  const gone = container('gone', { state: 'exited', networks: ['app_back'] })
  const back = { id: 'n2', name: 'app_back', owned: true, options: '', endpoints: 0 }
  const networks = [...observed([]).networks, back]
  assert.equal(short(of, observed([container('web'), gone], { networks })), ['remove gone'])
  assert.equal(short(of, observed([container('web')], { networks })), ['removeNetwork app_back'])
  assert.equal(short(of, observed([container('web')], { networks: [...observed([]).networks, { ...back, owned: false }] })), [])
  assert.equal(short(of, observed([container('web')], { networks: [...observed([]).networks, { ...back, endpoints: 1 }] })), [])
})

planning('volumes stay when their service goes', () => {
  assert.equal(short(wish(project({ web: {} })), observed([container('web')], { volumes: [volume('app_old')] })), [])
})

planning('a network with changed options is left, removed and made anew', () => {
  const of = wish(project({ web: {} }, { networks: { default: network({ internal: true }) } }))
  const networks = [{ id: 'n1', name: 'app_default', owned: true, options: '{}', endpoints: 1 }]
  assert.equal(short(of, observed([container('web')], { networks })), ['stop web'])
  assert.equal(short(of, observed([], { networks })), ['removeNetwork app_default'])
})

const ended: readonly [string, Parameters<typeof project>[0][string], Parameters<typeof container>[1], boolean][] = [
  ['exit 0, restart no', {}, { exitCode: 0 }, false],
  ['exit 3, restart no', {}, { exitCode: 3 }, false],
  ['killed, restart no', {}, { exitCode: 137 }, true],
  ['lost with the engine, restart no', {}, { exitCode: 255 }, true],
  ['exit 0, always', { restart: { policy: 'always' } }, { exitCode: 0 }, true],
  ['exit 0, unless-stopped', { restart: { policy: 'unless-stopped' } }, { exitCode: 0 }, true],
  ['exit 0, on-failure', { restart: { policy: 'on-failure' } }, { exitCode: 0 }, false],
  ['exit 1, on-failure', { restart: { policy: 'on-failure' } }, { exitCode: 1 }, true],
  ['exit 1, on-failure, tries left', { restart: { policy: 'on-failure', maxRetries: 3 } }, { exitCode: 1, restarts: 1 }, true],
  ['exit 1, on-failure, no tries left', { restart: { policy: 'on-failure', maxRetries: 3 } }, { exitCode: 1, restarts: 3 }, false],
]
for (const [what, spec, seen, again] of ended) {
  planning(`${what}: ${again ? 'started again' : 'left alone'}, never replaced`, () => {
    const state = observed([container('web', { state: 'exited', finishedAt: 500, ...seen })])
    assert.equal(short(wish(project({ web: spec })), state), again ? ['start web'] : [])
  })
}

planning('what ended in an outage is started again, what ended outside of it is not', () => {
  const seen = observed([container('web', { state: 'exited', exitCode: 0, finishedAt: 500 })])
  assert.equal(short(wish(project({ web: {} })), seen, memory({ outages: [{ fromMs: 400, toMs: 600 }] })), ['start web'])
  assert.equal(short(wish(project({ web: {} })), seen, memory({ outages: [{ fromMs: 600, toMs: 700 }] })), [])
})

planning('what failed before the app was wanted anew is tried again', () => {
  const seen = observed([container('web', { state: 'exited', exitCode: 3, finishedAt: 500 })])
  assert.equal(short(wish(project({ web: {} })), seen, memory({ sinceMs: 600 })), ['start web'])
})

planning('a service on hold is not started before its time', () => {
  const seen = observed([container('web', { state: 'exited', exitCode: 137 })])
  assert.equal(short(wish(project({ web: {} })), seen, memory({ holds: { web: 100 } }), 99), [])
  assert.equal(short(wish(project({ web: {} })), seen, memory({ holds: { web: 100 } }), 100), ['start web'])
})

planning('a stopped app stops, dependants first, and keeps its containers', () => {
  const stopped: Wish = { run: 'stopped', owner: { app: 'app', device: 'dev' } }
  const a = container('a', { dependsOn: ['b'] })
  assert.equal(short(stopped, observed([a, container('b')])), ['stop a'])
  assert.equal(short(stopped, observed([{ ...a, state: 'exited' }, container('b')])), ['stop b'])
  assert.equal(short(stopped, observed([{ ...a, state: 'exited' }, container('b', { state: 'exited' })])), [])
})

planning('a removed app stops, goes with its networks, and keeps its volumes unless asked', () => {
  const removed = { run: 'removed', owner: { app: 'app', device: 'dev' }, volumes: false } as const
  const empty = observed([], { volumes: [volume('app_data')] })
  assert.equal(short(removed, observed([container('a')])), ['stop a'])
  assert.equal(short(removed, observed([container('a', { state: 'exited' })])), ['remove a'])
  assert.equal(short(removed, empty), ['removeNetwork app_default'])
  assert.equal(short(removed, { ...empty, networks: [] }), [])
  assert.equal(short({ ...removed, volumes: true }, { ...empty, networks: [] }), ['removeVolume app_data'])
})

planning('an anonymous volume goes on in the container that replaces its own', () => {
  const anonymous = { name: 'a'.repeat(64), target: '/data' }
  const of = wish(project({ web: { volumes: [{ type: 'volume', target: '/data', options: [] }] } }), { web: 'new' })
  const [step] = plan(of, observed([container('web', { volumes: [anonymous] })]), memory(), 0)
  assert.equal(step?.kind === 'create' && step.body.HostConfig.Binds, [`${anonymous.name}:/data`])
})

planning('a named volume goes on where the replacement names none', () => {
  const of = wish(project({ web: { volumes: [{ type: 'volume', target: '/data', options: [] }] } }), { web: 'new' })
  const [step] = plan(of, observed([container('web', { volumes: [{ name: 'app_data', target: '/data' }] })]), memory(), 0)
  assert.equal(step?.kind === 'create' && step.body.HostConfig.Binds, ['app_data:/data'])
})

planning('a one-shot service is foreseen to be started once, whenever it ended before', () => {
  const of = wish(project({ a: { dependsOn: { b: { condition: 'completed', required: true } } }, b: {} }))
  const started = (seen: Observed, toMs: number) =>
    foreseeSteps(of, seen, memory({ outages: [{ fromMs: 0, toMs }] }), 0).flatMap(step => (step.kind === 'start' ? [step.service] : []))
  assert.equal(started(observed([]), 0), ['b', 'a'])
  assert.equal(started(observed([container('a'), container('b', { state: 'exited', finishedAt: 500 })]), 500), ['b'])
})

planning('a network that a container leaves is foreseen to go', () => {
  const left = { id: 'n', name: 'app_n', owned: true, options: '', endpoints: 1 }
  const seen = observed([container('web', { networks: ['app_n'] })])
  const kinds = foreseeSteps(wish(project({ web: {} })), { ...seen, networks: [...seen.networks, left] }, memory(), 0)
  assert.equal(kinds.map(({ kind }) => kind).slice(-2), ['start', 'removeNetwork'])
})

planning.run()
