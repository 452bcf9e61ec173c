// Restarts that commands have asked for: one at a time of each app on each target, and each answered in bounded time.
import type { CommandTopic } from '../protocol/command-topics.js'
import { SkerryError } from '../protocol/errors.js'
import { keyOf, type Target } from './core/model.js'
import type { Fleet } from './fleet.js'
import { findTarget, type Obeyed, restart } from './obey.js'

/** A PLC waits no longer; the restart may still come true. */
const answerMs = 60_000

export class Restarts {
  readonly #fleet: Fleet
  readonly #underWay = new Map<string, Promise<Obeyed>>()

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  /** Joins the restart that is under way, if there is one. Throws `wait.timeout` after a minute, or what the devices have against it. */
  async ask(topic: CommandTopic, app: string): Promise<Obeyed> {
    // By its id a device is the same as by its name.
    const target = findTarget(this.#fleet, topic)
    const key = `${keyOf(target)}/${app}`
    const underWay = this.#underWay.get(key) ?? this.#start(key, target, app)
    let cancel = () => {}
    const late = new Promise<never>((_, reject) => {
      const fault = new SkerryError('wait.timeout', `${app} has not been restarted everywhere within ${answerMs / 1000} s`)
      cancel = this.#fleet.clock.after(answerMs, () => reject(fault))
    })
    try {
      return await Promise.race([underWay, late])
    } finally {
      cancel()
    }
  }

  #start(key: string, target: Target, app: string): Promise<Obeyed> {
    const started = restart(this.#fleet, target, app).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, started)
    return started
  }
}
