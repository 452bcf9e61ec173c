// What users do to signing keys: see them, and have a new one.
import { kidOf } from '../protocol/cose.js'
import { newEvent } from './core/events.js'
import type { Fleet } from './fleet.js'

export interface SigningKey {
  readonly number: number
  /** The first 8 bytes of its SHA-256, in hexadecimal digits. */
  readonly id: string
  readonly createdAt: number
  /** It signs now; the others are retired. */
  readonly current: boolean
  /** How many devices said that they go by it. */
  readonly devices: number
}

/** Newest first. */
export function listKeys({ signing, inventory }: Fleet): SigningKey[] {
  const held = [...inventory.devices.values()].map(({ reported }) => hex(reported?.key))
  const keys = signing.history().map(({ number, publicKey, createdAt }, n, all) => {
    const id = hex(kidOf(publicKey)) ?? ''
    return { number, id, createdAt, current: n === all.length - 1, devices: held.filter(each => each === id).length }
  })
  return keys.reverse()
}

/** A new key signs from now on. Devices come to it by the chain of keys, whenever they next connect. */
export function rotateKey(fleet: Fleet): SigningKey {
  const { journal, signing, publisher, clock } = fleet
  journal.change(note => {
    const number = signing.rotate(clock.now())
    note(newEvent('key.rotated', `key ${number} signs from now on what devices are to run`, { data: { number } }))
  })
  signing.reload()
  publisher.wake()
  const [newest] = listKeys(fleet)
  if (newest === undefined) throw new Error('there is no signing key')
  return newest
}

function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex')
}
