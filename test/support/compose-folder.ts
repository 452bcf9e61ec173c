// Compose files of a folder in memory, parsed.
import { type Item, isList, isMap, Report } from '../../protocol/compose/item.js'
import { type ParsedCompose, parseProject } from '../../protocol/compose/parse.js'
import type { Service } from '../../protocol/compose/project.js'
import { type ComposeSource, folderOf } from '../../protocol/compose/source.js'
import { loadYaml } from '../../protocol/compose/yaml.js'
import { type Result, unwrap } from '../../protocol/errors.js'

export type Files = Readonly<Record<string, string | Uint8Array>>

/** The main file is `compose.yaml`. */
export function compose(files: Files, more: Partial<ComposeSource> = {}): Result<ParsedCompose> {
  const folder = folderOf(new Map(Object.entries(files)))
  return parseProject({ app: 'shop', files: ['compose.yaml'], folder, environment: {}, profiles: [], ...more })
}

export function servicesOf(files: Files, more?: Partial<ComposeSource>): Readonly<Record<string, Service>> {
  return unwrap(compose(files, more)).project.services
}

/** The service `web`. */
export function webOf(files: Files, more?: Partial<ComposeSource>): Service {
  const { web } = servicesOf(files, more)
  if (web === undefined) throw new Error('there is no service web')
  return web
}

/** Code and path of each refusal. */
export function faultsOf(files: Files, more?: Partial<ComposeSource>): (readonly [code: string, path: string | undefined])[] {
  const result = compose(files, more)
  return result.ok ? [] : result.refusals.map(({ code, path }) => [code, path])
}

/** A service `web` with an image and these lines of YAML; one of several services if told. */
export function web(...lines: string[]): string {
  return `services:\n  web:\n    image: i\n${lines.map(line => `    ${line}\n`).join('')}`
}

/** A text's tree, with nothing filled in. */
export function treeOf(text: string): Item {
  const loaded = loadYaml(text, new Report({ app: 'shop', files: [], folder: folderOf(new Map()), environment: {}, profiles: [] }))
  if (loaded === undefined) throw new Error('no YAML')
  return loaded.root
}

/** A tree as plain values. */
export function plain(item: Item): unknown {
  if (isMap(item.value)) return Object.fromEntries([...item.value].map(([key, entry]) => [key, plain(entry)]))
  return isList(item.value) ? item.value.map(plain) : item.value
}
