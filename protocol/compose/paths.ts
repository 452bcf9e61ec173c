// Paths of a compose file: of the folder that it stands in, or of the machine.
import { posix } from 'node:path'
import { type Item, quote, type Report } from './item.js'

/** Without `.`, double slashes and a slash at the end. */
export function cleanPath(path: string): string {
  const clean = posix.normalize(path)
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean
}

/** Canonical: `.`, `./x`, `/x`; of a folder of this machine also `..`, `../x`. */
export function readPath(text: string, item: Item, report: Report): string | undefined {
  const { isLocal } = report.source.folder
  if (text === '' || text.includes('\0')) return report.refuse(item, 'compose.schema', `${quote(text)} is no path`)
  if (text.startsWith('~')) return isLocal ? readHome(text, item, report) : refuseElsewhere(text, item, report)
  const clean = cleanPath(text)
  if (clean.startsWith('/') || clean === '.') return clean
  if (clean !== '..' && !clean.startsWith('../')) return `./${clean}`
  return isLocal ? clean : refuseElsewhere(text, item, report)
}

function readHome(text: string, item: Item, report: Report): string | undefined {
  const home = /^~(\/|$)/.test(text) ? report.variable('HOME') : undefined
  return home === undefined
    ? report.refuse(item, 'compose.variable', `${quote(text)} is in no known home`)
    : cleanPath(home + text.slice(1))
}

function refuseElsewhere(text: string, item: Item, report: Report): undefined {
  return report.refuse(
    item,
    'compose.unsupported',
    `${quote(text)} is outside the app's folder, which is all that a device has: use a path in it, or an absolute one of the device`,
  )
}

/** A path of a file or folder that must be there when the file is read: a device's absolute paths are not. */
export function readOwnPath(text: string, item: Item, report: Report): string | undefined {
  const path = readPath(text, item, report)
  if (path?.startsWith('/') !== true || report.source.folder.isLocal) return path
  return refuseElsewhere(text, item, report)
}

/** What the canonical path is in the folder: a file, a folder, or undefined for nothing. What there is travels with the app. */
export function takePath(path: string, report: Report): 'file' | 'folder' | undefined {
  const inFolder = folderPath(path)
  const kind = report.source.folder.kind(inFolder)
  if (kind !== undefined && !/^(\/|\.\.)/.test(path)) report.paths.add(inFolder)
  return kind
}

/** As a {@link Folder} takes it. */
export function folderPath(path: string): string {
  return path.startsWith('./') ? path.slice(2) : path
}

/** The text of a file that the compose file names. */
export function readFolderText(text: string, item: Item, report: Report): string | undefined {
  const path = readOwnPath(text, item, report)
  if (path === undefined) return undefined
  const content = report.file(folderPath(path))
  return content === undefined
    ? report.refuse(item, 'compose.inconsistent', `there is no file ${quote(folderPath(path))}`)
    : Buffer.from(content).toString()
}
