// Services that extend others, of the same file or of another one.

import type { LoadedYaml } from './expand.js'
import { findFile, folderOfFile, readComposeFile, type Scope } from './file.js'
import { childOf, describe, type Item, isList, isMap, quote, type Report } from './item.js'
import { settle } from './merge.js'
import { type Draft, type Fields, field, readFields, textOf } from './read.js'
import { serviceRule } from './rules.js'

/** Services from the first to the last that one extends. */
const maxChain = 64
const tooLong = 'services extend others that extend others too often'

interface Extends {
  readonly service: string
  readonly file: string
}

/** A service with all that it extends, and how many that are. */
interface Extended {
  readonly item: Item
  readonly chain: number
}

/** Extends the services of the files of one scope. */
export class Extender {
  readonly #files = new Map<string, LoadedYaml | undefined>()
  readonly #done = new Map<Item, Extended>()
  readonly #open = new Set<Item>()

  constructor(private readonly scope: Scope) {}

  /** The file's tree with every service extended. */
  extend({ root, isTagged }: LoadedYaml): Item {
    const services = childOf(root, 'services')
    if (!isMap(root.value) || services === undefined || !isMap(services.value)) return root
    const extended = [...services.value].map(([name, service]) => [name, this.follow(service, { root, isTagged }).item] as const)
    return { ...root, value: new Map([...root.value, ['services', { ...services, value: new Map(extended) }]]) }
  }

  private follow(service: Item, file: LoadedYaml): Extended {
    const known = this.#done.get(service)
    if (known !== undefined) return known
    const from = childOf(service, 'extends')
    const result = from === undefined || from.value === null ? { item: service, chain: 0 } : this.lay(service, from, file)
    this.#done.set(service, result)
    return result
  }

  private lay(service: Item, from: Item, file: LoadedYaml): Extended {
    const base = this.findBase(service, from, file)
    if (base === undefined) return { item: service, chain: 0 }
    const item = dropExtends(serviceRule(base.item, service))
    const { report } = this.scope
    const isSmall = report.take('copies', sizeOf(item))
    if (!isSmall) report.refuse(from, 'compose.too-complex', 'services that extend others come to too much')
    if (base.chain >= maxChain) report.refuse(from, 'compose.too-complex', tooLong)
    return { item: isSmall ? item : service, chain: base.chain + 1 }
  }

  private findBase(service: Item, from: Item, file: LoadedYaml): Extended | undefined {
    const { report } = this.scope
    const wanted = readExtends(from, report)
    const other = wanted?.file === undefined ? file : this.readOther(wanted.file, from)
    if (wanted?.service === undefined || other === undefined) return undefined
    const base = childOf(childOf(other.root, 'services'), wanted.service)
    if (base === undefined) {
      const place = wanted.file === undefined ? '' : ` in ${wanted.file}`
      return report.refuse(from, 'compose.inconsistent', `there is no service ${quote(wanted.service)}${place}`)
    }
    if (this.#open.size >= maxChain) return report.refuse(from, 'compose.too-complex', tooLong)
    if (this.#open.has(base) || base === service)
      return report.refuse(from, 'compose.inconsistent', 'services extend each other in a circle')
    if (!isMap(base.value)) return report.refuse(from, 'compose.schema', `${quote(wanted.service)} is no service but ${describe(base)}`)
    this.#open.add(service)
    const extended = this.follow(base, other)
    this.#open.delete(service)
    return other.isTagged ? { ...extended, item: settle(extended.item) } : extended
  }

  private readOther(file: string, from: Item): LoadedYaml | undefined {
    const { report } = this.scope
    const at = childOf(from, 'file') ?? from
    const path = findFile(file, at, report)
    if (path === undefined) return undefined
    if (!this.#files.has(path)) this.#files.set(path, readComposeFile(path, { ...this.scope, folder: folderOfFile(path) }, at))
    return this.#files.get(path)
  }
}

const extendsFields: Fields<Draft<Extends>> = {
  read: {
    service: field(
      'service',
      textOf('the name of a service', () => true),
    ),
    file: field(
      'file',
      textOf('the path of a compose file', () => true),
    ),
  },
}

function readExtends(item: Item, report: Report): Draft<Extends> | undefined {
  if (typeof item.value === 'string') return { service: item.value }
  const draft: Draft<Extends> = {}
  const faults = report.refusals.length
  readFields(item, extendsFields, draft, report)
  if (report.refusals.length > faults) return undefined
  return draft.service === undefined ? report.refuse(item, 'compose.schema', 'extends needs the name of a service') : draft
}

function dropExtends(service: Item): Item {
  if (!isMap(service.value)) return service
  return { ...service, value: new Map([...service.value].filter(([key]) => key !== 'extends')) }
}

function sizeOf({ value }: Item): number {
  let size = 1
  if (isMap(value)) for (const entry of value.values()) size += sizeOf(entry)
  if (isList(value)) for (const entry of value) size += sizeOf(entry)
  return size
}
