// One compose file: bytes to a tree whose variables are filled in and whose paths start from the project's folder.
import { posix } from 'node:path'
import type { ErrorCode } from '../errors.js'
import type { LoadedYaml } from './expand.js'
import { interpolate } from './interpolate.js'
import { describe, type Item, isMap, quote, type Report, type Variables } from './item.js'
import { folderPath, readOwnPath } from './paths.js'
import { isRemote, relocate } from './relocate.js'
import { loadYaml } from './yaml.js'

/** What files are read for: the project itself, or one that it includes. */
export interface Scope {
  readonly report: Report
  /** Folder that relative paths of the files start from; `.` is the project's. */
  readonly folder: string
  readonly environment: Variables
  /** Files whose includes are being followed, from the outside in. */
  readonly open: readonly string[]
}

/** Undefined if the report says why not; `from` is what names the file. */
export function readComposeFile(path: string, scope: Scope, from?: Item): LoadedYaml | undefined {
  const { report, environment, folder } = scope
  if (!report.take('files', 1)) return refuserOf(path, report, from)('compose.too-complex', 'there are too many compose files')
  const text = readFileText(path, report, from)
  const isOnly = from === undefined && report.source.files.length === 1
  const loaded = text === undefined ? undefined : loadYaml(text, report, isOnly ? undefined : path)
  if (loaded === undefined) return undefined
  const { root } = loaded
  if (root.value !== null && !isMap(root.value))
    return report.refuseAt(isOnly ? undefined : path, 'compose.schema', `a compose file is a map with services, not ${describe(root)}`)
  interpolate(root, report, environment)
  if (folder !== '.') relocate(root, folder)
  return loaded
}

/** A file's text without a byte order mark. Undefined if the report says why not; `from` is what names the file. */
export function readFileText(path: string, report: Report, from: Item | undefined): string | undefined {
  const refuse = refuserOf(path, report, from)
  const bytes = report.file(path)
  if (bytes === undefined) {
    const isFolder = report.source.folder.kind(path) === 'folder'
    return refuse('compose.inconsistent', isFolder ? `${quote(path)} is a folder, not a file` : `there is no file ${quote(path)}`)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return refuse('compose.yaml', `${quote(path)} is no text in UTF-8`)
  }
}

/** A file's own fault is told where the file is named. */
function refuserOf(path: string, report: Report, from: Item | undefined): (code: ErrorCode, message: string) => undefined {
  return (code, message) => (from === undefined ? report.refuseAt(path, code, message) : report.refuse(from, code, message))
}

export function folderOfFile(path: string): string {
  return posix.dirname(path)
}

/** A file that a compose file names, as a path of the folder. */
export function findFile(text: string, item: Item, report: Report): string | undefined {
  if (isRemote(text)) return report.refuse(item, 'compose.unsupported', `${quote(text)} is not of this folder: only files of it are read`)
  const path = readOwnPath(text, item, report)
  return path === undefined ? undefined : folderPath(path)
}
