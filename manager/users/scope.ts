// What of the fleet a list of groups is: their names, and the devices that are in them now.
import type { Scope } from '../../protocol/access.js'
import { nameOf } from '../core/model.js'
import { resolveDevice } from '../core/resolve.js'
import type { Inventory } from '../inventory.js'
import type { Db } from '../store/db.js'
import { readMembers } from '../store/groups.js'
import type { Groups } from '../store/users.js'

export const wholeFleet: Scope = { groups: 'all', devices: 'all' }

export interface Around {
  readonly db: Db
  readonly inventory: Inventory
  /** Grows whenever a group may have got other members. */
  version(): number
}

export function scopeOf(around: Around, groups: Groups): Scope {
  return groups === null ? wholeFleet : { groups: new Set(groups), devices: new DevicesOf(around, groups) }
}

/** Ids, and names that only one device of the fleet has, of the devices in some groups. */
class DevicesOf implements ReadonlySet<string> {
  readonly #around: Around
  readonly #groups: readonly string[]
  #ids: ReadonlySet<string> = new Set()
  #version = -1

  constructor(around: Around, groups: readonly string[]) {
    this.#around = around
    this.#groups = groups
  }

  has(reference: string): boolean {
    const found = resolveDevice(this.#around.inventory.devices, reference)
    return found.ok && this.#members().has(found.value.id)
  }

  get size(): number {
    return [...this].length
  }

  *keys(): SetIterator<string> {
    for (const id of this.#members()) {
      yield id
      const device = this.#around.inventory.devices.get(id)
      if (device !== undefined && nameOf(device) !== id && this.has(nameOf(device))) yield nameOf(device)
    }
  }

  values(): SetIterator<string> {
    return this.keys()
  }

  *entries(): SetIterator<[string, string]> {
    for (const key of this.keys()) yield [key, key]
  }

  [Symbol.iterator](): SetIterator<string> {
    return this.keys()
  }

  forEach(act: (value: string, key: string, set: ReadonlySet<string>) => void): void {
    for (const key of this.keys()) act(key, key, this)
  }

  #members(): ReadonlySet<string> {
    const version = this.#around.version()
    if (version !== this.#version) {
      this.#ids = new Set(this.#groups.flatMap(group => readMembers(this.#around.db, group)))
      this.#version = version
    }
    return this.#ids
  }
}
