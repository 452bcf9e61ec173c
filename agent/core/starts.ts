// What may start now: dependencies first, and only what has not ended for good.
import type { PlacedFile } from '../../protocol/compose/parts.js'
import type { Service } from '../../protocol/compose/project.js'
import { judgeDependencies } from './dependencies.js'
import type { Memory, RunningWish } from './desired.js'
import { judgeEnding } from './ended.js'
import { isRunning, type Match } from './match.js'
import type { ObservedContainer } from './observed.js'
import type { PlacedContent, Step } from './step.js'

export function starts(wish: RunningWish, match: Match, memory: Memory, now: number): Step[] {
  return [...match.current].flatMap(([name, containers]) => {
    const service = wish.project.services[name]
    if (service === undefined || (memory.holds[name] ?? 0) > now) return []
    const waiting = containers.filter(container => mayStart(container, service, match, memory))
    if (waiting.length === 0 || judgeDependencies(wish, match, memory, name).state !== 'ready') return []
    return waiting.map(container => {
      const again = container.state === 'exited' && !isOutdated(container, service, match)
      return { ...startStep(container, service), again }
    })
  })
}

/** Containers that run on although what they depend on, by `restart: true`, has been made anew: they stop, and start after it. */
export function oweRestart(wish: RunningWish, match: Match): ObservedContainer[] {
  return [...match.current].flatMap(([name, containers]) => {
    const service = wish.project.services[name]
    return service === undefined ? [] : containers.filter(container => isRunning(container) && isOutdated(container, service, match))
  })
}

function isOutdated({ startedAt }: ObservedContainer, { dependsOn }: Service, { current }: Match): boolean {
  const restarting = Object.keys(dependsOn).filter(name => dependsOn[name]?.restart === true)
  return startedAt > 0 && restarting.some(name => current.get(name)?.some(({ createdAt }) => createdAt > startedAt))
}

function mayStart(container: ObservedContainer, service: Service, match: Match, memory: Memory): boolean {
  if (container.state === 'created') return true
  if (container.state !== 'exited') return false
  return judgeEnding(container, service.restart, memory) === 'start' || isOutdated(container, service, match)
}

export function startStep(container: ObservedContainer, service: Service): Step & { kind: 'start' } {
  const files = container.state === 'created' ? contentsOf(service.files ?? []) : []
  return { kind: 'start', service: container.service, id: container.id, again: false, files, hooks: service.postStart ?? [] }
}

/** Configs and secrets that are no files of the device: they go into the container itself. */
function contentsOf(files: readonly PlacedFile[]): PlacedContent[] {
  return files.flatMap(({ target, source, mode = 0o444, uid = '0', gid = '0' }) =>
    'content' in source ? [{ target, content: source.content, mode, uid: Number(uid) || 0, gid: Number(gid) || 0 }] : [],
  )
}
