// Content-addressed specs: packed for the wire, and opened again only if they are what their digest says.
import { createHash } from 'node:crypto'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { accept, type Result, refuse, SkerryError } from './errors.js'
import { maxSpecBytes, protocolVersion, type SpecBody, specBodyCodec, specCodec } from './messages.js'

export interface PackedSpec {
  /** SHA-256 of the uncompressed body. */
  readonly digest: Uint8Array
  /** What is published, retained, on the spec's topic. */
  readonly payload: Uint8Array
}

/**
 * Packs a compose file. The same text gives the same digest for ever; the payload may differ between versions.
 * Throws `spec.too-large` for a file of more than {@link maxSpecBytes}.
 */
export function packSpec(spec: Omit<SpecBody, 'version'>): PackedSpec {
  const sizeBytes = Buffer.byteLength(spec.compose)
  if (sizeBytes > maxSpecBytes)
    throw new SkerryError('spec.too-large', `the compose file has ${sizeBytes} bytes, more than ${maxSpecBytes}`)
  const body = specBodyCodec.encode({ version: protocolVersion, ...spec })
  const packed = compress(body)
  const smaller = packed.length < body.length
  const payload = specCodec.encode({ version: protocolVersion, encoding: smaller ? 'brotli' : 'identity', body: smaller ? packed : body })
  return { digest: sha256(body), payload }
}

/** Opens a payload. Refuses with `spec.digest` if it is not the spec that `digest` names, and never inflates beyond the limit. */
export function openSpec(payload: Uint8Array, digest: Uint8Array): Result<SpecBody> {
  const envelope = specCodec.decode(payload)
  if (!envelope.ok) return envelope
  const body = envelope.value.encoding === 'brotli' ? decompress(envelope.value.body) : envelope.value.body
  if (body === undefined) return refuse('message.invalid', `the spec does not decompress to at most ${maxSpecBytes} bytes`)
  if (Buffer.compare(sha256(body), digest) !== 0) return refuse('spec.digest', 'the spec is not the one that its digest names')
  const opened = specBodyCodec.decode(body)
  return opened.ok ? accept(opened.value) : opened
}

/** A digest as a topic segment and file name. */
export function digestText(digest: Uint8Array): string {
  return Buffer.from(digest).toString('base64url')
}

function sha256(body: Uint8Array): Uint8Array {
  return createHash('sha256').update(body).digest()
}

/** Quality 11 costs about 1 s a megabyte, so only small specs get it. */
function compress(body: Uint8Array): Uint8Array {
  const quality = body.length <= 64 * 1024 ? 11 : 5
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
