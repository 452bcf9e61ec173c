// A compose file's project as a wish for the planner.
import { hashService } from '../protocol/compose/hash.js'
import type { Project } from '../protocol/compose/project.js'
import type { RunningWish } from './core/desired.js'
import type { Owner } from './core/labels.js'

export function runningWish(owner: Owner, project: Project, folder: string): RunningWish {
  const hashes = Object.fromEntries(Object.entries(project.services).map(([name, service]) => [name, hashService(service, project)]))
  return { run: 'running', owner, project, hashes, folder }
}
