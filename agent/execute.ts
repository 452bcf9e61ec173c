// Does what the planner says: one executor a kind of step, and nothing else changes containers.
import { SkerryError } from '../protocol/errors.js'
import { composeLabels } from './core/labels.js'
import { describeStep, type Step, type StepArgs, type StepKind } from './core/step.js'
import type { Engine, PullProgress } from './engine.js'

/** Does not compile if a step has no executor. `create` gives the new container's id. */
export type Executors = {
  readonly [K in StepKind]: (args: StepArgs[K], signal: AbortSignal) => Promise<K extends 'create' ? string : void>
}

/** The ids of the containers that steps have created. */
export type CreatedIds = ReadonlyMap<Step, string>

export function createExecutors(engine: Engine, onPull: (progress: PullProgress) => void): Executors {
  return {
    pull: (args, signal) => engine.pull(args, onPull, signal),
    build: (args, signal) => engine.build(args, signal),
    removeImage: ({ image }) => engine.removeImage(image),
    createNetwork: ({ body }) => engine.createNetwork(body),
    removeNetwork: ({ id }) => engine.removeNetwork(id),
    createVolume: ({ body }) => engine.createVolume(body),
    removeVolume: ({ name }) => engine.removeVolume(name),
    create: args => engine.createContainer(args),
    rename: ({ id, name }) => engine.renameContainer(id, name),
    start: args => start(engine, args),
    stop: args => stop(engine, args),
    remove: ({ id, volumes }) => engine.removeContainer(id, volumes),
    refuse: async ({ code, message, path }) => {
      throw new SkerryError(code, message, { path, retryable: false })
    },
  }
}

async function start(engine: Engine, { id, files, hooks }: StepArgs['start']): Promise<void> {
  if (files.length > 0) await engine.placeFiles(id, files)
  await engine.startContainer(id)
  for (const hook of hooks) await engine.runHook(id, hook)
}

/** A hook that fails does not keep a container from being stopped. */
async function stop(engine: Engine, { id, hooks, graceS }: StepArgs['stop']): Promise<void> {
  for (const hook of hooks) await engine.runHook(id, hook).catch(() => undefined)
  await engine.stopContainer(id, graceS)
}

/** Tells of a step before it is taken, and of its end; `error` is set if it failed. */
export interface StepProgress {
  readonly step: Step
  readonly phase: 'begun' | 'done' | 'failed'
  readonly error?: SkerryError
}

/** Takes the steps of one set at the same time, waits for all, and throws what failed first, by the order of the steps. */
export async function executeSteps(
  steps: readonly Step[],
  executors: Executors,
  { signal, onStep }: { signal: AbortSignal; onStep: (progress: StepProgress) => void },
): Promise<CreatedIds> {
  const ids = new Map<Step, string>()
  const outcomes = await Promise.all(
    steps.map(async step => {
      onStep({ step, phase: 'begun' })
      try {
        const id = await executeStep(step, executors, signal)
        if (typeof id === 'string') ids.set(step, id)
        onStep({ step, phase: 'done' })
        return undefined
      } catch (error) {
        const failure = locate(step, error)
        onStep({ step, phase: 'failed', error: failure })
        return failure
      }
    }),
  )
  const [first, ...others] = outcomes.flatMap(error => error ?? [])
  if (first === undefined) return ids
  throw new SkerryError(first.code, first.message, {
    cause: first,
    retryable: first.retryable,
    path: first.path,
    others: others.map(other => other.refusal),
  })
}

function executeStep<K extends StepKind>(
  step: { readonly kind: K } & StepArgs[K],
  executors: Executors,
  signal: AbortSignal,
): Promise<unknown> {
  return executors[step.kind](step, signal)
}

/** Adds where in the spec the fault is. */
function locate(step: Step, error: unknown): SkerryError {
  if (!(error instanceof SkerryError)) return new SkerryError('internal', `${describeStep(step)}: ${String(error)}`, { cause: error })
  if (error.path !== undefined || error.code === 'engine.unavailable') return error
  return new SkerryError(error.code, error.message, { cause: error, retryable: error.retryable, path: pathOf(step, error) })
}

function pathOf(step: Step, { code }: SkerryError): string | undefined {
  switch (step.kind) {
    case 'pull':
      return `services.${step.services[0] ?? ''}.image`
    case 'build':
      return `services.${step.services[0] ?? ''}.build`
    case 'createNetwork':
      return `networks.${step.body.Labels[composeLabels.network] ?? step.name}`
    case 'createVolume':
      return `volumes.${step.body.Labels[composeLabels.volume] ?? step.name}`
    case 'removeNetwork':
    case 'removeVolume':
    case 'removeImage':
      return undefined
    case 'refuse':
      return step.path
    case 'create':
    case 'rename':
    case 'start':
    case 'stop':
    case 'remove': {
      const service = `services.${step.service}`
      if (code === 'port.in-use') return `${service}.ports`
      if (code === 'name.in-use') return `${service}.container_name`
      return code === 'image.unavailable' ? `${service}.image` : service
    }
  }
}
