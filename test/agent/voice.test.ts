// Births: with all that the device is once in a start of the agent, and naming it after that.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Epochs } from '../../agent/epochs.js'
import { Voice } from '../../agent/voice.js'
import { type Status, stampOfFacts, statusCodec } from '../../protocol/messages/status.js'

const voice = suite('voice')

function speaking() {
  const births: Status[] = []
  const broker = { takes: true }
  let sequence = 0
  const epochs = { current: 65_537, nextSequence: () => sequence++ } as unknown as Epochs
  const publish = async (_topic: string, payload: Buffer) => {
    const decoded = statusCodec.decode(payload)
    if (decoded.ok) births.push(decoded.value)
    return broker.takes
  }
  return { births, broker, said: new Voice({ root: 'skerry', device: 'a1', name: 'press-7', epochs, publish }) }
}

const here = { intervalS: 10, engineVersion: '20.10.24' }

voice('facts are told until a birth with them has arrived, and named in later ones', async () => {
  const { births, broker, said } = speaking()
  broker.takes = false
  await said.birth(here)
  broker.takes = true
  await said.birth(here)
  await said.birth({ ...here, intervalS: 20 }, { sequence: 7 })
  const [lost, first, later] = births
  assert.is(lost?.facts?.name, 'press-7')
  assert.is(first?.facts?.name, 'press-7')
  assert.ok(first?.facts !== undefined && later?.facts === undefined)
  assert.equal(Buffer.from(later?.stamp ?? []), Buffer.from(stampOfFacts(first.facts)))
  assert.equal([later?.intervalS, later?.sequence, later?.engine], [20, 7, true])
  assert.ok(statusCodec.encode(later!).length <= 24, `${statusCodec.encode(later!).length} bytes`)
})

voice('the birth of a session leaves by the way that it is given, and tells the facts until it has arrived there', async () => {
  const { births, said } = speaking()
  const early: Status[] = []
  const arrives = [false, true, true]
  const publish = async (topic: string, payload: Buffer) => {
    assert.is(topic, 'skerry/device/a1/status')
    const decoded = statusCodec.decode(payload)
    if (decoded.ok) early.push(decoded.value)
    return arrives[early.length - 1] ?? false
  }
  for (const _ of arrives) await said.birth(here, { publish })
  assert.equal(
    early.map(({ facts }) => facts !== undefined),
    [true, true, false],
  )
  assert.equal(births, [])
})

voice('facts that have changed are told, and all of them again to whoever asks', async () => {
  const { births, said } = speaking()
  await said.birth(here)
  await said.birth({ ...here, engineVersion: undefined })
  await said.birth({ ...here, engineVersion: undefined })
  said.introduceAgain()
  await said.birth({ ...here, engineVersion: undefined })
  assert.equal(
    births.map(({ facts }) => facts?.engineVersion),
    ['20.10.24', '', undefined, ''],
  )
})

voice('nothing is said after the last word', async () => {
  const { births, said } = speaking()
  said.close('Stopped')
  await said.birth(here)
  assert.equal(births, [])
})

voice.run()
