// What the agent remembers of each app over restarts: what runs, what was good last, what failed.
import { isErrorCode, type Refusal } from '../../protocol/errors.js'
import { runStates } from '../../protocol/messages/manifest.js'
import { isName } from '../../protocol/names.js'
import {
  bytes,
  decodeMessage,
  encodeMessage,
  field,
  flag,
  list,
  matching,
  type Of,
  oneOf,
  optional,
  record,
  text,
  tuple,
  uint,
  whole,
} from '../../protocol/shape.js'

const digest = bytes(32, 32)
const imageId = text(100)

/** What was made so last: what the containers are of. */
const applied = record({ revision: field(1, uint()), digest: field(2, digest), run: field(3, oneOf(runStates, 'running')) })

/** The image that each service was made from. */
const serviceImage = tuple({ service: text(255), id: imageId })

/** A revision that has proved itself: it comes back when a newer one fails. */
const good = record({
  revision: field(1, uint()),
  digest: field(2, digest),
  /** Of what it is made: see {@link Candidate}. */
  content: field(3, whole(100)),
  generation: field(4, uint()),
  images: field(5, list(serviceImage, 1000)),
  /** What the device gave to its compose file then; absent: whatever it gives now. */
  variables: optional(6, list(tuple({ name: text(255), value: whole(32_768) }), 1000)),
  /** Where to have an image again that somebody removes, by service: by its digest at its registry, else by its tag. */
  sources: optional(7, list(tuple({ service: text(255), reference: text(512) }), 1000)),
})
export type Good = Of<typeof good>

const refusal = record({
  code: field(1, matching('an error code', isErrorCode)),
  message: field(2, text(1000)),
  path: optional(3, text(300)),
})

/** A revision that is not tried again until its entry in the manifest changes. */
const failed = record({
  revision: field(1, uint()),
  /** See {@link Candidate}. */
  entry: field(2, whole(2000)),
  generation: field(3, uint()),
  fault: field(4, refusal),
  /** The fault may mend itself, and a further try hurts nothing: tried again now and then. */
  retry: field(5, flag),
  /** The images that it needs, by reference. */
  references: field(6, list(text(512), 1000)),
})
export type Failed = Omit<Of<typeof failed>, 'fault'> & { readonly fault: Refusal }

const appRecord = record({
  name: field(
    1,
    matching('an app name', value => isName('app', value)),
  ),
  applied: optional(2, applied),
  good: optional(3, good),
  failed: optional(4, failed),
  /** Present from the first step of a first deploy until it is good: volumes that were there before. */
  kept: optional(5, list(text(255), 10_000)),
  /** The images that its containers were last seen with: ids and the references that stood for them. */
  images: optional(6, list(tuple({ reference: text(512), id: imageId }), 1000)),
})
export type AppRecord = Omit<Of<typeof appRecord>, 'name' | 'failed'> & { readonly failed?: Failed }

const records = record({
  apps: field(1, list(appRecord, 10_000)),
  /** Images that were pulled or built for an app: only these are ever cleaned up. */
  images: field(2, list(tuple({ id: imageId, reference: text(512) }), 10_000)),
})

export interface Records {
  readonly apps: ReadonlyMap<string, AppRecord>
  readonly images: readonly { readonly id: string; readonly reference: string }[]
}

export const noRecords: Records = { apps: new Map(), images: [] }

const maxBytes = 16 * 1024 * 1024

export function encodeRecords({ apps, images }: Records): Buffer {
  return encodeMessage(records, { apps: [...apps].map(([name, value]) => ({ ...value, name })) as Of<typeof records>['apps'], images })
}

export function decodeRecords(payload: Uint8Array): Records | undefined {
  const decoded = decodeMessage(records, payload, maxBytes)
  if (!decoded.ok) return undefined
  const { apps, images } = decoded.value
  return { apps: new Map(apps.map(({ name, ...value }) => [name, value as AppRecord])), images }
}
