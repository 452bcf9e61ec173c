// Attributes that the Engine of this device is too old for, or cannot put together: refused by their paths before anything is touched.
import type { Project, Service } from '../../protocol/compose/project.js'
import { networkOrder } from './endpoints.js'
import type { Step } from './step.js'

/** An attribute that needs an Engine with at least this minor number of its API version. */
interface Need {
  readonly path: string
  readonly api: number
}

export function refusals({ services, networks }: Project, api: number): Step[] {
  const ofServices = Object.entries(services).flatMap(([name, service]) => [
    ...serviceNeeds(service).map(({ path, api }) => ({ path: `services.${name}.${path}`, api })),
  ])
  const ofNetworks = Object.entries(networks).flatMap(([key, { enableIpv4 }]) =>
    enableIpv4 === undefined ? [] : [{ path: `networks.${key}.enable_ipv4`, api: 48 }],
  )
  const tooOld = [...ofServices, ...ofNetworks].filter(need => need.api > api).map(need => refuseOld(need, api))
  return [...tooOld, ...Object.entries(services).flatMap(([name, service]) => sealedFiles(name, service))]
}

function serviceNeeds(service: Service): Need[] {
  const needs: (Need | false)[] = [
    service.annotations !== undefined && { path: 'annotations', api: 43 },
    service.deviceRequests?.some(({ driver }) => driver === 'cdi') === true && { path: 'devices', api: 44 },
    service.healthcheck?.startIntervalMs !== undefined && { path: 'healthcheck.start_interval', api: 44 },
  ]
  return [...needs.filter(need => need !== false), ...mountNeeds(service), ...networkNeeds(service)]
}

function mountNeeds({ volumes }: Service): Need[] {
  return volumes.flatMap((mount, at): Need[] => {
    if (mount.type === 'bind' && mount.recursive !== undefined && mount.recursive !== 'disabled')
      return [{ path: `volumes[${at}].bind.recursive`, api: 44 }]
    if (mount.type === 'image') return [{ path: `volumes[${at}]`, api: 48 }]
    return mount.type === 'volume' && mount.subpath !== undefined ? [{ path: `volumes[${at}].volume.subpath`, api: 45 }] : []
  })
}

/** Before API 1.44 a container has one MAC address, that of the network that it joins first. */
function networkNeeds(service: Service): Need[] {
  const [first] = networkOrder(service)
  return Object.entries(service.networks).flatMap(([key, attachment]) => {
    const path = `networks.${key}`
    const needs: (Need | false)[] = [
      attachment.macAddress !== undefined && key !== first && { path: `${path}.mac_address`, api: 44 },
      attachment.gatewayPriority !== undefined && { path: `${path}.gw_priority`, api: 48 },
      attachment.interfaceName !== undefined && { path: `${path}.interface_name`, api: 49 },
    ]
    return needs.filter(need => need !== false)
  })
}

/** The Engine's releases by the API that they brought. */
const releases: Readonly<Record<number, string>> = { 43: '24.0', 44: '25.0', 45: '26.0', 48: '28.0', 49: '28.1' }

function refuseOld({ path, api }: Need, found: number): Step {
  const attribute = path.split('.').at(-1) ?? path
  const message = `${attribute} needs Docker Engine ${releases[api] ?? ''} (API 1.${api}) or newer; this device's Engine has API 1.${found}`
  return { kind: 'refuse', code: 'engine.too-old', message, path }
}

/** The Engine puts no file into a container whose root file system is read-only. */
function sealedFiles(name: string, { readOnly, files = [] }: Service): Step[] {
  if (readOnly !== true || files.every(({ source }) => 'path' in source)) return []
  const message =
    'a config or secret from content or environment cannot be put into a read-only container: give it a file, or leave out read_only'
  return [{ kind: 'refuse', code: 'compose.unsupported', message, path: `services.${name}.read_only` }]
}
