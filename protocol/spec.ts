// Content-addressed specs and their files: packed for the wire, and opened again only if they are what their digest says.
import { createHash } from 'node:crypto'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { accept, type Result, refuse, SkerryError } from './errors.js'
import { protocolVersion } from './messages/message.js'
import { maxSpecBytes, type SpecBody, specBodyCodec, specCodec } from './messages/spec.js'

export interface Packed {
  /** SHA-256 of what was packed, uncompressed. */
  readonly digest: Uint8Array
  /** What is published, retained, on the topic of the digest. */
  readonly payload: Uint8Array
}

/** Quality 11 costs about 1 s a megabyte, so only small specs get it; of files there may be a thousand. */
const smallBytes = 64 * 1024

/** What a spec may have beyond its compose file's own limit, so that one of exactly that size can travel. */
const slackBytes = 16

/**
 * Packs a spec. The same spec gives the same digest for ever; the payload may differ between versions.
 * Throws `spec.too-large` for a compose file, or a spec as a whole, of more than {@link maxSpecBytes}.
 */
export function packSpec(spec: Omit<SpecBody, 'version'>): Packed {
  const sizeBytes = Buffer.byteLength(spec.compose)
  if (sizeBytes > maxSpecBytes)
    throw new SkerryError('spec.too-large', `the compose file has ${sizeBytes} bytes, more than ${maxSpecBytes}`)
  const body = specBodyCodec.encode({ version: protocolVersion, ...spec })
  if (body.length > maxSpecBytes + slackBytes)
    throw new SkerryError('spec.too-large', `compose file, values and list of files have more than ${maxSpecBytes} bytes together`)
  return pack(body, body.length <= smallBytes ? 11 : 5)
}

/** Packs the contents of a bundle's file. Throws `spec.too-large` for more than {@link maxSpecBytes}. */
export function packFile(contents: Uint8Array): Packed {
  if (contents.length > maxSpecBytes)
    throw new SkerryError('spec.too-large', `a file has ${contents.length} bytes, more than ${maxSpecBytes}`)
  return pack(contents, contents.length <= smallBytes ? 9 : 5)
}

/** Opens a payload. Refuses with `spec.digest` if it is not the spec that `digest` names, and never inflates beyond the limit. */
export function openSpec(payload: Uint8Array, digest: Uint8Array): Result<SpecBody> {
  const body = openFile(payload, digest)
  return body.ok ? specBodyCodec.decode(body.value) : body
}

/** The contents of a file, under the same rules. */
export function openFile(payload: Uint8Array, digest: Uint8Array): Result<Uint8Array> {
  const envelope = specCodec.decode(payload)
  if (!envelope.ok) return envelope
  const body = envelope.value.encoding === 'brotli' ? decompress(envelope.value.body) : envelope.value.body
  if (body === undefined) return refuse('message.invalid', `the body does not decompress to at most ${maxSpecBytes} bytes`)
  if (Buffer.compare(digestOfContents(body), digest) !== 0) return refuse('spec.digest', 'the body is not what its digest names')
  return accept(body)
}

function pack(body: Uint8Array, quality: number): Packed {
  const packed = compress(body, quality)
  // An empty body has only a compressed form.
  const smaller = packed.length < body.length || body.length === 0
  const payload = specCodec.encode({ version: protocolVersion, encoding: smaller ? 'brotli' : 'identity', body: smaller ? packed : body })
  return { digest: digestOfContents(body), payload }
}

/** A digest as a topic segment and file name. */
export function digestText(digest: Uint8Array): string {
  return Buffer.from(digest).toString('base64url')
}

export function digestOfContents(body: Uint8Array): Uint8Array {
  return createHash('sha256').update(body).digest()
}

function compress(body: Uint8Array, quality: number): Uint8Array {
  return brotliCompressSync(body, {
    params: {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
    },
  })
}

function decompress(packed: Uint8Array): Uint8Array | undefined {
  try {
    return brotliDecompressSync(packed, { maxOutputLength: maxSpecBytes + 64 })
  } catch {
    return undefined
  }
}
