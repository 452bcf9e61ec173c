// The images that one app's loop pulls: which services wait for them, how far they are, and which are new here.
import type { Observed } from './core/observed.js'
import type { Step } from './core/step.js'
import type { StepProgress } from './execute.js'
import type { Pulled } from './pulls.js'

export interface UsedImage {
  readonly id: string
  readonly reference: string
}

export interface PullsUnderway {
  readonly isWaiting: (image: string) => boolean
  readonly progressOf: (image: string) => Pulled | undefined
}

export class ImageNotes {
  readonly #services = new Map<string, readonly string[]>()
  readonly #pulled = new Set<string>()
  /** Pulled since the last look, with the id that the reference had before. */
  readonly #unseen = new Map<string, string | undefined>()

  clear(): void {
    this.#pulled.clear()
  }

  note({ image, services }: Step & { kind: 'pull' | 'build' }, phase: StepProgress['phase'], observed: Observed | undefined): void {
    if (phase === 'begun') this.#services.set(image, services)
    else this.#services.delete(image)
    if (phase !== 'done') return
    this.#pulled.add(image)
    this.#unseen.set(image, observed?.images[image]?.id)
  }

  /** References that have been pulled for this target. */
  pulled(): readonly string[] {
    return [...this.#pulled]
  }

  /** Services whose image is being pulled, and how far that is. */
  pulling({ isWaiting, progressOf }: PullsUnderway): ReadonlyMap<string, Pulled | undefined> {
    const underway = [...this.#services].filter(([image]) => !isWaiting(image))
    return new Map(underway.flatMap(([image, services]) => services.map(name => [name, progressOf(image)] as const)))
  }

  /** True if the pull of any of its images waits for its turn. */
  waits({ isWaiting }: Pick<PullsUnderway, 'isWaiting'>): boolean {
    return [...this.#services.keys()].some(isWaiting)
  }

  /** Images that have come since the last look and were not here before. */
  takeNew({ images }: Observed): UsedImage[] {
    const pulled = [...this.#unseen]
    this.#unseen.clear()
    return pulled.flatMap(([reference, before]) => {
      const id = images[reference]?.id
      return id === undefined || id === before ? [] : [{ id, reference }]
    })
  }
}
