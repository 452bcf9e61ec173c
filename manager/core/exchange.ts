// One request and its answer: the order of parts, and the credit that its reader gives. Pure.

/** Bytes that a device may be ahead of the reader. */
export const windowBytes = 64 * 1024

/** A part that came before is one that the broker delivered twice; one that leaves some out means that these are lost. */
export function judgePart(part: number, next: number): 'next' | 'repeated' | 'gap' {
  if (part === next) return 'next'
  return part < next ? 'repeated' : 'gap'
}

/** The sum to grant once `taken` bytes have been read; undefined while the reader has more than half a window left. */
export function nextGrant(granted: number, taken: number): number | undefined {
  const sum = taken + windowBytes
  return sum - granted >= windowBytes / 2 ? sum : undefined
}

/** A device that has not taken up a request by then is not going to. Where heartbeats are rare the link may be one that takes its time. */
export function takeUpMs(leaseMs: number): number {
  return Math.min(60_000, Math.max(15_000, leaseMs / 4))
}
