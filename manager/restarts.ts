// Restarts that commands have asked for: one at a time of each app on each target, and each answered in bounded time.
import type { CommandTopic } from '../protocol/command-topics.js'
import { SkerryError } from '../protocol/errors.js'
import { keyOf, type Target } from './core/model.js'
import type { Fleet } from './fleet.js'
import { findTarget, type Obeyed, restart } from './obey.js'

/** A PLC waits no longer; the restart may still come true. */
const answerMs = 60_000

/** A restart under way. */
export interface Restart {
  /** However long it takes. Rejects with what the devices have against it. */
  readonly end: Promise<Obeyed>
  /** Whether any device has been asked by now: it may come true, whatever is known of it. */
  isAsked(): boolean
}

export class Restarts {
  readonly #fleet: Fleet
  readonly #underWay = new Map<string, Restart>()

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  /** Joins the restart that is under way, if there is one. Throws `device.unknown` or `group.unknown`. */
  ask(topic: CommandTopic, app: string): Restart {
    // By its id a device is the same as by its name.
    const target = findTarget(this.#fleet, topic)
    const key = `${keyOf(target)}/${app}`
    return this.#underWay.get(key) ?? this.#start(key, target, app)
  }

  /** Its answer; rejects with `wait.timeout` if that takes more than a minute. */
  async inTime<T>(app: string, answer: Promise<T>): Promise<T> {
    let cancel = () => {}
    const late = new Promise<never>((_, reject) => {
      const fault = new SkerryError('wait.timeout', `${app} has not been restarted everywhere within ${answerMs / 1000} s`)
      cancel = this.#fleet.clock.after(answerMs, () => reject(fault))
    })
    try {
      return await Promise.race([answer, late])
    } finally {
      cancel()
    }
  }

  #start(key: string, target: Target, app: string): Restart {
    let asked = false
    const onAsked = () => {
      asked = true
    }
    const end = restart(this.#fleet, target, app, onAsked).finally(() => this.#underWay.delete(key))
    const started = { end, isAsked: () => asked }
    this.#underWay.set(key, started)
    return started
  }
}
