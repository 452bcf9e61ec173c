// Quiet hours as people write them, and when they hold.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formatQuiet, parseQuiet, quietForMs } from '../../protocol/quiet.js'

const quiet = suite('quiet hours')

const at = (time: string) => Date.parse(`2026-03-05T${time}Z`)
const hours = (...texts: string[]) => texts.map(text => parseQuiet(text)!)
const minutesLeft = (texts: string[], time: string) => quietForMs(hours(...texts), at(time)) / 60_000

quiet('are written as from and to', () => {
  assert.equal(parseQuiet('22:00-06:30'), { fromMin: 1320, toMin: 390 })
  assert.equal(parseQuiet(' 00:00-23:59 '), { fromMin: 0, toMin: 1439 })
  for (const text of ['', '22-6', '24:00-06:00', '22:60-06:00', '22:00', '6:00-22:00', '08:00-08:00', '22:00–06:00']) {
    assert.is(parseQuiet(text), undefined, text)
  }
  for (const text of ['22:00-06:30', '00:00-23:59', '09:05-09:06']) assert.is(formatQuiet(parseQuiet(text)!), text)
})

quiet('begin with their first minute and end with their last', () => {
  assert.is(minutesLeft(['08:00-09:30'], '07:59:59'), 0)
  assert.is(minutesLeft(['08:00-09:30'], '08:00:00'), 90)
  assert.is(minutesLeft(['08:00-09:30'], '09:29:00'), 1)
  assert.is(minutesLeft(['08:00-09:30'], '09:30:00'), 0)
})

quiet('go on over midnight', () => {
  assert.is(minutesLeft(['22:00-06:00'], '21:59:00'), 0)
  assert.is(minutesLeft(['22:00-06:00'], '22:00:00'), 480)
  assert.is(minutesLeft(['22:00-06:00'], '00:00:00'), 360)
  assert.is(minutesLeft(['22:00-06:00'], '05:59:00'), 1)
  assert.is(minutesLeft(['22:00-06:00'], '06:00:00'), 0)
})

quiet('several that touch or overlap are one', () => {
  assert.is(minutesLeft(['22:00-02:00', '02:00-04:00', '03:00-06:00'], '23:00:00'), 7 * 60)
  assert.is(minutesLeft(['08:00-09:00', '12:00-13:00'], '08:30:00'), 30)
})

quiet('of the whole day are looked at again after a day', () => {
  const left = minutesLeft(['00:00-12:00', '12:00-00:00'], '11:00:00')
  assert.ok(left > 0 && left <= 1440, String(left))
})

quiet('there are none without any', () => {
  assert.is(quietForMs(undefined, at('12:00:00')), 0)
  assert.is(quietForMs([], at('12:00:00')), 0)
})

quiet.run()
