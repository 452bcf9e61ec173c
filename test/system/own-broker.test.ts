// Joining and renewing over a broker that is not ours, with the certificate of the server's own CA: it all goes over MQTT.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { pino } from 'pino'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openPki } from '../../manager/identity/pki.js'
import { startManager } from '../../manager/manager.js'
import { parseJoinToken } from '../../protocol/join-token.js'
import { clientIdOf, joinClientIdOf } from '../../protocol/topics.js'
import { request } from '../manager/site.js'
import { testHttp } from '../support/credentials.js'
import { startMosquitto } from '../support/mosquitto.js'
import { certificateOf, keyName, makeKeyPair, Newcomer, spkiOfPair } from '../support/newcomer.js'
import { eventually } from '../support/within.js'

const log = pino({ level: 'silent' })

test('a device joins over mosquitto by a token and renews its certificate there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'skerry-own-broker-'))
  const pki = await openPki(join(folder, 'pki'), { log })
  const files = [`certfile ${folder}/pki/server.crt`, `keyfile ${folder}/pki/server.key`]
  const broker = await startMosquitto(undefined, [...files, `user ${userInfo().username}`])
  const url = broker.url.replace('mqtt:', 'mqtts:')
  const manager = await startManager({
    file: join(folder, 'manager.db'),
    root: 'skerry',
    http: testHttp,
    identity: { pki, strict: false },
    broker: { url, ca: pki.caPem },
    reach: { publicUrl: url, names: [] },
    log,
  })
  try {
    await eventually(20_000, 'the manager hears its broker', async () => (await request(manager, 'GET', '/ready')).body.ready)
    const { body } = await request(manager, 'POST', '/tokens', {})
    assert.ok(body.command.startsWith(`skerry agent join ${url} `))
    const token = parseJoinToken(body.token)
    assert.ok(token.ok)
    const pair = makeKeyPair()
    const joining = await connect(url, pki.caPem, joinClientIdOf(keyName(spkiOfPair(pair))))
    const newcomer = new Newcomer(joining, 'k3v9', pair)
    await joining.subscribeAsync(newcomer.answerTopic, { qos: 1 })
    const first = certificateOf(await newcomer.ask({ token: token.value.secret }))
    await newcomer.leave()
    const device = new Newcomer(await connect(url, pki.caPem, clientIdOf('k3v9')), 'k3v9', pair)
    await device.listen()
    const next = certificateOf(await device.renew())
    assert.is(next.subject, 'CN=k3v9')
    assert.is.not(next.serialNumber, first.serialNumber)
    await device.leave()
  } finally {
    await manager.stop()
    await broker.stop()
    pki.close()
    await rm(folder, { recursive: true, force: true })
  }
})

function connect(url: string, ca: string, clientId: string) {
  return mqtt.connectAsync(url, { ca, clientId, reconnectPeriod: 0 })
}

test.run()
