// time limit: 400 s
// The flow of docs/examples in a real Node-RED: it deploys, stops, starts, goes to a version, permits, and reads answers and states, on a real device.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clear, docker } from '../support/docker.js'
import { type Fleet, withFleet } from '../support/fleet.js'
import { type FlowNode, installNodeRed, NodeRed } from '../support/node-red.js'
import { sleepingApp } from '../support/small-app.js'

const app = 'vision'
const state = `skerry/state/group/line-1/app/${app}`
const answer = (verb: string) => `skerry/a/g/line-1/${app}/${verb}`

/** What a person fills in after the import: server, user, and the compose file. */
function filled(login: { readonly port: number; readonly user: string; readonly password: string }, sleep: number): FlowNode[] {
  const flow = JSON.parse(readFileSync('docs/examples/node-red.json', 'utf8')) as FlowNode[]
  return flow.map(node => {
    if (node.type === 'template') return { ...node, template: sleepingApp(sleep) }
    if (node.type !== 'mqtt-broker') return node
    return { ...node, broker: '127.0.0.1', port: String(login.port), credentials: { user: login.user, password: login.password } }
  })
}

const runningCommand = () => docker('ps', '--no-trunc', '--filter', `label=io.skerry.app=${app}`, '--format', '{{.Command}}')

const test = suite('Node-RED')
const installed = await installNodeRed()

async function withNodeRed(run: (fleet: Fleet, red: NodeRed, fill: (sleep: number) => Promise<void>) => Promise<void>): Promise<void> {
  await withFleet(
    async fleet => {
      const [, port, , user = '', , password = ''] = await fleet.server.admit('node-red', 'operator')
      fleet.device('cell').start(fleet.server)
      const { id } = await fleet.shown('cell', 'Ready', device => device.state === 'Ready')
      await fleet.api.call('POST', '/groups', { name: 'line-1', devices: [id] })
      fleet.clean(app)
      const red = await NodeRed.start(installed ?? '')
      try {
        await run(fleet, red, sleep => red.deploy(filled({ port: Number(port), user, password }, sleep)))
      } finally {
        await red.stop()
      }
    },
    { plain: true },
  ).finally(() => clear(app))
}

if (installed === undefined) {
  test.skip('it cannot be installed here', () => {})
} else {
  test('the example deploys, permits, stops, starts, restarts and goes back, and a Node-RED that dies takes its permit with it', async () => {
    await withNodeRed(async (fleet, red, fill) => {
      await fill(1000)
      await red.comes('states', 'skerry/state/manager', '1')
      await red.comes('answers', 'skerry/ack/permit/group/line-1', '0')
      await red.press('deploy')
      await red.comes('answers', `skerry/ack/group/line-1/app/${app}/spec`, '0')
      await red.comes('states', state, '2')
      await fleet.shown('cell', 'held', ({ apps }) => apps.some(({ state }) => state === 'held'))
      assert.is(runningCommand(), '')

      await red.press('machine stands')
      await red.comes('states', state, '3')
      assert.match(runningCommand(), 'sleep 1000')
      await red.press('stop')
      await red.comes('answers', answer('run'), '0')
      await fleet.shown('cell', 'stopped', () => runningCommand() === '')
      await red.press('start')
      await fleet.shown('cell', 'running again', () => runningCommand() !== '')
      await red.press('restart')
      await red.comes('answers', answer('rst'), '0')

      await fleet.deploy('groups/line-1', app, sleepingApp(2000))
      await fleet.shown('cell', 'changed', () => runningCommand().includes('sleep 2000'))
      await red.press('version 1.0')
      await red.comes('answers', answer('ver'), '0')
      await fleet.shown('cell', 'at version 1.0', () => runningCommand().includes('sleep 1000'))
      await red.press('back')
      await red.comes('answers', answer('rev'), '0')
      await fleet.shown('cell', 'back', () => runningCommand().includes('sleep 2000'))

      await fleet.server.kill()
      await red.press('stop')
      await fleet.server.start()
      await fleet.shown('cell', 'stopped by what nobody heard at first', () => runningCommand() === '', 90_000)
      await red.press('start')
      await fleet.shown('cell', 'running once more', () => runningCommand().includes('sleep 2000'))

      await red.kill()
      await fleet.deploy('groups/line-1', app, sleepingApp(3000))
      await fleet.shown('cell', 'held', ({ apps }) => apps.some(({ state }) => state === 'held'))
      assert.match(runningCommand(), 'sleep 2000')
    })
  })
}

test.run()
