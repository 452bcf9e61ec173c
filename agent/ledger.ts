// Which revision of each app was made so last: kept on disk, as labels on containers would have them made anew at each revision.
import { digestText } from '../protocol/spec.js'
import type { Applied, Disk } from './disk.js'
import type { Target } from './lane.js'

export class Ledger {
  readonly #disk: Disk
  readonly #applied: Map<string, Applied>

  constructor(disk: Disk) {
    this.#disk = disk
    this.#applied = disk.loadApplied()
  }

  get(app: string): Applied | undefined {
    return this.#applied.get(app)
  }

  /** Digests of the specs that were applied last. */
  digests(): string[] {
    return [...this.#applied.values()].map(({ digest }) => digest)
  }

  /** Writes down that a target has been reached. True if that is news. */
  enter({ owner, wish, revision }: Target): boolean {
    if (wish === undefined || wish.run === 'removed' || revision === undefined) return false
    const next: Applied = { revision: revision.revision, digest: digestText(revision.digest), run: wish.run }
    const last = this.#applied.get(owner.app)
    if (last !== undefined && last.revision === next.revision && last.digest === next.digest && last.run === next.run) return false
    this.#disk.saveApplied(new Map(this.#applied).set(owner.app, next))
    this.#applied.set(owner.app, next)
    return true
  }

  strike(app: string): void {
    if (this.#applied.delete(app)) this.#disk.saveApplied(this.#applied)
  }
}
