// Specs and the files of their bundles: manager → agents, retained, immutable.
import { bytes, field, flag, list, type Of, oneOf, optional, record, text, uint, whole } from '../shape.js'
import { codec, digest, variable, version } from './message.js'

/** The most that a compose file may have, in bytes of UTF-8. */
export const maxSpecBytes = 1024 * 1024

export const specEncodings = ['identity', 'brotli'] as const
const specEnvelope = record({
  version: field(0, version),
  encoding: field(1, oneOf(specEncodings, 'identity')),
  body: field(2, bytes(1, maxSpecBytes + 16)),
})

/** The most files that a bundle may have, and the most that all of them may have in bytes. */
export const maxBundleFiles = 1000
export const maxBundleBytes = 8 * 1024 * 1024

/** A file of a bundle: its contents are a spec body of their own on the topic of their digest. */
const bundleFile = record({
  /** Relative to the app's folder, with `/`, never climbing out of it. */
  path: field(1, whole(1000)),
  /** SHA-256 of the contents. */
  digest: field(2, digest),
  sizeBytes: field(3, uint(maxSpecBytes)),
  executable: optional(4, flag),
})
export type BundleFile = Of<typeof bundleFile>

/** The body of a spec once decompressed; its SHA-256 is the spec's digest. */
const specBody = record({
  version: field(0, version),
  /** The main compose file. */
  compose: field(1, whole(maxSpecBytes)),
  /** Its path in the bundle; absent: `compose.yaml`. */
  path: optional(2, whole(1000)),
  /** Files of the bundle that are merged over it, in order. */
  overrides: optional(3, list(whole(1000), 64)),
  files: optional(4, list(bundleFile, maxBundleFiles)),
  /** Values of variables, from whoever deployed. */
  environment: optional(5, list(variable, 1000)),
  profiles: optional(6, list(text(255), 100)),
})
export type SpecBody = Of<typeof specBody>

export const specCodec = codec(specEnvelope, maxSpecBytes + 64)
export const specBodyCodec = codec(specBody, maxSpecBytes + 64)
