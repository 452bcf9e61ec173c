// Requests to a device: which are taken up, how their answers keep to the credit, and when they end.
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { maxOpenRequests } from '../../agent/core/asked.js'
import type { LogBatch } from '../../agent/core/log-pieces.js'
import type { LogQuery, LogSource } from '../../agent/engine.js'
import type { LogLink } from '../../agent/log-limits.js'
import { Requests, type RequestsOptions } from '../../agent/requests.js'
import { SkerryError } from '../../protocol/errors.js'
import { protocolVersion } from '../../protocol/messages/message.js'
import { type Request, type Response, requestCodec, responseCodec } from '../../protocol/messages/request.js'
import { ManualClock } from '../support/clock.js'
import { eventually } from '../support/within.js'

const epoch = 65_537
const lines = (count: number, bytes = 100) => Buffer.from(`${'x'.repeat(bytes - 1)}\n`.repeat(count))

/** A device whose containers write what a test says. */
class World {
  readonly clock = new ManualClock()
  readonly answers = new Map<string, Response[]>()
  readonly restarted: (readonly string[])[] = []
  readonly queries: LogQuery[] = []
  sources: LogSource[] = [{ id: 'c1', service: 'web', number: 1, running: true }]
  /** How many chunks were taken from each container. */
  taken = 0
  connected = true
  /** What logs may take of the link. */
  link: LogLink = {}
  /** How often everything was told again. */
  retold = 0
  /** A new session was asked for. */
  worn = false
  readonly options: RequestsOptions
  requests: Requests

  constructor(
    readonly chunks: (query: LogQuery) => Iterable<LogBatch> = () => [],
    more: Partial<RequestsOptions> = {},
  ) {
    this.options = {
      engine: { logSources: async () => this.sources, readLog: (query, signal) => this.#read(query, signal) },
      clock: this.clock,
      log: pino({ level: 'silent' }),
      epoch: () => epoch,
      link: () => this.link,
      publish: async (rid, payload) => {
        const response = responseCodec.decode(payload)
        if (this.connected && response.ok) this.answers.set(rid, [...(this.answers.get(rid) ?? []), response.value])
        return this.connected
      },
      servicesOf: app => (app === 'web' ? ['db', 'web'] : undefined),
      onWorn: () => {
        this.worn = true
      },
      restart: async (_app, services) => void this.restarted.push(services),
      reporter: { hasTold: stamp => stamp?.[0] === 1, retell: async () => void this.retold++ },
      ...more,
    }
    this.requests = new Requests(this.options)
  }

  /** Until the signal aborts if it follows a container that runs, as the Engine does. */
  async *#read(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogBatch> {
    this.queries.push(query)
    for (const chunk of this.chunks(query)) {
      this.taken++
      yield chunk
      if (signal.aborted) return
    }
    const running = this.sources.some(({ id, running }) => id === query.id && running)
    if (query.follow && running) await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
  }

  ask(rid: string, fields: Partial<Request>) {
    return this.requests.receive(
      rid,
      requestCodec.encode({ version: protocolVersion, kind: 'logs', epoch, app: 'web', creditBytes: 1_000_000, ...fields }),
    )
  }

  askForReport(rid: string, fields: Pick<Request, 'holds'> = {}) {
    return this.requests.receive(rid, requestCodec.encode({ version: protocolVersion, kind: 'report', epoch, ...fields }))
  }

  of(rid: string): Response[] {
    return this.answers.get(rid) ?? []
  }

  bytes(rid: string): number {
    return this.of(rid).reduce((sum, { data }) => sum + (data?.length ?? 0), 0)
  }

  async done(rid: string): Promise<Response> {
    return await eventually(2000, `the end of ${rid}`, () => this.of(rid).find(({ last }) => last === true))
  }

  async sent(rid: string, count: number): Promise<void> {
    await eventually(2000, `${count} bytes of ${rid}`, () => this.bytes(rid) >= count)
    await settled()
  }
}

/** Whatever is under way without a clock or I/O has been done. */
const settled = async () => {
  for (let n = 0; n < 20; n++) await new Promise(resolve => setImmediate(resolve))
}
const batch = (data: Buffer, time = ''): LogBatch => ({ stream: 'out', time, data })

const requests = suite('requests')

requests('logs come in parts that are counted, small, and say when it is the last', async () => {
  const world = new World(() => [batch(lines(500)), { stream: 'err', time: '', data: lines(1) }])
  world.ask('r', {})
  await world.done('r')
  const parts = world.of('r')
  assert.equal(
    parts.map(({ part }) => part),
    parts.map((_, n) => n),
  )
  assert.equal(parts[0], { version: 1, part: 0 })
  assert.ok(parts.every(({ data }) => (data?.length ?? 0) <= 16 * 1024))
  assert.equal(world.bytes('r'), 50_100)
  assert.equal(parts.at(-2)?.stream, 'err')
  assert.equal([parts[1]?.service, parts[1]?.stream], ['web', 'out'])
})

requests('no more is sent, and no more read of the Engine, than was granted in all', async () => {
  const world = new World(function* () {
    for (;;) yield batch(lines(100))
  })
  world.ask('r', { creditBytes: 20_000 })
  await world.sent('r', 20_000)
  assert.is(world.bytes('r'), 20_000)
  assert.is(world.taken, 3)
  world.ask('r', { kind: 'credit', creditBytes: 20_000 })
  await settled()
  assert.is(world.bytes('r'), 20_000)
  world.ask('r', { kind: 'credit', creditBytes: 20_010 })
  await world.sent('r', 20_010)
  assert.is(world.bytes('r'), 20_010)
  world.ask('r', { kind: 'cancel' })
  await world.done('r')
  assert.is(world.taken, 3)
})

requests('one without credit keeps none of the others from being answered', async () => {
  const world = new World(() => [batch(lines(100))])
  world.ask('stuck', { creditBytes: 0 })
  world.ask('free', {})
  await world.done('free')
  assert.is(world.bytes('free'), 10_000)
  assert.is(world.bytes('stuck'), 0)
  world.requests.endAll()
})

requests('a request of another session, a repeated one, and one without an app are refused, each by its code', async () => {
  const world = new World()
  const codeOf = async (rid: string, fields: Partial<Request>) => {
    const before = world.of(rid).length
    world.ask(rid, fields)
    const fault = await eventually(2000, `an answer to ${rid}`, () => world.of(rid)[before])
    return [fault.fault?.code, fault.last]
  }
  assert.equal(await codeOf('old', { epoch: epoch - 1 }), ['request.expired', true])
  assert.equal(await codeOf('any', { epoch: undefined } as object), ['request.expired', true])
  assert.equal(await codeOf('once', {}), [undefined, undefined])
  await world.done('once')
  assert.equal(await codeOf('once', {}), ['request.repeated', true])
  assert.equal(await codeOf('none', { app: undefined } as object), ['message.invalid', true])
  assert.equal(await codeOf('strange', { kind: 'unknown' }), ['request.unknown', true])
})

requests('an app or a service that is not there is named', async () => {
  const world = new World()
  world.ask('a', { app: 'other' })
  assert.is((await world.done('a')).fault?.code, 'app.unknown')
  world.ask('s', { services: ['web', 'cache'] })
  const { fault } = await world.done('s')
  assert.is(fault?.code, 'service.unknown')
  assert.match(fault?.message ?? '', /"cache".*db, web/)
  assert.is(world.of('s').length, 1, 'it is told before any other part')
})

requests('a request that its broker delivers twice is answered once', async () => {
  const world = new World(() => [batch(lines(1))])
  world.ask('r', { follow: true })
  world.ask('r', { follow: true })
  await world.sent('r', 100)
  assert.is(world.bytes('r'), 100)
  assert.ok(world.of('r').every(({ last }) => last !== true))
  world.ask('r', { kind: 'cancel' })
  assert.is((await world.done('r')).fault, undefined)
})

requests('no more than a few are worked at; those that ended make room', async () => {
  const world = new World()
  for (let n = 0; n < maxOpenRequests; n++) world.ask(`r${n}`, { follow: true })
  world.ask('one-more', {})
  assert.is((await world.done('one-more')).fault?.code, 'device.busy')
  world.ask('r0', { kind: 'cancel' })
  await world.done('r0')
  world.ask('another', {})
  assert.is((await world.done('another')).fault, undefined)
  world.requests.endAll()
})

requests('whoever asked must be heard within the patience', async () => {
  const world = new World()
  world.ask('r', { follow: true, patienceS: 10 })
  await settled()
  world.clock.advance(9_000)
  world.ask('r', { kind: 'credit', creditBytes: 1 })
  world.clock.advance(9_000)
  await settled()
  assert.ok(world.of('r').every(({ last }) => last !== true))
  world.clock.advance(1_500)
  assert.is((await world.done('r')).fault?.code, 'wait.timeout')
})

requests('with the session everything ends, and nothing more is read', async () => {
  const world = new World(function* () {
    for (;;) yield batch(lines(10))
  })
  world.ask('r', { follow: true, creditBytes: 5_000 })
  await world.sent('r', 5_000)
  world.connected = false
  world.requests.endAll()
  await settled()
  const { taken } = world
  world.ask('r', { kind: 'credit', creditBytes: 1_000_000 })
  await settled()
  assert.is(world.taken, taken)
})

requests('following goes on with a container made anew, and with one started again after its last line', async () => {
  const written = new Map([['c1', '2026-01-01T00:00:05.000000001Z']])
  const world = new World(({ id }) => [batch(Buffer.from(`${id}\n`), written.get(id))])
  world.sources = [{ id: 'c1', service: 'web', number: 1, running: false }]
  world.ask('r', { follow: true, tail: 5, timestamps: true })
  await world.sent('r', 3)
  world.clock.advance(1_000)
  await settled()
  assert.is(world.queries.length, 1)
  world.sources = [
    { id: 'c1', service: 'web', number: 1, running: true },
    { id: 'c2', service: 'web', number: 2, running: false },
  ]
  world.clock.advance(1_000)
  await world.sent('r', 9)
  assert.equal(
    world.queries.map(({ id, tail, after }) => [id, tail, after]),
    [
      ['c1', 5, ''],
      ['c1', undefined, '2026-01-01T00:00:05.000000001Z'],
      ['c2', undefined, ''],
    ],
  )
  assert.ok(world.of('r').some(({ service }) => service === 'web-2'))
  world.requests.endAll()
})

requests('following ends with the app', async () => {
  let services: readonly string[] | undefined = ['web']
  const world = new World(() => [batch(lines(1))], { servicesOf: () => services })
  world.sources = [{ id: 'c1', service: 'web', number: 1, running: false }]
  world.ask('r', { follow: true })
  await world.sent('r', 100)
  services = undefined
  world.sources = []
  world.clock.advance(1_000)
  assert.is((await world.done('r')).fault, undefined)
})

requests('an Engine that fails ends the request with its fault', async () => {
  const logSources = async () => {
    throw new SkerryError('engine.unavailable', 'away')
  }
  const world = new World(undefined, { engine: { logSources, async *readLog() {} } })
  world.ask('r', {})
  assert.is((await world.done('r')).fault?.code, 'engine.unavailable')
})

requests('a log that cannot be read is told by its service', async () => {
  const world = new World(() => {
    throw new SkerryError('engine.refused', 'the driver does not support reading')
  })
  world.ask('r', {})
  const { fault } = await world.done('r')
  assert.equal([fault?.code, fault?.path], ['engine.refused', 'services.web.logging'])
})

requests('of all requests together one part is on its way at a time', async () => {
  const world = new World(() => [batch(lines(1000))])
  const waiting: (() => void)[] = []
  let sent = 0
  world.requests = new Requests({
    ...world.options,
    publish: () => {
      sent++
      return new Promise(resolve => waiting.push(() => resolve(true)))
    },
  })
  for (const rid of ['a', 'b', 'c']) world.ask(rid, {})
  while (sent < 30) {
    await settled()
    assert.is(waiting.length, 1)
    waiting.shift()?.()
  }
  world.requests.endAll()
})

requests('an app without containers has no lines', async () => {
  const world = new World(() => [batch(lines(1))])
  world.sources = []
  world.ask('r', {})
  assert.is((await world.done('r')).fault, undefined)
  assert.is(world.bytes('r'), 0)
})

requests('a restart is done once, of the services that are named, and answered', async () => {
  const world = new World()
  world.ask('r', { kind: 'restart', services: ['db'] })
  assert.is((await world.done('r')).fault, undefined)
  world.ask('r', { kind: 'restart', services: ['db'] })
  await settled()
  assert.equal(world.restarted, [['db']])
})

requests('a restart that waits is taken back with the request, or when nobody is heard any more', async () => {
  const signals: AbortSignal[] = []
  const restart = (_app: string, _services: readonly string[], signal: AbortSignal) =>
    new Promise<void>((_, reject) => {
      signals.push(signal)
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  const world = new World(undefined, { restart })
  world.ask('one', { kind: 'restart' })
  world.ask('two', { kind: 'restart', patienceS: 10 })
  await settled()
  world.ask('one', { kind: 'cancel' })
  assert.is((await world.done('one')).fault, undefined)
  assert.equal(
    signals.map(({ aborted }) => aborted),
    [true, false],
  )
  world.clock.advance(11_000)
  assert.is((await world.done('two')).fault?.code, 'wait.timeout')
})

requests('an answer that a dead session never acknowledges holds up none of the next', async () => {
  let dead = true
  const world = new World(undefined, {})
  const answered: string[] = []
  world.requests = new Requests({
    ...world.options,
    publish: async rid => {
      if (dead) return new Promise<boolean>(() => {})
      answered.push(rid)
      return true
    },
  })
  world.ask('lost', {})
  await settled()
  dead = false
  world.requests.endAll()
  world.ask('next', {})
  await eventually(2000, 'an answer', () => answered.includes('next'))
})

requests('whoever asks for a report gets it before the answer ends, and nothing but the answer if it has the newest', async () => {
  const world = new World()
  const holds = Uint8Array.of(1, 0, 0, 0)
  world.askForReport('has', { holds })
  await world.done('has')
  assert.equal([world.of('has'), world.retold], [[{ version: 1, part: 0, last: true }], 0])
  world.askForReport('has-not', { holds: Uint8Array.of(2, 0, 0, 0) })
  await world.done('has-not')
  assert.equal([world.of('has-not').map(({ fault }) => fault), world.retold], [[undefined, undefined], 1])
  world.askForReport('new')
  await world.done('new')
  assert.is(world.retold, 2)
})

requests('what is no request is dropped with a reason', () => {
  const world = new World()
  assert.is(world.requests.receive('r', Buffer.from('garbage'))?.code, 'message.invalid')
  assert.is(world.requests.receive('r', Buffer.alloc(40_000))?.code, 'message.too-large')
  assert.is(world.ask('gone', { kind: 'cancel' }), undefined)
  assert.is(world.ask('gone', { kind: 'credit', creditBytes: 5 }), undefined)
  assert.is(world.answers.size, 0)
})

requests('logs keep to so many bytes a second of all requests together, at the rate of the time', async () => {
  const world = new World(() => [batch(lines(50))])
  const sent = () => world.bytes('r') + world.bytes('s')
  const second = async () => {
    const before = sent()
    world.clock.advance(1000)
    await settled()
    return sent() - before
  }
  world.link = { logBytesPerS: 1000 }
  world.ask('r', {})
  world.ask('s', {})
  await settled()
  assert.is(sent(), 1000, 'what a second has room for, at once')
  assert.is(await second(), 1000)
  assert.is(await second(), 1000)
  world.link = { logBytesPerS: 200 }
  assert.ok((await second()) <= 400)
  assert.is(await second(), 200)
  world.link = {}
  world.clock.advance(1000)
  await Promise.all([world.done('r'), world.done('s')])
  assert.is(sent(), 10_000)
})

requests('a wait for the rate ends when the request is taken back', async () => {
  const world = new World(() => [batch(lines(50))])
  world.link = { logBytesPerS: 128 }
  world.ask('r', {})
  await world.sent('r', 128)
  world.ask('r', { kind: 'cancel' })
  assert.is((await world.done('r')).fault, undefined)
  assert.is(world.bytes('r'), 128)
})

for (const follow of [false, true]) {
  requests(
    `a request has so many bytes of logs and is told why there are no more${follow ? ', also where it follows them' : ''}`,
    async () => {
      const world = new World(() => [batch(lines(30)), batch(lines(30))])
      world.link = { logBytes: 4096 }
      world.ask('r', { follow })
      await world.sent('r', 4096)
      world.clock.advance(1000)
      assert.is((await world.done('r')).fault?.code, 'log.limited')
      assert.is(world.bytes('r'), 4096)
      world.link = {}
      world.ask('again', {})
      assert.is((await world.done('again')).fault, undefined)
      assert.is(world.bytes('again'), 6000)
    },
  )
}

requests('a log that ends with the last byte that it may have is whole', async () => {
  const world = new World(() => [batch(lines(30))])
  world.link = { logBytes: 3000 }
  world.ask('r', {})
  assert.is((await world.done('r')).fault, undefined)
  assert.is(world.bytes('r'), 3000)
})

requests.run()
