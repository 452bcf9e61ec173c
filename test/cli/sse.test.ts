import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formatQuery, pathOf } from '../../cli/client.js'
import { createSseParser } from '../../cli/sse.js'

const test = suite('cli: event stream')

test('messages are read as the standard says', () => {
  const table: [string, unknown[]][] = [
    ['id: 7\nevent: device.ready\ndata: {"a":1}\n\n', [{ id: '7', event: 'device.ready', data: '{"a":1}' }]],
    [': ping\n\n', []],
    ['data: a\ndata:b\n\n', [{ id: '', event: 'message', data: 'a\nb' }]],
    ['id: 1\r\ndata: x\r\n\r\ndata: y\r\n\r\n', ['x', 'y'].map(data => ({ id: '1', event: 'message', data }))],
    ['data: cut off\n', []],
    ['retry: 5\nunknown\ndata\n\n', [{ id: '', event: 'message', data: '' }]],
  ]
  for (const [text, messages] of table) assert.equal(createSseParser()(text), messages, JSON.stringify(text))
})

test('where the text is cut makes no difference', () => {
  const text = 'id: 1\r\ndata: one\r\n\r\n: ping\n\nid: 2\nevent: e\ndata: zwei\ndata: drei\n\n'
  const whole = createSseParser()(text)
  assert.is(whole.length, 2)
  fc.assert(
    fc.property(fc.array(fc.nat(text.length)), cuts => {
      const parse = createSseParser()
      const places = [0, ...cuts.sort((a, b) => a - b), text.length]
      const pieces = places.slice(1).map((end, at) => text.slice(places[at], end))
      assert.equal(pieces.flatMap(parse), whole)
    }),
  )
})

test('paths and queries are escaped', () => {
  assert.is(pathOf('devices', 'a/b c'), '/devices/a%2Fb%20c')
  assert.is(formatQuery({ label: ['a=b', 'c'], none: undefined, force: true }), '?label=a%3Db&label=c&force=true')
  assert.is(formatQuery({ none: undefined }), '')
})

test.run()
