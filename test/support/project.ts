// Builders of what the planner takes: every field filled, so that a test states only what matters.
import type { Memory, RunningWish } from '../../agent/core/desired.js'
import { noMemory } from '../../agent/core/desired.js'
import {
  nothingObserved,
  type Observed,
  type ObservedContainer,
  type ObservedImage,
  type ObservedVolume,
} from '../../agent/core/observed.js'
import type { Network, Project, Service } from '../../protocol/compose/project.js'

export function service(fields: Partial<Service> = {}): Service {
  return {
    image: 'img:1',
    environment: {},
    ports: [],
    expose: [],
    volumes: [],
    networks: fields.networkMode === undefined ? { default: { aliases: [] } } : {},
    restart: { policy: 'no' },
    dependsOn: {},
    labels: {},
    resources: {},
    tmpfs: [],
    capAdd: [],
    capDrop: [],
    securityOpt: [],
    extraHosts: [],
    dns: [],
    devices: [],
    sysctls: {},
    ...fields,
  } as Service
}

export function network(fields: Partial<Network> = {}): Network {
  return { driverOpts: {}, labels: {}, subnets: [], ...fields }
}

export function project(services: Record<string, Partial<Service>>, rest: Partial<Project> = {}): Project {
  const full = Object.fromEntries(Object.entries(services).map(([name, fields]) => [name, service(fields)]))
  return { networks: { default: network() }, volumes: {}, ...rest, services: full } as Project
}

export function wish(of: Project, hashes: Record<string, string> = {}): RunningWish {
  const all = Object.fromEntries(Object.keys(of.services).map(name => [name, hashes[name] ?? `hash of ${name}`]))
  return { run: 'running', owner: { app: 'app', device: 'dev' }, project: of, hashes: all, folder: '/apps/app' }
}

export function container(service: string, fields: Partial<ObservedContainer> = {}): ObservedContainer {
  return {
    id: `id-${service}`,
    name: `app-${service}-1`,
    service,
    number: 1,
    hash: `hash of ${service}`,
    image: 'img:1',
    imageId: 'sha256:1',
    state: 'running',
    health: 'none',
    exitCode: 0,
    restarts: 0,
    createdAt: 1,
    startedAt: 1,
    finishedAt: 0,
    networks: ['app_default'],
    volumes: [],
    parents: [],
    dependsOn: [],
    ports: [],
    preStop: [],
    ...fields,
  }
}

export function image(id: string, fields: Partial<ObservedImage> = {}): ObservedImage {
  return { id, volumes: [], taggedAt: 0, used: false, ...fields }
}

export function volume(name: string, fields: Partial<ObservedVolume> = {}): ObservedVolume {
  return { name, owned: true, options: '', used: false, ...fields }
}

/** What is seen with the image and the default network there. */
export function observed(containers: readonly ObservedContainer[], fields: Partial<Observed> = {}): Observed {
  return {
    ...nothingObserved,
    containers,
    networks: [{ id: 'n1', name: 'app_default', owned: true, options: '', endpoints: containers.length }],
    images: { 'img:1': image('sha256:1') },
    ...fields,
  }
}

export function memory(fields: Partial<Memory> = {}): Memory {
  return { ...noMemory, ...fields }
}
