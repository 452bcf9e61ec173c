// Passwords as they are kept: scrypt, a few at a time, off the main thread. One-time passwords are random and need no more than a hash.
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { accept, type Result, refuse, SkerryError } from '../../protocol/errors.js'
import { fits, hashOf } from './secrets.js'

/** 32 MiB and some 0.2 s each. */
const cost = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 }
const keyBytes = 32
const atOnce = 2
const maxWaiting = 2000

const shortest = 10
const longest = 256

/** Refuses with `auth.password`. */
export function checkPassword(password: string, name: string): Result<string> {
  if (password.length < shortest) return refuse('auth.password', `a password has at least ${shortest} characters`)
  if (password.length > longest) return refuse('auth.password', `a password has at most ${longest} characters`)
  if (password.toLowerCase().includes(name.toLowerCase()) && password.length < name.length + shortest)
    return refuse('auth.password', 'a password is not the user’s name')
  if (new Set(password).size < 4) return refuse('auth.password', 'a password has at least 4 different characters')
  return accept(password)
}

export class Passwords {
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** What to keep of a password. Throws `auth.limited` if too many wait. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(16)
    const key = await this.#derive(password, salt)
    return `scrypt$${cost.N}$${cost.r}$${cost.p}$${salt.toString('base64url')}$${key.toString('base64url')}`
  }

  hashOneTime(password: string): string {
    return `sha256$${hashOf(password)}`
  }

  /** Takes as long for nobody's password (undefined), and for a one-time password, as for a wrong one. Throws `auth.limited` if too many wait. */
  async verify(password: string, kept: string | undefined): Promise<boolean> {
    const [kind = '', ...parts] = (kept ?? '').split('$')
    if (kind === 'sha256') {
      await this.#derive(password, randomBytes(16))
      return fits(password, parts[0] ?? '')
    }
    const [N, r, p, salt = '', hash = ''] = parts
    const given = kept === undefined ? cost : { ...cost, N: Number(N), r: Number(r), p: Number(p) }
    const key = await this.#derive(password, Buffer.from(salt, 'base64url'), given)
    const expected = Buffer.from(hash, 'base64url')
    return expected.length === key.length && timingSafeEqual(key, expected)
  }

  async #derive(password: string, salt: Buffer, given = cost): Promise<Buffer> {
    await this.#turn()
    try {
      return await new Promise((resolve, reject) =>
        scrypt(password.normalize('NFC'), salt, keyBytes, given, (error, key) => (error === null ? resolve(key) : reject(error))),
      )
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }

  async #turn(): Promise<void> {
    if (this.#running >= atOnce) {
      if (this.#waiting.length >= maxWaiting) throw new SkerryError('auth.limited', 'too many log in at once: try again in a minute')
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
    this.#running++
  }
}
