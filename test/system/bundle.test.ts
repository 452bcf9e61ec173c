// time limit: 300 s
// A compose file with files, from HTTP to containers: there as they were sent, and what changes makes only that service anew.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeRecords } from '../../agent/core/record.js'
import { ensureTestImage } from '../support/busybox.js'
import { clear, containersOf, docker } from '../support/docker.js'
import { type Fleet, withFleet } from '../support/fleet.js'
import { eventually } from '../support/within.js'

const image = ensureTestImage()
const app = 'skt-bundle-sys'
const service = `image: ${image}\n    command: sleep 100000\n    stop_grace_period: 0s\n    network_mode: none`
const compose = `services:
  env:
    ${service}
    env_file: app.env
  conf:
    ${service}
    volumes: ["./conf:/conf:ro"]
  secret:
    ${service}
    secrets: [token]
secrets:
  token: {file: ./token.txt}
`
const first = {
  'app.env': 'LEVEL=one\n',
  'conf/app.conf': 'one',
  'conf/deep/run': { text: '#!/bin/sh\necho ran', executable: true },
  'token.txt': 'geheim',
}

interface Deployed {
  readonly revision: number
}

async function deploy(fleet: Fleet, files: Record<string, unknown>): Promise<number> {
  const { status, body } = await fleet.api.call<Deployed>('PUT', `/groups/line-1/apps/${app}`, { compose, files })
  assert.ok(status < 300, JSON.stringify(body))
  return body.revision
}

const runs = (fleet: Fleet, revision: number) =>
  fleet.shown('here', `runs revision ${revision}`, ({ apps }) => apps[0]?.state === 'running' && apps[0].revision === revision)

const published = async (fleet: Fleet) => (await fleet.api.get<{ published: number }>('/stats')).body.published

/** The publishes that an action brings about, once `count` have come. */
async function publishes(fleet: Fleet, count: number, act: () => Promise<void>): Promise<number> {
  const before = await published(fleet)
  await act()
  await eventually(10_000, `${count} publishes`, async () => (await published(fleet)) - before >= count)
  return (await published(fleet)) - before
}

const inside = (container: string | undefined, ...command: string[]) => docker('exec', container ?? '', ...command)

/** Services whose containers are others. */
const changed = (before: Record<string, string>, after: Record<string, string>) =>
  Object.keys(after).filter(name => before[name] !== after[name])

test('a bundle reaches the devices of a group, and a file that changes makes only its service anew', async () => {
  await withFleet(async fleet => {
    const device = fleet.device('here')
    device.start(fleet.server)
    await fleet.shown('here', 'Ready', shown => shown.state === 'Ready')
    await publishes(fleet, 2, async () => void (await fleet.api.call('POST', '/groups', { name: 'line-1', devices: ['here'] })))
    fleet.clean(app)

    const count = await publishes(fleet, 6, async () => void (await runs(fleet, await deploy(fleet, first))))
    assert.is(count, 6)
    const made = containersOf(app)
    assert.match(inside(made.env, 'env'), /^LEVEL=one$/m)
    assert.is(inside(made.conf, 'cat', '/conf/app.conf'), 'one')
    assert.is(inside(made.conf, '/conf/deep/run'), 'ran')
    assert.is(inside(made.secret, 'cat', '/run/secrets/token'), 'geheim')

    // One file, the spec, the manifest; and two that nothing needs any more are cleared.
    const second = { ...first, 'conf/app.conf': 'two' }
    const more = await publishes(fleet, 5, async () => void (await runs(fleet, await deploy(fleet, second))))
    assert.is(more, 5)
    const updated = containersOf(app)
    assert.equal(changed(made, updated), ['conf'])
    assert.is(inside(updated.conf, 'cat', '/conf/app.conf'), 'two')

    await device.stop()
    const { 'conf/deep/run': _, ...third } = { ...second, 'token.txt': 'geheimer' }
    const revision = await deploy(fleet, third)
    await fleet.server.kill()
    await fleet.server.start()
    device.start(fleet.server)
    await runs(fleet, revision)
    const last = containersOf(app)
    assert.equal(changed(updated, last), ['conf', 'secret'])
    assert.is(inside(last.secret, 'cat', '/run/secrets/token'), 'geheimer')
    assert.is(inside(last.conf, 'ls', '/conf'), 'app.conf')

    await fleet.api.call('DELETE', `/groups/line-1/apps/${app}`)
    await fleet.shown('here', 'has no app', shown => shown.apps.length === 0)
    await eventually(10_000, 'no file of it is left', () => !existsSync(join(device.folder, 'agent', 'apps', app)))
  })
})

test('when a revision fails, the one before comes back with its files', async () => {
  const name = `${app}-back`
  const text = (command: string) =>
    `services:\n  main:\n    ${service.replace('sleep 100000', command)}\n    volumes: ["./conf:/conf:ro", "./one:/one:ro"]\n`
  await withFleet(async fleet => {
    const device = fleet.device('here')
    device.start(fleet.server)
    const { id } = await fleet.shown('here', 'Ready', shown => shown.state === 'Ready')
    fleet.clean(name)
    const put = (compose: string, files: Record<string, string>) => fleet.api.call('PUT', `/devices/${id}/apps/${name}`, { compose, files })
    await put(text('sleep 100000'), { 'conf/a': 'good', one: 'good' })
    const good = () => decodeRecords(readFileSync(join(device.folder, 'agent', 'ledger')))?.apps.get(name)?.good
    await eventually(60_000, 'it has proved itself', () => existsSync(join(device.folder, 'agent', 'ledger')) && good() !== undefined)
    await put(text('"false"'), { 'conf/a': 'bad', 'conf/b': 'bad', one: 'bad' })
    await fleet.shown('here', 'has gone back', ({ apps }) => apps[0]?.state === 'rolled-back', 90_000)
    const { main } = containersOf(name)
    assert.equal([inside(main, 'cat', '/conf/a', '/one'), inside(main, 'ls', '/conf')], ['goodgood', 'a'])
  })
})

test('an image is built from what came along, and anew when that has changed', async () => {
  const name = `${app}-build`
  const text = `services:\n  main:\n    ${service.replace(`image: ${image}\n    `, '')}\n    build: ./app\n`
  const dockerfile = `FROM ${image}\nCOPY level /level\n`
  await withFleet(async fleet => {
    const device = fleet.device('here')
    device.start(fleet.server)
    const { id } = await fleet.shown('here', 'Ready', shown => shown.state === 'Ready')
    fleet.clean(name)
    const put = async (level: string, more = {}) => {
      const files = { 'app/Dockerfile': dockerfile, 'app/level': level, ...more }
      const { body } = await fleet.api.call<Deployed>('PUT', `/devices/${id}/apps/${name}`, { compose: text, files })
      await fleet.shown('here', `runs ${level}`, ({ apps }) => apps[0]?.state === 'running' && apps[0].revision === body.revision)
      return containersOf(name).main
    }
    try {
      const first = await put('one')
      assert.is(inside(first, 'cat', '/level'), 'one')
      const second = await put('two')
      assert.is.not(second, first)
      assert.is(inside(second, 'cat', '/level'), 'two')
      assert.is(await put('two', { unrelated: 'x' }), second)
    } finally {
      clear(name)
      docker('image', 'rm', '-f', `${name}-main`)
    }
  })
})

test('a label of the device is a variable; when it changes, only what uses it is made anew', async () => {
  const name = `${app}-label`
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the file's own
  const level = 'environment: {LEVEL: "${SKERRY_LABEL_HALL:-none} ${SKERRY_DEVICE_NAME}"}'
  const text = `services:\n  plain:\n    ${service}\n  labelled:\n    ${service}\n    ${level}\n`
  await withFleet(async fleet => {
    const device = fleet.device('here')
    device.start(fleet.server)
    const { id } = await fleet.shown('here', 'Ready', shown => shown.state === 'Ready')
    await fleet.deploy(`devices/${id}`, name, text)
    await fleet.shown('here', 'runs it', ({ apps }) => apps[0]?.state === 'running')
    const before = containersOf(name)
    assert.match(inside(before.labelled, 'env'), /^LEVEL=none here$/m)
    await fleet.api.call('PATCH', `/devices/${id}`, { labels: { hall: '3' }, name: 'press-7' })
    const after = await eventually(40_000, 'the value of the label', () => {
      const found = containersOf(name)
      const ids = Object.values(found)
      return (
        ids.length === 2 &&
        found.labelled !== before.labelled &&
        docker('inspect', '-f', '{{.State.Running}}', ...ids) === 'true\ntrue' &&
        found
      )
    })
    assert.equal(changed(before, after), ['labelled'])
    assert.match(inside(after.labelled, 'env'), /^LEVEL=3 press-7$/m)
  })
})

test.run()
