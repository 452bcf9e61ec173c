// What arrives on a topic: a good message, changed in its bytes or in its data, mostly on its own topic, sometimes signed.
import { mutate, strangeText } from './bytes.js'
import type { Random } from './random.js'
import { type Sample, sampleMessages, signers } from './samples.js'
import { mutateTree } from './trees.js'

export interface Payload {
  readonly topic: string
  readonly bytes: Buffer
  readonly retained: boolean
}

/** `fits` says of which kinds. Decodes it too, which must not throw, and encodes what was accepted. */
export function makePayload(random: Random, fits: (sample: Sample) => boolean): Payload {
  const sample = random.pick(sampleMessages.filter(sample => fits(sample) && (sample.rare === undefined || random.once(50))))
  const topic = `skerry/${random.once(12) ? strangeTopic(random) : sample.topic}`
  const plain = change(sample.bytes, random)
  decode(sample, plain)
  const bytes = sample.signed === undefined || random.once(10) ? plain : sign(topic, plain, random)
  return { topic, bytes, retained: random.once(6) }
}

function change(bytes: Buffer, random: Random): Buffer {
  if (random.once(30)) return random.bytes(random.length())
  if (random.once(20)) return bytes
  return random.once(2) ? mutate(bytes, random) : mutateTree(bytes, random)
}

/** Whatever is accepted has a form that is accepted again. */
function decode({ name, codec }: Sample, bytes: Buffer): void {
  const decoded = codec?.decode(bytes)
  if (codec === undefined || decoded?.ok !== true) return
  const again = codec.decode(codec.encode(decoded.value as never))
  if (!again.ok) throw new Error(`${name}: what was accepted is refused once it is encoded: ${JSON.stringify(again)}`)
}

/** As a manager would, or as somebody who would like to be one. */
function sign(topic: string, bytes: Buffer, random: Random): Buffer {
  const signed = (random.once(12) ? signers.stranger : signers.manager).sign(random.once(12) ? 'skerry/device/d2/desired' : topic, bytes)
  if (!random.once(6)) return signed
  return random.once(2) ? mutate(signed, random) : mutateTree(signed, random)
}

function strangeTopic(random: Random): string {
  const own = random.pick(sampleMessages).topic
  const segments = own.split('/')
  segments[random.below(segments.length)] = strangeText(random).replace(/[+#\0/]/g, '') || 'x'
  return random.once(2) ? own : segments.join('/')
}
