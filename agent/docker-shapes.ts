// The Engine's answers as what the planner knows: pure.
import type { Hook } from '../protocol/compose/parts.js'
import type { Restart } from '../protocol/compose/project.js'
import { appLabel, composeLabels, deviceLabel, optionsLabel, parentIds, preStopLabel, readDependsOn } from './core/labels.js'
import type { ContainerState, Health, ObservedContainer, ObservedNetwork, ObservedVolume } from './core/observed.js'

interface RestartInfo {
  readonly Name: string
  readonly MaximumRetryCount?: number | undefined
}

/** What is read of GET /containers/{id}/json. */
interface ContainerInfo {
  readonly Id: string
  readonly Name: string
  readonly Created: string
  readonly Image: string
  readonly RestartCount: number
  readonly Config: { readonly Image: string; readonly Labels?: Labels | undefined; readonly StopTimeout?: number | undefined }
  readonly HostConfig: { readonly RestartPolicy?: RestartInfo | undefined }
  readonly State: {
    readonly Status: string
    readonly ExitCode: number
    readonly StartedAt: string
    readonly FinishedAt: string
    readonly Health?: { readonly Status: string } | undefined
  }
  readonly NetworkSettings: { readonly Networks?: Readonly<Record<string, unknown>>; readonly Ports?: PortMap }
  readonly Mounts?: readonly { readonly Type?: string; readonly Name?: string | undefined; readonly Destination: string }[]
}

/** What is read of GET /networks and /networks/{id}. */
interface NetworkInfo {
  readonly Id: string
  readonly Name: string
  readonly Labels?: Labels | undefined
  readonly Containers?: Readonly<Record<string, unknown>> | undefined
}

type Labels = Readonly<Record<string, string>>

export function containerOf(info: ContainerInfo): ObservedContainer {
  const labels = info.Config.Labels ?? {}
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ''),
    ...(labels[deviceLabel] === undefined ? {} : { device: labels[deviceLabel] }),
    service: labels[composeLabels.service] ?? '',
    number: Number(labels[composeLabels.number] ?? 1),
    hash: labels[composeLabels.hash] ?? '',
    image: info.Config.Image,
    imageId: info.Image,
    state: stateOf(info.State.Status),
    health: healthOf(info.State.Health?.Status),
    exitCode: info.State.ExitCode,
    restarts: info.RestartCount,
    ...restartOf(info.HostConfig.RestartPolicy),
    createdAt: timeOf(info.Created),
    startedAt: timeOf(info.State.StartedAt),
    finishedAt: timeOf(info.State.FinishedAt),
    networks: Object.keys(info.NetworkSettings.Networks ?? {}).sort(),
    volumes: (info.Mounts ?? []).flatMap(mount =>
      mount.Type === 'volume' && mount.Name ? [{ name: mount.Name, target: mount.Destination }] : [],
    ),
    parents: parentIds({ ...info.HostConfig }),
    dependsOn: readDependsOn(labels[composeLabels.dependsOn] ?? ''),
    ports: portsOf(info.NetworkSettings.Ports ?? {}),
    preStop: readHooks(labels[preStopLabel]),
    ...(info.Config.StopTimeout === undefined ? {} : { stopGraceS: info.Config.StopTimeout }),
  }
}

/** Whoever wrote the label: nothing in it is trusted to be a hook. */
function readHooks(label: string | undefined): Hook[] {
  try {
    const hooks: unknown = JSON.parse(label ?? '[]')
    return Array.isArray(hooks) ? hooks.filter(isHook) : []
  } catch {
    return []
  }
}

function isHook(value: unknown): value is Hook {
  const { command, environment } = Object(value) as Partial<Hook>
  return (
    Array.isArray(command) && command.every(word => typeof word === 'string') && typeof environment === 'object' && environment !== null
  )
}

export function volumeOf(info: { Name: string; Labels?: Labels | null }, app: string, used: boolean): ObservedVolume {
  const labels = info.Labels ?? {}
  return { name: info.Name, owned: labels[appLabel] === app, options: labels[optionsLabel] ?? '', used }
}

export function networkOf(info: NetworkInfo, app: string): ObservedNetwork {
  const labels = info.Labels ?? {}
  return {
    id: info.Id,
    name: info.Name,
    owned: labels[appLabel] === app,
    options: labels[optionsLabel] ?? '',
    endpoints: Object.keys(info.Containers ?? {}).length,
  }
}

export function labelsOf(thing: { readonly Labels?: Labels | undefined }): Labels {
  return thing.Labels ?? {}
}

/** The name and the tag or digest of an image's reference; `latest` where it has none. */
export function splitReference(reference: string): { name: string; tag: string } {
  const at = reference.indexOf('@')
  if (at >= 0) return { name: reference.slice(0, at).replace(/:[^/:]+$/, ''), tag: reference.slice(at + 1) }
  const colon = reference.lastIndexOf(':')
  if (colon > reference.lastIndexOf('/')) return { name: reference.slice(0, colon), tag: reference.slice(colon + 1) }
  return { name: reference, tag: 'latest' }
}

/** A reference as the Engine lists it: without the default registry, and always with a tag. */
export function familiarName(reference: string): string {
  const { name, tag } = splitReference(reference)
  const short = name.replace(/^(index\.)?docker\.io\//, '').replace(/^library\//, '')
  return `${short}${tag.includes(':') ? '@' : ':'}${tag}`
}

function restartOf(info: RestartInfo | undefined): { restart?: Restart } {
  const policies: readonly Restart['policy'][] = ['no', 'always', 'unless-stopped', 'on-failure']
  const policy = policies.find(each => each === (info?.Name || 'no'))
  if (policy === undefined || info === undefined) return {}
  const { MaximumRetryCount: maxRetries = 0 } = info
  return { restart: maxRetries > 0 ? { policy, maxRetries } : { policy } }
}

function stateOf(status: string): ContainerState {
  const states: readonly ContainerState[] = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']
  return states.find(state => state === status) ?? 'dead'
}

function healthOf(status: string | undefined): Health {
  const states: readonly Health[] = ['starting', 'healthy', 'unhealthy']
  return states.find(state => state === status) ?? 'none'
}

/** The Engine's zero time is the year 1. */
function timeOf(text: string): number {
  return Math.max(0, Date.parse(text) || 0)
}

type PortMap = Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>>

/** `0.0.0.0:8080->80/tcp`; the same port on all IPv6 addresses goes without saying. */
function portsOf(ports: PortMap): string[] {
  return Object.entries(ports)
    .flatMap(([inside, bindings]) => {
      const all = bindings ?? []
      const shown = all.filter(
        ({ HostIp, HostPort }) => HostIp !== '::' || !all.some(other => other.HostIp === '0.0.0.0' && other.HostPort === HostPort),
      )
      return shown.map(({ HostIp, HostPort }) => `${HostIp.includes(':') ? `[${HostIp}]` : HostIp}:${HostPort}->${inside}`)
    })
    .sort()
}
