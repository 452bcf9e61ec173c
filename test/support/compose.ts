// Compose files in tests: a text, the files beside it, and what comes of them.
import { type ParsedCompose, parseProject } from '../../protocol/compose/parse.js'
import type { Project, Service } from '../../protocol/compose/project.js'
import { folderOf } from '../../protocol/compose/source.js'
import { type ErrorCode, type Result, unwrap } from '../../protocol/errors.js'

export interface Surroundings {
  readonly environment?: Readonly<Record<string, string>>
  /** Contents by path, beside the compose file. */
  readonly files?: Readonly<Record<string, string>>
  /** Whether the folder is of this machine; false. */
  readonly isLocal?: boolean
}

export function parse(text: string, { environment = {}, files = {}, isLocal = false }: Surroundings = {}): Result<ParsedCompose> {
  const folder = folderOf(new Map(Object.entries({ ...files, 'compose.yaml': text })))
  return parseProject({ app: 'app', files: ['compose.yaml'], folder: { ...folder, isLocal }, environment, profiles: [] })
}

export function projectOf(text: string, surroundings: Surroundings = {}): Project {
  return unwrap(parse(text, surroundings)).project
}

/** The service `web` with these attributes more than its image; `rest` stands beside the services' section. */
export function serviceWith(attributes: string, rest = '', surroundings: Surroundings = {}): Service {
  return projectOf(fileWith(attributes, rest), surroundings).services.web!
}

export function fileWith(attributes: string, rest = ''): string {
  return `services:\n  web:\n    image: i\n    ${attributes}\n${rest}`
}

export type Fault = readonly [code: ErrorCode, path: string | undefined]

export function faultsOf(text: string, surroundings: Surroundings = {}): Fault[] {
  const result = parse(text, surroundings)
  return result.ok ? [] : result.refusals.map(({ code, path }) => [code, path])
}

export function warningsOf(text: string, surroundings: Surroundings = {}): Fault[] {
  return unwrap(parse(text, surroundings)).warnings.map(({ code, path }) => [code, path])
}

/** A service with nothing but its image. */
export const bareService: Service = {
  image: 'i',
  environment: {},
  ports: [],
  expose: [],
  volumes: [],
  networks: { default: { aliases: [] } },
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
}
