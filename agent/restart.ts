// Services stopped and started again because somebody asked for it.
import { SkerryError } from '../protocol/errors.js'
import type { RunningWish } from './core/desired.js'
import { isRunning, matchContainers } from './core/match.js'
import type { Observed } from './core/observed.js'
import { stopStep } from './core/plan.js'
import { startStep } from './core/starts.js'
import type { Step } from './core/step.js'

export interface Restart {
  /** None: all. */
  readonly services: readonly string[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Two sets of steps: all stops, then all starts. Throws what is named and not there. */
export function restartSteps(wish: RunningWish, observed: Observed, services: readonly string[]): readonly (readonly Step[])[] {
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
