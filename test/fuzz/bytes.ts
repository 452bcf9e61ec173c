// Changes to bytes that readers trip over: lengths, halves of characters, cuts, repetitions.
import type { Random } from './random.js'

/** No UTF-8, or UTF-8 of what may not be in a text, or of what a terminal, a page or a log would act upon. */
const strangeTexts: readonly Buffer[] = [
  ...['c080', 'ff', 'eda080', 'f4908080', 'c2', 'e282', '00', 'efbfbf', 'efbbbf', 'e280ae', 'f09f9880'].map(hex => Buffer.from(hex, 'hex')),
  ...[
    '\u001b[2J\u001b]0;x\u0007',
    '\r\n',
    '\u0085',
    '\u2028',
    '<script>x</script>',
    '"; DROP TABLE devices; --',
    '$(reboot)',
    '../../etc/passwd',
    '%00',
    '%s%n',
  ].map(text => Buffer.from(text)),
]

/** Bytes like these, with up to four changes. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let changed = bytes
  for (let left = 1 + random.below(4); left > 0; left--) changed = random.pick(changes)(changed, random)
  return changed.subarray(0, mostBytes)
}

const mostBytes = 256 * 1024

type Change = (bytes: Buffer, random: Random) => Buffer

const changes: readonly Change[] = [
  (bytes, random) => replace(bytes, random.below(bytes.length + 1), 1, random.bytes(1)),
  (bytes, random) => replace(bytes, random.below(bytes.length + 1), 1, Buffer.from([random.pick([0, 1, 0x7f, 0x80, 0xff])])),
  (bytes, random) => flipBit(bytes, random),
  (bytes, random) => replace(bytes, random.below(bytes.length + 1), 0, random.bytes(random.length())),
  (bytes, random) => replace(bytes, random.below(bytes.length + 1), random.length(), Buffer.alloc(0)),
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => lie(bytes, random),
  (bytes, random) => replace(bytes, random.below(bytes.length + 1), random.below(3), random.pick(strangeTexts)),
  (bytes, random) => repeat(bytes, random),
]

function replace(bytes: Buffer, at: number, length: number, by: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + length)])
}

function flipBit(bytes: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes)
  if (changed.length > 0) {
    const at = random.below(changed.length)
    changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8))
  }
  return changed
}

/** Two bytes become a length that is not, as MQTT and CBOR have them. */
function lie(bytes: Buffer, random: Random): Buffer {
  const length = random.pick([0, 1, 2, 0xff, 0x100, 0x7fff, 0xffff, bytes.length, bytes.length + 1])
  return replace(bytes, random.below(bytes.length + 1), 2, Buffer.from([(length >> 8) & 255, length & 255]))
}

function repeat(bytes: Buffer, random: Random): Buffer {
  const from = random.below(bytes.length + 1)
  const piece = bytes.subarray(from, from + random.length())
  return replace(bytes, from, 0, Buffer.concat(Array.from({ length: 1 + random.below(random.once(20) ? 200 : 4) }, () => piece)))
}

/** A text, mostly strange. */
export function strangeText(random: Random): string {
  const parts = Array.from({ length: 1 + random.below(3) }, () =>
    random.once(2) ? random.pick(strangeTexts) : random.bytes(random.below(8)),
  )
  return random.once(300) ? 'x'.repeat(random.length()) : Buffer.concat(parts).toString(random.once(2) ? 'utf8' : 'latin1')
}
