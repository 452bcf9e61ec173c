// What a step would make of what is observed, if it went well: to show a whole plan ahead, and to prove that plans end.
import type { Memory, Wish } from './desired.js'
import { composeLabels, optionsLabel, parentIds, readDependsOn } from './labels.js'
import type { MountedVolume, Observed, ObservedContainer, ObservedImage, ObservedVolume } from './observed.js'
import { plan } from './plan.js'
import type { Step } from './step.js'

/** More rounds than any plan needs that comes to an end. */
const maxRounds = 1000

/** Every step from here to the end, in order, if all goes well and everything becomes healthy. */
export function foreseeSteps(wish: Wish, observed: Observed, memory: Memory, now: number): Step[] {
  const foreseen: Step[] = []
  let state = observed
  let remembered = memory
  for (let round = 0; round < maxRounds; round++) {
    const steps = plan(wish, state, remembered, now)
    foreseen.push(...steps)
    if (steps.length === 0 || steps.some(step => step.kind === 'refuse')) break
    state = steps.reduce((next, step) => applyStep(next, step, endingsOf(wish)), state)
    remembered = steps.reduce(notePulled, remembered)
  }
  return foreseen
}

/** What has been pulled or built is not refreshed again. */
export function notePulled(memory: Memory, step: Step): Memory {
  return step.kind === 'pull' || step.kind === 'build' ? { ...memory, pulled: [...memory.pulled, step.image] } : memory
}

/** Services that end by themselves: those whose end another waits for. */
function endingsOf(wish: Wish): ReadonlySet<string> {
  if (wish.run !== 'running') return new Set()
  const dependencies = Object.values(wish.project.services).flatMap(service => Object.entries(service.dependsOn))
  return new Set(dependencies.filter(([, { condition }]) => condition === 'completed').map(([name]) => name))
}

export function applyStep(observed: Observed, step: Step, endings: ReadonlySet<string>): Observed {
  switch (step.kind) {
    case 'pull':
    case 'build':
      return { ...observed, images: { ...observed.images, [step.image]: newImage(step.image, observed) } }
    case 'removeImage':
      return { ...observed, images: Object.fromEntries(Object.entries(observed.images).filter(([image]) => image !== step.image)) }
    case 'createNetwork': {
      const options = step.body.Labels[optionsLabel] ?? ''
      return { ...observed, networks: [...observed.networks, { id: step.name, name: step.name, owned: true, options, endpoints: 0 }] }
    }
    case 'removeNetwork':
      return { ...observed, networks: observed.networks.filter(({ id }) => id !== step.id) }
    case 'createVolume':
      return { ...observed, volumes: [...observed.volumes, newVolume(step)] }
    case 'removeVolume':
      return { ...observed, volumes: observed.volumes.filter(({ name }) => name !== step.name) }
    case 'create':
      return { ...observed, containers: [...observed.containers, created(observed, step)] }
    case 'rename':
      return change(observed, step.id, { name: step.name })
    case 'start':
      return change(
        observed,
        step.id,
        endings.has(step.service)
          ? { state: 'exited', exitCode: 0, startedAt: nextTime(observed), finishedAt: nextTime(observed) }
          : { state: 'running', health: 'healthy', startedAt: nextTime(observed) },
      )
    case 'stop':
      return change(withoutEndpoints(observed, step.id), step.id, { state: 'exited', exitCode: 137 })
    case 'remove':
      return { ...observed, containers: observed.containers.filter(({ id }) => id !== step.id) }
    case 'refuse':
      return observed
  }
}

/**
 * What is known of steps that went well before anyone has looked. `ids`: of the containers that were created. Nothing is
 * taken for healthy or ended, so that whatever waits for that waits for a look.
 */
export function foldSteps(observed: Observed, steps: readonly Step[], ids: ReadonlyMap<Step, string>): Observed {
  return steps.reduce((state, step) => {
    const next = applyStep(state, step, new Set())
    const id = ids.get(step)
    if (step.kind === 'start') return change(next, step.id, { health: 'starting' })
    return id === undefined
      ? next
      : { ...next, containers: next.containers.map((one, at) => (at < state.containers.length ? one : { ...one, id })) }
  }, observed)
}

/** What an image becomes by a pull is not known; here it is what it was. */
function newImage(image: string, { images }: Observed): ObservedImage {
  return images[image] ?? { id: `image of ${image}`, volumes: [], taggedAt: 0, used: false }
}

function newVolume({ name, body }: Step & { kind: 'createVolume' }): ObservedVolume {
  return { name, owned: true, options: body.Labels[optionsLabel] ?? '', used: false }
}

/** Later than all that has happened. */
function nextTime({ containers }: Observed): number {
  return containers.reduce((latest, { createdAt, startedAt, finishedAt }) => Math.max(latest, createdAt, startedAt, finishedAt), 0) + 1
}

/** Only what runs has endpoints in its networks. */
function withoutEndpoints(observed: Observed, id: string): Observed {
  const left = new Set(observed.containers.find(container => container.id === id)?.networks)
  const networks = observed.networks.map(network =>
    left.has(network.name) ? { ...network, endpoints: Math.max(0, network.endpoints - 1) } : network,
  )
  return { ...observed, networks }
}

function change(observed: Observed, id: string, changes: Partial<ObservedContainer>): Observed {
  return { ...observed, containers: observed.containers.map(container => (container.id === id ? { ...container, ...changes } : container)) }
}

function created(observed: Observed, { name, service, body, connect }: Step & { kind: 'create' }): ObservedContainer {
  const { Labels: labels, HostConfig: host } = body
  const serial = nextTime(observed)
  return {
    id: `${serial}`.padStart(12, '0'),
    name,
    service,
    number: Number(labels[composeLabels.number]),
    hash: labels[composeLabels.hash] ?? '',
    image: body.Image,
    imageId: observed.images[body.Image]?.id ?? body.Image,
    state: 'created',
    health: 'none',
    exitCode: 0,
    restarts: 0,
    createdAt: serial,
    startedAt: 0,
    finishedAt: 0,
    networks: [...Object.keys(body.NetworkingConfig?.EndpointsConfig ?? {}), ...connect.map(({ network }) => network)],
    volumes: [...(host.Binds as readonly string[]).flatMap(volumeOf), ...(host.Mounts as readonly LongMount[]).flatMap(longVolume)],
    parents: parentIds(host),
    dependsOn: readDependsOn(labels[composeLabels.dependsOn] ?? ''),
    ports: [],
    preStop: [],
  }
}

interface LongMount {
  readonly Type: string
  readonly Source?: string
  readonly Target: string
}

function longVolume({ Type, Source, Target }: LongMount): MountedVolume[] {
  return Type === 'volume' && Source !== undefined ? [{ name: Source, target: Target }] : []
}

function volumeOf(bind: string): MountedVolume[] {
  const [name = '', target = ''] = bind.split(':')
  return name.startsWith('/') ? [] : [{ name, target }]
}
