// The manager holds a command to what its sender may by now, although its broker has let it through.
import * as assert from 'node:assert/strict'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { suite } from 'uvu'
import { startBroker } from '../../broker/broker.js'
import { startManager } from '../../manager/manager.js'
import type { Answer } from '../../protocol/answer.js'
import { FakeAccess } from '../broker/support/access.js'
import { testHttp } from '../support/credentials.js'
import { eventually } from '../support/within.js'
import { request, silent, tempFolder, webApp } from './site.js'

const test = suite('senders of commands')

test('a command of somebody who is gone, has another role or another scope by now is refused, and answered', async () => {
  const folder = await tempFolder()
  const access = new FakeAccess()
  for (const name of ['gone', 'watcher', 'elsewhere', 'scada']) access.addUser(name, 'operator')
  const broker = await startBroker({
    file: join(folder.path, 'broker.db'),
    listeners: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    access,
    log: silent,
  })
  const manager = await startManager({
    file: join(folder.path, 'manager.db'),
    root: 'skerry',
    broker: { connect: () => broker.connectInProcess() },
    http: testHttp,
    log: silent,
  })
  const api = (method: string, path: string, body?: unknown) => request(manager, method, path, body)
  await eventually(5000, 'the manager is connected', async () => (await api('GET', '/ready')).body.ready)
  await api('POST', '/groups', { name: 'line-1' })
  await api('POST', '/groups', { name: 'line-2' })
  await api('PUT', '/groups/line-1/apps/web', webApp())
  const password = 'correct horse'
  for (const [name, role, groups] of [
    ['watcher', 'viewer', ['line-1']],
    ['elsewhere', 'operator', ['line-2']],
    ['scada', 'operator', ['line-1']],
  ] as const)
    assert.equal((await api('POST', '/users', { name, role, groups, password })).status, 201)

  const answersTo = async (username: string): Promise<Answer> => {
    const url = `mqtt://127.0.0.1:${broker.addresses[0]!.port}`
    const client = await mqtt.connectAsync(url, { username, password: `${username}'s`, reconnectPeriod: 0, protocolVersion: 4 })
    const answers: Answer[] = []
    client.on('message', (_topic, payload) => answers.push(JSON.parse(payload.toString())))
    await client.subscribeAsync('skerry/a/g/line-1/web/run/json', { qos: 1 })
    await client.publishAsync('skerry/c/g/line-1/web/run', '0', { qos: 1 })
    const answer = await eventually(5000, `an answer to ${username}`, () => answers[0])
    await client.endAsync()
    return answer
  }
  try {
    assert.equal((await answersTo('gone')).error, 'auth.refused')
    assert.equal((await answersTo('watcher')).error, 'auth.forbidden')
    assert.equal((await answersTo('elsewhere')).error, 'auth.forbidden')
    assert.equal((await api('GET', '/groups/line-1/apps/web')).body.run, 'running')
    assert.equal((await answersTo('scada')).code, 0)
    assert.equal((await api('GET', '/groups/line-1/apps/web')).body.run, 'stopped')
  } finally {
    await manager.stop()
    await broker.stop()
    await folder.remove()
  }
})

test.run()
