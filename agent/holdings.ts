// The manifests and specs that the device holds: checked, written to disk, and only then acted upon.
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { Refusal, Result } from '../protocol/errors.js'
import type { ImageList } from '../protocol/images.js'
import type { Link } from '../protocol/messages/link.js'
import { type Manifest, manifestCodec, type Purge } from '../protocol/messages/manifest.js'
import type { BundleFile } from '../protocol/messages/spec.js'
import { digestText } from '../protocol/spec.js'
import { deviceVariables } from '../protocol/variables.js'
import { type Effective, type EffectiveApp, effectiveApps, effectivePurges, isBelow, supersedes } from './core/effective.js'
import { type Floor, floorOf, withFloor } from './core/floors.js'
import { listsOf } from './core/image-lists.js'
import { effectiveLink } from './core/link.js'
import type { Disk } from './disk.js'
import { type HeldProject, Specs } from './specs.js'

/** What became of a payload: it changed something, it said nothing new, or it was refused. */
export type Reception = 'taken' | 'known' | Refusal

export class Holdings {
  readonly #disk: Disk
  readonly #log: Logger
  #device: Manifest | undefined
  #fleet: Manifest | undefined
  /** The device's next manifest, which waits for the fleet's. */
  #waiting: { readonly manifest: Manifest; readonly payload: Uint8Array } | undefined
  readonly #groups: Map<string, Manifest>
  #floors: readonly Floor[]
  readonly #specs: Specs
  readonly #name: string

  /** `name` is what the device calls itself. */
  constructor(disk: Disk, log: Logger, name = hostname()) {
    this.#disk = disk
    this.#log = log
    this.#name = name
    this.#specs = new Specs(disk)
    this.#device = disk.loadDevice()
    this.#fleet = disk.loadFleet()
    this.#groups = disk.loadGroups()
    this.#floors = disk.loadFloors()
  }

  get device(): Manifest | undefined {
    return this.#device
  }

  get groups(): ReadonlyMap<string, Manifest> {
    return this.#groups
  }

  /** What holds for every device of its fleet; undefined if its manifest says that there is nothing. */
  get fleet(): Manifest | undefined {
    return this.#device !== undefined && this.#hasFleetOf(this.#device) ? this.#fleet : undefined
  }

  /** Whether the newest of the device's manifests says that there is one of the fleet. */
  needsFleet(): boolean {
    return (this.#waiting?.manifest ?? this.#device)?.fleet === true
  }

  groupNames(): readonly string[] {
    return this.#device?.groups ?? []
  }

  /** The lists of images that hold for the device. */
  imageLists(): readonly ImageList[] {
    return listsOf({ device: this.#device, fleet: this.fleet, groups: this.#groups })
  }

  /** Groups of which no manifest is held: what they desire isn't known. */
  unknownGroups(): string[] {
    return this.groupNames().filter(name => !this.#groups.has(name))
  }

  /** Revision of the newest manifest held. */
  revision(): number {
    const held = [this.#device, this.fleet, ...this.#groups.values()]
    return Math.max(0, ...held.map(manifest => manifest?.revision ?? 0))
  }

  effective(): Effective {
    return effectiveApps(this.#device, this.#groups)
  }

  purges(): ReadonlyMap<string, Purge> {
    return effectivePurges(this.#device, this.#groups)
  }

  /** How the link is to be used, now; `ownS` is the agent's own interval between heartbeats. */
  link(ownS?: number): Link {
    return effectiveLink({ device: this.#device, groups: this.#groups, ownS })
  }

  /** One that needs the fleet's manifest waits until that is held; until then the one before holds. */
  receiveDevice(payload: Uint8Array): { reception: Reception; manifest?: Manifest } {
    const decoded = manifestCodec.decode(payload)
    if (!decoded.ok) return { reception: decoded.refusals[0] }
    const manifest = decoded.value
    const newest = this.#waiting?.manifest ?? this.#device
    const old = this.#judgeOld('device', manifest, newest)
    if (old !== undefined) return { reception: old, manifest }
    if (manifest.release !== undefined) return { reception: 'taken', manifest }
    if (manifest.fleet === true && !this.#hasFleetOf(manifest)) {
      this.#waiting = { manifest, payload }
      return { reception: 'known', manifest }
    }
    this.#takeDevice(manifest, payload)
    return { reception: 'taken', manifest }
  }

  receiveGroup(name: string, payload: Uint8Array): Reception {
    const decoded = manifestCodec.decode(payload)
    if (!decoded.ok) return decoded.refusals[0]
    if (!this.groupNames().includes(name)) return 'known'
    const old = this.#judgeOld(`group/${name}`, decoded.value, this.#groups.get(name))
    if (old !== undefined) return old
    this.#disk.saveGroup(name, payload)
    this.#groups.set(name, decoded.value)
    return 'taken'
  }

  receiveFleet(payload: Uint8Array): Reception {
    const decoded = manifestCodec.decode(payload)
    if (!decoded.ok) return decoded.refusals[0]
    const old = this.#judgeOld('fleet', decoded.value, this.#fleet)
    if (old === undefined) {
      this.#disk.saveFleet(payload)
      this.#fleet = decoded.value
    }
    const waiting = this.#waiting
    const isAwaited = waiting !== undefined && this.#hasFleetOf(waiting.manifest)
    if (isAwaited) this.#takeDevice(waiting.manifest, waiting.payload)
    return isAwaited ? 'taken' : (old ?? 'taken')
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

  /** What was held is not, but nothing older will be. */
  forget(): void {
    this.#keepFloors({ device: this.#device, fleet: this.#fleet, ...groupPaths(this.#groups) })
    this.#disk.forget()
    this.#device = undefined
    this.#fleet = undefined
    this.#waiting = undefined
    this.#groups.clear()
    this.#specs.clear()
  }

  #takeDevice(manifest: Manifest, payload: Uint8Array): void {
    this.#disk.saveDevice(payload)
    this.#device = manifest
    this.#waiting = undefined
    for (const name of this.#groups.keys()) if (!this.groupNames().includes(name)) this.#leave(name)
  }

  /** A fleet's manifest belongs to device's manifests of its own instance. */
  #hasFleetOf({ fleet, instance }: Manifest): boolean {
    return fleet === true && this.#fleet !== undefined && Buffer.compare(this.#fleet.instance, instance) === 0
  }

  /** Digests of the desired specs. */
  #named(): string[] {
    return [...new Set(this.effective().apps.map(app => digestText(app.digest)))]
  }

  /** What is no news is the same again, or older: somebody shows what was true once. Undefined if it is news. */
  #judgeOld(path: string, manifest: Manifest, held: Manifest | undefined): Reception | undefined {
    const floor = held ?? floorOf(this.#floors, path)
    if (isBelow(manifest, floor)) {
      const { revision } = manifest
      return { code: 'manifest.replayed', message: `it is of revision ${revision}, older than ${floor?.revision}, which was held` }
    }
    return supersedes(manifest, held) ? undefined : 'known'
  }

  #keepFloors(manifests: Readonly<Record<string, Manifest | undefined>>): void {
    for (const [path, manifest] of Object.entries(manifests)) {
      if (manifest !== undefined) this.#floors = withFloor(this.#floors, { ...manifest, path })
    }
    this.#disk.saveFloors(this.#floors)
  }

  #leave(name: string): void {
    this.#keepFloors({ [`group/${name}`]: this.#groups.get(name) })
    this.#disk.removeGroup(name)
    this.#groups.delete(name)
    this.#log.info({ group: name }, 'the device has left a group')
  }
}

function groupPaths(groups: ReadonlyMap<string, Manifest>): Record<string, Manifest> {
  return Object.fromEntries([...groups].map(([name, manifest]) => [`group/${name}`, manifest]))
}
