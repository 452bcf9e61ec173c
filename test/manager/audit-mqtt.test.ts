// What users do over MQTT stands in the audit trail with their names, and so does what the broker refused.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { suite } from 'uvu'
import { type Broker, startBroker } from '../../broker/broker.js'
import { type Manager, openManager } from '../../manager/manager.js'
import { testHttp } from '../support/credentials.js'
import { eventually } from '../support/within.js'
import { connected, request, silent, tempFolder, webApp } from './site.js'

interface Context {
  folder: Awaited<ReturnType<typeof tempFolder>>
  broker: Broker
  manager: Manager
  token: string
}

const test = suite<Context>('audit over MQTT')

test.before(async context => {
  context.folder = await tempFolder()
  const opened = openManager({
    file: join(context.folder.path, 'manager.db'),
    root: 'skerry',
    http: testHttp,
    log: silent,
  })
  context.broker = await startBroker({
    file: join(context.folder.path, 'broker.db'),
    listeners: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    access: opened.access,
    log: silent,
  })
  context.manager = await opened.start({ broker: { connect: () => context.broker.connectInProcess() } })
  await connected(context.manager)
  for (const name of ['line-1', 'line-2']) await request(context.manager, 'POST', '/groups', { name })
  const made = await request(context.manager, 'POST', '/access-tokens', { name: 'scada', role: 'operator', groups: ['line-1'], days: 1 })
  context.token = made.body.token
})
test.after(async ({ manager, broker, folder }) => {
  await manager.stop()
  await broker.stop()
  await folder.remove()
})

const connect = ({ broker }: Context, password: string, username = 'scada') =>
  mqtt.connectAsync(`mqtt://127.0.0.1:${broker.addresses[0]!.port}`, { username, password, reconnectPeriod: 0 })

interface Row {
  who: string
  via: string
  from: string
  action: string
  target: string
  outcome: string
  code: string | null
}

const rowOf = ({ manager }: Context, query: string): Promise<Row> =>
  eventually(10_000, `a row ${query}`, async () => (await request(manager, 'GET', `/audit?${query}`)).body.items[0])

test('a command is its sender’s deed, done or refused', async context => {
  const client = await connect(context, context.token)
  // The manager may not have subscribed yet, and commands are not kept for it.
  const done = await eventually(20_000, 'a deploy', async () => {
    await client.publishAsync('skerry/cmd/group/line-1/app/web/spec', webApp(), { qos: 1 })
    return (await request(context.manager, 'GET', '/audit?action=app.deployed')).body.items[0]
  })
  assert.deepEqual(
    [done.who, done.via, done.from, done.target, done.outcome],
    ['scada', 'mqtt', '127.0.0.1', 'groups/line-1/apps/web', 'done'],
  )
  await client.publishAsync('skerry/cmd/group/line-1/app/none/run', '1', { qos: 1 })
  const refused = await rowOf(context, 'action=command.run')
  assert.deepEqual(
    [refused.who, refused.via, refused.target, refused.outcome, refused.code],
    ['scada', 'mqtt', 'groups/line-1/apps/none', 'refused', 'app.unknown'],
  )
  await client.endAsync(true)
})

test('a wrong password is recorded with the user’s name, and not with what is nobody’s name', async context => {
  await assert.rejects(connect(context, 'wrong'))
  const refused = await rowOf(context, 'action=login-refused')
  assert.deepEqual(
    [refused.who, refused.via, refused.from, refused.target, refused.code],
    ['', 'broker', '127.0.0.1', 'users/scada', 'auth.refused'],
  )
  await assert.rejects(connect(context, 'scada', 'hunter2'))
  const { body } = await request(context.manager, 'GET', '/audit?limit=1000')
  assert.ok(!JSON.stringify(body).includes('hunter2'))
})

test('what a user may not publish is recorded', async context => {
  const client = await connect(context, context.token)
  client.publish('skerry/cmd/group/line-2/app/web/run', '1', { qos: 1 })
  const denied = await rowOf(context, 'action=publish-denied')
  assert.deepEqual(
    [denied.who, denied.via, denied.target, denied.code],
    ['scada', 'broker', 'skerry/cmd/group/line-2/app/web/run', 'auth.forbidden'],
  )
  await client.endAsync(true)
})

test.run()
