// What short and long forms of mounts share: targets, and sources in the app's folder.
import { type Item, quote, type Report } from './item.js'
import { cleanPath, readPath, takePath } from './paths.js'
import type { Mount } from './project.js'

export type BindMount = Extract<Mount, { type: 'bind' }>

export function mountTarget(target: string, item: Item, report: Report): string | undefined {
  if (!target.startsWith('/')) return report.refuse(item, 'compose.schema', `the target ${quote(target)} is no absolute path`)
  const clean = cleanPath(target)
  return clean === '/' ? report.refuse(item, 'compose.schema', 'nothing can be mounted over /') : clean
}

/** A source that is not in the folder is made where the app runs. */
export function bindMount(mount: Omit<BindMount, 'type'>, item: Item, report: Report): BindMount | undefined {
  const source = readPath(mount.source, item, report)
  if (source === undefined) return undefined
  takePath(source, report)
  return { ...mount, source, type: 'bind' }
}
