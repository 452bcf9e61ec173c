// A compose file's project as a wish for the planner.
import { type DigestOf, hashService } from '../protocol/compose/hash.js'
import type { Project } from '../protocol/compose/project.js'
import type { RunningWish } from './core/desired.js'
import type { Owner } from './core/labels.js'

/** `folder` is the app's; `digestOf` tells the contents of what is in it, of files and folders, where they count. */
export function runningWish(owner: Owner, project: Project, folder: string, digestOf?: DigestOf): RunningWish {
  const services = Object.entries(project.services)
  const hashes = Object.fromEntries(services.map(([name, service]) => [name, hashService(service, project, digestOf)]))
  return { run: 'running', owner, project, hashes, folder }
}
