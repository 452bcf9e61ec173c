// A time that has certainly come, from certificates that were verified: it stands in for the clock where certificates are judged.

/**
 * The floor after a certificate that began at `notBeforeMs` was verified, by a device whose clock says `nowMs`. A clock at or past the floor may be
 * right, so the floor does not pass it: else a server whose clock was once years ahead would lock the devices out. One before the floor is wrong.
 */
export function raiseFloor(floorMs: number, notBeforeMs: number, nowMs: number): number {
  const reached = nowMs >= floorMs ? Math.min(notBeforeMs, nowMs) : notBeforeMs
  return Number.isFinite(reached) ? Math.max(floorMs, reached) : floorMs
}
