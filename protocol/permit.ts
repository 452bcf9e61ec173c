// A permit as a PLC, a SCADA program or the manager publishes it: read by agents and the manager alike. Pure: any bytes give a permit or a refusal.
import { type Content, readContent } from './content.js'
import { accept, type Refusal, type Result, refuse } from './errors.js'
import { ignored, notASwitch, readId, readSwitch, readWhole, shown, textOf } from './values.js'

/** Whether containers may be changed. */
export interface Permit {
  readonly value: boolean
  /** How long a `true` counts from its arrival on, seconds; absent: until something else comes. */
  readonly leaseS?: number
  /** Who says so, in the publisher's own words. */
  readonly by?: string
}

export interface ReadPermit {
  /** The sender's name for this message. */
  readonly id?: string
  readonly warnings: readonly Refusal[]
  /** Null: no permit is asked for any more. */
  readonly permit: Result<Permit | null>
}

const maxBytes = 4096
const maxByChars = 128
/** A day. */
export const maxLeaseS = 86_400

const knownKeys = new Set(['value', 'lease', 'by', 'id', 'at', 'timestamp', 'quality'])

/** Never throws. An empty payload is a permit that was taken away. */
export function readPermit(payload: Uint8Array): ReadPermit {
  if (payload.length === 0) return { warnings: [], permit: accept(null) }
  if (payload.length > maxBytes)
    return refused(refuse('message.too-large', `${payload.length} bytes are more than the ${maxBytes} of a permit`))
  const content = readContent(payload)
  if (!content.ok) return refused(content)
  return content.value.kind === 'text' ? fromText(content.value) : fromFields(content.value)
}

/** The payload that says the same. */
export function formatPermit({ value, leaseS, by }: Permit): string {
  return JSON.stringify({ value: value ? 1 : 0, ...(leaseS === undefined ? {} : { lease: leaseS }), ...(by === undefined ? {} : { by }) })
}

/** `1`, or `1 30` with a lease of 30 s. */
function fromText({ text, cut }: Content & { kind: 'text' }): ReadPermit {
  const [value, lease, ...rest] = text.trim().split(/\s+/)
  if (rest.length > 0) return refused(refuse('request.invalid', `${shown(text)} is more than a switch and a lease in seconds`))
  return { warnings: cut, permit: permitOf({ value, lease, by: undefined }) }
}

function fromFields({ fields, cut }: Content & { kind: 'fields' }): ReadPermit {
  const id = readId(fields.get('id'))
  const unknown = [...fields.keys()].filter(key => !knownKeys.has(key)).slice(0, 20)
  const permit = permitOf({ value: fields.get('value'), lease: fields.get('lease'), by: fields.get('by') })
  return {
    ...(id.ok && id.value !== undefined ? { id: id.value } : {}),
    warnings: [...cut, ...unknown.map(key => ignored(key.slice(0, 64)))],
    permit: id.ok ? permit : id,
  }
}

function permitOf(said: Readonly<Record<'value' | 'lease' | 'by', unknown>>): Result<Permit> {
  const value = readSwitch(said.value)
  if (value === undefined) return notASwitch(said.value)
  const lease = readLease(said.lease)
  if (!lease.ok) return lease
  const by = readBy(said.by)
  if (!by.ok) return by
  // A 0 needs nobody to stand by it.
  const leaseS = value ? lease.value : undefined
  return accept({ value, ...(leaseS === undefined ? {} : { leaseS }), ...(by.value === undefined ? {} : { by: by.value }) })
}

function readLease(said: unknown): Result<number | undefined> {
  if (said === undefined) return accept(undefined)
  const seconds = readWhole(said)
  if (seconds !== undefined && seconds >= 1 && seconds <= maxLeaseS) return accept(seconds)
  return refuse('request.invalid', `${shown(said)} is no lease: use whole seconds from 1 to ${maxLeaseS}`, 'lease')
}

function readBy(said: unknown): Result<string | undefined> {
  if (said === undefined) return accept(undefined)
  const text = textOf(said)
  if (text !== undefined && text.length <= maxByChars && !/\p{C}/u.test(text)) return accept(text === '' ? undefined : text)
  return refuse('request.invalid', `by is no text of at most ${maxByChars} characters`, 'by')
}

function refused(permit: Result<never>): ReadPermit {
  return { warnings: [], permit }
}
