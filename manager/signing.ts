// The manager's signing key: made at the first start, changed when somebody asks, each new one announced by the one before.
import { newPrivateKey } from '../protocol/cose.js'
import { createSigner, encodeKeys, type Signer, signLink } from '../protocol/signed.js'
import type { Db } from './store/db.js'
import { renewSignatures } from './store/outbox.js'
import { insertKey, type KeyRow, readKeys, readPrivateKey } from './store/signing-keys.js'

/** As many as the message may have; who has slept through more must join anew. */
const maxLinks = 500

export class Signing {
  readonly #db: Db
  #signer: Signer
  #keys: readonly KeyRow[]

  /** `now`: wall clock, of the first key. */
  constructor(db: Db, now: number) {
    this.#db = db
    if (readPrivateKey(db) === undefined) db.durably(() => this.#add(null, now))
    this.#signer = createSigner(readPrivateKey(db) ?? Buffer.alloc(0))
    this.#keys = readKeys(db)
  }

  /** What a device that joins now goes by. */
  keys(): readonly Uint8Array[] {
    return [this.#signer.publicKey]
  }

  /** All keys that this manager ever had, oldest first. */
  history(): readonly KeyRow[] {
    return this.#keys
  }

  sign(topic: string, payload: Uint8Array): Buffer {
    return this.#signer.sign(topic, payload)
  }

  /** The message that leads agents from any of the keys to the newest; empty, which clears its topic, while there is only one key. */
  chain(): Buffer {
    const links = this.#keys.flatMap(({ link }) => (link === null ? [] : [link])).slice(-maxLinks)
    return links.length === 0 ? Buffer.alloc(0) : encodeKeys(links)
  }

  /** Call it in a transaction, and {@link reload} once that is done. Returns the number of the new key. */
  rotate(now: number): number {
    return this.#add(this.#signer, now)
  }

  reload(): void {
    this.#signer = createSigner(readPrivateKey(this.#db) ?? Buffer.alloc(0))
    this.#keys = readKeys(this.#db)
  }

  #add(before: Signer | null, createdAt: number): number {
    const number = readKeys(this.#db).length + 1
    const privateKey = newPrivateKey()
    const { publicKey } = createSigner(privateKey)
    const link = before === null ? null : signLink(before, { number, key: publicKey })
    insertKey(this.#db, { number, publicKey, link, createdAt }, privateKey)
    renewSignatures(this.#db, number)
    return number
  }
}
