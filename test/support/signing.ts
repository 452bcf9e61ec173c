// A manager's signing key for tests, and what a device of its fleet goes by: the one place where tests sign and read what is signed.
import type { SigningKeys } from '../../agent/signing-keys.js'
import { decodeSign1, newPrivateKey } from '../../protocol/cose.js'
import { createSigner, type Signer } from '../../protocol/signed.js'

export function newSigner(): Signer {
  return createSigner(newPrivateKey())
}

/** Signs all that tests publish as a manager would. */
export const manager = newSigner()

export class HeldKeys implements SigningKeys {
  #keys: readonly Uint8Array[]

  constructor(...keys: readonly Uint8Array[]) {
    this.#keys = keys.length === 0 ? [manager.publicKey] : keys
  }

  keys(): readonly Uint8Array[] {
    return this.#keys
  }

  replace(keys: readonly Uint8Array[]): void {
    this.#keys = keys
  }
}

/** What was signed, whoever signed it; of bytes that are not signed, nothing. */
export function contentsOf(message: Uint8Array): Uint8Array {
  return decodeSign1(message)?.payload ?? new Uint8Array()
}
