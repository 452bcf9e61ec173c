// What the device's policy has against a project: every fault with its rule, its place, and what the owner would have to write.
import type { Project } from '../../protocol/compose/project.js'
import type { Refusal } from '../../protocol/errors.js'
import { checkNetwork } from './permit-networks.js'
import { at, type Check, type Checks, checkAll, type Judged, type Place } from './permit-parts.js'
import { nestsOf } from './permit-paths.js'
import { checkService } from './permit-service.js'
import { checkVolume } from './permit-volumes.js'

const projectChecks: Checks<Project> = {
  services: { at: 'services', rules: [], check: each(checkService) },
  networks: { at: 'networks', rules: [], check: each(checkNetwork) },
  volumes: { at: 'volumes', rules: [], check: each(checkVolume) },
}

/** [] if all of it is allowed. */
export function permit(judged: Judged): readonly Refusal[] {
  const { project, app } = judged
  const premises = { ...judged.premises, real: once(judged.premises.real) }
  const all = checkAll(projectChecks, project, { ...judged, premises, nests: nestsOf(project, app, premises), path: '' })
  const seen = new Map(all.map(refusal => [`${refusal.path} ${refusal.message}`, refusal]))
  return [...seen.values()].map(refusal => ({ ...refusal, path: refusal.path?.slice(1) ?? '' }))
}

/** Links are looked up once a path, so that one look has one answer. */
function once(real: (path: string) => string): (path: string) => string {
  const known = new Map<string, string>()
  return path => {
    const target = known.get(path) ?? real(path)
    known.set(path, target)
    return target
  }
}

function each<T>(check: Check<T>): Check<Readonly<Record<string, T>>> {
  return (values: Readonly<Record<string, T>>, place: Place) =>
    Object.entries(values).flatMap(([name, value]) => check(value, at(place, `.${name}`)))
}

const messageChars = 1000
const pathChars = 300

/** All of them as one: a report has room for one fault an app. */
export function joinRefusals([first, ...others]: readonly [Refusal, ...Refusal[]]): Refusal {
  const path = first.path?.slice(0, pathChars) ?? ''
  if (others.length === 0) return { ...first, path, message: first.message.slice(0, messageChars) }
  const more = others.map(({ path, message }) => `${path}: ${message}`)
  const fits = [first.message]
  for (const line of more) {
    if ([...fits, line].join('; ').length > messageChars - 20) break
    fits.push(line)
  }
  const left = more.length + 1 - fits.length
  const message = `${fits.join('; ')}${left === 0 ? '' : `; and ${left} more`}`
  return { code: first.code, path, message: message.slice(0, messageChars) }
}
