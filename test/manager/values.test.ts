// The memory of last values stays within its bounds, whatever comes, and names of topics are checked.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Recent } from '../../manager/bridge/recent.js'
import { Values } from '../../manager/bridge/values.js'
import { readTopicName } from '../../manager/core/topic-names.js'
import { systemClock } from '../../protocol/clock.js'

const test = suite('last values')
const bytes = (length: number) => new Uint8Array(length)

test('what was not used for longest goes first: by number, and by size', () => {
  const recent = new Recent({ topics: 3, bytes: 100 })
  for (const topic of ['a', 'b', 'c']) recent.set(topic, { payload: bytes(1), at: 1 })
  recent.get('a')
  recent.set('d', { payload: bytes(1), at: 2 })
  assert.equal(
    ['a', 'b', 'c', 'd'].map(topic => recent.get(topic)?.at),
    [1, undefined, 1, 2],
  )
  recent.set('e', { payload: bytes(95), at: 3 })
  assert.equal([recent.size, recent.bytes], [3, 100])
  recent.set('f', { payload: bytes(200), at: 4 })
  assert.equal([recent.size, recent.bytes], [0, 0])
})

test('any values, read and written in any order, never take more than they may', () => {
  const use = fc.record({ topic: fc.constantFrom('a', 'b', 'c', 'dd', 'ee', 'fff'), size: fc.nat({ max: 60 }), read: fc.boolean() })
  fc.assert(
    fc.property(fc.array(use, { maxLength: 60 }), uses => {
      const recent = new Recent({ topics: 4, bytes: 100 })
      const newest = new Map<string, number>()
      for (const [at, { topic, size, read }] of uses.entries()) {
        if (read) {
          const found = recent.get(topic)
          if (found !== undefined) assert.is(found.at, newest.get(topic))
        } else {
          recent.set(topic, { payload: bytes(size), at })
          newest.set(topic, at)
        }
        assert.ok(recent.size <= 4 && recent.bytes <= 100)
      }
      let left = 0
      for (const topic of newest.keys()) left += recent.get(topic) === undefined ? 0 : topic.length + recent.get(topic)!.payload.length
      assert.is(recent.bytes, left)
    }),
  )
})

test('a value is a copy: what it came in may be used again', () => {
  const recent = new Recent({ topics: 3, bytes: 100 })
  const payload = Buffer.from('one')
  recent.set('a', { payload, at: 1 })
  payload.write('two')
  assert.is(Buffer.from(recent.get('a')!.payload).toString(), 'one')
})

test('only values of programs are remembered, of a size that they may have, and nothing while the broker is away', async () => {
  const retained = new Map<string, string>()
  const values = new Values({ root: 's', clock: systemClock })
  const link = {
    async subscribe(filters: readonly { readonly filter: string }[]) {
      for (const { filter } of filters) {
        const payload = filter === 's/state/manager' ? '1' : retained.get(filter)
        if (payload !== undefined) values.hear(filter, Buffer.from(payload), true)
      }
    },
    async unsubscribe() {},
  } as unknown as Parameters<Values['up']>[0]
  const read = async (topic: string) =>
    values.read(topic).then(
      value => [Buffer.from(value.payload).toString().slice(0, 10), value.retained],
      error => error.code,
    )
  assert.is(await read('s/data/x'), 'broker.unavailable')
  values.up(link)
  values.hear('s/data/x', Buffer.from('1'), false)
  values.hear('s/state/x', Buffer.from('1'), false)
  assert.equal([await read('s/data/x'), await read('s/state/x')], [['1', false], 'value.unknown'])
  retained.set('s/data/x', '1')
  assert.equal(await read('s/data/x'), ['1', true])
  values.hear('s/data/x', Buffer.from('2'), false)
  assert.equal(await read('s/data/x'), ['2', false])
  values.hear('s/data/x', new Uint8Array(65_537), false)
  assert.equal(await read('s/data/x'), ['1', true])
  values.hear('s/data/y', Buffer.from('1'), false)
  values.hear('s/data/y', new Uint8Array(), false)
  assert.is(await read('s/data/y'), 'value.unknown')
  values.hear('s/data/y', Buffer.from('1'), false)
  values.down()
  values.up(link)
  assert.is(await read('s/data/y'), 'value.unknown')
})

test('a topic has its root or gets it; filters, empty names and strange ones are refused', () => {
  const name = (text: string, root = 'skerry') => {
    const read = readTopicName(root, text)
    return read.ok ? read.value : read.refusals[0].code
  }
  assert.is(name('data/group/g/x'), 'skerry/data/group/g/x')
  assert.is(name('skerry/data/group/g/x'), 'skerry/data/group/g/x')
  assert.is(name('skerryx/y'), 'skerry/skerryx/y')
  assert.is(name('a/b/c', 'a/b'), 'a/b/c')
  assert.is(name('a/c', 'a/b'), 'a/b/a/c')
  for (const text of ['', '#', 'a/+/b', 'a+', '$SYS/x', 'a\u0000', 'a\nb', '\ud800', 'x'.repeat(1025), 'x/'.repeat(100)])
    assert.is(name(text), 'topic.invalid', text)
})

test.run()
