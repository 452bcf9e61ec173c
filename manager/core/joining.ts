// Whether a device that asks may join: what is known of it and of what it showed, and what follows from that.
import { accept, type Refusal, type Result, refuse } from '../../protocol/errors.js'

/** What a join token is worth, by its row. Times in ms since 1970. */
export interface TokenWorth {
  readonly uses: number
  readonly used: number
  readonly expiresAt: number
}

export interface Asker<T extends TokenWorth> {
  /** The id that it wants, and the key that holds that id. */
  readonly device: string
  readonly holder: string | undefined
  /** The id that its key holds. */
  readonly registered: string | undefined
  /** What it showed. */
  readonly token: T | 'none' | 'unknown'
  readonly fleetKey: 'not-needed' | 'right' | 'wrong' | 'none'
  readonly waiting: 'pending' | 'rejected' | undefined
  /** Whether another one may wait. */
  readonly room: boolean
  /** So many were refused of late that nobody may guess any more. */
  readonly limited: boolean
}

export type Verdict<T> =
  /** It is of the fleet and gets a certificate. */
  | { readonly kind: 'certify'; readonly device: string }
  | { readonly kind: 'admit'; readonly token: T }
  | { readonly kind: 'wait' }
  /** `guess`: it showed something wrong. */
  | { readonly kind: 'refuse'; readonly refusal: Refusal; readonly guess: boolean }

export function judgeJoin<T extends TokenWorth>(asker: Asker<T>, now: number): Verdict<T> {
  if (asker.registered !== undefined) return { kind: 'certify', device: asker.registered }
  return asker.token === 'none' ? judgeBare(asker) : judgeToken(asker, asker.token, now)
}

function judgeToken<T extends TokenWorth>(asker: Asker<T>, token: T | 'unknown', now: number): Verdict<T> {
  const worth =
    token === 'unknown' ? refuse('token.invalid', `this server has no such token (any more); ${another}`) : checkToken(token, now)
  if (!worth.ok) return asker.limited ? busy : { kind: 'refuse', refusal: worth.refusals[0], guess: true }
  return taken(asker) ?? { kind: 'admit', token: worth.value }
}

/** Refuses with `token.expired` or `token.spent`. */
export function checkToken<T extends TokenWorth>(token: T, now: number): Result<T> {
  if (now >= token.expiresAt) return refuse('token.expired', `this token ended at ${new Date(token.expiresAt).toISOString()}; ${another}`)
  if (token.used >= token.uses) {
    const times = token.uses === 1 ? 'once, as it was meant to be' : `${token.uses} times, as often as it may be`
    return refuse('token.spent', `this token has been used ${times}; ${another}`)
  }
  return accept(token)
}

const another = 'make another one with `skerry token create`'

/** Without a token: by the fleet's key, if it has one, and by a person. */
function judgeBare<T extends TokenWorth>(asker: Asker<T>): Verdict<T> {
  const { fleetKey, waiting, limited, room } = asker
  // Whoever may not guess is not told whether the guess was right.
  if (fleetKey !== 'not-needed' && limited && waiting === undefined) return busy
  if (fleetKey === 'wrong' || fleetKey === 'none') {
    const what =
      fleetKey === 'wrong'
        ? 'the key that this device gave is not the fleet’s'
        : 'whoever asks to join this fleet without a token must have its key'
    return { kind: 'refuse', refusal: { code: 'join.key', message: `${what}; set join-key on the device, or use a token` }, guess: true }
  }
  if (waiting === 'rejected') return { kind: 'refuse', refusal: rejected, guess: false }
  const exists = taken(asker)
  if (exists !== undefined) return exists
  return waiting === 'pending' || room ? { kind: 'wait' } : busy
}

function taken({ device, holder }: Asker<TokenWorth>): Verdict<never> | undefined {
  if (holder === undefined) return undefined
  return { kind: 'refuse', refusal: existing(device), guess: false }
}

export function existing(device: string): Refusal {
  const message = `another key holds the id ${device}: release that device first (skerry delete device ${device}), or give this one another id`
  return { code: 'device.exists', message }
}

export const rejected: Refusal = {
  code: 'join.rejected',
  message: 'somebody rejected this device; it may join once they approve it after all (skerry device approve KEY), or with a token',
}

export const tooBusy: Refusal = { code: 'join.busy', message: 'too many ask or were refused at present; ask again in a minute' }

const busy: Verdict<never> = { kind: 'refuse', refusal: tooBusy, guess: false }
