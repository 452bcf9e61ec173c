// The manifests and specs that the device holds: checked, written to disk, and only then acted upon.
import type { Logger } from 'pino'
import { parseCompose } from '../protocol/compose/parse.js'
import type { Project } from '../protocol/compose/project.js'
import type { Refusal, Result } from '../protocol/errors.js'
import { accept, refuse } from '../protocol/errors.js'
import { type Manifest, manifestCodec, type Purge } from '../protocol/messages.js'
import { digestText, openSpec } from '../protocol/spec.js'
import { type Effective, effectiveApps, effectiveInterval, effectivePurges, supersedes } from './core/effective.js'
import type { Disk } from './disk.js'

/** What became of a payload: it changed something, it said nothing new, or it was refused. */
export type Reception = 'taken' | 'known' | Refusal

export class Holdings {
  readonly #disk: Disk
  readonly #log: Logger
  #device: Manifest | undefined
  readonly #groups: Map<string, Manifest>
  /** Specs that were read from disk or came, by digest: an outcome each, as a spec never changes. */
  readonly #projects = new Map<string, Result<Project>>()

  constructor(disk: Disk, log: Logger) {
    this.#disk = disk
    this.#log = log
    this.#device = disk.loadDevice()
    this.#groups = disk.loadGroups()
  }

  get device(): Manifest | undefined {
    return this.#device
  }

  get groups(): ReadonlyMap<string, Manifest> {
    return this.#groups
  }

  groupNames(): readonly string[] {
    return this.#device?.groups ?? []
  }

  /** Groups of which no manifest is held: what they desire isn't known. */
  unknownGroups(): string[] {
    return this.groupNames().filter(name => !this.#groups.has(name))
  }

  /** Revision of the newest manifest held. */
  revision(): number {
    return Math.max(this.#device?.revision ?? 0, ...[...this.#groups.values()].map(manifest => manifest.revision))
  }

  effective(): Effective {
    return effectiveApps(this.#device, this.#groups)
  }

  purges(): ReadonlyMap<string, Purge> {
    return effectivePurges(this.#device, this.#groups)
  }

  intervalS(defaultS: number): number {
    return effectiveInterval(this.#device, this.#groups, defaultS)
  }

  receiveDevice(payload: Uint8Array): { reception: Reception; manifest?: Manifest } {
    const decoded = manifestCodec.decode(payload)
    if (!decoded.ok) return { reception: decoded.refusals[0] }
    const manifest = decoded.value
    if (!supersedes(manifest, this.#device)) return { reception: 'known', manifest }
    if (manifest.release !== undefined) return { reception: 'taken', manifest }
    this.#disk.saveDevice(payload)
    this.#device = manifest
    for (const name of this.#groups.keys()) if (!this.groupNames().includes(name)) this.#leave(name)
    return { reception: 'taken', manifest }
  }

  receiveGroup(name: string, payload: Uint8Array): Reception {
    const decoded = manifestCodec.decode(payload)
    if (!decoded.ok) return decoded.refusals[0]
    if (!this.groupNames().includes(name) || !supersedes(decoded.value, this.#groups.get(name))) return 'known'
    this.#disk.saveGroup(name, payload)
    this.#groups.set(name, decoded.value)
    return 'taken'
  }

  receiveSpec(digest: string, payload: Uint8Array): Reception {
    if (this.#projects.has(digest)) return 'known'
    const spec = openSpec(payload, Buffer.from(digest, 'base64url'))
    if (!spec.ok) return spec.refusals[0]
    this.#disk.saveSpec(digest, payload)
    this.#projects.set(digest, projectOf(spec.value.compose))
    return 'taken'
  }

  /** A spec's project, why it is none, or undefined if the spec isn't held. */
  project(digest: string): Result<Project> | undefined {
    const known = this.#projects.get(digest)
    if (known !== undefined) return known
    const spec = this.#disk.loadSpec(digest)
    if (spec === undefined) return undefined
    const project = projectOf(spec.compose)
    this.#projects.set(digest, project)
    return project
  }

  /** Digests that a manifest names and that aren't held. */
  missingSpecs(): string[] {
    const named = this.effective().apps.map(app => digestText(app.digest))
    return [...new Set(named)].filter(digest => this.project(digest) === undefined)
  }

  /** Drops specs that no manifest names; `applied` are kept as what to fall back on while a spec has not come. */
  pruneSpecs(applied: readonly string[]): void {
    const needed = new Set([...this.effective().apps.map(app => digestText(app.digest)), ...applied])
    for (const digest of this.#projects.keys()) if (!needed.has(digest)) this.#projects.delete(digest)
    this.#disk.pruneSpecs(needed)
  }

  forget(): void {
    this.#disk.forget()
    this.#device = undefined
    this.#groups.clear()
    this.#projects.clear()
  }

  #leave(name: string): void {
    this.#disk.removeGroup(name)
    this.#groups.delete(name)
    this.#log.info({ group: name }, 'the device has left a group')
  }
}

function projectOf(compose: string): Result<Project> {
  const parsed = parseCompose(compose)
  if (parsed.ok) return accept(parsed.value.project)
  const [{ code, message, path }] = parsed.refusals
  return refuse(code, message, path)
}
