// Images had from a registry, or built from the app's files.
import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { SkerryError } from '../protocol/errors.js'
import { openContext } from './context.js'
import { unlessEmpty } from './core/present.js'
import type { StepArgs } from './core/step.js'
import { familiarName, splitReference } from './docker-shapes.js'
import type { PullProgress } from './engine.js'
import { engineError, statusOf } from './engine-errors.js'
import type { Login } from './logins.js'
import { followPull, readLines } from './pull.js'

/** How long a pull or build may make no progress, ms. */
const silentMs = 15 * 60_000

interface Watch {
  readonly onProgress: (progress: PullProgress) => void
  readonly signal: AbortSignal
  readonly login: Login | undefined
}

/** Without a tag the Engine would pull every one that there is. A registry that goes silent must not hold the app for ever. */
export async function pullImage(
  docker: Docker,
  { image, platform }: StepArgs['pull'],
  { onProgress, signal, login }: Watch,
): Promise<void> {
  const { name, tag } = splitReference(image)
  await whileHeard(signal, 'the registry', async (either, heard) => {
    const query = { fromImage: name, tag, ...(platform === undefined ? {} : { platform }) }
    const stream = await docker.createImage(login, { ...query, abortSignal: either })
    await followPull(
      image,
      stream,
      progress => {
        heard()
        onProgress(progress)
      },
      either,
    )
  }).catch(error => {
    throw imageError(image, 'pulled', error)
  })
}

/** By the Engine's own builder. */
export async function buildImage(
  docker: Docker,
  { image, build, folder, isConfined }: StepArgs['build'],
  { signal, logins }: { signal: AbortSignal; logins: readonly Login[] },
): Promise<void> {
  const query = {
    t: [image, ...build.tags],
    ...(logins.length === 0 ? {} : { registryconfig: Object.fromEntries(logins.map(login => [login.serveraddress, login])) }),
    rm: true,
    forcerm: true,
    buildargs: build.args,
    labels: build.labels,
    ...(build.target === undefined ? {} : { target: build.target }),
    ...(build.network === undefined ? {} : { networkmode: build.network }),
    ...(build.platform === undefined ? {} : { platform: build.platform }),
    ...(build.noCache === undefined ? {} : { nocache: build.noCache }),
    ...(build.pull === undefined ? {} : { pull: build.pull }),
    ...(build.shmSizeBytes === undefined ? {} : { shmsize: build.shmSizeBytes }),
    ...(unlessEmpty(build.extraHosts) === undefined ? {} : { extrahosts: build.extraHosts.join(',') }),
    ...(unlessEmpty(build.cacheFrom) === undefined ? {} : { cachefrom: [...build.cacheFrom] }),
  }
  await whileHeard(signal, 'the build', async (either, heard) => {
    const { archive, dockerfile } = await openContext(build, { folder, isConfined }).catch(refuseContext)
    const options = { ...query, dockerfile, abortSignal: either } as unknown as Docker.ImageBuildOptions
    const stream = await docker.buildImage(Readable.from(readContext(archive)), options)
    await readLines(stream, either, line => {
      heard()
      const { error } = line as { error?: string }
      if (error !== undefined) throw new Error(error)
    })
    either.throwIfAborted()
  }).catch(error => {
    throw imageError(image, 'built', error)
  })
}

/** A file that is missing is not an Engine that is missing, though the code is the same. */
function refuseContext(cause: unknown): never {
  throw new SkerryError('image.unavailable', `its context cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause })
}

async function* readContext(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* archive
  } catch (error) {
    refuseContext(error)
  }
}

/** Ends what makes no progress for too long. */
async function whileHeard(
  signal: AbortSignal,
  who: string,
  work: (either: AbortSignal, heard: () => void) => Promise<void>,
): Promise<void> {
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(new Error(`${who} has sent nothing for ${silentMs / 60_000} minutes`)), silentMs)
  try {
    await work(AbortSignal.any([signal, silence.signal]), () => timer.refresh())
  } catch (error) {
    throw silence.signal.aborted ? silence.signal.reason : error
  } finally {
    clearTimeout(timer)
  }
}

function imageError(image: string, had: 'pulled' | 'built', error: unknown): SkerryError {
  const mapped = engineError(error, 'image.unavailable')
  if (mapped.code !== 'image.unavailable') return mapped
  return new SkerryError('image.unavailable', `image ${image} cannot be ${had}: ${mapped.message}`, { cause: error, retryable: true })
}

/** Takes `references` away from the image, and the image itself unless somebody has given it another tag. False if a container needs it. */
export async function dropImage(docker: Docker, id: string, references: readonly string[]): Promise<boolean> {
  try {
    const { RepoTags, RepoDigests } = await docker.getImage(id).inspect()
    const users = await docker.listContainers({ all: true, filters: { ancestor: [id] } })
    if (users.length > 0) return false
    for (const name of namesToDrop(id, { tags: RepoTags ?? [], digests: RepoDigests ?? [], references })) await dropName(docker, name)
    return true
  } catch (error) {
    if (statusOf(error) === 404) return true
    if (statusOf(error) === 409) return false
    throw engineError(error)
  }
}

interface Names {
  readonly tags: readonly string[]
  readonly digests: readonly string[]
  readonly references: readonly string[]
}

/** The Engine refuses to remove by its id an image that several repositories name: each name goes by itself, and the image with the last. */
function namesToDrop(id: string, { tags, digests, references }: Names): readonly string[] {
  const own = new Set(references.map(familiarName))
  const ours = [...tags, ...digests].filter(name => own.has(familiarName(name)))
  if (tags.some(tag => !ours.includes(tag))) return ours
  return tags.length + digests.length === 0 ? [id] : [...tags, ...digests]
}

/** With the last tag of a repository its digests go as well. */
async function dropName(docker: Docker, name: string): Promise<void> {
  try {
    await docker.getImage(name).remove()
  } catch (error) {
    if (statusOf(error) !== 404) throw error
  }
}

/** Asks the registry, by way of the Engine. */
export async function checkLogin(docker: Docker, login: Login): Promise<void> {
  try {
    await docker.checkAuth(login)
  } catch (error) {
    const mapped = engineError(error)
    if (statusOf(error) !== 401 && !/status: 401|incorrect username/i.test(mapped.message)) throw mapped
    throw new SkerryError('auth.refused', `${login.serveraddress} refuses ${login.username}`, { cause: error })
  }
}
