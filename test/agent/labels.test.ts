// What a spec or an image says of itself is no order to the agent: labels that pass for its own.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ServiceContext } from '../../agent/core/engine-config.js'
import { createBody } from '../../agent/core/engine-config.js'
import { appLabel, buildLabel, deviceLabel, optionsLabel, preStopLabel } from '../../agent/core/labels.js'
import { plan } from '../../agent/core/plan.js'
import { containerOf } from '../../agent/docker-shapes.js'
import type { Service } from '../../protocol/compose/project.js'
import { memory, network, observed, project, service, wish } from '../support/project.js'

const test = suite('labels of others')

const forged = {
  [appLabel]: 'other',
  [deviceLabel]: 'x',
  [optionsLabel]: 'x',
  [buildLabel]: 'x',
  [preStopLabel]: '[]',
  'io.skerry.new': 'x',
}
const order = '[{"command":["sh"],"privileged":true,"environment":{}}]'

function labelsOf(fields: Partial<Service>, device = 'dev'): Readonly<Record<string, string>> {
  const of = project({ web: fields })
  const context: ServiceContext = {
    ...{ owner: { app: 'app', device }, project: of, name: 'web', number: 1, hash: 'h', pinned: undefined, image: undefined },
    ...{ folder: '/f', parents: {}, carried: [], api: 45 },
  }
  return createBody(service(fields), context).body.Labels
}

test('labels of a service that look like ours are left out, or ours are written over them', () => {
  const labels = labelsOf({ labels: { ...forged, [preStopLabel]: order, mine: 'yes' } })
  assert.equal([labels[appLabel], labels[deviceLabel], labels[preStopLabel], labels.mine], ['app', 'dev', '[]', 'yes'])
  assert.equal([labels[optionsLabel], labels[buildLabel], labels['io.skerry.new']], [undefined, undefined, undefined])
  assert.is(labelsOf({ labels: forged }, '')[deviceLabel], undefined)
})

test("an image cannot have the agent run privileged commands as hooks: the container's own label hides the image's", () => {
  const ofImage = { [preStopLabel]: order }
  const info = {
    ...{ Id: 'i', Name: '/n', Created: '', Image: 'sha256:1', RestartCount: 0, HostConfig: {}, NetworkSettings: {} },
    State: { Status: 'running', ExitCode: 0, StartedAt: '', FinishedAt: '' },
  }
  const made = containerOf({ ...info, Config: { Image: 'x', Labels: { ...ofImage, ...labelsOf({}) } } })
  assert.equal(made.preStop, [])
})

test('networks, volumes and images that are made have our labels and none that look like ours', () => {
  const labels = { ...forged, mine: 'yes' }
  const build = { context: '.', args: {}, labels, extraHosts: [], cacheFrom: [], tags: [] }
  const mount = { type: 'volume', source: 'v', target: '/v', options: [], labels } as const
  const of = project(
    { web: { build, volumes: [mount] } },
    { networks: { default: network({ labels }) }, volumes: { v: { driverOpts: {}, labels } } },
  )
  const bodies = (seen: ReturnType<typeof observed>) => plan(wish(of), seen, memory(), 0)
  const steps = [...bodies(observed([], { networks: [], images: {} })), ...bodies(observed([], { networks: [] }))]
  const made = steps.flatMap((step): [string, Readonly<Record<string, string>>][] => {
    if (step.kind === 'build') return [[step.kind, step.build.labels]]
    return 'body' in step ? [[step.kind, step.body.Labels]] : []
  })
  assert.equal([...new Set(made.map(([kind]) => kind))].sort(), ['build', 'createNetwork', 'createVolume'])
  for (const [kind, found] of made) {
    assert.is(found['io.skerry.new'], undefined, kind)
    assert.ok(kind === 'build' ? found[appLabel] === undefined : found[appLabel] === 'app', kind)
    assert.is(found.mine, 'yes', kind)
  }
})

test.run()
