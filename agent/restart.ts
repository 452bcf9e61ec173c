// Services stopped and started again because somebody asked for it.
import { SkerryError } from '../protocol/errors.js'
import type { RunningWish } from './core/desired.js'
import { isRunning, matchContainers } from './core/match.js'
import type { Observed } from './core/observed.js'
import { stopStep } from './core/plan.js'
import { startStep } from './core/starts.js'
import type { Step } from './core/step.js'

interface Restart {
  /** None: all. */
  readonly services: readonly string[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Those that wait for the app's loop. */
export class Restarts {
  #waiting: Restart[] = []

  /** Rejects with a SkerryError, or what `signal` says if that ends it before it has begun. */
  add(services: readonly string[], signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const restart = { services, resolve, reject }
      this.#waiting.push(restart)
      const takeBack = () => {
        this.#waiting = this.#waiting.filter(each => each !== restart)
        reject(signal.reason)
      }
      signal.addEventListener('abort', takeBack, { once: true })
    })
  }

  refuse(error: SkerryError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  /** False if none waits. */
  async takeNext(wish: RunningWish, observed: Observed, take: (steps: readonly Step[]) => Promise<unknown>): Promise<boolean> {
    const [restart] = this.#waiting.splice(0, 1)
    if (restart === undefined) return false
    try {
      for (const steps of restartSteps(wish, observed, restart.services)) await take(steps)
      restart.resolve()
    } catch (error) {
      restart.reject(error)
    }
    return true
  }
}

/** Two sets of steps: all stops, then all starts. Throws what is named and not there. */
function restartSteps(wish: RunningWish, observed: Observed, services: readonly string[]): readonly (readonly Step[])[] {
  const unknown = services.find(name => wish.project.services[name] === undefined)
  if (unknown !== undefined) throw new SkerryError('request.invalid', `the app has no service ${unknown}`, { path: `services.${unknown}` })
  const { current } = matchContainers(wish, observed)
  const chosen = [...current].filter(([name]) => services.length === 0 || services.includes(name)).flatMap(([, containers]) => containers)
  return [
    chosen.filter(isRunning).map(stopStep),
    chosen.flatMap(container => {
      const service = wish.project.services[container.service]
      return service === undefined ? [] : [startStep(container, service)]
    }),
  ]
}
