// Permits as they come in, in sessions that begin and end: a clock by hand, and a disk that is a list.
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PermitMode } from '../../agent/core/hold.js'
import { decodePermits, encodePermits, type KeptPermit } from '../../agent/core/hold-file.js'
import { Interlock } from '../../agent/interlock.js'
import type { Hold } from '../../protocol/messages/reported.js'
import { ManualClock } from '../support/clock.js'

const beginningS = new ManualClock().now() / 1000
const own = 'skerry/permit/device/a1'
const line = 'skerry/permit/group/line-1'

/** Time passes between two looks at it, as it does. */
class RunningClock extends ManualClock {
  stepMs = 0
  #passedMs = 0
  override readonly monotonic = (): number => {
    this.#passedMs += this.stepMs
    return this.now() + this.#passedMs
  }
}

class Device {
  readonly clock = new RunningClock()
  groups: readonly string[] = ['line-1']
  isManifestHeld = false
  isClockWrong = false
  isForgotten = false
  keptHold: Hold | undefined
  /** Of the hold's file. */
  holdWrites = 0
  kept: readonly KeptPermit[] = []
  writes = 0
  changes = 0
  interlock: Interlock

  constructor(public mode: PermitMode = 'optional') {
    this.interlock = this.start()
  }

  /** Starts anew with what is on disk. */
  start(): Interlock {
    this.interlock = new Interlock({
      root: 'skerry',
      device: 'a1',
      mode: () => this.mode,
      disk: {
        loadPermits: () => decodePermits(Buffer.from(encodePermits(this.kept))) ?? [],
        savePermits: kept => {
          this.kept = kept
          this.writes++
        },
        loadHold: () => this.keptHold,
        saveHold: hold => {
          this.keptHold = hold
          this.holdWrites++
        },
      },
      groups: () => this.groups,
      isManifestHeld: () => this.isManifestHeld,
      leaseMs: () => 5_000,
      nowS: () => (this.isClockWrong ? undefined : Math.floor(this.clock.now() / 1000)),
      isForgotten: () => this.isForgotten,
      clock: this.clock,
      log: pino({ level: 'silent' }),
      onChange: () => {
        this.changes++
      },
    })
    this.interlock.follow()
    return this.interlock
  }

  /** Ends as it should, and starts anew. */
  restart(): void {
    this.interlock.stop()
    this.start()
  }

  /** A session in which the broker has these. */
  connect(retained: Readonly<Record<string, string>> = {}): void {
    this.interlock.noteSession()
    for (const topic of this.interlock.topics()) this.interlock.noteSubscribed(topic)
    for (const [topic, payload] of Object.entries(retained)) this.say(topic, payload, true)
  }

  say(topic: string, payload: string, retained = false): void {
    assert.is(this.interlock.receive(topic, Buffer.from(payload), retained), true)
  }

  /** Since when it is held, in seconds after the beginning. */
  get since(): number | undefined {
    const { hold } = this.interlock.clearance
    return hold?.since === undefined ? undefined : hold.since - beginningS
  }

  /** `free`, `waits` while it is not known, or why it is held. */
  get is(): string {
    const { mayAct, hold } = this.interlock.clearance
    if (hold !== undefined) return [hold.by, hold.why].join(' ')
    return mayAct ? 'free' : 'waits'
  }
}

const test = suite('interlock')

test('without a broker a device acts; in a session it waits until it is known what the broker has', () => {
  const device = new Device()
  assert.is(device.is, 'free')
  device.connect({ [own]: '1' })
  assert.is(device.is, 'waits')
  device.say(line, '1', true)
  assert.is(device.is, 'free')
  device.interlock.noteLost()
  assert.is(device.is, 'free')
})

test('nothing came within the time that what is retained takes: there is no permit', () => {
  const device = new Device()
  device.connect()
  device.clock.advance(1_999)
  assert.is(device.is, 'waits')
  device.clock.advance(1)
  assert.is(device.is, 'free')
  assert.is(device.changes, 2)
})

test('where a manifest is to come, a permit that a lossy link brings late is waited for as long as a heartbeat would be', () => {
  const device = new Device()
  device.connect({ [own]: '1', [line]: '0' })
  assert.is(device.is, 'group withheld')
  device.isManifestHeld = true
  device.connect({ [own]: '1' })
  device.clock.advance(4_999)
  assert.is(device.is, 'group withheld')
  device.say(line, '1', true)
  assert.is(device.is, 'free')
  device.connect({ [own]: '1' })
  device.clock.advance(5_000)
  assert.is(device.is, 'free')
})

test('the retained manifest of the same group or device tells sooner that there is none, a live one tells nothing', () => {
  const device = new Device()
  device.connect({ [own]: '1' })
  device.interlock.noteManifest('skerry/device/a1/desired')
  device.clock.advance(1_000)
  assert.is(device.is, 'waits')
  device.interlock.noteManifest('skerry/group/line-1/desired')
  device.clock.advance(250)
  assert.is(device.is, 'free')
})

test('a group that is joined is waited for, and one that is left no longer counts', () => {
  const device = new Device()
  device.connect({ [own]: '1', [line]: '1' })
  device.groups = ['line-1', 'line-2']
  device.interlock.follow()
  assert.is(device.is, 'waits')
  assert.equal(device.interlock.topics(), [own, line, 'skerry/permit/group/line-2'])
  device.say('skerry/permit/group/line-2', '0', true)
  assert.is(device.is, 'group withheld')
  device.groups = ['line-1']
  device.interlock.follow()
  assert.is(device.is, 'free')
  assert.is(device.kept.length, 2)
})

test('a copy that comes after a live message is older', () => {
  const device = new Device()
  device.groups = []
  device.interlock.follow()
  device.connect()
  device.say(own, '0')
  device.say(own, '1', true)
  assert.is(device.is, 'device withheld')
  device.connect({ [own]: '1' })
  assert.is(device.is, 'free')
})

test('a lease lapses without a word, in a session and out of one; a live message renews it, a copy does not', () => {
  const device = new Device()
  device.groups = []
  device.interlock.follow()
  device.connect()
  device.say(own, '1 30')
  const { writes } = device
  device.clock.advance(29_000)
  device.say(own, '1 30')
  device.clock.advance(29_000)
  assert.is(device.is, 'free')
  // Connected anew, with a copy of it: what runs goes on.
  device.connect({ [own]: '1 30' })
  assert.is(device.is, 'free')
  device.interlock.noteLost()
  const before = device.changes
  device.clock.advance(1_000)
  assert.is(device.is, 'device lapsed')
  assert.is(device.changes, before + 1)
  device.connect({ [own]: '1 30' })
  assert.is(device.is, 'device lapsed')
  device.say(own, '1 30')
  assert.is(device.is, 'free')
  // Renewals are not written: the value, its lease and its giver are as before.
  assert.is(device.writes, writes)
})

test('a lease that ends between two looks at the clock is not missed', () => {
  const device = new Device()
  device.groups = []
  device.interlock.follow()
  device.connect()
  device.say(own, '1 30')
  device.clock.advance(29_999)
  // Something is settled just then, and what time it is is asked twice.
  device.clock.stepMs = 0.6
  const before = device.changes
  device.interlock.follow()
  device.clock.stepMs = 0
  device.clock.advance(10)
  assert.is(device.is, 'device lapsed')
  assert.is(device.changes, before + 1)
})

test('a start without a broker goes by what was known; a leased permit has lapsed, what was taken away is gone', () => {
  const device = new Device()
  device.connect({ [own]: '0', [line]: '1' })
  device.start()
  assert.is(device.is, 'device withheld')
  device.connect({ [line]: '1' })
  assert.is(device.is, 'device withheld')
  device.clock.advance(2_000)
  assert.is(device.is, 'free')
  device.say(line, '1 30')
  device.start()
  assert.is(device.is, 'group lapsed')
  device.connect({ [own]: '1' })
  device.say(line, '')
  assert.is(device.is, 'free')
  device.start()
  assert.is(device.is, 'free')
})

test('garbage changes nothing, is counted and told until something good comes', () => {
  const device = new Device()
  device.connect({ [own]: '0', [line]: '1' })
  device.say(own, 'perhaps')
  device.say(own, '\u0000')
  assert.is(device.is, 'device withheld')
  assert.is(device.interlock.dropped, 2)
  assert.equal(
    device.interlock.faults().map(({ code, path }) => [code, path]),
    [['request.invalid', 'permit/device/a1']],
  )
  device.say(own, '1')
  assert.equal(device.interlock.faults(), [])
  assert.is(device.is, 'free')
  // Of others, or no permit's topic at all.
  device.say('skerry/permit/device/b2', '0')
  assert.is(device.interlock.receive('skerry/device/a1/desired', Buffer.from('0'), false), false)
  assert.is(device.is, 'free')
})

test('a permit that the broker does not let it read is told, and what is known counts on', () => {
  const device = new Device()
  device.connect({ [own]: '1', [line]: '0' })
  device.interlock.noteSession()
  device.say(own, '1', true)
  device.interlock.noteDenied(line)
  assert.is(device.is, 'group withheld')
  assert.equal(
    device.interlock.faults().map(({ code, path }) => [code, path]),
    [['auth.forbidden', 'permit/group/line-1']],
  )
  // In a session in which it may, nothing is wrong any more.
  device.connect({ [own]: '1', [line]: '1' })
  assert.equal(device.interlock.faults(), [])
  assert.is(device.is, 'free')
})

test('where the owner wants a permit nothing is done without one, nor a lease of heartbeats after the broker went', () => {
  const device = new Device('required')
  assert.is(device.is, 'owner missing')
  device.connect({ [own]: '1' })
  assert.is(device.is, 'waits')
  device.clock.advance(2_000)
  assert.is(device.is, 'free')
  device.interlock.noteLost()
  device.clock.advance(4_999)
  assert.is(device.is, 'free')
  const before = device.changes
  device.clock.advance(1)
  assert.is(device.is, 'owner missing')
  assert.is(device.changes, before + 1)
  // With what it knew from before the start, too.
  device.start()
  assert.is(device.is, 'owner missing')
  device.connect({ [own]: '1', [line]: '1' })
  assert.is(device.is, 'free')
  device.say(own, '')
  device.say(line, '')
  assert.is(device.is, 'owner missing')
})

test('where the owner wants a permit, a session that ends before all permits are heard begins no lease, nor renews one', () => {
  const device = new Device('required')
  device.kept = [{ of: { kind: 'device', name: 'a1' }, standing: { value: true } }]
  device.start()
  assert.is(device.is, 'owner missing')
  for (let n = 0; n < 3; n++) {
    device.connect()
    assert.is(device.is, 'waits')
    device.interlock.noteLost()
    assert.is(device.is, 'owner missing')
  }
  device.connect({ [own]: '1' })
  device.interlock.noteLost()
  assert.is(device.is, 'owner missing')
  // The lease of a session in which all was heard runs on through others that say nothing.
  device.connect({ [own]: '1', [line]: '1' })
  device.interlock.noteLost()
  for (let n = 0; n < 4; n++) {
    device.clock.advance(1_000)
    device.connect({ [own]: '1' })
    assert.is(device.is, 'waits')
    device.interlock.noteLost()
    assert.is(device.is, 'free')
  }
  device.clock.advance(1_000)
  assert.is(device.is, 'owner missing')
  device.connect({ [own]: '1' })
  device.interlock.noteLost()
  assert.is(device.is, 'owner missing')
})

test('where the owner wants a permit, a group that was joined at the end of a session is not taken for heard', () => {
  const device = new Device('required')
  device.connect({ [own]: '1', [line]: '1' })
  device.groups = ['line-1', 'line-2']
  device.interlock.follow()
  device.interlock.noteLost()
  assert.is(device.is, 'owner missing')
})

test('where the owner wants a permit, one that the broker refuses, or garbage in its place, is none; a 0 that is known holds', () => {
  const refuse = (device: Device) => device.interlock.noteDenied(own)
  const garble = (device: Device) => device.say(own, 'perhaps', true)
  for (const lose of [refuse, garble]) {
    const device = new Device('required')
    device.groups = []
    device.kept = [{ of: { kind: 'device', name: 'a1' }, standing: { value: true } }]
    device.start()
    device.interlock.noteSession()
    lose(device)
    assert.is(device.is, 'owner missing')
    device.interlock.noteLost()
    assert.is(device.is, 'owner missing')
    // In the next session, too, until there is one.
    device.interlock.noteSession()
    assert.is(device.is, 'owner missing')
    device.say(own, '1', true)
    assert.is(device.is, 'free')
    device.interlock.noteSession()
    lose(device)
    assert.is(device.is, 'owner missing')
    device.connect({ [own]: '0' })
    device.interlock.noteSession()
    lose(device)
    assert.is(device.is, 'device withheld')
  }
})

test('where the owner wants a permit, garbage that comes behind one changes nothing', () => {
  const device = new Device('required')
  device.connect({ [own]: '1', [line]: '' })
  device.say(own, 'perhaps')
  assert.is(device.is, 'free')
  // It came first, so nothing says that there is one.
  device.connect({ [line]: '' })
  device.say(own, 'perhaps')
  assert.is(device.is, 'owner missing')
})

test('what is held for want of a permit is let go when none is wanted any more; a 0 and a lapse hold on', () => {
  const device = new Device('required')
  const before = device.changes
  device.mode = 'optional'
  device.groups = []
  device.interlock.follow()
  assert.is(device.is, 'free')
  assert.is(device.changes, before + 1)
  device.connect({ [own]: '1 30' })
  assert.is(device.is, 'device lapsed')
  device.connect({ [own]: '0' })
  assert.is(device.is, 'device withheld')
})

test('a hold has the same beginning for as long as it stands, over sessions and starts; another one begins anew', () => {
  const device = new Device()
  device.groups = []
  device.interlock.follow()
  device.clock.advance(10_000)
  device.connect({ [own]: '0' })
  assert.is(device.since, 10)
  device.clock.advance(10_500)
  device.say(own, '0')
  device.interlock.noteLost()
  device.restart()
  device.connect({ [own]: '0' })
  assert.is(device.since, 10)
  device.say(own, '{"value":0,"by":"press PLC"}')
  assert.is(device.since, 20)
  device.say(own, '1 30')
  device.clock.advance(31_000)
  assert.equal([device.is, device.since], ['device lapsed', 50])
  device.say(own, '0')
  assert.equal([device.is, device.since], ['device withheld', 51])
  device.say(own, '1')
  device.clock.advance(1_000)
  device.say(own, '0')
  assert.is(device.since, 52)
  device.clock.advance(60_000)
  assert.is(device.keptHold?.since, 52 + beginningS)
})

test('a hold is written down when it has stood for a minute, and goes as late; an end of the agent does not wait', () => {
  const device = new Device()
  device.groups = []
  device.interlock.follow()
  device.connect({ [own]: '0' })
  device.clock.advance(59_999)
  assert.is(device.keptHold, undefined)
  device.clock.advance(1)
  assert.is(device.keptHold?.since, beginningS)
  device.say(own, '1')
  device.clock.advance(59_999)
  assert.is(device.keptHold?.since, beginningS)
  device.clock.advance(1)
  assert.is(device.keptHold, undefined)
  device.say(own, '0')
  device.interlock.stop()
  assert.is(device.keptHold?.since, beginningS + 120)
  device.clock.advance(3_600_000)
  assert.is(device.holdWrites, 3)
})

test('a lease that is over again and again before it is renewed costs no writes', () => {
  const device = new Device()
  device.groups = []
  device.interlock.follow()
  device.connect()
  for (let n = 0; n < 360; n++) {
    device.say(own, '1 10')
    assert.is(device.is, 'free')
    device.clock.advance(10_100)
    assert.is(device.is, 'device lapsed')
  }
  assert.is(device.holdWrites, 0)
})

test('a device that has left its fleet writes no hold down', () => {
  const device = new Device()
  device.connect({ [own]: '0', [line]: '1' })
  device.isForgotten = true
  device.interlock.stop()
  assert.is(device.holdWrites, 0)
})

test('what is only not known for a while ends no hold', () => {
  const device = new Device('required')
  device.kept = [{ of: { kind: 'device', name: 'a1' }, standing: { value: true } }]
  device.start()
  device.clock.advance(10_000)
  device.connect()
  assert.is(device.is, 'waits')
  device.interlock.noteLost()
  assert.equal([device.is, device.since], ['owner missing', 0])
})

test('where the clock is certainly wrong a hold says no time, and tells its beginning when the clock has been set', () => {
  const device = new Device()
  device.isClockWrong = true
  device.connect({ [own]: '0', [line]: '1' })
  device.clock.advance(600_000)
  assert.equal([device.is, device.since], ['device withheld', undefined])
  assert.is(device.keptHold?.why, 'withheld')
  const { changes } = device
  device.isClockWrong = false
  device.clock.advance(60_000)
  assert.is(device.changes, changes + 1)
  assert.is(device.since, 0)
  device.clock.advance(60_000)
  assert.is(device.keptHold?.since, beginningS)
  const { holdWrites } = device
  device.clock.advance(3_600_000)
  assert.equal([device.changes, device.holdWrites], [changes + 1, holdWrites])
})

test('a hold that was kept without a time has stood at least since the start', () => {
  const device = new Device()
  device.isClockWrong = true
  device.connect({ [own]: '0', [line]: '1' })
  device.restart()
  assert.equal([device.is, device.since], ['device withheld', undefined])
  device.clock.advance(5_000)
  device.isClockWrong = false
  device.connect({ [own]: '0', [line]: '1' })
  assert.is(device.since, 0)
})

test('once it is held no more nobody looks at the clock', () => {
  const device = new Device()
  device.isClockWrong = true
  device.connect({ [own]: '0', [line]: '1' })
  device.say(own, '1')
  const { changes } = device
  device.isClockWrong = false
  device.clock.advance(3_600_000)
  assert.equal([device.is, device.changes], ['free', changes])
})

test('what is stopped changes nothing any more', () => {
  const device = new Device()
  device.connect({ [own]: '1', [line]: '1' })
  const before = device.changes
  device.interlock.stop()
  device.say(own, '0')
  device.clock.advance(10_000)
  assert.is(device.changes, before)
})

test.run()
