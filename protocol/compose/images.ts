// The images that a project uses, in one place for whoever asks which may be. Pure.
import type { Project, Service } from './project.js'

export interface UsedImage {
  readonly service: string
  readonly reference: string
  /** Where it stands in the project. */
  readonly path: string
  /** `run`: pulled, and containers are made from it; `built`: made here under that name; `mounted`: its files are. */
  readonly use: 'run' | 'built' | 'mounted'
}

/** Every image that applying the project may fetch, make or use. */
export function usedImages(app: string, { services }: Pick<Project, 'services'>): UsedImage[] {
  return Object.entries(services).flatMap(([service, spec]) => imagesOf(app, service, spec))
}

function imagesOf(app: string, service: string, spec: Service): UsedImage[] {
  const path = `services.${service}`
  const own = {
    service,
    reference: ownImage(app, service, spec),
    path: `${path}.image`,
    use: spec.build === undefined ? 'run' : 'built',
  } as const
  const tags = (spec.build?.tags ?? []).map(reference => ({ service, reference, path: `${path}.build.tags`, use: 'built' as const }))
  const mounts = spec.volumes.flatMap(mount =>
    mount.type === 'image' ? [{ service, reference: mount.source, path: `${path}.volumes`, use: 'mounted' as const }] : [],
  )
  return [own, ...tags, ...mounts]
}

/** The image that a service's containers are made from: built ones have a name of their own. */
export function ownImage(app: string, name: string, service: Pick<Service, 'image'>): string {
  return service.image ?? `${app}-${name}`
}
