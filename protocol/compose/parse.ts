// A compose file's text to its canonical project, or every reason why not.

import { accept, type Refusal, type Result } from '../errors.js'
import { addFiles } from './env-file.js'
import { finishProject } from './finish.js'
import { describe, type Item, isMap, quote, Report } from './item.js'
import { loadLayers } from './layers.js'
import { readNetwork, readVolume } from './network.js'
import { readFileSource } from './placed.js'
import { selectServices } from './profiles.js'
import type { Project } from './project.js'
import { type Fields, field, readFields, sorted } from './read.js'
import { readService } from './service.js'
import { type ComposeSource, folderOf } from './source.js'
import { readProjectVariables } from './variables.js'

export interface ParsedCompose {
  readonly project: Project
  /** What is harmless but has no effect here, by name. */
  readonly warnings: readonly Refusal[]
  /** Files of the folder that were read, or that containers or builds need. */
  readonly paths: readonly string[]
  /** Variables that were looked for, set or not. */
  readonly variables: readonly string[]
}

export interface ParseOptions {
  /** Variables for `${…}` and for environment entries without a value. None by default. */
  readonly environment?: Readonly<Record<string, string>>
}

/** One file that needs no others. */
export function parseCompose(text: string, { environment = {} }: ParseOptions = {}): Result<ParsedCompose> {
  const folder = folderOf(new Map([['compose.yaml', text]]))
  return parseProject({ app: 'app', files: ['compose.yaml'], folder, environment, profiles: [] })
}

/** Pure, bounded in time and memory for any bytes. Refuses with `compose.*` codes and the path of each fault, up to 50. */
export function parseProject(source: ComposeSource): Result<ParsedCompose> {
  const report = new Report(source)
  report.environment = readProjectVariables(report)
  const project = report.refusals.length === 0 ? loadProject(report) : undefined
  const [first, ...others] = report.refusals
  if (first !== undefined) return { ok: false, refusals: [first, ...others] }
  if (project === undefined) throw new Error('a project that is neither read nor refused')
  return accept({ project, warnings: report.warnings, paths: [...report.paths], variables: [...report.variables] })
}

/** Services that are off still have to be written well, but need nothing. */
function checkOff(services: ReadonlyMap<string, Item>, report: Report): void {
  const found = new Report(report.source)
  found.environment = report.environment
  for (const [name, service] of services) readService(name, service, found)
  for (const { path, code, message } of found.refusals) {
    if (code === 'compose.schema' || code === 'compose.unknown') report.refuseAt(path, code, message)
  }
}

type Sections = Partial<Record<'services' | 'networks' | 'volumes' | 'configs' | 'secrets', Item>>

const sectionFields: Fields<Sections> = {
  read: {
    services: field('services', item => item),
    networks: field('networks', item => item),
    volumes: field('volumes', item => item),
    configs: field('configs', item => item),
    secrets: field('secrets', item => item),
    name: checkProjectName,
  },
  ignored: { version: 'there is one version of the format' },
  unsupported: { models: 'a device runs containers only' },
}

/** The project's name is the app's. */
function checkProjectName(item: Item, _draft: unknown, report: Report): void {
  if (typeof item.value === 'string' && /^[a-z0-9][a-z0-9_-]*$/.test(item.value))
    report.warn(item, 'compose.unsupported', 'name has no effect here: the app has a name already')
  else report.refuse(item, 'compose.inconsistent', `a project's name has only a-z, 0-9, _ and -; found ${describe(item)}`)
}

function loadProject(report: Report): Project | undefined {
  const { source, environment } = report
  const root = loadLayers(source.files, { report, folder: '.', environment, open: [] })
  return root === undefined || report.refusals.length > 0 ? undefined : readProject(root, report)
}

function readProject(root: Item, report: Report): Project | undefined {
  const sections: Sections = {}
  if (root.value !== null) readFields(root, sectionFields, sections, report)
  if (sections.services === undefined) return report.refuseAt('services', 'compose.schema', 'there are no services')
  return readSections(prepareServices(sections.services, report), sections, report)
}

/** The services that are on, with what they take from files. */
function prepareServices(section: Item, report: Report): Item {
  if (!isMap(section.value)) return section
  const { on, off } = selectServices(section.value, report)
  checkOff(off, report)
  return { ...section, value: new Map([...on].map(([name, service]) => [name, addFiles(service, report)])) }
}

function readSections(section: Item, { networks, volumes, configs, secrets }: Sections, report: Report): Project | undefined {
  const sources = { config: readEach(configs, readFileSource, report), secret: readEach(secrets, readFileSource, report) }
  const services = readEach(section, (name, item) => readService(name, item, report, sources), report)
  if (services.size === 0 && report.refusals.length === 0) return report.refuse(section, 'compose.schema', 'there are no services')
  const read = {
    services: sorted(services),
    networks: sorted(readEach(networks, readNetwork, report)),
    volumes: sorted(readEach(volumes, readVolume, report)),
  }
  // Faults across services are told only when all of them could be read: the rest would be noise.
  return report.refusals.length === 0 ? finishProject(read, section, report) : undefined
}

function readEach<T>(
  section: Item | undefined,
  read: (name: string, item: Item, report: Report) => T | undefined,
  report: Report,
): Map<string, T> {
  const found = new Map<string, T>()
  if (section === undefined) return found
  if (!isMap(section.value)) report.refuse(section, 'compose.schema', `expected a map, found ${describe(section)}`)
  else
    for (const [name, item] of section.value) {
      if (!/^[a-zA-Z0-9._-]{1,128}$/.test(name))
        report.refuse(item, 'compose.schema', `${quote(name)} is no valid name: use letters, digits, ., _ and -`)
      const value = read(name, item, report)
      if (value !== undefined) found.set(name, value)
    }
  return found
}
