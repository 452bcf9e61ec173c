// The Docker Engine through dockerode, the only place that knows it.
import './lean.js'
import Docker from 'dockerode'
import { SkerryError } from '../protocol/errors.js'
import type { CreateBody } from './core/engine-config.js'
import { appLabel, composeLabels, deviceLabel } from './core/labels.js'
import type { Observed, ObservedContainer, ObservedImage, ObservedNetwork } from './core/observed.js'
import type { Connection, NetworkBody, VolumeBody } from './core/step.js'
import { removeImage } from './docker-images.js'
import { listLogSources, readLog } from './docker-logs.js'
import { containerOf, labelsOf, networkOf, splitReference } from './docker-shapes.js'
import type { Engine, ObserveQuery, PullProgress } from './engine.js'
import { engineError, statusOf } from './engine-errors.js'
import { followPull, readLines } from './pull.js'

/** How long the Engine may take for what it should answer at once, ms. */
const promptMs = 60_000
/** How long a pull may make no progress, ms. */
const silentPullMs = 15 * 60_000

/** `address`: a socket's path, or a `unix://`, `tcp://` or `http://` URL. */
export function connectEngine(address: string): Engine {
  const docker = new Docker(clientOptions(address))
  return {
    version: () => ask(async () => (await docker.version()).Version),
    observe: query => ask(() => observe(docker, query)),
    apps: device => ask(() => listApps(docker, device)),
    pull: (image, onProgress, signal) => pull(docker, image, onProgress, signal),
    createNetwork: body => createNetwork(docker, body),
    removeNetwork: id => tolerant([404], () => docker.getNetwork(id).remove()),
    createVolume: body => createVolume(docker, body),
    removeVolume: name => tolerant([404], () => docker.getVolume(name).remove()),
    createContainer: (name, body, connect) => createContainer(docker, name, body, connect),
    renameContainer: (id, name) => tolerant([], () => docker.getContainer(id).rename({ name })),
    startContainer: id => tolerant([304], () => docker.getContainer(id).start()),
    stopContainer: id => tolerant([304, 404], () => docker.getContainer(id).stop()),
    removeImage: (id, references) => removeImage(docker, id, references),
    removeContainer: (id, volumes) => removeContainer(docker, id, volumes),
    logSources: app => ask(() => listLogSources(docker, app)),
    readLog: (query, signal) => readLog(docker, query, signal),
    watch: (onOpen, onApp, signal) => watch(docker, onOpen, onApp, signal),
  }
}

/** Every field is given, so that DOCKER_HOST and its like in the environment change nothing. */
function clientOptions(address: string): Docker.DockerOptions {
  const none = { host: undefined, port: undefined, socketPath: undefined, ca: undefined, cert: undefined, key: undefined }
  if (address.startsWith('/')) return { ...none, socketPath: address, protocol: 'http' } as Docker.DockerOptions
  if (address.startsWith('unix://'))
    return { ...none, socketPath: address.slice('unix://'.length), protocol: 'http' } as Docker.DockerOptions
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !['tcp:', 'http:'].includes(url.protocol)) {
    throw new SkerryError(
      'config.invalid',
      `${address} is no address of a Docker Engine: give a socket's path, or a unix://, tcp:// or http:// URL`,
    )
  }
  return {
    ...none,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 2375 : Number(url.port),
    protocol: 'http',
  } as Docker.DockerOptions
}

async function ask<T>(call: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new SkerryError('engine.unavailable', `the Docker Engine has not answered for ${promptMs / 1000} s`)),
      promptMs,
    )
  })
  try {
    return await Promise.race([call(), late])
  } catch (error) {
    throw engineError(error)
  } finally {
    clearTimeout(timer)
  }
}

/** A call whose refusal with one of `statuses` means that there is nothing left to do. */
async function tolerant(statuses: readonly number[], call: () => Promise<unknown>): Promise<void> {
  try {
    await call()
  } catch (error) {
    if (!statuses.includes(statusOf(error) ?? 0)) throw engineError(error)
  }
}

async function observe(docker: Docker, query: ObserveQuery): Promise<Observed> {
  const [containers, networks, volumes, images] = await Promise.all([
    observeContainers(docker, query.app),
    observeNetworks(docker, query),
    observeVolumes(docker, query),
    observeImages(docker, query.images),
  ])
  return { containers, networks, volumes, images }
}

async function observeContainers(docker: Docker, app: string): Promise<ObservedContainer[]> {
  const listed = await docker.listContainers({ all: true, filters: { label: [`${appLabel}=${app}`] } })
  const regular = listed.filter(({ Labels }) => Labels[composeLabels.oneoff] !== 'True')
  const inspected = await Promise.all(regular.map(({ Id }) => unless404(() => docker.getContainer(Id).inspect())))
  return inspected.flatMap(info => (info === undefined ? [] : [containerOf(info)]))
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

async function observeVolumes(docker: Docker, query: ObserveQuery): Promise<string[]> {
  const [own, asked] = await Promise.all([
    docker.listVolumes({ filters: { label: [`${appLabel}=${query.app}`] } }),
    Promise.all(query.volumes.map(name => unless404(() => docker.getVolume(name).inspect()))),
  ])
  const names = [...(own.Volumes ?? []), ...asked.flatMap(volume => volume ?? [])].map(volume => volume.Name)
  return [...new Set(names)].sort()
}

async function observeImages(docker: Docker, references: readonly string[]): Promise<Record<string, ObservedImage>> {
  const found = await Promise.all(
    [...new Set(references)].map(async (reference): Promise<[string, ObservedImage][]> => {
      const info = await unless404(() => docker.getImage(reference).inspect())
      const digest = info?.RepoDigests?.[0]?.split('@')[1]
      const volumes = Object.keys(info?.Config?.Volumes ?? {})
      return info === undefined ? [] : [[reference, { id: info.Id, volumes, ...(digest === undefined ? {} : { digest }) }]]
    }),
  )
  return Object.fromEntries(found.flat())
}

async function unless404<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

async function listApps(docker: Docker, device: string): Promise<string[]> {
  const filters = { label: [`${deviceLabel}=${device}`] }
  const [containers, networks] = await Promise.all([docker.listContainers({ all: true, filters }), docker.listNetworks({ filters })])
  const names = [...containers, ...networks].flatMap(thing => labelsOf(thing)[appLabel] ?? [])
  return [...new Set(names)].sort()
}

async function createNetwork(docker: Docker, body: NetworkBody): Promise<void> {
  await tolerant([], () => docker.createNetwork(body as unknown as Docker.NetworkCreateOptions))
}

async function createVolume(docker: Docker, body: VolumeBody): Promise<void> {
  await tolerant([], () => docker.createVolume(body as unknown as Docker.VolumeCreateOptions))
}

/** A container whose networks could not all be joined is removed again: half of one is none. */
async function createContainer(docker: Docker, name: string, body: CreateBody, connect: readonly Connection[]): Promise<void> {
  try {
    const container = await docker.createContainer({ ...body, name })
    try {
      for (const { network, endpoint } of connect) {
        await docker.getNetwork(network).connect({ Container: container.id, EndpointConfig: endpoint as Docker.EndpointSettings })
      }
    } catch (error) {
      await container.remove({ force: true, v: true }).catch(() => undefined)
      throw error
    }
  } catch (error) {
    throw engineError(error)
  }
}

async function removeContainer(docker: Docker, id: string, volumes: boolean): Promise<void> {
  try {
    await docker.getContainer(id).remove({ v: volumes })
  } catch (error) {
    const underway = statusOf(error) === 409 && /already in progress/.test(String(error))
    if (statusOf(error) !== 404 && !underway) throw engineError(error)
  }
}

/** Without a tag the Engine would pull every one that there is. A registry that goes silent must not hold the app for ever. */
async function pull(docker: Docker, image: string, onProgress: (progress: PullProgress) => void, signal: AbortSignal): Promise<void> {
  const { name, tag } = splitReference(image)
  const silence = new AbortController()
  const giveUp = () => silence.abort(new Error(`the registry has sent nothing for ${silentPullMs / 60_000} minutes`))
  const timer = setTimeout(giveUp, silentPullMs)
  const either = AbortSignal.any([signal, silence.signal])
  const note = (progress: PullProgress) => {
    timer.refresh()
    onProgress(progress)
  }
  try {
    const stream = await docker.createImage({ fromImage: name, tag, abortSignal: either })
    await followPull(image, stream, note, either)
  } catch (error) {
    throw pullError(image, silence.signal.aborted ? silence.signal.reason : error)
  } finally {
    clearTimeout(timer)
  }
}

function pullError(image: string, error: unknown): SkerryError {
  const mapped = engineError(error, 'image.unavailable')
  if (mapped.code !== 'image.unavailable') return mapped
  return new SkerryError('image.unavailable', `image ${image} cannot be pulled: ${mapped.message}`, { cause: error, retryable: true })
}

const watched = ['create', 'start', 'die', 'destroy', 'rename', 'pause', 'unpause', 'oom', 'health_status']

async function watch(docker: Docker, onOpen: () => void, onApp: (app: string) => void, signal: AbortSignal): Promise<void> {
  try {
    const filters = { type: ['container'], label: [appLabel], event: watched }
    const stream = await docker.getEvents({ filters, abortSignal: signal } as Docker.GetEventsOptions)
    onOpen()
    await readLines(stream, signal, line => {
      const app = (line as { Actor?: { Attributes?: Record<string, string> } }).Actor?.Attributes?.[appLabel]
      if (app !== undefined) onApp(app)
    })
  } catch (error) {
    if (!signal.aborted) throw engineError(error, 'engine.unavailable')
    return
  }
  if (!signal.aborted) throw new SkerryError('engine.unavailable', 'the Docker Engine ended its event stream')
}
