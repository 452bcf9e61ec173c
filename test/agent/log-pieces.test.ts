// The Engine's log streams, cut anywhere.
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { batchPieces, type Cutter, createFrameCutter, createTerminalCutter, type LogPiece, sinceOf } from '../../agent/core/log-pieces.js'

const timeAt = (n: number) => `2026-01-01T00:00:${String(n % 60).padStart(2, '0')}.${String(n).padStart(9, '0')}Z`

function frame(stream: 'out' | 'err', text: string, n: number): Buffer {
  const record = Buffer.from(`${timeAt(n)} ${text}`)
  const header = Buffer.from([stream === 'out' ? 1 : 2, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32BE(record.length, 4)
  return Buffer.concat([header, record])
}

function cutAt(cutter: Cutter, bytes: Buffer, cuts: readonly number[]): LogPiece[] {
  const at = [0, ...cuts.map(cut => cut % (bytes.length + 1)).sort((one, other) => one - other), bytes.length]
  return at.flatMap((from, n) => cutter(bytes.subarray(from, at[n + 1] ?? from)))
}

/** The text of each stream, with the time before each line. */
function textOf(pieces: readonly LogPiece[]): Record<string, string> {
  const texts: Record<string, string> = { out: '', err: '' }
  for (const { stream, data } of batchPieces(pieces, { timestamps: true, after: '' })) texts[stream] += data.toString('latin1')
  return texts
}

const records = fc.array(fc.record({ stream: fc.constantFrom('out' as const, 'err' as const), text: fc.string({ maxLength: 60 }) }), {
  maxLength: 12,
})
const cuts = fc.array(fc.nat(3000), { maxLength: 20 })

test('frames give the same lines wherever the stream is cut', () => {
  fc.assert(
    fc.property(records, cuts, (written, where) => {
      const lines = written.map(({ stream, text }) => ({ stream, text: `${text.replace(/[^ -~]/g, '?')}\n` }))
      const bytes = Buffer.concat(lines.map(({ stream, text }, n) => frame(stream, text, n)))
      const expected = { out: '', err: '' }
      lines.forEach(({ stream, text }, n) => {
        expected[stream] += `${timeAt(n)} ${text}`
      })
      assert.equal(textOf(cutAt(createFrameCutter(), bytes, where)), expected)
    }),
  )
})

test('lines of a terminal are the same wherever the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 60 }), { maxLength: 12 }), cuts, (written, where) => {
      const text = written.map((line, n) => `${timeAt(n)} ${line.replace(/[^ -~]/g, '?')}\r\n`).join('')
      assert.equal(textOf(cutAt(createTerminalCutter(), Buffer.from(text), where)), { out: text, err: '' })
    }),
  )
})

test('a line that the Engine keeps in several records has one time', () => {
  const bytes = Buffer.concat([
    frame('out', 'a'.repeat(100), 1),
    frame('err', 'between\n', 2),
    frame('out', 'b\n', 3),
    frame('out', 'next\n', 4),
  ])
  const { out, err } = textOf(createFrameCutter()(bytes))
  assert.is(out, `${timeAt(1)} ${'a'.repeat(100)}b\n${timeAt(4)} next\n`)
  assert.is(err, `${timeAt(2)} between\n`)
})

test('without timestamps neighbours of a stream are one batch; what was sent before is left out', () => {
  const bytes = Buffer.concat([1, 2, 3, 4].map(n => frame(n === 3 ? 'err' : 'out', `line ${n}\n`, n)))
  const pieces = createFrameCutter()(bytes)
  const shown = (after: string) =>
    batchPieces(pieces, { timestamps: false, after }).map(({ stream, time, data }) => [stream, time, String(data)])
  assert.equal(shown(''), [
    ['out', timeAt(2), 'line 1\nline 2\n'],
    ['err', timeAt(3), 'line 3\n'],
    ['out', timeAt(4), 'line 4\n'],
  ])
  assert.equal(shown(timeAt(3)), [['out', timeAt(4), 'line 4\n']])
})

test('bytes without times are handed on as they are', () => {
  const plain = Buffer.from([1, 0, 0, 0, 0, 0, 0, 4, 0x61, 0x20, 0xff, 0x0a])
  assert.equal(
    createFrameCutter()(plain).map(({ time, data }) => [time, data.toString('hex')]),
    [['', '6120ff0a']],
  )
})

test('any bytes are survived, in frames and from a terminal', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 10 }), chunks => {
      const frames = createFrameCutter()
      const terminal = createTerminalCutter()
      for (const chunk of chunks) {
        frames(Buffer.from(chunk))
        terminal(Buffer.from(chunk))
      }
    }),
  )
})

test('a time is told to the Engine in nanoseconds', () => {
  assert.is(sinceOf('2026-01-01T00:00:01.123456789Z'), '1767225601.123456789')
})

test.run()
