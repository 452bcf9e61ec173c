// Who is of the fleet: each device's key, in memory, because the broker asks at every connect.
import { accept, type Result, refuse } from '../../protocol/errors.js'
import type { Db } from '../store/db.js'
import { deleteKey, insertKey, type KeyRow, readKeys, saveEnd } from '../store/device-keys.js'
import { readTombstones } from '../store/tombstones.js'

export class Keys {
  readonly #db: Db
  readonly #byDevice = new Map<string, KeyRow>()
  readonly #deviceOf = new Map<string, string>()
  /** Keys of released devices that have not heard of it. */
  readonly #leaving = new Map<string, string>()
  readonly #listeners = new Set<() => void>()

  constructor(db: Db) {
    this.#db = db
    for (const row of readKeys(db)) this.#hold(row)
    for (const { device, key } of readTombstones(db)) if (key !== null) this.#leaving.set(device, key)
  }

  of(device: string): KeyRow | undefined {
    return this.#byDevice.get(device)
  }

  deviceOf(key: string): string | undefined {
    return this.#deviceOf.get(key)
  }

  /** Refuses with `certificate.revoked`. */
  check(device: string, key: string): Result<true> {
    const held = this.#byDevice.get(device)
    if (held?.key === key) return accept(true)
    const why = held === undefined ? 'is not of this fleet (any more)' : 'is registered with another key'
    return refuse('certificate.revoked', `device ${device} ${why}; it can join anew with a token`)
  }

  isLeaving(device: string, key: string): boolean {
    return this.#leaving.get(device) === key
  }

  /** Called when a key was forgotten. Returns how to stop it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Call it in the transaction, and `held` after it. */
  save(row: KeyRow): void {
    insertKey(this.#db, row)
  }

  held(row: KeyRow): void {
    this.#hold(row)
    if (this.#leaving.delete(row.device)) this.#tell()
  }

  certified(device: string, endsAt: number): void {
    const row = this.#byDevice.get(device)
    if (row === undefined) return
    this.#db.quickly(() => saveEnd(this.#db, device, endsAt))
    this.#byDevice.set(device, { ...row, endsAt })
  }

  /** Call it in the transaction, and `released` after it. */
  remove(device: string): void {
    deleteKey(this.#db, device)
  }

  released(device: string): void {
    const row = this.#byDevice.get(device)
    if (row === undefined) return
    this.#byDevice.delete(device)
    this.#deviceOf.delete(row.key)
    this.#leaving.set(device, row.key)
    this.#tell()
  }

  /** A released device has said that it knows. */
  gone(device: string): void {
    if (this.#leaving.delete(device)) this.#tell()
  }

  #hold(row: KeyRow): void {
    this.#byDevice.set(row.device, row)
    this.#deviceOf.set(row.key, row.device)
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
