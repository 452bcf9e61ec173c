// time limit: 240 s
// A PLC that has nothing but mosquitto's clients holds a real device, lets it go on, and dies; and whoever may not does none of it.
import { randomBytes } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ensureTestImage } from '../support/busybox.js'
import { containersOf, docker } from '../support/docker.js'
import { withFleet } from '../support/fleet.js'
import { run } from '../support/process.js'
import { eventually } from '../support/within.js'

const app = 'permit-sys-web'
const line = 'skerry/permit/group/line-1'
const compose = (sleep: number) => `services:
  main:
    image: ${ensureTestImage()}
    command: sleep ${sleep}
    stop_signal: SIGKILL
    network_mode: none
`

interface Shown {
  readonly permit: { readonly value: boolean; readonly user: string | null } | null
}

const pub = async (login: readonly string[], topic: string, ...rest: string[]) =>
  assert.is(await run('mosquitto_pub', [...login, '-q', '1', '-t', topic, ...rest]).ended, 0)

test('mosquitto_pub holds a group, lets it go on, and holds it by its will; a deploy waits, a restart is refused', async () => {
  await withFleet(
    async fleet => {
      const login = await fleet.server.admit('plc', 'operator')
      fleet.device('cell').start(fleet.server)
      const { id } = await fleet.shown('cell', 'Ready', device => device.state === 'Ready')
      await fleet.api.call('POST', '/groups', { name: 'line-1', devices: [id] })
      await fleet.api.call('POST', '/groups', { name: 'line-2' })
      const watcher = run('mosquitto_sub', [...login, '-v', '-t', 'skerry/ack/#', '-t', 'skerry/a/#', '-t', 'skerry/state/#'])
      fleet.also(watcher)
      await watcher.line(/^skerry\/state\/manager 1$/)
      await fleet.deploy('groups/line-1', app, compose(1000))
      await watcher.line(new RegExp(`^skerry/state/group/line-1/app/${app} 3$`), 60_000)

      const holding = [line, '-r', '-m', '0'] as const
      assert.ok(Buffer.byteLength(holding.join('')) <= 60)
      await pub(login, ...holding)
      await watcher.line(/^skerry\/ack\/permit\/group\/line-1 0$/)
      await watcher.line(/^skerry\/ack\/permit\/group\/line-1\/text ok: the permit of group line-1 is 0$/)
      const before = containersOf(app)
      await fleet.deploy('groups/line-1', app, compose(2000))
      await watcher.line(
        new RegExp(
          `^skerry/state/device/${id}/app/${app}/json .*"held":{"by":"group","group":"line-1","why":"withheld","who":"plc","since":"`,
        ),
      )
      await watcher.line(new RegExp(`^skerry/state/group/line-1/app/${app} 2$`))
      const refused = await fleet.api.call<{ items: { fault: { code: string } }[] }>('POST', `/groups/line-1/apps/${app}/restart`, {})
      assert.is(refused.body.items[0]?.fault.code, 'device.held')
      await pub(login, `skerry/c/g/line-1/${app}/rst`, '-m', '1')
      await watcher.line(new RegExp(`^skerry/a/g/line-1/${app}/rst/text device\\.held: `), 40_000)
      assert.equal(containersOf(app), before)

      // Of another line: neither by a message nor by a will.
      const password = randomBytes(12).toString('base64url')
      await fleet.api.call('POST', '/users', { name: 'stranger', role: 'operator', groups: ['line-2'], password })
      const stranger = [...login.slice(0, 2), '-u', 'stranger', '-P', password]
      await pub(stranger, line, '-r', '-m', '1')
      const will = (by: string) => ['--will-topic', line, '--will-retain', '--will-qos', '1', '--will-payload', `{"value":0,"by":"${by}"}`]
      assert.is.not(await run('mosquitto_sub', [...stranger, '-W', '2', '-t', 'skerry/state/manager', ...will('stranger')]).ended, 27)
      const { body } = await fleet.api.get<Shown>('/groups/line-1')
      assert.equal([body.permit?.value, body.permit?.user], [false, 'plc'])

      const publisher = run('mosquitto_sub', [...login, '-t', 'skerry/state/manager', ...will('press PLC')])
      fleet.also(publisher)
      await publisher.line(/^1$/)
      await pub(login, line, '-r', '-m', '{"value":1,"lease":3600,"by":"press PLC"}')
      await eventually(60_000, 'the second revision runs', () =>
        docker('ps', '--no-trunc', '--filter', `label=io.skerry.app=${app}`, '--format', '{{.Command}}').includes('sleep 2000'),
      )
      await publisher.end('SIGKILL')
      const held = await fleet.shown('cell', 'is held again', device => device.held !== null)
      assert.equal([held.held?.by, held.held?.who], ['group', 'press PLC'])
      const { body: after } = await fleet.api.get<Shown>('/groups/line-1')
      assert.equal([after.permit?.value, after.permit?.user], [false, 'plc'])
    },
    { plain: true },
  )
})

test.run()
