// Host ports that others' containers have: found out before anything of the app is touched.
import type { Port } from '../../protocol/compose/project.js'
import type { RunningWish } from './desired.js'
import type { Observed, TakenPort } from './observed.js'
import type { Step } from './step.js'

/** A refusal for each port that services without a container want and cannot have. From a range the Engine takes a free one. */
export function portRefusals({ project }: RunningWish, { taken = [] }: Observed, services: ReadonlySet<string>): Step[] {
  return [...services].flatMap(name => {
    const ports = project.services[name]?.ports ?? []
    return ports.flatMap((port): Step[] => {
      const by = port.publishedTo === undefined ? taken.find(other => collide(port, other)) : undefined
      if (by === undefined) return []
      const message = `port ${port.published}/${port.protocol} of the device is already published by the container ${by.container}`
      return [{ kind: 'refuse', code: 'port.in-use', message, path: `services.${name}.ports` }]
    })
  })
}

function collide({ hostIp, published, protocol }: Port, other: TakenPort): boolean {
  if (published === 0 || published !== other.port || protocol !== other.protocol) return false
  return hostIp === other.ip || isAny(hostIp) || isAny(other.ip)
}

function isAny(ip: string): boolean {
  return ip === '' || ip === '0.0.0.0' || ip === '::'
}
