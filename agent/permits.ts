// The device's policy at work: what its owner allows, held against each project, and anew when the file changes.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import type { Project } from '../protocol/compose/project.js'
import { type Refusal, unwrap } from '../protocol/errors.js'
import { type DevicePolicy, defaultPolicy } from './core/device-policy.js'
import { joinRefusals, permit } from './core/permit.js'
import type { Premises } from './core/permit-parts.js'
import { enginePlaces } from './engine-places.js'
import { ownAddresses } from './facts.js'
import { loadPolicy, stampOf } from './policy-file.js'
import { realPath } from './real-path.js'

/** Where the policy stands, and what else is the agent's own. */
export interface PolicySource {
  readonly file: string
  /** The owner has named the file: it must be there. */
  readonly isNamed?: boolean
  /** Folders besides the agent's state folder that no app may have. */
  readonly protect?: readonly string[]
}

interface Listeners {
  /** The policy has changed. */
  readonly onChange: () => void
  /** The file has a fault, and nothing else has changed. */
  readonly onFault: () => void
}

interface PermitsOptions {
  readonly source: PolicySource | undefined
  /** The agent's state folder. */
  readonly folder: string
  /** Where the Engine is. */
  readonly engine: string
  readonly clock: Clock
  readonly log: Logger
}

const lookAgainMs = 5_000
const maxTold = 1_000

export class Permits {
  readonly #options: PermitsOptions
  #policy: DevicePolicy
  #stamp: string | undefined
  #told = new Set<string>()
  #fault: Refusal | undefined
  #cancel = () => {}
  #stopped = false

  private constructor(options: PermitsOptions, policy: DevicePolicy, stamp: string | undefined) {
    this.#options = options
    this.#policy = policy
    this.#stamp = stamp
  }

  /** Throws `config.invalid`: an agent whose policy cannot be read does not start. */
  static async open(options: PermitsOptions): Promise<Permits> {
    const { source } = options
    if (source === undefined) return new Permits(options, defaultPolicy, undefined)
    const stamp = stampOf(source.file)
    return new Permits(options, unwrap(await loadPolicy(source.file, source.isNamed ?? false)), stamp)
  }

  /** Looks at the file now and then. */
  start(tell: Listeners): void {
    const { source, clock } = this.#options
    if (source === undefined) return
    this.#cancel = clock.after(lookAgainMs, () => {
      void this.#renew(source, tell).finally(() => this.#stopped || this.start(tell))
    })
  }

  /** That the file has a fault, so that another policy holds than the one that stands there. */
  faults(): readonly Refusal[] {
    return this.#fault === undefined ? [] : [this.#fault]
  }

  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  /** Why the policy denies a project; undefined if it doesn't. `held` is what containers have already. */
  check(app: string, project: Project, { folder, held }: Pick<Premises, 'folder' | 'held'>): Refusal | undefined {
    const premises = { ...premisesOf({ ...this.#options, app: folder }), held }
    const [first, ...others] = permit({ app, project, policy: this.#policy, premises })
    if (first === undefined) return undefined
    const joined = joinRefusals([first, ...others])
    this.#tell(app, [first, ...others])
    return joined
  }

  /** What cannot be read leaves the policy as it was: nothing opens up by a slip of the pen, nor by a file that is gone for a moment. */
  async #renew({ file }: PolicySource, { onChange, onFault }: Listeners): Promise<void> {
    const { log } = this.#options
    const stamp = stampOf(file)
    if (stamp === this.#stamp) return
    this.#stamp = stamp
    const read = await loadPolicy(file, true)
    this.#fault = read.ok ? undefined : faultOf(read.refusals[0])
    if (!read.ok) {
      log.error({ faults: read.refusals, file }, 'the policy of the device cannot be read: the one before holds')
      return this.#stopped ? undefined : onFault()
    }
    this.#policy = read.value
    this.#told = new Set()
    log.info({ file }, 'the policy of the device has been read anew')
    if (!this.#stopped) onChange()
  }

  #tell(app: string, refusals: readonly Refusal[]): void {
    const key = JSON.stringify([app, refusals])
    if (this.#told.has(key)) return
    if (this.#told.size >= maxTold) this.#told.clear()
    this.#told.add(key)
    for (const { message, path } of refusals) this.#options.log.warn({ app, path, message }, "the device's policy denies a revision")
  }
}

function faultOf({ code, message, path = '' }: Refusal): Refusal {
  return {
    code,
    message: `the policy of the device cannot be read, and the one before holds: ${message}`.slice(0, 1000),
    path: path.slice(0, 300),
  }
}

interface Whereabouts extends Pick<PermitsOptions, 'source' | 'folder' | 'engine'> {
  /** The app's folder. */
  readonly app: string
}

export function premisesOf({ source, folder, engine, app }: Whereabouts): Premises {
  const own = [folder, ...(source?.protect ?? []), ...(source === undefined ? [] : [source.file])]
  return {
    folder: app,
    real: realPath,
    own: withTargets(own),
    engine: withTargets(enginePlaces(engine)),
    addresses: ownAddresses(),
    held: [],
  }
}

function withTargets(paths: readonly string[]): readonly string[] {
  return [...new Set([...paths, ...paths.map(realPath)])]
}
