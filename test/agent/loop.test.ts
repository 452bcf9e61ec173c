// A loop's turns: one at a time, none lost, and none after the end.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Loop } from '../../agent/loop.js'

const test = suite('loop')
const settle = () => new Promise(resolve => setImmediate(resolve))

/** A loop whose turns last until they are let go. */
function slowLoop() {
  const turns: (() => void)[] = []
  const loop = new Loop(() => new Promise(resolve => turns.push(resolve)))
  const end = async (turn: number) => {
    turns[turn]!()
    await settle()
  }
  return { loop, turns, end }
}

test('however often it is woken in a turn, one turn follows', async () => {
  const { loop, turns, end } = slowLoop()
  for (let n = 0; n < 3; n++) loop.wake()
  assert.is(turns.length, 1)
  await end(0)
  assert.is(turns.length, 2)
  await end(1)
  assert.is(turns.length, 2)
  loop.wake()
  assert.is(turns.length, 3)
})

test('a turn that wakes it at once is followed by another, and not joined by it', async () => {
  const seen: string[] = []
  const loop = new Loop(async () => {
    seen.push('begun')
    if (seen.length < 3) loop.wake()
    await undefined
    seen.push('done')
  })
  loop.wake()
  await settle()
  assert.equal(seen, ['begun', 'done', 'begun', 'done'])
})

test('a stop waits for the turn under way, and no other follows', async () => {
  const { loop, turns, end } = slowLoop()
  loop.wake()
  loop.wake()
  let stopped = false
  const stopping = loop.stop().then(() => {
    stopped = true
  })
  await settle()
  assert.is(stopped, false)
  await end(0)
  await stopping
  loop.wake()
  assert.is(turns.length, 1)
})

test.run()
