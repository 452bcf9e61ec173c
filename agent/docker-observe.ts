// One look at what the Engine has of an app.
import type Docker from 'dockerode'
import { appLabel, buildLabel, composeLabels, deviceLabel } from './core/labels.js'
import type { Observed, ObservedContainer, ObservedImage, ObservedNetwork, ObservedVolume, TakenPort } from './core/observed.js'
import { containerOf, labelsOf, networkOf, volumeOf } from './docker-shapes.js'
import type { ObserveQuery } from './engine.js'
import { statusOf } from './engine-errors.js'

/** `api`: minor number of the Engine's API version. */
export async function observe(docker: Docker, query: ObserveQuery, api: number): Promise<Observed> {
  const listed = docker.listContainers({ all: true })
  const [containers, networks, volumes, images, taken] = await Promise.all([
    listed.then(all => observeContainers(docker, all, query.app)),
    observeNetworks(docker, query),
    listed.then(all => observeVolumes(docker, all, query)),
    listed.then(all => observeImages(docker, all, query.images)),
    listed.then(all => takenPorts(all, query.app)),
  ])
  return { containers, networks, volumes, images, api, taken }
}

type Listed = readonly Docker.ContainerInfo[]

async function observeContainers(docker: Docker, listed: Listed, app: string): Promise<ObservedContainer[]> {
  const own = listed.filter(({ Labels }) => Labels[appLabel] === app && Labels[composeLabels.oneoff] !== 'True')
  const inspected = await Promise.all(own.map(({ Id }) => unless404(() => docker.getContainer(Id).inspect())))
  return inspected.flatMap(info => (info === undefined ? [] : [containerOf(info)]))
}

function takenPorts(listed: Listed, app: string): TakenPort[] {
  const others = listed.filter(({ Labels }) => Labels[appLabel] !== app)
  return others.flatMap(({ Names, Ports }) =>
    Ports.filter(({ PublicPort }) => PublicPort > 0).map(({ IP = '', PublicPort, Type }) => ({
      ip: IP,
      port: PublicPort,
      protocol: Type,
      container: (Names[0] ?? '').replace(/^\//, ''),
    })),
  )
}

async function observeNetworks(docker: Docker, { app, networks: wanted }: ObserveQuery): Promise<ObservedNetwork[]> {
  const listed = await docker.listNetworks()
  const observed = listed.map(async network => {
    const shallow = networkOf(network, app)
    if (!shallow.owned || wanted.includes(shallow.name)) return shallow
    const info = await unless404(() => docker.getNetwork(network.Id).inspect())
    return info === undefined ? undefined : networkOf(info, app)
  })
  return (await Promise.all(observed)).flatMap(network => network ?? [])
}

/** One list of all is less work than a question for each. */
async function observeVolumes(docker: Docker, listed: Listed, { app, volumes: asked }: ObserveQuery): Promise<ObservedVolume[]> {
  const { Volumes } = await docker.listVolumes()
  const used = new Set(listed.flatMap(({ Mounts }) => Mounts.flatMap(({ Type, Name }) => (Type === 'volume' && Name ? [Name] : []))))
  return (Volumes ?? [])
    .map(volume => volumeOf(volume, app, used.has(volume.Name)))
    .filter(({ name, owned }) => owned || asked.includes(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function observeImages(docker: Docker, listed: Listed, references: readonly string[]): Promise<Record<string, ObservedImage>> {
  const used = new Set(listed.map(({ ImageID }) => ImageID))
  const found = await Promise.all(
    [...new Set(references)].map(async (reference): Promise<[string, ObservedImage][]> => {
      const info = await unless404(() => docker.getImage(reference).inspect())
      return info === undefined ? [] : [[reference, imageOf(info, used.has(info.Id))]]
    }),
  )
  return Object.fromEntries(found.flat())
}

function imageOf(
  { Id, Config, Metadata, RepoDigests }: Docker.ImageInspectInfo & { Metadata?: { LastTagTime?: string } },
  used: boolean,
): ObservedImage {
  const digests = [...new Set((RepoDigests ?? []).flatMap(name => name.split('@')[1] ?? []))]
  const [digest] = digests
  const build = Config?.Labels?.[buildLabel]
  return {
    id: Id,
    volumes: Object.keys(Config?.Volumes ?? {}),
    taggedAt: Math.max(0, Date.parse(Metadata?.LastTagTime ?? '') || 0),
    used,
    ...(digest === undefined ? {} : { digest, digests }),
    ...(build === undefined ? {} : { build }),
  }
}

export async function listApps(docker: Docker, device: string): Promise<string[]> {
  const filters = { label: [`${deviceLabel}=${device}`] }
  const [containers, networks] = await Promise.all([docker.listContainers({ all: true, filters }), docker.listNetworks({ filters })])
  const names = [...containers, ...networks].flatMap(thing => labelsOf(thing)[appLabel] ?? [])
  return [...new Set(names)].sort()
}

async function unless404<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}
