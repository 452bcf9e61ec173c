// The little of DER (X.690) that a certificate request is written in.

/** Tag numbers with their class and form, as they stand on the wire. */
export const tag = { integer: 0x02, bitString: 0x03, objectId: 0x06, utf8: 0x0c, sequence: 0x30, set: 0x31, context0: 0xa0 } as const

/** One element: tag, length, contents. */
export function element(tagByte: number, ...parts: readonly Uint8Array[]): Buffer {
  const contents = Buffer.concat(parts)
  return Buffer.concat([Buffer.of(tagByte), lengthOf(contents.length), contents])
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return element(tag.sequence, ...parts)
}

/** A bit string of whole bytes. */
export function bitString(bytes: Uint8Array): Buffer {
  return element(tag.bitString, Buffer.of(0), bytes)
}

/** `1.2.840.10045.4.3.2`: the first two arcs share a byte, the others are base 128. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number)
  return element(tag.objectId, Buffer.from([first * 40 + second, ...others.flatMap(base128)]))
}

function base128(value: number): number[] {
  const digits = [value & 0x7f]
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80)
  return digits
}

/** Short form below 128 bytes, else the number of bytes of the length, and these. */
function lengthOf(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.of(bytes)
  const digits: number[] = []
  for (let rest = bytes; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff)
  return Buffer.from([0x80 | digits.length, ...digits])
}
