// The lists of images that the manifests held carry, held against what is to run and what runs. Pure.
import { usedImages } from '../../protocol/compose/images.js'
import type { Project } from '../../protocol/compose/project.js'
import { accept, type Refusal, type Result, refuse } from '../../protocol/errors.js'
import { checkProofs, type ImageList, judgeImage, type Proof } from '../../protocol/images.js'
import type { Manifest } from '../../protocol/messages/manifest.js'
import type { Fault } from '../../protocol/messages/message.js'
import type { RunningWish } from './desired.js'
import { imageName } from './labels.js'
import { matchContainers } from './match.js'
import type { Observed, ObservedImage } from './observed.js'

/** By service: what the image that a tag turns out to be has to prove. */
export type Proofs = Readonly<Record<string, readonly Proof[]>>

interface HeldManifests {
  readonly device: Manifest | undefined
  readonly fleet: Manifest | undefined
  readonly groups: ReadonlyMap<string, Manifest>
}

export function listsOf({ device, fleet, groups }: HeldManifests): ImageList[] {
  const owners = [
    ['the fleet', fleet],
    ...[...(device?.groups ?? [])].sort().map(name => [`group ${name}`, groups.get(name)] as const),
    ['the device', device],
  ] as const
  return owners.flatMap(([of, manifest]) => (manifest?.images === undefined ? [] : [{ of, patterns: manifest.images }]))
}

/** Refuses with `image.denied`, for the first image that is not on a list. */
export function permitImages(lists: readonly ImageList[], app: string, project: Pick<Project, 'services'>): Result<Proofs> {
  const proofs: Record<string, readonly Proof[]> = {}
  for (const { service, reference, path, use } of usedImages(app, project)) {
    const judged = judgeImage(lists, reference)
    if (!judged.ok) return { ok: false, refusals: [{ ...judged.refusals[0], path }] }
    const [first] = judged.value
    if (first === undefined) continue
    if (use !== 'run')
      return refuse(
        'image.denied',
        `image ${reference} is on the image list of ${first.of} by its digest alone: that has to be named`,
        path,
      )
    proofs[service] = judged.value
  }
  return accept(proofs)
}

/** Why the image that a service would be made from may not be; undefined if nothing speaks against it. */
export function proofDenial(
  { proofs }: RunningWish,
  service: string,
  { image, found }: { image: string; found: ObservedImage | undefined },
): Refusal | undefined {
  const wanted = proofs?.[service]
  if (wanted === undefined || found === undefined) return undefined
  const refusal = checkProofs(wanted, image, found.digests ?? [])
  return refusal && { ...refusal, path: `services.${service}.image` }
}

/**
 * What ran before, of the images that it was made of: those are on no list for certain, so nothing is pulled that the lists deny.
 * Undefined if an image is not known.
 */
export function withoutPulls(wish: RunningWish, lists: readonly ImageList[]): RunningWish | undefined {
  const { app } = wish.owner
  const isAllowed = (reference: string) => {
    const judged = judgeImage(lists, reference)
    return judged.ok && judged.value.length === 0
  }
  const services = Object.entries(wish.project.services)
  const isKnown = ([name, service]: (typeof services)[number]) =>
    wish.images?.[name] !== undefined || service.scale === 0 || isAllowed(imageName(app, name, service))
  if (!services.every(isKnown)) return undefined
  // A source is the digest that a tag stood for when it was let through.
  const sources = Object.entries(wish.sources ?? {}).filter(([name, source]) => {
    const service = wish.project.services[name]
    return isAllowed(source) || (service !== undefined && isAllowed(imageName(app, name, service)))
  })
  return { ...wish, sources: Object.fromEntries(sources) }
}

/** What runs although a list denies it: it is not ended for that, but told of. */
export function imageConcern(wish: RunningWish, observed: Observed): Refusal | undefined {
  if (wish.proofs === undefined) return undefined
  const { current } = matchContainers(wish, observed)
  for (const [name, service] of Object.entries(wish.project.services)) {
    if (current.get(name) === undefined) continue
    const image = imageName(wish.owner.app, name, service)
    const denial = proofDenial(wish, name, { image, found: observed.images[image] })
    if (denial !== undefined) return denial
  }
  return undefined
}

export function concernFault(app: string, { code, message, path = '' }: Refusal): Fault {
  return { code, message: `app ${app} runs on: ${message}`, path: `apps.${app}.${path}` }
}
