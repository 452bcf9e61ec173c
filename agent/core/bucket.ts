// How much may be sent at a time, so that it is no more than so much a second on the average. Pure.

export interface Bucket {
  /** What may be sent at once, bytes. */
  readonly bytes: number
  /** When that was so: monotonic ms. */
  readonly at: number
}

/** As much as comes in a second is kept. */
export function fill(bucket: Bucket | undefined, now: number, bytesPerS: number): Bucket {
  if (bucket === undefined) return { bytes: bytesPerS, at: now }
  return { bytes: Math.min(bytesPerS, bucket.bytes + ((now - bucket.at) * bytesPerS) / 1000), at: now }
}

/** How many of `wanted` bytes may be sent, all at once, or in how many ms they may. */
export function draw(bucket: Bucket, wanted: number, bytesPerS: number): { readonly bytes: number } | { readonly waitMs: number } {
  const bytes = Math.min(wanted, bytesPerS)
  return bucket.bytes >= bytes ? { bytes } : { waitMs: Math.ceil(((bytes - bucket.bytes) * 1000) / bytesPerS) }
}
