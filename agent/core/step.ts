// The steps between what is and what should be, as data. The executor must have one entry for each kind.
import type { Build, Hook } from '../../protocol/compose/parts.js'
import type { ErrorCode } from '../../protocol/errors.js'
import type { CreateBody } from './engine-config.js'

export type StepArgs = {
  pull: { image: string; services: readonly string[]; platform?: string }
  /** The files are those of `folder`, the app's; `isConfined`: and no others, as containers may write there. */
  build: { image: string; services: readonly string[]; build: Build; folder: string; isConfined: boolean }
  createNetwork: { name: string; body: NetworkBody }
  removeNetwork: { name: string; id: string }
  createVolume: { name: string; body: VolumeBody }
  removeVolume: { name: string }
  create: { service: string; name: string; body: CreateBody; connect: readonly Connection[]; platform?: string }
  rename: { service: string; id: string; name: string }
  /** `again`: it ended by itself before. `files` are put into it before it starts, `hooks` run in it afterwards. */
  start: { service: string; id: string; again: boolean; files: readonly PlacedContent[]; hooks: readonly Hook[] }
  /** `hooks` run in it before. `graceS` is how long it may then take; the Engine's default if absent. */
  stop: { service: string; id: string; hooks: readonly Hook[]; graceS?: number }
  remove: { service: string; id: string; volumes: boolean }
  removeImage: { image: string }
  /** What cannot be done from here: it names why, and someone must change the spec or the device. */
  refuse: { code: ErrorCode; message: string; path: string }
}

export type StepKind = keyof StepArgs
export type Step = { [K in StepKind]: { readonly kind: K } & Readonly<StepArgs[K]> }[StepKind]

/** Endpoint settings of a network, as the Engine takes them. */
export interface EndpointBody {
  readonly Aliases?: readonly string[]
  readonly Links?: readonly string[]
  readonly IPAMConfig?: { readonly IPv4Address?: string; readonly IPv6Address?: string; readonly LinkLocalIPs?: readonly string[] }
  readonly DriverOpts?: Readonly<Record<string, string>>
  readonly MacAddress?: string
  readonly GwPriority?: number
}

/** A file with its contents, by its path in the container. */
export interface PlacedContent {
  readonly target: string
  readonly content: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
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
  readonly EnableIPv4?: boolean
  readonly IPAM?: Readonly<Record<string, unknown>>
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
    case 'build':
      return `build image ${step.image}`
    case 'removeImage':
      return `remove image ${step.image}`
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
