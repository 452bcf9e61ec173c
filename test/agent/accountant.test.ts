// The count of a device's bytes over restarts, kills and managers, and when it is told; the clock moves only when a test says so.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Accountant } from '../../agent/accountant.js'
import { Disk } from '../../agent/disk.js'
import { foldUsage, type Told } from '../../manager/core/usage.js'
import { unwrap } from '../../protocol/errors.js'
import { profiles } from '../../protocol/messages/link.js'
import { noTraffic, type Traffic, totalBytes, type Usage, usageCodec } from '../../protocol/messages/usage.js'
import { ManualClock } from '../support/clock.js'

const silent = pino({ level: 'silent' })
const here = Buffer.from('0011223344556677', 'hex')
const elsewhere = Buffer.from('8899aabbccddeeff', 'hex')

/** A device with one agent after another, on one disk. */
class Life {
  readonly folder = mkdtempSync(join(tmpdir(), 'skerry-accountant-'))
  readonly clock = new ManualClock()
  readonly told: Usage[] = []
  instance: Uint8Array | undefined = here
  usageS = profiles.lan.usageS
  connected = true
  quiet = false
  /** Of the file. */
  writes = 0
  /** What the agent of the time has sent as heartbeats. */
  #sent = 0
  #epoch = 0x10000
  #disk: Disk | undefined
  accountant = this.start()

  /** Where an agent runs it is killed. */
  start(): Accountant {
    this.#disk?.close()
    const disk = new Disk(this.folder, silent)
    this.#disk = disk
    const isRunning = () => this.#disk === disk
    this.#sent = 0
    this.#epoch += 0x10000
    const number = this.#epoch
    this.accountant = new Accountant({
      disk: {
        loadCount: () => disk.loadCount(),
        saveCount: count => {
          this.writes++
          disk.saveCount(count)
        },
      },
      traffic: { sums: () => this.#sums() },
      clock: {
        now: this.clock.now,
        monotonic: this.clock.monotonic,
        after: (delayMs, run) => this.clock.after(delayMs, () => isRunning() && run()),
      },
      link: () => ({ ...profiles.lan, usageS: this.usageS }),
      quiet: () => this.quiet,
      connected: () => this.connected,
      instance: () => this.instance,
      number: () => number,
      publish: async payload => {
        if (this.connected) this.told.push(unwrap(usageCodec.decode(payload)))
        return this.connected
      },
    })
    this.accountant.start()
    return this.accountant
  }

  send(bytes: number): void {
    this.#sent += bytes
  }

  /** Moves on, minute by minute, as a publish takes its turn. */
  async pass(minutes: number): Promise<void> {
    for (let n = 0; n < minutes; n++) {
      this.clock.advance(60_000)
      await Promise.resolve()
    }
  }

  async spend(bytes: number, minutes = 1): Promise<void> {
    this.send(bytes)
    await this.pass(minutes)
  }

  /** So many bytes in each minute. */
  async each(minutes: number, bytes: number): Promise<void> {
    for (let n = 0; n < minutes; n++) await this.spend(bytes)
  }

  async stop(): Promise<void> {
    this.accountant.finish()
    await Promise.resolve()
    this.accountant.stop()
  }

  /** As a release does. */
  forget(): void {
    this.#disk?.forget()
    this.instance = undefined
  }

  /** Of the message that was told last. */
  get last(): [count: number, bytes: number] | undefined {
    const message = this.told.at(-1)
    return message && [message.count, message.heartbeat.sent]
  }

  /** What a manager has on its account after all that was told. */
  get account(): number {
    let before: Told | undefined
    let sum = 0
    for (const usage of this.told) {
      const folded = foldUsage(before, usage)
      before = folded?.told ?? before
      sum += folded === undefined ? 0 : totalBytes(folded.added)
    }
    return sum
  }

  end(): void {
    this.#disk?.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #sums(): Traffic {
    return { ...noTraffic, heartbeat: { sent: this.#sent, received: 0 } }
  }
}

const test = suite<{ life: Life }>('agent: accountant')
test.before.each(context => {
  context.life = new Life()
})
test.after.each(({ life }) => life.end())

test('what was used is told as often as the link says, and before a clean end', async ({ life }) => {
  life.usageS = 300
  await life.spend(100, 4)
  assert.is(life.told.length, 0)
  await life.pass(1)
  assert.equal(life.last, [0x20000, 100])
  life.send(11)
  await life.stop()
  assert.equal(life.last, [0x20000, 111])
})

test('a link that tells more rarely from now on is heeded at once', async ({ life }) => {
  await life.pass(3)
  assert.is(life.told.length, 3)
  life.usageS = 3600
  await life.pass(59)
  assert.is(life.told.length, 3)
  await life.pass(1)
  assert.is(life.told.length, 4)
})

test('the count goes on after a restart', async ({ life }) => {
  life.send(100)
  await life.stop()
  life.start()
  life.send(20)
  await life.stop()
  assert.equal(life.last, [0x20000, 120])
})

test('what was sent after the last word is told by the next agent', async ({ life }) => {
  life.send(100)
  life.accountant.finish()
  life.send(9)
  life.accountant.stop()
  life.start()
  await life.stop()
  assert.equal(life.last, [0x20000, 109])
})

test('an agent that is killed where it tells often goes on with another count, and nothing counts for nothing', async ({ life }) => {
  await life.spend(1000, 10)
  await life.spend(40)
  assert.is(life.account, 1040)
  life.start()
  await life.spend(30)
  assert.equal(life.last, [0x30000, 30])
  assert.is(life.account, 1070)
  life.start()
  life.connected = false
  await life.spend(20, 10)
  life.connected = true
  life.start()
  await life.spend(7)
  assert.equal(life.last, [0x40000, 27])
  assert.is(life.account, 1097)
})

test('an agent that is killed where it tells rarely goes on with the same count, from what was told', async ({ life }) => {
  life.usageS = 3600
  await life.spend(1000, 59)
  await life.spend(30)
  assert.equal(life.last, [0x20000, 1030])
  life.start()
  await life.spend(5)
  await life.stop()
  assert.equal(life.last, [0x20000, 1035])
  assert.is(life.account, 1035)
})

test('whenever an agent is killed, nothing is counted twice, and ten minutes or half of a short run are lost at most', async ({ life }) => {
  for (const usageS of [60, 3600, 180, 21_600]) {
    life.usageS = usageS
    for (const minutes of [1, 2, 3, 5, 9, 14, 61, 7]) {
      life.connected = minutes !== 5
      const before = life.account
      await life.each(minutes, 100)
      life.start()
      life.usageS = 60
      life.connected = true
      await life.pass(1)
      const counted = life.account - before
      life.usageS = usageS
      const lost = minutes * 100 - counted
      assert.ok(lost >= 0 && lost <= 100 * Math.min(10, minutes / 2), `${usageS} s: of ${minutes} min ${lost} bytes`)
    }
  }
})

test('the time since the last account goes on over starts, and much that is untold is told soon after one', async ({ life }) => {
  life.usageS = 3600
  for (let n = 0; n < 7; n++) {
    await life.each(8, 10)
    life.start()
  }
  assert.is(life.told.length, 0)
  await life.pass(4)
  assert.equal(life.last, [0x20000, 560])
  life.connected = false
  await life.spend(300_000)
  life.start()
  life.connected = true
  await life.pass(1)
  assert.equal(life.last, [0x20000, 300_560])
})

test('of a vehicle that is only ever switched off, nearly all bytes are accounted for, with few messages and writes', async ({ life }) => {
  life.usageS = profiles.cellular.usageS
  const trips = 600
  const real = (trips + 1) * 3000 + (12 + trips * 9) * 35
  life.send(3000)
  await life.each(12, 35)
  for (let n = 0; n < trips; n++) {
    life.start()
    life.send(3000)
    await life.each(9, 35)
  }
  assert.ok(life.account > 0.95 * real && life.account <= real, `${life.account} of ${real}`)
  assert.ok(life.told.length < trips / 4, `${life.told.length} messages`)
  assert.ok(life.writes < trips * 5, `${life.writes} writes`)
})

test('an agent that tells each minute writes once, and one that tells rarely every ten minutes', async ({ life }) => {
  await life.each(600, 100)
  assert.is(life.writes, 1)
  life.usageS = 21_600
  await life.each(600, 100)
  assert.ok(life.writes <= 1 + 62, `${life.writes} writes`)
})

test('what is told before its time each minute costs no write each time', async ({ life }) => {
  for (const { usageS } of [profiles.cellular, profiles.satellite]) {
    life.usageS = usageS
    const [writes, told] = [life.writes, life.told.length]
    await life.each(600, 300 * 60)
    assert.ok(life.told.length - told > 500, `${life.told.length - told} accounts`)
    assert.ok(life.writes - writes <= 5, `${life.writes - writes} writes`)
    life.start()
    await life.spend(100)
    await life.stop()
    life.start()
  }
  assert.is(life.account, 2 * (600 * 300 * 60 + 100))
})

test('what could not be told for long is on disk before it is told, however often it is', async ({ life }) => {
  await life.spend(1000, 5)
  life.connected = false
  await life.spend(60_000, 15)
  life.connected = true
  await life.pass(1)
  const { account } = life
  // Killed, and its last account was lost on its way.
  life.told.pop()
  life.start()
  await life.spend(1)
  assert.is(life.account, account + 1)
})

test('much that is used at once is written down at once', async ({ life }) => {
  life.usageS = 3600
  life.connected = false
  await life.spend(70_000)
  life.start()
  life.connected = true
  await life.stop()
  assert.equal(life.last, [0x20000, 70_000])
})

test('while there is no connection nothing is told, and then all of it', async ({ life }) => {
  life.connected = false
  await life.spend(100, 120)
  assert.is(life.told.length, 0)
  life.connected = true
  await life.pass(1)
  assert.equal(life.last, [0x20000, 100])
})

test('much that is used is told before its time, once a minute at most', async ({ life }) => {
  life.usageS = 86_400
  await life.spend(16_383, 10)
  assert.is(life.told.length, 0)
  await life.spend(1)
  assert.equal(life.last, [0x20000, 16_384])
  await life.pass(10)
  assert.is(life.told.length, 1)
})

test('in quiet hours nothing is told, but before the end', async ({ life }) => {
  life.quiet = true
  await life.spend(300_000, 100)
  assert.is(life.told.length, 0)
  await life.stop()
  assert.equal(life.last, [0x20000, 300_000])
})

test('what was used before the first manifest belongs to its manager', async ({ life }) => {
  life.instance = undefined
  life.start()
  life.send(50)
  await life.stop()
  life.start()
  life.instance = here
  await life.spend(5)
  assert.equal(life.last, [0x30000, 55])
})

test('another manager is told of another count', async ({ life }) => {
  await life.spend(100)
  life.instance = elsewhere
  await life.spend(7)
  await life.spend(8)
  assert.equal(life.last, [0x20001, 8])
  await life.stop()
  life.start()
  await life.spend(1)
  assert.equal(life.last, [0x20001, 9])
})

test('a state folder that is older than what was told begins another count', async ({ life }) => {
  await life.spend(100)
  life.accountant.beginAnew()
  await life.spend(3)
  assert.equal(life.last, [0x20001, 3])
})

test('nothing is kept for a manager that has released the device', async ({ life }) => {
  await life.spend(100, 10)
  life.forget()
  life.send(10)
  await life.stop()
  life.start()
  life.instance = here
  await life.spend(1)
  assert.equal(life.last, [0x30000, 1])
})

test.run()
