// Changes to the data in a CBOR message: wrong kinds, wrong sizes, missing and unknown keys. The bytes stay well-formed.
import { decodeCbor, encodeCbor } from '../../protocol/cbor.js'
import { strangeText } from './bytes.js'
import type { Random } from './random.js'

/** The message with up to three of its values changed; other bytes as they are. */
export function mutateTree(bytes: Buffer, random: Random): Buffer {
  let tree = decodeCbor(bytes)
  if (tree === undefined) return bytes
  for (let left = 1 + random.below(3); left > 0; left--) tree = changeSomewhere(tree, random)
  return encodeCbor(tree)
}

const mostBytes = 500_000

/** Goes down at random, and changes what it comes to. */
function changeSomewhere(value: unknown, random: Random): unknown {
  if (random.once(4)) return strangeValue(random, value)
  if (value instanceof Map) return random.once(5) ? changeKeys(value, random) : changeEntry(value, random)
  if (Array.isArray(value)) return random.once(5) ? changeItems(value, random) : changeItem(value, random)
  return strangeValue(random, value)
}

function changeEntry(map: ReadonlyMap<unknown, unknown>, random: Random): unknown {
  if (map.size === 0) return strangeValue(random, map)
  const chosen = random.pick([...map.keys()])
  return new Map([...map].map(([key, value]) => [key, key === chosen ? changeSomewhere(value, random) : value]))
}

function changeKeys(map: ReadonlyMap<unknown, unknown>, random: Random): unknown {
  const entries = [...map]
  const gone = random.below(entries.length + 1)
  const kept = random.once(2) ? entries.filter((_, n) => n !== gone) : entries
  return new Map([
    ...kept,
    [random.pick<unknown>([random.below(300), -1, '__proto__', strangeText(random), 1.5, null]), strangeValue(random, map)],
  ])
}

function changeItem(list: readonly unknown[], random: Random): unknown {
  const chosen = random.below(list.length)
  return list.length === 0 ? [strangeValue(random, list)] : list.map((item, n) => (n === chosen ? changeSomewhere(item, random) : item))
}

function changeItems(list: readonly unknown[], random: Random): unknown {
  const times = random.pick([0, 2, 2, 2, 17, 65, 257, 1001])
  const many = Array.from({ length: times }, () => list).flat()
  // What is encoded here keeps its size as the encoder's memory.
  const most = Math.ceil((mostBytes / (encodeCbor(list).length + 1)) * (list.length + 1))
  return random.once(3) ? [...list].reverse() : many.slice(0, Math.min(5000, most))
}

function strangeValue(random: Random, instead: unknown): unknown {
  return random.pick<() => unknown>([
    () => random.pick([0, 1, -1, 255, 256, 65_536, 0xffffffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]),
    () => random.pick([0.5, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e308, 5e-324]),
    () => strangeText(random),
    () => random.bytes(random.pick([0, 1, 8, 31, 32, 33, random.length()])),
    () => random.pick([true, false, null]),
    () => [],
    () => new Map(),
    () => [instead, instead],
    () => nested(random.pick([3, 11, 12, 13, 40])),
  ])()
}

function nested(levels: number): unknown {
  return levels === 0 ? 1 : [nested(levels - 1)]
}
