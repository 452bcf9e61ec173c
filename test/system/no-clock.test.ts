// time limit: 180 s
// A real agent whose clock stands in 1970 or 2100, and whose name server has gone: it stays connected, and its certificate is renewed.
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Server, startServer } from '../../cli/services/server.js'
import { resolveSettings } from '../../config/resolve.js'
import { unwrap } from '../../protocol/errors.js'
import { Api } from '../support/api.js'
import { localCredentials } from '../support/credentials.js'
import { startEmptyEngine } from '../support/empty-engine.js'
import { type Child, skerry } from '../support/process.js'
import { eventually } from '../support/within.js'

const log = pino({ level: 'silent' })
const name = 'plant.test'
/** Renewed from two thirds of it on. */
const deviceLifeMs = 6_000

/** Answers for the system's resolver in the agent's process: what stands in the file, and nothing else. */
const resolver = (file: string) => `
const dns = require('node:dns')
const { readFileSync } = require('node:fs')
dns.lookup = (host, options, callback) => {
  const address = JSON.parse(readFileSync(${JSON.stringify(file)}, 'utf8'))[host]
  if (address === undefined) callback(Object.assign(new Error('getaddrinfo ENOTFOUND ' + host), { code: 'ENOTFOUND' }))
  else callback(null, [{ address, family: 4 }])
}
`

/** What has a process of Node believe that it is this time when it starts; undefined where that cannot be done. */
function fakeTime(text: string): NodeJS.ProcessEnv | undefined {
  const library = spawnSync('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' })
  if (library.status !== 0) return undefined
  const env = {
    LD_PRELOAD: library.stdout.trim(),
    FAKETIME: `@${text}`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  }
  const tried = spawnSync(process.execPath, ['-p', 'new Date().toISOString()'], { env: { ...process.env, ...env }, encoding: 'utf8' })
  return tried.stdout.startsWith(text.slice(0, 10)) ? env : undefined
}

class Site {
  #agent: Child | undefined

  private constructor(
    private readonly folder: string,
    private readonly server: Server,
    private readonly stopEngine: () => Promise<void>,
  ) {}

  static async open(): Promise<Site> {
    const folder = mkdtempSync(join(tmpdir(), 'skerry-clock-'))
    const stopEngine = await startEmptyEngine(join(folder, 'engine.sock'))
    const flags = { data: join(folder, 'server'), mqttPort: '0', httpPort: '0', names: name }
    const { values } = unwrap(resolveSettings({ flags, file: [], around: { root: true, home: folder, env: {} } }))
    const server = await startServer(values, log, { deviceLifeMs })
    const site = new Site(folder, server, stopEngine)
    site.resolve({ [name]: '127.0.0.1' })
    writeFileSync(join(folder, 'resolver.cjs'), resolver(join(folder, 'hosts.json')))
    return site
  }

  resolve(hosts: Record<string, string>): void {
    writeFileSync(join(this.folder, 'hosts.json'), JSON.stringify(hosts))
  }

  /** Starts the agent with this clock, after ending the one before; joins the first time, and may leave it at that. */
  async start(time: NodeJS.ProcessEnv, join?: 'join' | 'only join'): Promise<Child> {
    await this.#agent?.end('SIGKILL')
    const how = join === undefined ? [] : ['join', `mqtts://${name}:${new URL(this.server.mqttUrl).port}`, this.server.invite('a device')]
    if (join === 'only join') how.push('--no-run')
    const flags = ['--data', `${this.folder}/device`, '--engine', `${this.folder}/engine.sock`]
    this.#agent = skerry(['agent', ...how, ...flags], { ...time, NODE_OPTIONS: `--require=${this.folder}/resolver.cjs` })
    return this.#agent
  }

  certificate(): X509Certificate {
    return new X509Certificate(JSON.parse(readFileSync(join(this.folder, 'device/agent/membership.json'), 'utf8')).certificate)
  }

  async ready(epochAbove = 0): Promise<number> {
    const api = new Api(this.server.url, localCredentials(join(this.folder, 'server')))
    return eventually(40_000, 'the device is Ready', async () => {
      const [device] = (await api.get<{ items: { state: string; epoch: number }[] }>('/devices')).body.items
      return device?.state === 'Ready' && device.epoch > epochAbove && device.epoch
    }).catch(error => {
      throw new Error(`${error.message}\n${this.#agent?.lines.join('\n')}`)
    })
  }

  async renewed(before: X509Certificate): Promise<void> {
    await eventually(40_000, 'the certificate is renewed', () => this.certificate().serialNumber !== before.serialNumber).catch(error => {
      throw new Error(`${error.message}\n${this.#agent?.lines.join('\n')}`)
    })
  }

  /** The manager may know of the device before the device has heard that it is connected. */
  async remembers(): Promise<void> {
    await eventually(10_000, 'the device remembers its server', () => existsSync(this.#memory()))
  }

  forget(): void {
    rmSync(this.#memory())
  }

  #memory(): string {
    return join(this.folder, 'device/agent/server.json')
  }

  async close(): Promise<void> {
    await this.#agent?.end('SIGKILL')
    await this.server.stop()
    await this.stopEngine()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const test = suite('a device without a clock and without DNS')
const [past, future] = [fakeTime('1970-01-02 12:00:00'), fakeTime('2100-01-01 12:00:00')]

if (past === undefined || future === undefined) {
  test.skip('it needs faketime', () => {})
} else {
  test('it joins, stays connected, renews its certificate and comes back after that has ended', async () => {
    const site = await Site.open()
    try {
      await site.start(past, 'join')
      const first = await site.ready()
      await site.renewed(site.certificate())
      assert.is(await site.ready(), first, 'renewed in the same session')

      await site.start(future)
      const second = await site.ready(first)
      await site.renewed(site.certificate())

      const last = site.certificate()
      const agent = await site.start({})
      await agent.end('SIGKILL')
      await eventually(40_000, 'the certificate has ended', () => Date.now() > Date.parse(site.certificate().validTo) + 1_000)
      await site.start(past)
      await site.ready(second)
      assert.is.not(site.certificate().serialNumber, last.serialNumber)
    } finally {
      await site.close()
    }
  })
}

test('a server whose name does not resolve any more is found where it was, and only there', async () => {
  const site = await Site.open()
  try {
    await site.start({}, 'join')
    const first = await site.ready()
    await site.remembers()
    site.resolve({})
    await site.start({})
    await site.ready(first)
    site.forget()
    await (await site.start({})).line(/no server answers at .*plant\.test.*ENOTFOUND/)
  } finally {
    await site.close()
  }
})

test('a device that has joined needs no name server for its first start', async () => {
  const site = await Site.open()
  try {
    const joining = await site.start({}, 'only join')
    assert.is(await joining.ended, 0)
    site.resolve({})
    await site.start({})
    await site.ready()
  } finally {
    await site.close()
  }
})

test.run()
