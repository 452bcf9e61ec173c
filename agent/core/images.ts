// Which images have to be pulled or built before anything else, and which cannot be had.
import type { Build } from '../../protocol/compose/parts.js'
import type { Service } from '../../protocol/compose/project.js'
import type { Memory, RunningWish } from './desired.js'
import { proofDenial } from './image-lists.js'
import { buildLabel, foreignLabels, imageName } from './labels.js'
import type { Observed } from './observed.js'
import type { Step } from './step.js'

interface Sight {
  readonly observed: Observed
  readonly memory: Memory
  readonly now: number
  /** Services that lack a container. */
  readonly incomplete: ReadonlySet<string>
}

/** One step an image, however many services are of it. */
export function imageSteps(wish: RunningWish, sight: Sight): Step[] {
  const steps = new Map<string, Step>()
  for (const [name, service] of Object.entries(wish.project.services)) {
    const pinned = wish.images?.[name]
    const image = pinned ?? imageName(wish.owner.app, name, service)
    const step = pinned === undefined ? imageStep(wish, { name, service, image }, sight) : pinStep(wish, { name, service, image }, sight)
    if (step === undefined) continue
    const key = 'image' in step ? step.image : image
    const known = steps.get(key)
    steps.set(key, known !== undefined && 'services' in known ? { ...known, services: [...known.services, name] } : step)
  }
  return [...steps.values()]
}

interface Wanted {
  readonly name: string
  readonly service: Service
  readonly image: string
}

function imageStep(wish: RunningWish, { name, service, image }: Wanted, sight: Sight): Step | undefined {
  const found = sight.observed.images[image]
  const isHere = found !== undefined
  const isLacking = !isHere && sight.incomplete.has(name)
  const denial = sight.incomplete.has(name) ? proofDenial(wish, name, { image, found }) : undefined
  const isStrange = denial !== undefined && service.pullPolicy !== 'never' && !sight.memory.pulled.includes(image)
  if (denial !== undefined && !isStrange) return { kind: 'refuse', code: denial.code, message: denial.message, path: denial.path ?? '' }
  if (!isLacking && !isStrange && !(isHere && isStale(wish, { name, service, image }, sight))) return undefined
  if (service.build !== undefined)
    return { kind: 'build', image, services: [name], build: labelled(service.build, wish.builds?.[name]), ...placeOf(wish) }
  if (service.pullPolicy !== 'never') return pull(image, { name, service })
  return isLacking ? lacking(`image ${image} is not on this device, and pull_policy is never`, `services.${name}.image`) : undefined
}

/** True for an image that is here, but has to be had anew. */
function isStale(wish: RunningWish, { name, service, image }: Wanted, { observed, memory, now, incomplete }: Sight): boolean {
  if (memory.pulled.includes(image)) return false
  if (isOfOther(observed.images[image]?.build, wish.builds?.[name])) return true
  const { refresh } = wish
  if (refresh !== undefined && refresh !== 'by-policy' && (refresh.services?.includes(name) ?? true)) return true
  if (refresh !== 'by-policy' && !incomplete.has(name)) return false
  const { pullPolicy } = service
  if (typeof pullPolicy === 'number') return now - (observed.images[image]?.taggedAt ?? 0) > pullPolicy
  return pullPolicy === 'always' || pullPolicy === 'build'
}

/** Of an app applied by hand the folder is that of whoever does so. */
function placeOf({ folder, owner }: RunningWish): { folder: string; isConfined: boolean } {
  return { folder, isConfined: owner.device !== '' }
}

function labelled(build: Build, from: string | undefined): Build {
  return { ...build, labels: { ...foreignLabels(build.labels), ...(from === undefined ? {} : { [buildLabel]: from }) } }
}

/** Of an image that came otherwise nothing is known: it is taken as it is. */
function isOfOther(built: string | undefined, wanted: string | undefined): boolean {
  return built !== undefined && wanted !== undefined && built !== wanted
}

/** A tag may stand for something else by now: then what is pulled is not what is lacking. */
function pinStep({ sources }: RunningWish, { name, service, image }: Wanted, { observed, memory, incomplete }: Sight): Step | undefined {
  if (!incomplete.has(name) || observed.images[image] !== undefined) return undefined
  const source = sources?.[name]
  if (source !== undefined && !memory.pulled.includes(source)) return pull(source, { name, service })
  return lacking(`image ${image}, which ${name} ran, is no longer on this device`, `services.${name}.image`)
}

function pull(image: string, { name, service }: Pick<Wanted, 'name' | 'service'>): Step {
  return { kind: 'pull', image, services: [name], ...(service.platform === undefined ? {} : { platform: service.platform }) }
}

function lacking(message: string, path: string): Step {
  return { kind: 'refuse', code: 'image.unavailable', message, path }
}
