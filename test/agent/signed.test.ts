// Whoever can publish on an agent's topics still changes nothing: what the manager has not signed for them is refused and told.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Disk } from '../../agent/disk.js'
import { Holdings } from '../../agent/holdings.js'
import { Inbox } from '../../agent/inbox.js'
import { type Manifest, manifestCodec } from '../../protocol/messages/manifest.js'
import { encodeKeys, type Signer, signLink } from '../../protocol/signed.js'
import { ManualClock } from '../support/clock.js'
import { HeldKeys, manager, newSigner } from '../support/signing.js'

const log = pino({ level: 'silent' })
const own = 'skerry/device/a1/desired'
const line = 'skerry/group/line-1/desired'
const fleet = 'skerry/fleet/desired'
const keys = 'skerry/fleet/keys'
const here = Buffer.from('0011223344556677', 'hex')

class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'skerry-signed-'))
  readonly clock = new ManualClock()
  readonly keys: HeldKeys
  readonly asked: string[] = []
  readonly askedAgain: string[] = []
  changes = 0
  told = 0
  disk = new Disk(this.folder, log)
  holdings = new Holdings(this.disk, log)
  inbox: Inbox

  constructor(...held: readonly Uint8Array[]) {
    this.keys = new HeldKeys(...held)
    this.inbox = this.#open()
  }

  #open(): Inbox {
    return new Inbox({
      root: 'skerry',
      device: 'a1',
      holdings: this.holdings,
      keys: this.keys,
      clock: this.clock,
      log,
      leaseMs: () => 32_000,
      onDesired: () => this.changes++,
      onStanding: () => this.told++,
      onAskAgain: topics => this.askedAgain.push(...topics),
      onEpochFloor: () => {},
      onRelease: () => {},
      onRequest: rid => void this.asked.push(rid),
    })
  }

  restart(): void {
    this.inbox.stop()
    this.disk.close()
    this.disk = new Disk(this.folder, log)
    this.holdings = new Holdings(this.disk, log)
    this.inbox = this.#open()
  }

  show(topic: string, payload: Uint8Array, retained = false): void {
    this.inbox.receive(topic, Buffer.from(payload), retained)
  }

  /** After what may pass by itself has had its time. */
  faults(): string[] {
    this.clock.advance(5_000)
    return this.inbox.faults().map(({ code, path }) => `${code} ${path}`)
  }

  revisions(): (number | undefined)[] {
    return [this.holdings.device?.revision, this.holdings.groups.get('line-1')?.revision, this.holdings.fleet?.revision]
  }

  close(): void {
    this.inbox.stop()
    this.disk.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const plain = (revision: number, more: Partial<Manifest> = {}) =>
  manifestCodec.encode({ version: 1, instance: here, revision, apps: [], ...more })
const signed = (topic: string, revision: number, more: Partial<Manifest> = {}, by: Signer = manager) =>
  by.sign(topic, plain(revision, more))

const suiteOf = suite<{ world: World }>('signed messages')
suiteOf.before.each(context => {
  context.world = new World()
  context.world.show(own, signed(own, 10, { groups: ['line-1'] }))
  context.world.show(line, signed(line, 11))
})
suiteOf.after.each(({ world }) => world.close())

suiteOf('what the manager has signed is taken, and is no fault', ({ world }) => {
  assert.equal(world.revisions(), [10, 11, undefined])
  assert.equal(world.faults(), [])
})

const forgeries: [what: string, topic: string, payload: Uint8Array, fault: string][] = [
  ['an unsigned manifest', own, plain(99), 'manifest.unsigned device/a1/desired'],
  ["a group's unsigned manifest", line, plain(99), 'manifest.unsigned group/line-1/desired'],
  ['garbage', own, Buffer.from('garbage'), 'manifest.unsigned device/a1/desired'],
  ['a manifest of a stranger', own, signed(own, 99, {}, newSigner()), 'manifest.foreign device/a1/desired'],
  ['an altered manifest', own, altered(signed(own, 99)), 'manifest.forged device/a1/desired'],
  ['a manifest for another device', own, signed('skerry/device/b1/desired', 99), 'manifest.forged device/a1/desired'],
  ['a manifest for a group', own, signed(line, 99), 'manifest.forged device/a1/desired'],
  ['a manifest for another group', line, signed('skerry/group/line-2/desired', 99), 'manifest.forged group/line-1/desired'],
  ['a manifest for this device of another root', own, signed('plant/device/a1/desired', 99), 'manifest.forged device/a1/desired'],
  ['an older manifest', own, signed(own, 9), 'manifest.replayed device/a1/desired'],
  ["an older one of the device's group", line, signed(line, 10), 'manifest.replayed group/line-1/desired'],
  ['a manifest of the fleet by a stranger', fleet, signed(fleet, 99, {}, newSigner()), 'manifest.foreign fleet/desired'],
  ['keys that are none', keys, Buffer.from('x'), 'manifest.unsigned fleet/keys'],
  ['keys of a stranger', keys, chainOf(newSigner(), newSigner()), 'manifest.foreign fleet/keys'],
  ['keys that say that they follow', keys, forgedChain(), 'manifest.forged fleet/keys'],
  ['an unsigned request', 'skerry/device/a1/request/r', Buffer.from('ask'), 'manifest.unsigned device/a1/request/+'],
  [
    'a request by a stranger',
    'skerry/device/a1/request/r',
    newSigner().sign('skerry/device/a1/request/r', Buffer.from('ask')),
    'manifest.foreign device/a1/request/+',
  ],
  [
    'a request for another device',
    'skerry/device/a1/request/r',
    manager.sign('skerry/device/b1/request/r', Buffer.from('ask')),
    'manifest.forged device/a1/request/+',
  ],
  [
    'a request under another id',
    'skerry/device/a1/request/r',
    manager.sign('skerry/device/a1/request/q', Buffer.from('ask')),
    'manifest.forged device/a1/request/+',
  ],
  ['a manifest as a request', 'skerry/device/a1/request/r', signed(own, 99), 'manifest.forged device/a1/request/+'],
]

for (const [what, topic, payload, fault] of forgeries) {
  suiteOf(`${what} changes nothing, and is told`, ({ world }) => {
    const before = world.changes
    for (const retained of topic.includes('request') ? [false] : [true, false]) world.show(topic, payload, retained)
    assert.equal(world.faults(), [fault])
    assert.equal(world.revisions(), [10, 11, undefined])
    assert.equal(world.asked, [])
    assert.equal(world.keys.keys(), [manager.publicKey])
    assert.is(world.changes, before)
    assert.is(world.inbox.dropped > 0, true)
    world.restart()
    assert.equal(world.revisions(), [10, 11, undefined])
  })
}

suiteOf('a fault stands until something good comes on its topic, and is told once', ({ world }) => {
  for (let n = 0; n < 3; n++) world.show(own, plain(n + 20))
  assert.equal(world.faults(), ['manifest.unsigned device/a1/desired'])
  assert.is(world.told, 1)
  world.show(line, signed(line, 12))
  assert.equal(world.faults(), ['manifest.unsigned device/a1/desired'])
  world.show(own, signed(own, 10, { groups: ['line-1'] }))
  assert.equal(world.faults(), [])
  assert.is(world.told, 2)
})

suiteOf('what may pass by itself is told only if it does not', ({ world }) => {
  world.show(own, signed(own, 9))
  assert.equal(world.inbox.faults(), [])
  world.show(own, signed(own, 12, { groups: ['line-1'] }))
  assert.equal(world.faults(), [])
  assert.is(world.told, 0)
})

suiteOf('a fault of a group goes when the device leaves it', ({ world }) => {
  world.show(line, plain(50))
  assert.equal(world.faults(), ['manifest.unsigned group/line-1/desired'])
  world.show(own, signed(own, 12, { groups: [] }))
  assert.equal(world.faults(), [])
  world.show(line, plain(51))
  assert.equal(world.faults(), [])
})

suiteOf('a request that was refused is no longer told in the next session, or after a good one', ({ world }) => {
  const topic = 'skerry/device/a1/request/good'
  world.show('skerry/device/a1/request/r', Buffer.from('ask'))
  world.show(topic, manager.sign(topic, Buffer.from('ask')))
  assert.equal([world.faults(), world.asked], [[], ['good']])
  world.show('skerry/device/a1/request/r', Buffer.from('ask'))
  world.inbox.noteSession()
  assert.equal(world.faults(), [])
})

suiteOf('keys that were refused and cleared are no fault any more', ({ world }) => {
  world.show(keys, Buffer.from('x'))
  world.show(keys, Buffer.alloc(0))
  assert.equal(world.faults(), [])
  world.show(keys, Buffer.from('x'))
  world.inbox.noteSession()
  assert.equal(world.faults(), [], 'cleared while the device was away')
})

suiteOf('the manifest of the fleet is asked for as soon as the one of the device says that it is there', ({ world }) => {
  assert.not(world.inbox.topics().includes(fleet))
  const before = world.changes
  world.show(own, signed(own, 20, { fleet: true }))
  assert.ok(world.changes > before)
  assert.ok(world.inbox.topics().includes(fleet))
})

suiteOf('a new key is followed, kept, and the one before is good no longer', ({ world }) => {
  const next = newSigner()
  world.show(keys, chainOf(manager, next), true)
  assert.equal(world.keys.keys(), [next.publicKey])
  world.show(own, signed(own, 20))
  assert.equal(world.faults(), ['manifest.foreign device/a1/desired'])
  world.show(own, signed(own, 20, { groups: ['line-1'] }, next))
  assert.equal([world.revisions()[0], world.faults()], [20, []])
  world.show(keys, chainOf(manager, newSigner()), true)
  assert.equal(world.keys.keys(), [next.publicKey])
  assert.equal(world.faults(), ['manifest.foreign fleet/keys'])
})

suiteOf('who has slept through several keys walks to the newest; what came before it is asked for again', ({ world }) => {
  const [second, third] = [newSigner(), newSigner()]
  const chain = encodeKeys([signLink(manager, { number: 2, key: second.publicKey }), signLink(second, { number: 3, key: third.publicKey })])
  world.show(own, signed(own, 20, {}, third), true)
  assert.equal(world.inbox.faults(), [])
  world.show(keys, chain, true)
  assert.equal(world.keys.keys(), [third.publicKey])
  assert.equal(world.askedAgain, [own])
  world.show(own, signed(own, 20, {}, third), true)
  assert.equal([world.revisions()[0], world.faults(), world.told], [20, [], 1])
})

suiteOf('a key that cannot be written is not gone by, and is tried again', ({ world }) => {
  const next = newSigner()
  let full = true
  const replace = world.keys.replace.bind(world.keys)
  world.keys.replace = held => {
    if (full) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    replace(held)
  }
  world.show(keys, chainOf(manager, next), true)
  assert.equal(world.keys.keys(), [manager.publicKey])
  full = false
  world.clock.advance(60_000)
  assert.equal(world.keys.keys(), [next.publicKey])
})

suiteOf('what is held stays after its key has been retired, also over a restart', ({ world }) => {
  world.show(keys, chainOf(manager, newSigner()), true)
  world.restart()
  assert.equal(world.revisions(), [10, 11, undefined])
})

suiteOf('a manifest that needs that of the fleet waits for it, and what was there before holds meanwhile', ({ world }) => {
  world.show(own, signed(own, 20, { groups: [], fleet: true }))
  assert.equal(world.revisions(), [10, 11, undefined])
  world.show(own, signed(own, 19, { groups: [] }))
  assert.equal(world.revisions(), [10, 11, undefined])
  assert.equal(world.faults(), ['manifest.replayed device/a1/desired'])
  world.show(fleet, signed(fleet, 5, { images: ['docker.io/**'] }), true)
  assert.equal(world.revisions(), [20, undefined, 5])
  assert.equal(world.holdings.fleet?.images, ['docker.io/**'])
  world.restart()
  assert.equal(world.revisions(), [20, undefined, 5])
  world.show(fleet, signed(fleet, 4))
  assert.equal(world.revisions(), [20, undefined, 5])
})

suiteOf("the fleet's manifest may come first, and counts only for who is told that there is one", ({ world }) => {
  world.show(fleet, signed(fleet, 5), true)
  assert.equal(world.revisions(), [10, 11, undefined])
  world.show(own, signed(own, 20, { groups: ['line-1'], fleet: true }))
  assert.equal(world.revisions(), [20, 11, 5])
  world.show(own, signed(own, 21, { groups: ['line-1'] }))
  assert.equal(world.revisions(), [21, 11, undefined])
})

suiteOf('what was held once is remembered when the device leaves a group, and older is refused when it returns', ({ world }) => {
  world.show(own, signed(own, 20, { groups: [] }))
  world.restart()
  world.show(own, signed(own, 21, { groups: ['line-1'] }))
  world.show(line, signed(line, 8), true)
  assert.equal([world.revisions()[1], world.faults()], [undefined, ['manifest.replayed group/line-1/desired']])
  world.show(line, signed(line, 11), true)
  assert.equal([world.revisions()[1], world.faults()], [11, []])
})

suiteOf('a device that left its fleet and came back takes nothing from before', ({ world }) => {
  world.holdings.forget()
  world.restart()
  assert.equal(world.revisions(), [undefined, undefined, undefined])
  world.show(own, signed(own, 9))
  assert.equal([world.revisions()[0], world.faults()], [undefined, ['manifest.replayed device/a1/desired']])
  world.show(own, signed(own, 30))
  assert.equal([world.revisions()[0], world.faults()], [30, []])
})

suiteOf('a manager with a new database is foreign until the device has joined it; then its revisions count anew', ({ world }) => {
  const other = newSigner()
  const there = Buffer.alloc(8, 7)
  world.show(own, signed(own, 1, { instance: there }, other))
  assert.equal([world.revisions()[0], world.faults()], [10, ['manifest.foreign device/a1/desired']])
  world.keys.replace([other.publicKey])
  world.show(own, signed(own, 1, { instance: there, fleet: true }, other))
  assert.equal(world.revisions()[0], 10)
  world.show(fleet, signed(fleet, 2, { instance: there }, other))
  assert.equal([world.revisions()[0], world.revisions()[2]], [1, 2])
  world.show(own, signed(own, 50))
  assert.equal([world.revisions()[0], world.faults()], [1, ['manifest.foreign device/a1/desired']])
})

function altered(message: Uint8Array): Uint8Array {
  const copy = Buffer.from(message)
  // Within the payload.
  copy[30]! ^= 1
  return copy
}

function chainOf(from: Signer, to: Signer): Buffer {
  return encodeKeys([signLink(from, { number: 2, key: to.publicKey })])
}

/** Names the key of the manager, and is signed by another. */
function forgedChain(): Buffer {
  const [honest, other] = [
    signLink(manager, { number: 2, key: newSigner().publicKey }),
    signLink(newSigner(), { number: 2, key: newSigner().publicKey }),
  ]
  return encodeKeys([Buffer.concat([honest.subarray(0, -64), other.subarray(-64)])])
}

suiteOf.run()
