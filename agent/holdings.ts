// The manifests and specs that the device holds: checked, written to disk, and only then acted upon.
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { Refusal, Result } from '../protocol/errors.js'
import { type BundleFile, type Manifest, manifestCodec, type Purge } from '../protocol/messages.js'
import { digestText } from '../protocol/spec.js'
import { deviceVariables } from '../protocol/variables.js'
import { type Effective, type EffectiveApp, effectiveApps, effectiveInterval, effectivePurges, supersedes } from './core/effective.js'
import type { Disk } from './disk.js'
import { type HeldProject, Specs } from './specs.js'

/** What became of a payload: it changed something, it said nothing new, or it was refused. */
export type Reception = 'taken' | 'known' | Refusal

export class Holdings {
  readonly #disk: Disk
  readonly #log: Logger
  #device: Manifest | undefined
  readonly #groups: Map<string, Manifest>
  readonly #specs: Specs
  readonly #name: string

  /** `name` is what the device calls itself. */
  constructor(disk: Disk, log: Logger, name = hostname()) {
    this.#disk = disk
    this.#log = log
    this.#name = name
    this.#specs = new Specs(disk)
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

  /** A spec, or a file of one. */
  receiveSpec(digest: string, payload: Uint8Array): Reception {
    return this.#specs.receive(digest, payload, this.#named().includes(digest))
  }

  /**
   * An app's project on this device, why it is none, or undefined while the spec or one of its files isn't held.
   * `digest` may be another spec of the app than the desired one.
   */
  project(app: EffectiveApp, digest: string, variables = this.variablesOf(app)): Result<HeldProject> | undefined {
    return this.#specs.project(digest, app.name, variables)
  }

  /** What the device itself gives to an app's compose file, now. */
  variablesOf({ name, group }: EffectiveApp): Readonly<Record<string, string>> {
    const given = this.#device?.variables ?? []
    return deviceVariables({ app: name, group, device: { id: this.#disk.id, name: this.#name }, given })
  }

  /** The files of a spec that is held; none of one that is not. */
  filesOf(digest: string): readonly BundleFile[] {
    return this.#specs.filesOf(digest) ?? []
  }

  /** The contents of a file. Throws if it is not held, which mends itself: it is asked for again. */
  contentsOf(file: BundleFile): Uint8Array {
    return this.#specs.contentsOf(file)
  }

  /** Specs that a manifest names and files of theirs that aren't held: as many as may be asked for at a time. */
  missingSpecs(): string[] {
    return this.#specs.missing(this.#named())
  }

  /** True for each of them, however many there are. */
  isMissing(digest: string): boolean {
    return this.#specs.isMissing(digest, this.#named())
  }

  /** Drops specs that no manifest names; `applied` are kept as what to fall back on while a spec has not come. */
  pruneSpecs(applied: readonly string[]): void {
    this.#specs.prune([...this.#named(), ...applied])
  }

  forget(): void {
    this.#disk.forget()
    this.#device = undefined
    this.#groups.clear()
    this.#specs.clear()
  }

  /** Digests of the desired specs. */
  #named(): string[] {
    return [...new Set(this.effective().apps.map(app => digestText(app.digest)))]
  }

  #leave(name: string): void {
    this.#disk.removeGroup(name)
    this.#groups.delete(name)
    this.#log.info({ group: name }, 'the device has left a group')
  }
}
