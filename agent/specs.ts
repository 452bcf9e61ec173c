// The specs on disk with their files: what of them is missing, and what projects they are on this device.
import { checkSpec, digestIn, sourceOf } from '../protocol/bundle.js'
import { parseProject } from '../protocol/compose/parse.js'
import type { Project } from '../protocol/compose/project.js'
import { accept, type Refusal, type Result, refuse, SkerryError } from '../protocol/errors.js'
import type { BundleFile, SpecBody } from '../protocol/messages/spec.js'
import { digestText, openFile, openSpec } from '../protocol/spec.js'
import type { Disk } from './disk.js'

/** A project, and what tells the contents of the bundle's files and folders by one text. */
export interface HeldProject {
  readonly project: Project
  readonly digestOf: (path: string) => string | undefined
}

/** What a broker keeps in memory for a reader that is slow is bounded: files are asked for in portions. */
const portion = { bytes: 1024 * 1024, files: 100 }

export class Specs {
  readonly #disk: Disk
  /** Digests of the specs and files on disk. */
  readonly #held: Set<string>
  /** Files of the specs that have been read. */
  readonly #files = new Map<string, readonly BundleFile[]>()
  /** An outcome for each spec, app and set of variables. */
  readonly #projects = new Map<string, { readonly digest: string; readonly app: string; readonly outcome: Result<HeldProject> }>()

  constructor(disk: Disk) {
    this.#disk = disk
    this.#held = new Set(disk.listSpecs())
  }

  receive(digest: string, payload: Uint8Array, isSpec: boolean): Refusal | 'taken' | 'known' {
    if (this.#held.has(digest)) return 'known'
    const opened = (isSpec ? openSpec : openFile)(payload, Buffer.from(digest, 'base64url'))
    if (!opened.ok) return opened.refusals[0]
    this.#disk.saveSpec(digest, payload)
    this.#held.add(digest)
    return 'taken'
  }

  /** Undefined while the spec isn't held. */
  filesOf(digest: string): readonly BundleFile[] | undefined {
    if (this.#held.has(digest) && !this.#files.has(digest)) this.#load(digest)
    return this.#held.has(digest) ? this.#files.get(digest) : undefined
  }

  contentsOf({ path, digest }: BundleFile): Uint8Array {
    const contents = this.#read(digestText(digest))
    if (contents === undefined) throw new SkerryError('spec.digest', `the file ${path} of the spec has not come yet`, { retryable: true })
    return contents
  }

  /** Undefined while the spec, or a file of it, isn't held. */
  project(digest: string, app: string, variables: Readonly<Record<string, string>>): Result<HeldProject> | undefined {
    const key = JSON.stringify([digest, app, variables])
    const known = this.#projects.get(key)
    if (known !== undefined) return known.outcome
    if (!this.#isWhole(digest)) return undefined
    const spec = this.#load(digest)
    const outcome = spec && this.#parse(spec, app, variables)
    if (outcome === undefined || !this.#isWhole(digest)) return undefined
    // One app's variables of now are needed, and those of when it was last good.
    const others = [...this.#projects].filter(([, held]) => held.digest === digest && held.app === app)
    for (const [other] of others.slice(0, -1)) this.#projects.delete(other)
    this.#projects.set(key, { digest, app, outcome })
    return outcome
  }

  /** Digests to ask for, of specs and of their files. */
  missing(named: readonly string[]): string[] {
    const specs = named.filter(digest => this.filesOf(digest) === undefined)
    const files = named.flatMap(digest => this.filesOf(digest) ?? []).filter(({ digest }) => !this.#held.has(digestText(digest)))
    let bytes = 0
    const asked = files.slice(0, portion.files).filter(({ sizeBytes }, n) => {
      bytes += sizeBytes
      return n === 0 || bytes <= portion.bytes
    })
    return [...new Set([...specs, ...asked.map(({ digest }) => digestText(digest))])]
  }

  isMissing(digest: string, named: readonly string[]): boolean {
    if (this.#held.has(digest)) return false
    return named.includes(digest) || named.some(spec => this.filesOf(spec)?.some(file => digestText(file.digest) === digest) === true)
  }

  /** Drops everything but these specs and their files. */
  prune(specs: readonly string[]): void {
    const needed = new Set([...specs, ...specs.flatMap(spec => (this.filesOf(spec) ?? []).map(file => digestText(file.digest)))])
    for (const digest of this.#files.keys()) if (!needed.has(digest)) this.#files.delete(digest)
    for (const [key, { digest }] of this.#projects) if (!needed.has(digest)) this.#projects.delete(key)
    for (const digest of this.#held) if (!needed.has(digest)) this.#held.delete(digest)
    this.#disk.pruneSpecs(needed)
  }

  clear(): void {
    this.#held.clear()
    this.#files.clear()
    this.#projects.clear()
  }

  #isWhole(digest: string): boolean {
    return this.filesOf(digest)?.every(file => this.#held.has(digestText(file.digest))) === true
  }

  /** What is on disk and cannot be read is no longer held, and so asked for again. */
  #load(digest: string): SpecBody | undefined {
    const spec = this.#disk.loadSpec(digest)
    if (spec === undefined) this.#held.delete(digest)
    else this.#files.set(digest, checkSpec(spec).ok ? (spec.files ?? []) : [])
    return spec
  }

  #read(digest: string): Uint8Array | undefined {
    const contents = this.#held.has(digest) ? this.#disk.loadFile(digest) : undefined
    if (contents === undefined) this.#held.delete(digest)
    return contents
  }

  #parse(spec: SpecBody, app: string, variables: Readonly<Record<string, string>>): Result<HeldProject> {
    const checked = checkSpec(spec)
    if (!checked.ok) return firstOf(checked.refusals)
    const parsed = parseProject(sourceOf(spec, digest => this.#read(digestText(digest)), { app, variables }))
    return parsed.ok ? accept({ project: parsed.value.project, digestOf: digestIn(spec) }) : firstOf(parsed.refusals)
  }
}

function firstOf([{ code, message, path }]: readonly [Refusal, ...Refusal[]]): Result<never> {
  return refuse(code, message, path)
}
