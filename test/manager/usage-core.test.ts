// What messages add to the accounts, in whatever order they come; and how far a budget slows telemetry down.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { suite } from 'uvu'
import { foldUsage, monthGone, projectBytes, slowdown, slowest, type Told } from '../../manager/core/usage.js'
import { addTraffic, mapTraffic, noTraffic, type Traffic, totalBytes, type Usage, usageCodec } from '../../protocol/messages/usage.js'

const test = suite('usage: core')

const traffics = fc
  .array(fc.nat(1_000_000), { minLength: 12, maxLength: 12 })
  .map(([first = 0, ...rest]) => mapTraffic(() => ({ sent: first, received: rest.pop() ?? 0 })))

/** Accounts as an agent tells them: of a few counts, each from 0 on. */
const tellings = fc.array(fc.record({ begins: fc.boolean(), more: traffics }), { maxLength: 20 }).map(steps => {
  let told: Usage = { version: 1, count: 1, ...noTraffic }
  return steps.map(({ begins, more }) => {
    const count = begins ? told.count + 1 : told.count
    const { version: _, count: __, ...before } = told
    told = { version: 1, count, ...addTraffic(begins ? noTraffic : before, more) }
    return told
  })
})

/** All that was added. */
function accountFor(messages: readonly Usage[]): Traffic {
  let told: Told | undefined
  let sum = noTraffic
  for (const message of messages) {
    const folded = foldUsage(told, message)
    if (folded === undefined) continue
    told = folded.told
    sum = addTraffic(sum, folded.added)
  }
  return sum
}

test('messages that were lost lose nothing of the count that goes on', () => {
  fc.assert(
    fc.property(tellings, fc.infiniteStream(fc.boolean()), (messages, losses) => {
      const lasts = new Set(new Map(messages.map(message => [message.count, message])).values())
      const arrived = messages.filter(message => lasts.has(message) || losses.next().value)
      assert.deepEqual(accountFor(arrived), accountFor(messages))
    }),
  )
})

test('messages that come twice, or late, add nothing twice', () => {
  fc.assert(
    fc.property(
      tellings.chain(messages => fc.tuple(fc.constant(messages), fc.shuffledSubarray([...messages, ...messages]))),
      ([messages, shuffled]) => {
        assert.ok(totalBytes(accountFor(shuffled)) <= totalBytes(accountFor(messages)))
        assert.deepEqual(accountFor(messages.flatMap(message => [message, message])), accountFor(messages))
      },
    ),
  )
})

test('bytes that turn out to be for something else are moved', () => {
  const before: Told = { count: 1, traffic: { ...noTraffic, connection: { sent: 0, received: 500 } } }
  const usage = { version: 1, count: 1, ...noTraffic, connection: { sent: 0, received: 20 }, state: { sent: 0, received: 600 } }
  const folded = foldUsage(before, usage)!
  assert.deepEqual([folded.added.connection.received, folded.added.state.received], [-480, 600])
})

test('an account survives the wire, beyond 32 bits too', () => {
  const usage = { version: 1, count: 7, ...mapTraffic(() => ({ sent: 2 ** 40, received: Number.MAX_SAFE_INTEGER })) }
  const payload = usageCodec.encode(usage)
  assert.ok(payload.length <= 256)
  const decoded = usageCodec.decode(payload)
  assert.deepEqual(decoded.ok && decoded.value, usage)
})

const shares = fc.double({ min: 0, max: 2, noNaN: true })
const gones = fc.double({ min: 0, max: 1, noNaN: true })
const factors = fc.constantFrom(1, 2, 4, 8, 16, 32, 64)
const spending = (usedBytes: number, gone: number) => ({ usedBytes, budgetBytes: 1, gone })

const spendings: readonly [spent: number, gone: number, before: number, slow: number][] = [
  [0, 0, 1, 1],
  [0.1, 0, 1, 1],
  [0.11, 0, 1, 2],
  [0.5, 0.5, 1, 1],
  [0.55, 0.5, 1, 2],
  [0.65, 0.5, 1, 4],
  [0.89, 0.5, 1, 16],
  [0.89, 0, 1, 32],
  [0.9, 1, 1, 64],
  [0.95, 1, 1, 64],
  [0.48, 0.5, 2, 2],
  [0.44, 0.5, 2, 1],
  [0, 0, 64, 1],
]
for (const [spent, gone, before, slow] of spendings) {
  test(`with ${spent} of the budget spent when ${gone} of the month is gone, ${before} becomes ${slow}`, () => {
    assert.equal(slowdown(before, spending(spent, gone)), slow)
  })
}

test('who spends more is never faster, and nobody is slower than the slowest', () => {
  fc.assert(
    fc.property(factors, shares, shares, gones, (before, one, other, gone) => {
      const [less, more] = [Math.min(one, other), Math.max(one, other)]
      const [low, high] = [slowdown(before, spending(less, gone)), slowdown(before, spending(more, gone))]
      assert.ok(low <= high && high <= slowest)
      if (more >= 0.9) assert.equal(high, slowest)
    }),
  )
})

test('what was decided stays until something has changed by more than a little', () => {
  fc.assert(
    fc.property(factors, shares, gones, fc.double({ min: 0.92, max: 1, noNaN: true }), (before, spent, gone, less) => {
      const slow = slowdown(before, spending(spent, gone))
      assert.equal(slowdown(slow, spending(spent, gone)), slow)
      if (slow > before) assert.equal(slowdown(slow, spending(spent * less, gone)), slow)
    }),
  )
})

test('a month is foretold from the pace so far, but not in the first hour', () => {
  const at = (text: string) => Date.parse(text)
  assert.equal(projectBytes(100, at('2026-04-11T00:00:00Z'), 0), 300)
  assert.equal(projectBytes(100, at('2026-04-11T00:00:00Z'), at('2026-04-10T00:00:00Z')), 2100)
  assert.equal(projectBytes(100, at('2026-04-01T00:59:00Z'), 0), null)
  assert.equal(monthGone(at('2026-04-16T00:00:00Z')), 0.5)
  assert.equal(monthGone(at('2026-12-01T00:00:00Z')), 0)
})

test.run()
