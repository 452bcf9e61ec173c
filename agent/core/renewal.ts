// When a certificate is to be renewed: well before its end, and not by all devices at once.

export interface Life {
  readonly fromMs: number
  readonly untilMs: number
  /** When it came, by the device's own clock: it may be younger than it says, as servers date them back. */
  readonly receivedMs: number
}

/** From two thirds of its life on, up to a tenth of it later. `spread` is in [0, 1). */
export function renewAtMs({ fromMs, untilMs, receivedMs }: Life, spread: number): number {
  const lifeMs = Math.max(0, Math.min(untilMs - fromMs, untilMs - receivedMs))
  return untilMs - lifeMs / 3 + (lifeMs / 10) * spread
}

export function hasLapsed({ untilMs }: Life, nowMs: number): boolean {
  return nowMs >= untilMs
}
