// The Docker Engine through dockerode, the only place that knows it.
import './lean.js'
import Docker from 'dockerode'
import { SkerryError } from '../protocol/errors.js'
import { appLabel } from './core/labels.js'
import type { NetworkBody, VolumeBody } from './core/step.js'
import { createContainer, placeFiles, removeContainer, runHook } from './docker-container.js'
import { buildImage, checkLogin, dropImage, pullImage } from './docker-image.js'
import { listLogSources, readLog } from './docker-logs.js'
import { listApps, observe } from './docker-observe.js'
import type { Engine } from './engine.js'
import { engineError, statusOf } from './engine-errors.js'
import { readLines } from './pull.js'

/** How long the Engine may take for what it should answer at once, ms. */
const promptMs = 60_000
/** How long it may take for what has it copy files or wait for devices, ms. */
const laborMs = 5 * 60_000
/** How long it waits for a container to stop before it kills it, if nobody says otherwise, s. */
const usualGraceS = 10

/** `address`: a socket's path, or a `unix://`, `tcp://` or `http://` URL. */
export function connectEngine(address: string): Engine {
  const docker = new Docker(clientOptions(address))
  const readApi = rememberApi(docker)
  return {
    version: () => ask(async () => (await docker.version()).Version),
    observe: query => ask(async () => observe(docker, query, await readApi.now())),
    apps: device => ask(() => listApps(docker, device)),
    pull: (args, onProgress, signal, login) => pullImage(docker, args, { onProgress, signal, login }),
    build: (args, signal, logins = []) => buildImage(docker, args, { signal, logins }),
    checkLogin: login => ask(() => checkLogin(docker, login)),
    removeImage: image => tolerant([404, 409], () => docker.getImage(image).remove()),
    dropImage: (id, references) => ask(() => dropImage(docker, id, references)),
    createNetwork: body => createNetwork(docker, body),
    removeNetwork: id => tolerant([404], () => docker.getNetwork(id).remove()),
    createVolume: body => createVolume(docker, body),
    removeVolume: name => tolerant([404], () => docker.getVolume(name).remove()),
    createContainer: args => ask(() => createContainer(docker, args), laborMs),
    renameContainer: (id, name) => tolerant([], () => docker.getContainer(id).rename({ name })),
    placeFiles: (id, files) => ask(() => placeFiles(docker, id, files)),
    setRestart: (id, { policy, maxRetries = 0 }) =>
      tolerant([404], () => docker.getContainer(id).update({ RestartPolicy: { Name: policy, MaximumRetryCount: maxRetries } })),
    startContainer: id => tolerant([304], () => docker.getContainer(id).start(), laborMs),
    runHook: (id, hook) => ask(() => runHook(docker, id, hook), laborMs),
    stopContainer: (id, graceS = usualGraceS) => tolerant([304, 404], () => docker.getContainer(id).stop(), graceS * 1000 + promptMs),
    removeContainer: (id, volumes) => ask(() => removeContainer(docker, id, volumes), laborMs),
    logSources: app => ask(() => listLogSources(docker, app)),
    readLog: (query, signal) => readLog(docker, query, signal),
    watch: (onOpen, onApp, signal) => {
      readApi.forget()
      return watch(docker, onOpen, onApp, signal)
    },
  }
}

/** An Engine's version changes only with its connection. */
function rememberApi(docker: Docker): { now(): Promise<number>; forget(): void } {
  let known: Promise<number> | undefined
  const read = async () => Number((await docker.version()).ApiVersion.split('.')[1]) || 0
  const forget = () => {
    known = undefined
  }
  const now = () => {
    known ??= read()
    known.catch(forget)
    return known
  }
  return { now, forget }
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

async function ask<T>(call: () => Promise<T>, limitMs = promptMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new SkerryError('engine.unavailable', `the Docker Engine has not answered for ${limitMs / 1000} s`)),
      limitMs,
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
async function tolerant(statuses: readonly number[], call: () => Promise<unknown>, limitMs = promptMs): Promise<void> {
  await ask(async () => {
    try {
      await call()
    } catch (error) {
      if (!statuses.includes(statusOf(error) ?? 0)) throw error
    }
  }, limitMs)
}

async function createNetwork(docker: Docker, body: NetworkBody): Promise<void> {
  await tolerant([], () => docker.createNetwork(body as unknown as Docker.NetworkCreateOptions))
}

async function createVolume(docker: Docker, body: VolumeBody): Promise<void> {
  await tolerant([], () => docker.createVolume(body as unknown as Docker.VolumeCreateOptions))
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
