// When a certificate is to be renewed: well before its end, and not by all devices at once. By the server's time: the device's clock may stand in any year.

/** Times in ms since 1970. */
export interface Life {
  readonly fromMs: number
  readonly untilMs: number
  /** When it came, by the device's own clock. */
  readonly receivedMs: number
  /** The same moment by the server's clock, if it has said so. It is later than `fromMs`, as servers date certificates back. */
  readonly issuedMs?: number | undefined
}

/** The server's time when the device's clock says `nowMs`: what has passed since the certificate came counts, not what the clock showed then. */
export function serverTime(life: Life, nowMs: number): number {
  return Math.max(life.fromMs, issuedAt(life) + nowMs - life.receivedMs)
}

/** From two thirds of its life on, up to a tenth of it later, by the server's time. `spread` is in [0, 1). */
export function renewAtMs(life: Life, spread: number): number {
  const lifeMs = life.untilMs - issuedAt(life)
  return life.untilMs - lifeMs / 3 + (lifeMs / 10) * spread
}

/** A time outside of the certificate's own is nobody's right time. */
function issuedAt({ fromMs, untilMs, receivedMs, issuedMs = receivedMs }: Life): number {
  return issuedMs >= fromMs && issuedMs <= untilMs ? issuedMs : fromMs
}
