// What the device remembers of its server, so that it finds and knows it again without DNS and without a clock.

import type { LookupFunction } from 'node:net'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { raiseFloor } from './core/time-floor.js'
import { readIfThere, removeIfThere, writeAtomic } from './files.js'
import { type Resolve, tolerantLookup } from './lookup.js'
import type { SeenServer, ServerMemory } from './reach.js'

interface Remembered {
  readonly floorMs: number
  /** By name, the last one first. */
  readonly addresses: Readonly<Record<string, readonly string[]>>
}

export interface AcquaintanceOptions {
  /** The state folder. */
  readonly folder: string
  readonly log: Logger
  readonly clock: Clock
  /** Start of the device's own certificate, ms since 1970. */
  readonly ownNotBeforeMs: () => number | undefined
  /** How names are found; the system's way by default. */
  readonly resolve?: Resolve
}

const maxAddresses = 4
const maxNames = 4
/** This version was written after it. */
const earliestMs = Date.UTC(2025, 0)
const nothing: Remembered = { floorMs: earliestMs, addresses: {} }

export class Acquaintance implements ServerMemory {
  readonly lookup: LookupFunction
  readonly #options: AcquaintanceOptions
  readonly #path: string
  #remembered: Remembered

  constructor(options: AcquaintanceOptions) {
    this.#options = options
    this.#path = fileIn(options.folder)
    this.#remembered = parse(readIfThere(this.#path))
    this.lookup = tolerantLookup(host => this.#remembered.addresses[host] ?? [], options.clock, options.resolve)
  }

  /** A time that has certainly come, ms since 1970. */
  floorMs(): number {
    const { ownNotBeforeMs, clock } = this.#options
    const { floorMs } = this.#remembered
    return raiseFloor(floorMs, ownNotBeforeMs() ?? 0, clock.now())
  }

  /** Whole seconds since 1970; undefined where the device's clock is certainly wrong. */
  nowS(): number | undefined {
    const nowMs = this.#options.clock.now()
    return nowMs < this.floorMs() ? undefined : Math.floor(nowMs / 1000)
  }

  /** A session with the server stands. */
  note({ host, address, notBeforeMs }: SeenServer): void {
    const floorMs = raiseFloor(this.floorMs(), notBeforeMs ?? 0, this.#options.clock.now())
    const addresses = address === undefined ? this.#remembered.addresses : withAddress(this.#remembered.addresses, host, address)
    const next = { floorMs, addresses }
    if (JSON.stringify(next) === JSON.stringify(this.#remembered)) return
    this.#remembered = next
    try {
      writeAtomic(this.#path, `${JSON.stringify(next)}\n`)
    } catch (error) {
      this.#options.log.warn({ err: error }, 'the server’s address could not be written down')
    }
  }
}

/** Another fleet, or the same one met anew: of the one before, nothing counts. */
export function meetServer(options: AcquaintanceOptions, server: SeenServer): void {
  removeIfThere(fileIn(options.folder))
  new Acquaintance(options).note(server)
}

function fileIn(folder: string): string {
  return join(folder, 'server.json')
}

function withAddress(known: Remembered['addresses'], host: string, address: string): Remembered['addresses'] {
  const { [host]: before = [], ...others } = known
  const kept = [address, ...before.filter(each => each !== address)].slice(0, maxAddresses)
  return Object.fromEntries([[host, kept], ...Object.entries(others)].slice(0, maxNames))
}

/** What cannot be read is learned anew. */
function parse(bytes: Buffer | undefined): Remembered {
  try {
    const { floorMs, addresses } = JSON.parse(bytes?.toString() ?? '')
    const lists = Object.values(addresses as object)
    const isSound = Number.isFinite(floorMs) && lists.every(list => Array.isArray(list) && list.every(each => typeof each === 'string'))
    return isSound ? { floorMs, addresses } : nothing
  } catch {
    return nothing
  }
}
