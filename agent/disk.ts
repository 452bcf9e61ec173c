// The state folder: who the device is, what it should run, and what it last ran. What cannot be read is set aside, never fatal.
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Logger } from 'pino'
import { refusePath } from '../protocol/bundle.js'
import type { Result } from '../protocol/errors.js'
import { type Manifest, manifestCodec } from '../protocol/messages/manifest.js'
import { type Hold, holdCodec } from '../protocol/messages/reported.js'
import type { SpecBody } from '../protocol/messages/spec.js'
import { isName } from '../protocol/names.js'
import { openFile, openSpec } from '../protocol/spec.js'
import { type Count, decodeCount, encodeCount } from './core/count.js'
import { decodeFloors, encodeFloors, type Floor } from './core/floors.js'
import { decodePermits, encodePermits, type KeptPermit } from './core/hold-file.js'
import { decodeRecords, encodeRecords, noRecords, type Records } from './core/record.js'
import { readIfThere, removeIfThere, writeAtomic } from './files.js'
import { lockFolder } from './lock.js'

export class Disk {
  readonly folder: string
  readonly id: string
  readonly #log: Logger
  readonly #unlock: () => void

  /** Takes the folder for this process. Throws `state.in-use`, and what the disk says where a new device cannot be given a name. */
  constructor(folder: string, log: Logger) {
    this.folder = resolve(folder)
    this.#log = log
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
    this.#unlock = lockFolder(this.folder)
    try {
      this.id =
        this.#read('id', bytes => (isName('device', bytes.toString().trim()) ? bytes.toString().trim() : undefined)) ?? this.#createId()
    } catch (error) {
      this.#unlock()
      throw error
    }
  }

  close(): void {
    this.#unlock()
  }

  /** Counts this start of the agent, durably unless the disk is full; never at or below `floor`. */
  countStart(floor = 0): number {
    const last = this.#read('starts', bytes => (/^\d{1,5}\n$/.test(bytes.toString()) ? Number(bytes.toString()) : undefined)) ?? 0
    const next = Math.min(0xffff, Math.max(last, floor) + 1)
    this.#tryWrite('starts', `${next}\n`)
    return next
  }

  /** True if the device was booted since the last call, whatever its clock says: boards without a battery wake up in the past. */
  noteBoot(bootId: string): boolean {
    const last = readIfThere(this.#path('boot'))?.toString().trim()
    if (last !== bootId) this.#tryWrite('boot', `${bootId}\n`)
    return last !== undefined && last !== bootId
  }

  /** Manifests are kept as they were signed for, without the signature: whoever can write here can also replace the keys. */
  loadDevice(): Manifest | undefined {
    return this.#read('device', decodeManifest)
  }

  saveDevice(payload: Uint8Array): void {
    writeAtomic(this.#path('device'), payload)
  }

  loadFleet(): Manifest | undefined {
    return this.#read('fleet', decodeManifest)
  }

  saveFleet(payload: Uint8Array): void {
    writeAtomic(this.#path('fleet'), payload)
  }

  loadFloors(): readonly Floor[] {
    return this.#read('floors', decodeFloors) ?? []
  }

  /** A device whose disk is full must be able to leave a group all the same. */
  saveFloors(floors: readonly Floor[]): void {
    this.#tryWrite('floors', encodeFloors(floors))
  }

  /** Of the bytes of its connection. */
  loadCount(): Count | undefined {
    return this.#read('usage', decodeCount)
  }

  saveCount(count: Count): void {
    this.#tryWrite('usage', encodeCount(count))
  }

  /** The next one begins at 0, with a higher number. */
  dropCount(): void {
    removeIfThere(this.#path('usage'))
  }

  loadPermits(): readonly KeptPermit[] {
    return this.#read('permits', decodePermits) ?? []
  }

  /** With a full disk they still count while the agent runs. */
  savePermits(kept: readonly KeptPermit[]): void {
    this.#tryWrite('permits', encodePermits(kept))
  }

  /** Why nothing may be changed, and since when; undefined: it may. */
  loadHold(): Hold | undefined {
    return this.#read('hold', payload => takeValue(holdCodec.decode(payload)))
  }

  saveHold(hold: Hold | undefined): void {
    if (hold === undefined) this.#try('hold', removeIfThere)
    else this.#tryWrite('hold', holdCodec.encode(hold))
  }

  loadGroups(): Map<string, Manifest> {
    const groups = new Map<string, Manifest>()
    for (const name of this.#list('groups')) {
      const manifest = isName('group', name) ? this.#read(join('groups', name), decodeManifest) : undefined
      if (manifest !== undefined) groups.set(name, manifest)
    }
    return groups
  }

  saveGroup(name: string, payload: Uint8Array): void {
    writeAtomic(this.#path('groups', name), payload)
  }

  removeGroup(name: string): void {
    removeIfThere(this.#path('groups', name))
  }

  /** Digests of the specs, and of files of specs, that are there. */
  listSpecs(): string[] {
    return this.#list('specs')
  }

  loadSpec(digest: string): SpecBody | undefined {
    return this.#read(join('specs', digest), payload => takeValue(openSpec(payload, Buffer.from(digest, 'base64url'))))
  }

  /** The contents of a spec's file. */
  loadFile(digest: string): Uint8Array | undefined {
    return this.#read(join('specs', digest), payload => takeValue(openFile(payload, Buffer.from(digest, 'base64url'))))
  }

  /** A spec, or a file of one, as it came. */
  saveSpec(digest: string, payload: Uint8Array): void {
    writeAtomic(this.#path('specs', digest), payload)
  }

  /** Removes the specs and files that nothing needs any more. */
  pruneSpecs(needed: ReadonlySet<string>): void {
    for (const digest of this.#list('specs')) if (!needed.has(digest)) removeIfThere(this.#path('specs', digest))
  }

  loadRecords(): Records {
    return this.#read('ledger', decodeRecords) ?? noRecords
  }

  saveRecords(records: Records): void {
    writeAtomic(this.#path('ledger'), encodeRecords(records))
  }

  /** Marks of the files that were written into an app's folder, by path. */
  loadPlaced(app: string): Map<string, string> {
    return this.#read(join('placed', `${app}.json`), bytes => decodePlaced(bytes.toString())) ?? new Map()
  }

  savePlaced(app: string, placed: ReadonlyMap<string, string>): void {
    const path = this.#path('placed', `${app}.json`)
    if (placed.size === 0) removeIfThere(path)
    else writeAtomic(path, `${JSON.stringify(Object.fromEntries(placed), undefined, 2)}\n`)
  }

  /** Where relative bind sources of an app start from. */
  appFolder(app: string): string {
    return this.#path('apps', app)
  }

  /** Forgets everything that was desired; the identity, the floors and the apps' files stay. */
  forget(): void {
    for (const name of ['device', 'fleet', 'ledger', 'usage', 'permits', 'hold']) removeIfThere(this.#path(name))
    for (const name of ['groups', 'specs']) rmSync(this.#path(name), { recursive: true, force: true })
  }

  /** What can be done without: a device whose disk is full still runs its apps. Epochs that were used twice are risen above later. */
  #tryWrite(name: string, bytes: Uint8Array | string): void {
    this.#try(name, path => writeAtomic(path, bytes))
  }

  #try(name: string, write: (path: string) => void): void {
    try {
      write(this.#path(name))
    } catch (error) {
      this.#log.error({ err: error, file: this.#path(name) }, 'a file of the state folder cannot be written')
    }
  }

  #createId(): string {
    const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'
    // 252 is the largest multiple of 36 in a byte: above it, some characters would come more often.
    let id = ''
    while (id.length < 12) for (const byte of randomBytes(16)) if (byte < 252 && id.length < 12) id += alphabet[byte % 36]
    writeAtomic(this.#path('id'), `${id}\n`)
    return id
  }

  /** A file's meaning, or undefined; a file without meaning is set aside for a person to look at. */
  #read<T>(name: string, decode: (bytes: Buffer) => T | undefined): T | undefined {
    const path = this.#path(name)
    const bytes = readIfThere(path)
    if (bytes === undefined) return undefined
    const value = decode(bytes)
    if (value === undefined) {
      renameSync(path, this.#path(`${name.replaceAll('/', '-')}.corrupt-${Date.now()}`))
      this.#log.error({ file: path }, 'a file of the state folder is corrupt and has been set aside')
    }
    return value
  }

  #list(name: string): string[] {
    try {
      return readdirSync(this.#path(name))
        .filter(file => !file.endsWith('.tmp'))
        .sort()
    } catch {
      return []
    }
  }

  #path(...parts: string[]): string {
    return join(this.folder, ...parts)
  }
}

function decodeManifest(payload: Uint8Array): Manifest | undefined {
  const manifest = manifestCodec.decode(payload)
  return manifest.ok ? manifest.value : undefined
}

function takeValue<T>(result: Result<T>): T | undefined {
  return result.ok ? result.value : undefined
}

function decodePlaced(text: string): Map<string, string> | undefined {
  try {
    const raw: unknown = JSON.parse(text)
    if (typeof raw !== 'object' || raw === null) return undefined
    const entries = Object.entries(raw)
    const isSound = entries.every(([path, mark]) => refusePath(path) === undefined && typeof mark === 'string')
    return isSound ? new Map(entries) : undefined
  } catch {
    return undefined
  }
}
