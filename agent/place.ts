// Writes the files of a bundle into the app's own folder, in place: nothing else in the folder is touched, and nothing outside of it.
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { SkerryError } from '../protocol/errors.js'
import type { BundleFile } from '../protocol/messages.js'
import { digestText } from '../protocol/spec.js'
import type { Disk } from './disk.js'
import { syncFolder } from './files.js'

/** Of a file that is being written, or was when the agent ended. */
const unknownMark = ''

/**
 * Makes an app's folder hold these files; those that it was made to hold before and that are no longer among them are removed.
 * Each file is replaced as a whole, by a new one: who has the old one open keeps it. A file that stays the same is left alone, as a
 * container may have changed it. Throws `disk.full`, or `spec.invalid` where a folder with contents of its own is in the way.
 */
export function placeFiles(disk: Disk, app: string, files: readonly BundleFile[], read: (file: BundleFile) => Uint8Array): void {
  const folder = disk.appFolder(app)
  const before = disk.loadPlaced(app)
  const wanted = new Map(files.map(file => [file.path, markOf(file)]))
  const changed = files.filter(file => before.get(file.path) !== markOf(file) || lookAt(join(folder, file.path))?.isFile() !== true)
  const gone = [...before.keys()].filter(path => !wanted.has(path))
  if (changed.length + gone.length === 0) return
  try {
    disk.savePlaced(app, new Map([...before, ...changed.map(file => [file.path, unknownMark] as const)]))
    for (const path of gone) remove(folder, path)
    const folders = new Set(changed.map(file => write(folder, file, read(file))))
    for (const each of folders) syncFolder(each)
    disk.savePlaced(app, wanted)
  } catch (error) {
    if (codeOf(error) === 'ENOSPC') throw new SkerryError('disk.full', `no space for the files of ${app}`, { cause: error })
    throw error
  }
}

function markOf({ digest, executable = false }: BundleFile): string {
  return `${digestText(digest)}${executable ? ' x' : ''}`
}

/** Returns the folder that the file is in. Containers that run as anyone must be able to read it; the state folder keeps others out. */
function write(folder: string, { path, executable = false }: BundleFile, contents: Uint8Array): string {
  const place = join(folder, path)
  makeFolders(folder, path)
  clear(place, path)
  const temporary = `${dirname(place)}/.skerry.tmp`
  rmSync(temporary, { recursive: true, force: true })
  // Fails where something is: a link that a container has put there is not followed.
  const handle = openSync(temporary, 'wx')
  try {
    fchmodSync(handle, executable ? 0o755 : 0o644)
    for (let at = 0; at < contents.length; ) at += writeSync(handle, contents, at)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(temporary, place)
  return dirname(place)
}

/** Makes the folders above a path; what stands in the place of one, such as a link to elsewhere, goes. */
function makeFolders(folder: string, path: string): void {
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 })
  for (const parent of [folder, ...parentsOf(folder, path)]) {
    const found = lookAt(parent)
    if (found?.isDirectory()) continue
    if (found !== undefined) rmSync(parent)
    mkdirSync(parent)
    chmodSync(parent, 0o755)
  }
}

/** Docker makes a folder where a file that it is to bind is missing. */
function clear(place: string, path: string): void {
  if (lookAt(place)?.isDirectory() !== true) return
  try {
    rmdirSync(place)
  } catch (cause) {
    throw new SkerryError('spec.invalid', `${path}: in the app's folder, a folder with contents of its own stands in its place`, { cause })
  }
}

/** Removes a file, and the folders above it that are empty then. Does not follow links. */
function remove(folder: string, path: string): void {
  const parents = parentsOf(folder, path)
  if (parents.some(parent => lookAt(parent)?.isDirectory() !== true)) return
  if (lookAt(join(folder, path))?.isDirectory() !== true) rmSync(join(folder, path), { force: true })
  for (const parent of [folder, ...parents].reverse()) {
    try {
      rmdirSync(parent)
    } catch {
      return
    }
  }
}

/** The folders between `folder` and a path, the outermost first. */
function parentsOf(folder: string, path: string): string[] {
  const segments = path.split('/').slice(0, -1)
  return segments.map((_, n) => join(folder, ...segments.slice(0, n + 1)))
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
