// What all messages have in common: the version, names within them, and how a shape becomes a codec.
import { type Result, refuse } from '../errors.js'
import { isName } from '../names.js'
import {
  bytes,
  decodeMessage,
  encodeMessage,
  field,
  integer,
  matching,
  type Of,
  optional,
  record,
  type Shape,
  text,
  tuple,
  whole,
} from '../shape.js'

/** Version of all messages. A reader accepts any version from 1 on: new keys are ignored, old keys keep their meaning. */
export const protocolVersion = 1
export const version = integer(1, 255)

export const groupName = matching('a group name', value => isName('group', value))
export const appName = matching('an app name', value => isName('app', value))
export const digest = bytes(32, 32)
const code = matching('an error code', value => value.length <= 40 && /^[a-z.-]+$/.test(value))

/** A message's shape and the most bytes that its payload may have. */
export interface Codec<T> {
  encode(value: T): Buffer
  /** Refuses with `message.too-large` or `message.invalid`; never throws. */
  decode(payload: Uint8Array): Result<T>
}

export function codec<T>(shape: Shape<T>, maxBytes: number): Codec<T> {
  return {
    encode: value => encodeMessage(shape, value),
    decode: payload => (payload.length === 0 ? refuse('message.invalid', 'the payload is empty') : decodeMessage(shape, payload, maxBytes)),
  }
}

export const fault = record({ code: field(1, code), message: field(2, text(1000)), path: optional(3, text(300)) })
export type Fault = Of<typeof fault>

export const variable = tuple({ name: text(255), value: whole(32_768) })
