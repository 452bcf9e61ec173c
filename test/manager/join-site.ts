// A manager with a CA, at a broker that lets everybody do everything, and those who want to join.

import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { openPki, type Pki } from '../../manager/identity/pki.js'
import { type Manager, type OpenManager, openManager } from '../../manager/manager.js'
import type { IdentityOptions } from '../../manager/parts.js'
import type { Clock } from '../../protocol/clock.js'
import { parseJoinToken } from '../../protocol/join-token.js'
import { testHttp } from '../support/credentials.js'
import { Newcomer } from '../support/newcomer.js'
import { connected, request, silent, startBroker, type TestBroker, tempFolder } from './site.js'

export interface FleetOptions {
  readonly clock?: Clock
  readonly identity?: Partial<IdentityOptions>
}

export class JoinSite {
  readonly broker: TestBroker
  readonly pki: Pki
  readonly #folder: { path: string; remove(): Promise<void> }
  #options: FleetOptions
  readonly #newcomers: Newcomer[] = []
  opened!: OpenManager
  manager!: Manager

  private constructor(broker: TestBroker, pki: Pki, folder: { path: string; remove(): Promise<void> }, options: FleetOptions) {
    this.broker = broker
    this.pki = pki
    this.#folder = folder
    this.#options = options
  }

  static async start(options: FleetOptions = {}): Promise<JoinSite> {
    const folder = await tempFolder()
    const pki = await openPki(join(folder.path, 'pki'), { log: silent, ...(options.clock === undefined ? {} : { clock: options.clock }) })
    const site = new JoinSite(await startBroker(), pki, folder, options)
    await site.#open()
    return site
  }

  async restart(identity: Partial<IdentityOptions> = {}): Promise<void> {
    await this.manager.stop()
    this.#options = { ...this.#options, identity: { ...this.#options.identity, ...identity } }
    await this.#open()
  }

  async stop(): Promise<void> {
    for (const newcomer of this.#newcomers) await newcomer.leave()
    await this.manager.stop()
    this.pki.close()
    await this.broker.stop()
    await this.#folder.remove()
  }

  /** The secret of a new token. */
  async token(wish: object = {}): Promise<{ id: string; secret: Buffer }> {
    const { body } = await this.api('POST', '/tokens', wish)
    const parsed = parseJoinToken(body.token)
    if (!parsed.ok) throw new Error(body.token)
    return { id: body.id, secret: Buffer.from(parsed.value.secret) }
  }

  api(method: string, path: string, body?: unknown) {
    return request(this.manager, method, path, body)
  }

  async newcomer(device: string, key?: KeyObject): Promise<Newcomer> {
    const newcomer = new Newcomer(await mqtt.connectAsync(this.broker.url, { reconnectPeriod: 0 }), device, key)
    await newcomer.listen()
    this.#newcomers.push(newcomer)
    return newcomer
  }

  /** Data of the events of a type, oldest first. */
  async events(type: string): Promise<Record<string, unknown>[]> {
    const { body } = await this.api('GET', `/events?type=${type}&limit=1000`)
    return body.items.map((item: { data: Record<string, unknown> }) => item.data)
  }

  async #open(): Promise<void> {
    const { clock, identity } = this.#options
    this.opened = openManager({
      file: join(this.#folder.path, 'manager.db'),
      root: 'skerry',
      http: testHttp,
      identity: { pki: this.pki, ...identity },
      log: silent,
      ...(clock === undefined ? {} : { clock }),
    })
    this.manager = await this.opened.start({ broker: { url: this.broker.url } })
    await connected(this.manager)
  }
}
