// The connection to the broker over TCP: the keep-alive that it asks for, silence, what leaves in one piece, and how it ends for the sake of another.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { generate, type IConnectPacket, type Packet, parser } from 'mqtt-packet'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Link, type LinkOptions } from '../../agent/link.js'
import { Traffic } from '../../agent/traffic.js'
import { profiles, type Link as Settings } from '../../protocol/messages/link.js'
import { ManualClock } from '../support/clock.js'
import { eventually, within } from '../support/within.js'

/** Lets everybody in, and answers what is to be answered unless it is mute. */
class Broker {
  readonly packets: Packet[] = []
  /** Bytes as they came in one piece. */
  readonly pieces: Buffer[] = []
  isMute = false
  readonly #server: Server
  #last: Socket | undefined

  constructor() {
    this.#server = createServer(socket => this.#take(socket))
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get connects(): IConnectPacket[] {
    return this.packets.filter(packet => packet.cmd === 'connect')
  }

  kinds(): string[] {
    return this.packets.map(({ cmd }) => cmd)
  }

  send(...packets: Packet[]): void {
    this.#last?.write(Buffer.concat(packets.map(packet => generate(packet))))
  }

  close(): void {
    this.#last?.destroy()
    this.#server.close()
  }

  #take(socket: Socket): void {
    this.#last = socket
    const input = parser()
    socket.on('error', () => {})
    socket.on('data', bytes => {
      this.pieces.push(bytes)
      input.parse(bytes)
    })
    input.on('packet', packet => {
      this.packets.push(packet)
      if (!this.isMute) this.#answer(socket, packet)
    })
  }

  #answer(socket: Socket, packet: Packet): void {
    if (packet.cmd === 'connect') socket.write(generate({ cmd: 'connack', returnCode: 0, sessionPresent: false }))
    if (packet.cmd === 'subscribe') {
      socket.write(generate({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: packet.subscriptions.map(() => 1) }))
    }
    if (packet.cmd === 'unsubscribe') socket.write(generate({ cmd: 'unsuback', messageId: packet.messageId ?? 0, granted: [] }))
    if (packet.cmd === 'publish' && packet.qos === 1) socket.write(generate({ cmd: 'puback', messageId: packet.messageId ?? 0 }))
    if (packet.cmd === 'disconnect') socket.end()
  }
}

interface World {
  broker: Broker
  clock: ManualClock
  link: Link
  settings: Settings
  /** Topics of messages, and of subscriptions in brackets. */
  heard: string[]
  open: LinkOptions['onOpening']
  greet: () => void
}

const test = suite<World>('agent: link')

test.before.each(async world => {
  world.broker = new Broker()
  world.clock = new ManualClock()
  world.settings = profiles.lan
  world.heard = []
  world.open = () => {}
  world.greet = () => {}
  const url = await world.broker.listen()
  world.link = new Link({
    reach: () => ({ url }),
    clientId: 'dev-press-7',
    statusTopic: 'skerry/device/press-7/status',
    openSession: () => ({ epoch: 1, will: Buffer.from('x') }),
    settings: () => world.settings,
    retries: { firstMs: 1_000, maxMs: 60_000 },
    clock: world.clock,
    random: () => 0.5,
    log: pino({ level: 'silent' }),
    traffic: new Traffic('skerry', world.clock),
    onOpening: publish => world.open(publish),
    onConnected: () => world.greet(),
    onSubscribed: topic => world.heard.push(`(${topic})`),
    onDenied: topics => world.heard.push(...topics.map(topic => `(not ${topic})`)),
    onLost: () => {},
    onRefused: () => {},
    onMessage: topic => world.heard.push(topic),
  })
})

test.after.each(async ({ link, broker }) => {
  await within(10_000, 'the link stops', link.stop())
  broker.close()
})

async function connect({ link }: World): Promise<void> {
  link.start()
  await eventually(5_000, 'the link is up', () => link.connected)
}

async function leaves({ broker }: World): Promise<void> {
  await eventually(5_000, 'a DISCONNECT', () => broker.kinds().includes('disconnect'))
}

/** Lets the pauses between attempts pass. */
async function comesAgain({ broker, clock, link }: World, times: number): Promise<void> {
  await eventually(10_000, `connect ${times}`, () => {
    if (broker.connects.length < times) clock.advance(500)
    return broker.connects.length === times && link.connected
  })
}

test('the keep-alive is that of the settings; a longer one needs another session, which begins after a DISCONNECT', async world => {
  const { broker, link } = world
  await connect(world)
  assert.is(broker.connects[0]?.keepalive, 22)
  world.settings = { ...profiles.lan, intervalS: 5, keepaliveS: 10 }
  link.adjust()
  assert.ok(link.connected, 'the broker hears a device that says more than it has to')
  world.settings = profiles.cellular
  link.adjust()
  assert.is(link.connected, false)
  await leaves(world)
  await comesAgain(world, 2)
  assert.equal(broker.kinds(), ['connect', 'disconnect', 'connect'])
  assert.is(broker.connects[1]?.keepalive, 2400)
})

test('what was said before a session ends for another is acknowledged first', async world => {
  const { broker, link } = world
  await connect(world)
  broker.isMute = true
  let arrived: boolean | undefined
  void link.publish('skerry/device/press-7/status', Buffer.from('birth'), { qos: 1, retain: true }).then(known => {
    arrived = known
  })
  link.reconnect()
  const publish = await eventually(5_000, 'the birth', () => broker.packets.find(({ cmd }) => cmd === 'publish'))
  assert.equal(broker.kinds(), ['connect', 'publish'])
  broker.isMute = false
  broker.send({ cmd: 'puback', messageId: publish.messageId ?? 0 })
  await leaves(world)
  await comesAgain(world, 2)
  assert.is(arrived, true)
  assert.equal(broker.kinds(), ['connect', 'publish', 'disconnect', 'connect'])
})

test('a broker that says nothing is given up after one and a half keep-alives, and not while it answers', async world => {
  const { broker, clock, link } = world
  await connect(world)
  clock.advance(32_000)
  await link.publish('skerry/h/press-7', Buffer.from('x'), { qos: 1, retain: false })
  assert.ok(link.silentMs() < 1_000, 'an answer is a sign of life')
  broker.isMute = true
  clock.advance(32_000)
  assert.ok(link.connected)
  void link.publish('skerry/h/press-7', Buffer.from('x'), { qos: 1, retain: false })
  await eventually(5_000, 'it is asked', () => broker.kinds().filter(kind => kind === 'publish').length === 2)
  clock.advance(1_000)
  assert.is(link.connected, false)
  broker.isMute = false
  await comesAgain(world, 2)
})

test('settings that have become shorter count at once', async world => {
  const { clock, link } = world
  world.settings = profiles.satellite
  await connect(world)
  clock.advance(60_000)
  assert.ok(link.connected)
  world.settings = profiles.lan
  link.adjust()
  clock.advance(1)
  assert.is(link.connected, false)
})

test('what is wanted already, and a birth, leave with the CONNECT; the answers are heard once the session is open', async world => {
  const { broker, link, heard } = world
  broker.isMute = true
  world.open = publish => void publish('birth', Buffer.from('x')).then(arrived => heard.push(`birth: ${arrived}`))
  world.greet = () => {
    heard.push('greeting')
    link.want(new Set(['a', 'c']))
  }
  link.want(new Set(['a', 'b']))
  link.start()
  const subscribe = await eventually(5_000, 'the filters', () => broker.packets.find(({ cmd }) => cmd === 'subscribe'))
  const birth = await eventually(5_000, 'the birth', () => broker.packets.find(packet => packet.cmd === 'publish'))
  assert.equal([birth.qos, birth.retain, birth.topic], [1, true, 'birth'])
  assert.equal(broker.kinds(), ['connect', 'subscribe', 'publish'])
  assert.is(broker.pieces.length, 1)
  assert.equal(heard, [])
  broker.isMute = false
  broker.send(
    { cmd: 'connack', returnCode: 0, sessionPresent: false },
    { cmd: 'suback', messageId: subscribe.messageId ?? 0, granted: [1, 0x80] },
    { cmd: 'publish', topic: 'a', payload: Buffer.from('x'), qos: 0, retain: true, dup: false },
    { cmd: 'puback', messageId: birth.messageId ?? 0 },
  )
  await eventually(5_000, 'what has changed meanwhile', () => heard.includes('(c)'))
  assert.equal(
    heard.filter(each => each !== 'birth: true'),
    ['greeting', '(a)', '(not b)', 'a', '(c)'],
  )
  assert.ok(heard.includes('birth: true'))
  assert.equal(broker.kinds(), ['connect', 'subscribe', 'publish', 'unsubscribe', 'subscribe'])
})

test('an agent that stops before the broker has answered says so behind its birth', async world => {
  const { broker, link, heard } = world
  broker.isMute = true
  world.greet = () => heard.push('greeting')
  link.start()
  await eventually(5_000, 'the CONNECT', () => broker.kinds().includes('connect'))
  const stopped = link.stop(Buffer.from('bye'))
  const farewell = await eventually(5_000, 'the farewell', () => broker.packets.find(packet => packet.cmd === 'publish'))
  assert.equal([farewell.topic, String(farewell.payload), farewell.retain], ['skerry/device/press-7/status', 'bye', true])
  broker.send({ cmd: 'connack', returnCode: 0, sessionPresent: false }, { cmd: 'puback', messageId: farewell.messageId ?? 0 })
  await within(5_000, 'the link stops', stopped)
  await leaves(world)
  assert.equal(broker.kinds(), ['connect', 'publish', 'disconnect'])
  assert.equal(heard, [])
})

test('a broker that refuses the connection is asked anew', async world => {
  const { broker, link, heard } = world
  broker.isMute = true
  world.open = publish => void publish('birth', Buffer.from('x')).then(arrived => heard.push(`birth: ${arrived}`))
  link.want(new Set(['a']))
  link.start()
  await eventually(5_000, 'the filters', () => broker.kinds().includes('subscribe'))
  broker.send({ cmd: 'connack', returnCode: 3, sessionPresent: false })
  broker.isMute = false
  await comesAgain(world, 2)
  await eventually(5_000, 'the answers', () => heard.length === 3)
  assert.equal(heard[0], 'birth: false')
  assert.equal(heard.slice(1).sort(), ['(a)', 'birth: true'])
  assert.equal(broker.kinds(), ['connect', 'subscribe', 'publish', 'connect', 'subscribe', 'publish'])
})

test('all that is wanted when a session begins goes into one SUBSCRIBE', async world => {
  world.greet = () => {
    world.link.want(new Set(['a']))
    world.link.want(new Set(['a', 'b', 'c']))
  }
  await connect(world)
  await eventually(5_000, 'the filters', () => world.broker.kinds().includes('subscribe'))
  await world.link.publish('x', Buffer.alloc(0), { qos: 1, retain: false })
  const filters = world.broker.packets.flatMap(packet =>
    packet.cmd === 'subscribe' ? [packet.subscriptions.map(({ topic }) => topic)] : [],
  )
  assert.equal(filters, [['a', 'b', 'c']])
})

test('what is said when a session begins, and what is answered to one arrival, leaves in one piece', async world => {
  const { broker } = world
  world.greet = () => {
    void world.link.publish('birth', Buffer.from('x'), { qos: 1, retain: true })
    void world.link.publish('report', Buffer.from('x'), { qos: 1, retain: true })
    world.link.want(new Set(['a']))
  }
  await connect(world)
  await eventually(5_000, 'the filters', () => broker.kinds().includes('subscribe'))
  assert.equal(broker.pieces.length, 2, 'CONNECT, and the rest')
  const message = (messageId: number): Packet => ({
    ...{ cmd: 'publish', topic: 'a', payload: Buffer.from('x'), qos: 1, retain: true, dup: false, messageId },
  })
  broker.send(message(1), message(2), message(3))
  await eventually(5_000, 'three messages', () => world.heard.filter(topic => topic === 'a').length === 3)
  const answers = () => broker.kinds().filter(kind => kind === 'puback').length
  assert.is(answers(), 0, 'acknowledgements wait for something that is said')
  await world.link.publish('heartbeat', Buffer.from('x'), { qos: 0, retain: false })
  await eventually(5_000, 'three answers', () => answers() === 3)
  assert.is(broker.pieces.length, 3)
})

test('many acknowledgements wait for nothing', async world => {
  const { broker } = world
  world.greet = () => world.link.want(new Set(['a']))
  await connect(world)
  await eventually(5_000, 'the filters', () => broker.kinds().includes('subscribe'))
  const message = (messageId: number): Packet => ({
    ...{ cmd: 'publish', topic: 'a', payload: Buffer.from('x'), qos: 1, retain: false, dup: false, messageId },
  })
  broker.send(...Array.from({ length: 8 }, (_, at) => message(at + 1)))
  await eventually(5_000, 'all answers', () => broker.kinds().filter(kind => kind === 'puback').length === 8)
})

test('no ping is sent, however long there is nothing to say', async world => {
  world.settings = { ...profiles.lan, keepaliveS: 1 }
  await connect(world)
  // By the system's clock, as that is what a library's pings would go by.
  await new Promise(resolve => setTimeout(resolve, 2_500))
  assert.equal(world.broker.kinds(), ['connect'])
  assert.ok(world.link.connected)
})

test.run()
