// When the agent gives a sign of life: heartbeats by the interval, on a clock of the test's.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Pulse } from '../../agent/pulse.js'
import { ManualClock } from '../support/clock.js'

const rhythm = suite('rhythm')

rhythm('heartbeats follow the interval, and a change beats at once', () => {
  const clock = new ManualClock()
  const start = clock.now()
  const beats: number[] = []
  let intervalS = 10
  const pulse = new Pulse({ clock, intervalS: () => intervalS, beat: () => void beats.push(clock.now() - start) })
  pulse.adjust()
  pulse.beat()
  clock.advance(25_000)
  intervalS = 2
  pulse.adjust()
  pulse.adjust()
  clock.advance(4_000)
  pulse.stop()
  clock.advance(60_000)
  assert.equal(beats, [0, 10_000, 20_000, 25_000, 27_000, 29_000])
})

rhythm('a pulse that was stopped stays silent, whatever asks for a beat later', () => {
  const clock = new ManualClock()
  let beats = 0
  const pulse = new Pulse({ clock, intervalS: () => 10, beat: () => beats++ })
  pulse.beat()
  pulse.stop()
  pulse.beat()
  pulse.adjust()
  clock.advance(60_000)
  assert.is(beats, 1)
})

rhythm.run()
