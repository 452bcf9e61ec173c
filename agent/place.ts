// The files of a bundle in an app's folder, for its containers to mount: written, and removed again, without following links.
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { basename, dirname } from 'node:path'
import { SkerryError } from '../protocol/errors.js'
import type { BundleFile } from '../protocol/messages/spec.js'
import { digestText } from '../protocol/spec.js'
import type { Disk } from './disk.js'
import { codeOf, HeldFolder, within } from './held-folder.js'

/** Of a file that is being written, or was when the agent ended. */
const unknownMark = ''
const temporary = '.skerry.tmp'

/**
 * Makes an app's folder hold these files; those that it was made to hold before and that are no longer among them are removed.
 * Each file is replaced as a whole, by a new one: who has the old one open keeps it. A file that stays the same is left alone, as a
 * container may have changed it. Throws `disk.full`, or `spec.invalid` where a folder with contents of its own is in the way.
 */
export function placeFiles(disk: Disk, app: string, files: readonly BundleFile[], read: (file: BundleFile) => Uint8Array): void {
  const folder = disk.appFolder(app)
  const before = disk.loadPlaced(app)
  const wanted = new Map(files.map(file => [file.path, markOf(file)]))
  const changed = files.filter(file => before.get(file.path) !== markOf(file) || !isFile(folder, file.path))
  const gone = [...before.keys()].filter(path => !wanted.has(path))
  if (changed.length + gone.length === 0) return
  try {
    disk.savePlaced(app, new Map([...before, ...changed.map(file => [file.path, unknownMark] as const)]))
    for (const path of gone) remove(folder, path)
    for (const [parent, inside] of byFolder(changed)) write(folder, parent, { files: inside, read })
    disk.savePlaced(app, wanted)
  } catch (error) {
    if (codeOf(error) === 'ENOSPC') throw new SkerryError('disk.full', `no space for the files of ${app}`, { cause: error })
    throw error
  }
}

function markOf({ digest, executable = false }: BundleFile): string {
  return `${digestText(digest)}${executable ? ' x' : ''}`
}

function byFolder(files: readonly BundleFile[]): Map<string, BundleFile[]> {
  const folders = new Map<string, BundleFile[]>()
  for (const file of files) folders.set(dirname(file.path), [...(folders.get(dirname(file.path)) ?? []), file])
  return folders
}

/** Containers that run as anyone must be able to read them; the state folder keeps others out. */
function write(
  folder: string,
  parent: string,
  { files, read }: { files: readonly BundleFile[]; read: (file: BundleFile) => Uint8Array },
): void {
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 })
  within(openOrMake(folder), namesOf(parent), makeWay, held => {
    for (const file of files) writeOne(held, file, read(file))
    held.sync()
  })
}

function writeOne(held: HeldFolder, { path, executable = false }: BundleFile, contents: Uint8Array): void {
  clear(held, basename(path), path)
  clear(held, temporary, path)
  if (held.look(temporary) !== undefined) unlinkSync(held.at(temporary))
  // Fails where something is: a link that a container has put there is not followed.
  const handle = openSync(held.at(temporary), 'wx')
  try {
    fchmodSync(handle, executable ? 0o755 : 0o644)
    for (let at = 0; at < contents.length; ) at += writeSync(handle, contents, at)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(held.at(temporary), held.at(basename(path)))
}

function namesOf(parent: string): readonly string[] {
  return parent === '.' ? [] : parent.split('/')
}

function openOrMake(path: string): HeldFolder {
  const isNew = mkdirSync(path, { recursive: true }) !== undefined
  if (isNew) chmodSync(path, 0o755)
  return HeldFolder.open(path)
}

/** What stands in the place of a folder, such as a link to elsewhere, goes. */
function makeWay(held: HeldFolder, name: string): HeldFolder {
  try {
    return held.open(name)
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error) ?? '')) throw error
  }
  if (held.look(name) !== undefined) unlinkSync(held.at(name))
  mkdirSync(held.at(name))
  const made = held.open(name)
  made.allow(0o755)
  return made
}

/** Docker makes a folder where a file that it is to bind is missing. */
function clear(held: HeldFolder, name: string, path: string): void {
  if (held.look(name)?.isDirectory() !== true) return
  try {
    rmdirSync(held.at(name))
  } catch (cause) {
    throw new SkerryError('spec.invalid', `${path}: in the app's folder, a folder with contents of its own stands in its place`, { cause })
  }
}

function isFile(folder: string, path: string): boolean {
  return inside(folder, path, (held, name) => held.look(name)?.isFile() === true) ?? false
}

/** Removes a file, and the folders above it that are empty then. */
function remove(folder: string, path: string): void {
  const isGone = inside(folder, path, (held, name) => {
    if (held.look(name)?.isDirectory() !== true) rmSync(held.at(name), { force: true })
    return true
  })
  if (isGone !== true) return
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) if (!removeEmpty(folder, parent)) return
  rmdirIfEmpty(folder)
}

function removeEmpty(folder: string, path: string): boolean {
  return inside(folder, path, (held, name) => rmdirIfEmpty(held.at(name))) ?? false
}

function rmdirIfEmpty(path: string): boolean {
  try {
    rmdirSync(path)
    return true
  } catch {
    return false
  }
}

/** Calls `use` with the folder that a path is in, and its name there; undefined where a folder of it is missing, or is none. */
function inside<T>(folder: string, path: string, use: (held: HeldFolder, name: string) => T): T | undefined {
  try {
    return within(
      HeldFolder.open(folder),
      namesOf(dirname(path)),
      (held, name) => held.open(name),
      held => use(held, basename(path)),
    )
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error) ?? '')) return undefined
    throw error
  }
}
