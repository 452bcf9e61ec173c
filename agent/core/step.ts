// The steps between what is and what should be, as data. The executor must have one entry for each kind.
import type { ErrorCode } from '../../protocol/errors.js'
import type { CreateBody } from './engine-config.js'

export type StepArgs = {
  pull: { image: string; services: readonly string[] }
  createNetwork: { name: string; body: NetworkBody }
  removeNetwork: { name: string; id: string }
  createVolume: { name: string; body: VolumeBody }
  removeVolume: { name: string }
  create: { service: string; name: string; body: CreateBody; connect: readonly Connection[] }
  rename: { service: string; id: string; name: string }
  start: { service: string; id: string; again: boolean }
  stop: { service: string; id: string }
  remove: { service: string; id: string; volumes: boolean }
  /** What cannot be done from here: it names why, and someone must change the spec or the device. */
  refuse: { code: ErrorCode; message: string; path: string }
}

export type StepKind = keyof StepArgs
export type Step = { [K in StepKind]: { readonly kind: K } & Readonly<StepArgs[K]> }[StepKind]

/** Endpoint settings of a network, as the Engine takes them. */
export interface EndpointBody {
  readonly Aliases?: string[]
  readonly IPAMConfig?: { readonly IPv4Address?: string; readonly IPv6Address?: string }
}

/** A network that a container joins between create and start: before API 1.44 a create takes one alone. */
export interface Connection {
  readonly network: string
  readonly endpoint: EndpointBody
}

export interface NetworkBody {
  readonly Name: string
  readonly CheckDuplicate: true
  readonly Driver?: string
  readonly Options: Readonly<Record<string, string>>
  readonly Internal: boolean
  readonly EnableIPv6: boolean
  readonly Attachable: boolean
  readonly Labels: Readonly<Record<string, string>>
  readonly IPAM?: { readonly Config: readonly Readonly<Record<string, string>>[] }
}

export interface VolumeBody {
  readonly Name: string
  readonly Driver?: string
  readonly DriverOpts: Readonly<Record<string, string>>
  readonly Labels: Readonly<Record<string, string>>
}

/** A step in a few words, for logs, plans and progress. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'pull':
      return `pull image ${step.image}`
    case 'createNetwork':
      return `create network ${step.name}`
    case 'removeNetwork':
      return `remove network ${step.name}`
    case 'createVolume':
      return `create volume ${step.name}`
    case 'removeVolume':
      return `remove volume ${step.name}`
    case 'create':
      return `create ${step.service} (container ${step.name})`
    case 'rename':
      return `rename ${step.service} to ${step.name}`
    case 'start':
      return `start ${step.service}`
    case 'stop':
      return `stop ${step.service} (container ${step.id.slice(0, 12)})`
    case 'remove':
      return `remove ${step.service} (container ${step.id.slice(0, 12)})`
    case 'refuse':
      return `refuse: ${step.message}`
  }
}
