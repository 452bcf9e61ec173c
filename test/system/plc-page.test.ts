// time limit: 180 s
// The lines of docs/plc.md, in their order and as they stand there but for addresses, names and images: on a server as installed, with a device.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Api } from '../support/api.js'
import { ensureTestImage } from '../support/busybox.js'
import { localCredentials } from '../support/credentials.js'
import { clear, docker, machineEngine } from '../support/docker.js'
import { Device, type DeviceView } from '../support/fleet.js'
import { commandsOf, Page } from '../support/page.js'
import type { Child } from '../support/process.js'
import { sleepingApp } from '../support/small-app.js'
import { eventually } from '../support/within.js'

const app = 'plc-page'
const password = 'a word for the test'
const limitMs = 40_000

/** Where the page has names of a plant, the test has what there is here. */
function placed(line: string, port: string): string {
  return line
    .replace('--plain-mqtt 192.168.10.5:1883', '--plain-mqtt 127.0.0.1:0')
    .replace('-h 192.168.10.5', `-h 127.0.0.1 -p ${port}`)
    .replace('PASSWORD', `'${password}'`)
    .replaceAll(/\bweb\b/g, app)
    .replace(/"image":"[^"]*"/, `"image":"${ensureTestImage()}","command":"sleep 4000","network_mode":"none","stop_grace_period":"0s"`)
}

interface Served {
  readonly api: Api
  readonly mqttUrl: string
  readonly plainPort: string
}

/** By the line of the page; the settings that it does not give keep off the ports and the folder of this machine's own server. */
async function serve(page: Page, line: string): Promise<Served> {
  const server = page.start(placed(line, ''))
  const [, mqttUrl = ''] = await server.line(/^MQTT at (mqtts:\S+)/)
  const [, plainPort = ''] = await server.line(/^MQTT at mqtt:\/\/127\.0\.0\.1:(\d+)/)
  const [url] = await server.line(/^http:\S+/)
  return { api: new Api(url, localCredentials(join(page.folder, 'data'))), mqttUrl, plainPort }
}

async function join7(page: Page, { api, mqttUrl }: Served): Promise<Device> {
  const { body } = await api.call<{ token: string }>('POST', '/tokens', { uses: 1 })
  const device = new Device('press-7', join(page.folder, 'press-7'), machineEngine)
  device.start({ mqttUrl, joinToken: body.token })
  await eventually(limitMs, 'press-7 Ready', async () => (await api.get<DeviceView>('/devices/press-7')).body.state === 'Ready')
  return device
}

/** Publishes by the page's line, and gives the code that the page's subscriber hears. */
async function askedBy(page: Page, line: string, answers: Child): Promise<string> {
  answers.lines.length = 0
  await page.finish(line)
  const [, code = ''] = await answers.line(/^skerry\/a(?:ck)?\/\S+(?<!\/text|\/json) (\d)$/, limitMs)
  return code
}

test('every line of docs/plc.md runs on a server as installed, and does what the page says', async () => {
  const [serving = '', ...administering] = commandsOf('docs/plc.md', ['skerry'])
  const lines = commandsOf('docs/plc.md', ['mosquitto_pub', 'mosquitto_sub'])
  const page = new Page(folder => ({ SKERRY_DATA: join(folder, 'data'), SKERRY_MQTT_PORT: '0', SKERRY_HTTP_PORT: '0' }))
  page.write('compose.yaml', sleepingApp(3000))
  page.write('password', `${password}\n`)
  let device: Device | undefined
  try {
    const served = await serve(page, serving)
    device = await join7(page, served)
    for (const line of administering) await page.finish(line)
    const [alive = '', hearing = '', ...rest] = lines.map(line => placed(line, served.plainPort))
    // The page waits for it, too: the server has only just started.
    await eventually(limitMs, 'somebody who listens', async () => (await page.finish(alive))[0] === '1')
    const answers = page.start(`stdbuf -oL ${hearing} -d`)
    await answers.line(/received SUBACK/)
    const codes: string[] = []
    for (const line of rest) {
      if (line.startsWith('mosquitto_pub')) codes.push(await askedBy(page, line, answers))
      else if (line.includes(' -C 1 ')) assert.equal(await page.finish(line), ['3'], line)
      else await page.start(line).line(new RegExp(`^skerry/state/group/line-1/app/${app} 3$`), limitMs)
    }
    assert.equal(codes, Array(lines.filter(line => line.startsWith('mosquitto_pub')).length).fill('0'))
    assert.ok(codes.length > 10, `${codes.length} lines publish`)
    await page.finish(rest.find(line => line.endsWith('run -m 0'))?.replace('/g/line-1', '/g/lien-1') ?? '')
    const [, audit = ''] = readFileSync('docs/plc.md', 'utf8').match(/`(skerry audit [^`]+)`/) ?? []
    await eventually(limitMs, 'the name outside the scope', async () => (await page.finish(audit)).join().includes('skerry/c/g/lien-1/'))
    assert.match(docker('ps', '--no-trunc', '--filter', `label=io.skerry.app=${app}`, '--format', '{{.Command}}'), 'sleep 3000')
  } finally {
    await device?.kill()
    await page.close()
    clear(app)
  }
})

test.run()
