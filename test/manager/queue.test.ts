// Work in turn, and counts that forget: what bounds what strangers may cost.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Counts } from '../../manager/identity/limits.js'
import { Queue } from '../../manager/identity/queue.js'
import { ManualClock } from '../support/clock.js'

test('so many are at work at once, one of each name, and no more wait than there is room for', async () => {
  const queue = new Queue({ atOnce: 2, room: 2 })
  const begun: string[] = []
  const ends: (() => void)[] = []
  const work = (name: string) =>
    queue.add(name, () => {
      begun.push(name)
      return new Promise<void>(resolve => ends.push(resolve))
    })
  assert.equal(['a', 'b', 'c', 'a', 'c', 'd', 'e'].map(work), [true, true, true, false, false, true, false])
  assert.equal(begun, ['a', 'b'])
  ends[0]!()
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(begun, ['a', 'b', 'c'])
  assert.is(work('a'), true)
  const stopped = queue.stop()
  ends[1]!()
  ends[2]!()
  await stopped
  assert.equal(begun, ['a', 'b', 'c'])
})

test('names are counted up to their limit and all up to theirs, until the minute is over', () => {
  const clock = new ManualClock()
  const counts = new Counts(clock, { each: 2, all: 3 })
  assert.equal([counts.add('a'), counts.add('a'), counts.add('a')], [true, false, false])
  assert.equal([counts.isFull('a'), counts.isFull('b'), counts.areFull], [true, false, false])
  assert.equal([counts.add('b'), counts.areFull, counts.add('c'), counts.isFull('c')], [true, true, false, false])
  clock.advance(60_000)
  assert.equal([counts.isFull('a'), counts.areFull, counts.add('a')], [false, false, true])
})

test.run()
