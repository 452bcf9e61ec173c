// The numbers that order what a device says: an epoch for each session, and a sequence in each.
import { sessionsPerStart, startOf } from '../protocol/messages/status.js'
import type { Disk } from './disk.js'

/** An epoch is the start's number times 65536 plus the session's: one durable write a start, not one a session. */
export class Epochs {
  readonly #disk: Disk
  #start: number
  #session = 0
  #sequence = 0

  constructor(disk: Disk) {
    this.#disk = disk
    this.#start = disk.countStart()
  }

  /** The number of this start of the agent. */
  get start(): number {
    return this.#start
  }

  get current(): number {
    return this.#start * sessionsPerStart + this.#session
  }

  /** The epoch of a new session. */
  open(): number {
    if (++this.#session >= sessionsPerStart) {
      this.#start = this.#disk.countStart(this.#start)
      this.#session = 1
    }
    this.#sequence = 0
    return this.current
  }

  /** Number of what is told next in this epoch. */
  nextSequence(): number {
    return this.#sequence++
  }

  /** A state folder from a backup counts epochs that were used before: true if later ones had to be, and could be, begun. */
  riseAbove(floor: number): boolean {
    if (this.current > floor) return false
    const start = this.#disk.countStart(startOf(floor))
    if (start * sessionsPerStart < floor) return false
    this.#start = start
    this.#session = 0
    return true
  }
}
