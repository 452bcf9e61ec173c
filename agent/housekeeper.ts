// Images that nothing needs any more go: old ones of updated apps by themselves, those of deleted apps where that was asked for.
import type { Logger } from 'pino'
import type { AppRecord } from './core/record.js'
import { neededImages, spareImages } from './core/spare.js'
import type { Engine } from './engine.js'
import type { UsedImage } from './images.js'
import type { Ledger } from './ledger.js'

export interface HousekeeperOptions {
  readonly engine: Engine
  readonly ledger: Ledger
  readonly log: Logger
  /** References of the images that the apps are to run now. */
  readonly references: () => readonly string[]
}

export class Housekeeper {
  readonly #options: HousekeeperOptions
  #tidying: Promise<void> | undefined
  #again = false

  constructor(options: HousekeeperOptions) {
    this.#options = options
  }

  /** Removes images that were pulled for apps and that no app needs now or may go back to. What cannot be done now is left for the next time. */
  tidy(): void {
    this.#again = true
    this.#tidying ??= this.#tidyAll().finally(() => {
      this.#tidying = undefined
    })
  }

  /** Removes the images of an app that has been deleted, whoever brought them, unless something else needs them. Throws if the Engine is away. */
  async purge(app: string): Promise<void> {
    const { ledger } = this.#options
    const record = ledger.get(app)
    if (record === undefined) return
    const others = new Map([...ledger.apps].filter(([name]) => name !== app))
    await this.#remove(imagesOf(record, ledger.images), await this.#needed(others))
  }

  async #tidyAll(): Promise<void> {
    const { ledger, log } = this.#options
    while (this.#again) {
      this.#again = false
      try {
        if (ledger.images.length > 0) await this.#remove(ledger.images, await this.#needed(ledger.apps))
      } catch (error) {
        log.debug({ err: error }, 'images are not cleaned up now')
      }
    }
  }

  async #needed(apps: ReadonlyMap<string, AppRecord>): Promise<ReadonlySet<string>> {
    const { engine, references } = this.#options
    const retried = [...apps.values()].flatMap(({ failed }) => (failed?.retry === true ? failed.references : []))
    const asked = [...new Set([...references(), ...retried])]
    const { images } = await engine.observe({ app: '', images: asked, volumes: [], networks: [] })
    return neededImages(apps, Object.values(images))
  }

  async #remove(images: readonly UsedImage[], needed: ReadonlySet<string>): Promise<void> {
    const { engine, ledger, log } = this.#options
    const gone = new Set<string>()
    for (const { id, references } of spareImages(images, needed)) {
      if (!(await engine.dropImage(id, references))) continue
      gone.add(id)
      log.info({ image: id, references }, 'an image that nothing needs has been removed')
    }
    ledger.dropImages(gone)
  }
}

function imagesOf({ images = [], good }: AppRecord, known: readonly UsedImage[]): UsedImage[] {
  const ids = new Set([...images.map(({ id }) => id), ...(good?.images ?? []).map(({ id }) => id)])
  return [...images, ...known.filter(({ id }) => ids.has(id)), ...[...ids].map(id => ({ id, reference: '' }))]
}
