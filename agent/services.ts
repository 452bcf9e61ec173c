// The services that an app has, desired or still there.
import type { Lane } from './lane.js'

/** Undefined if there is no such app. */
export function servicesOf(lane: Lane | undefined): readonly string[] | undefined {
  if (lane === undefined) return undefined
  const { wish } = lane.target
  const { observed } = lane.view()
  const wished = wish?.run === 'running' ? Object.keys(wish.project.services) : []
  return [...new Set([...wished, ...observed.containers.map(({ service }) => service)])].sort()
}
