// The mounts of a service as the Engine takes them: plain strings for binds and volumes, so that it makes missing host folders.
import type { PlacedFile } from '../../protocol/compose/parts.js'
import type { Mount, Service } from '../../protocol/compose/project.js'
import type { ServiceContext } from './engine-config.js'
import { foreignLabels, volumeName } from './labels.js'
import type { MountedVolume, ObservedContainer, ObservedImage } from './observed.js'
import { present } from './present.js'

export interface MountBodies {
  readonly Binds: readonly string[]
  readonly Mounts: readonly object[]
  readonly Tmpfs: Readonly<Record<string, string>>
  /** Anonymous volumes. */
  readonly Volumes: Readonly<Record<string, object>>
}

export function mountBodies(service: Service, context: ServiceContext): MountBodies {
  const carried = new Map(context.carried.map(volume => [volume.target, volume.name]))
  const binds = service.volumes.flatMap(mount => bind(mount, context, carried))
  const files = (service.files ?? []).flatMap(file => fileBind(file, context))
  const declared = new Set(service.volumes.map(mount => mount.target))
  const inherited = context.carried.filter(({ target }) => !declared.has(target)).map(({ name, target }) => `${name}:${target}`)
  const anonymous = service.volumes.filter(mount => mount.type === 'volume' && mount.source === undefined && !carried.has(mount.target))
  return {
    Binds: [...binds, ...files, ...inherited],
    Mounts: service.volumes.flatMap(mount => mountBody(mount, context)),
    Tmpfs: Object.fromEntries(service.tmpfs.map(tmpfsEntry)),
    Volumes: Object.fromEntries(anonymous.map(mount => [mount.target, {}])),
  }
}

/** Only what a string cannot say needs the long form. */
function isLong(mount: Mount): boolean {
  switch (mount.type) {
    case 'bind':
      return mount.createSource === false || mount.recursive !== undefined
    case 'volume':
      return mount.subpath !== undefined || mount.labels !== undefined
    case 'tmpfs':
    case 'image':
      return true
  }
}

function bind(mount: Mount, context: ServiceContext, carried: ReadonlyMap<string, string>): string[] {
  if (isLong(mount) || mount.type === 'tmpfs' || mount.type === 'image') return []
  const source = mount.type === 'bind' ? hostPath(mount.source, context.folder) : volumeSource(mount, context, carried)
  return source === undefined ? [] : [[source, mount.target, ...(mount.options.length > 0 ? [mount.options.join(',')] : [])].join(':')]
}

function volumeSource(mount: Mount & { type: 'volume' }, { owner, project }: ServiceContext, carried: ReadonlyMap<string, string>) {
  if (mount.source === undefined) return carried.get(mount.target)
  return volumeName(owner.app, mount.source, project.volumes[mount.source])
}

/** A config or secret that is a file is mounted; see {@link contentsOf} for the others. */
function fileBind({ source, target }: PlacedFile, { folder }: ServiceContext): string[] {
  return 'path' in source ? [`${hostPath(source.path, folder)}:${target}:ro`] : []
}

function mountBody(mount: Mount, context: ServiceContext): object[] {
  if (!isLong(mount)) return []
  switch (mount.type) {
    case 'bind': {
      const source = hostPath(mount.source, context.folder)
      return [{ Type: 'bind', Source: source, Target: mount.target, ...readOnly(mount.options), ...bindOptions(mount) }]
    }
    case 'volume': {
      const source = volumeSource(mount, context, new Map())
      const options = present({
        NoCopy: mount.options.includes('nocopy') ? true : undefined,
        Subpath: mount.subpath,
        Labels: mount.labels && foreignLabels(mount.labels),
      })
      return [{ Type: 'volume', Source: source, Target: mount.target, ...readOnly(mount.options), VolumeOptions: options }]
    }
    case 'tmpfs': {
      const options = present({ SizeBytes: mount.sizeBytes, Mode: mount.mode })
      const readOnly = mount.readOnly === true ? { ReadOnly: true } : {}
      return [{ Type: 'tmpfs', Target: mount.target, ...readOnly, ...(Object.keys(options).length === 0 ? {} : { TmpfsOptions: options }) }]
    }
    case 'image': {
      const options = mount.subpath === undefined ? {} : { ImageOptions: { Subpath: mount.subpath } }
      return [{ Type: 'image', Source: mount.source, Target: mount.target, ...options }]
    }
  }
}

function bindOptions({ options, recursive }: Mount & { type: 'bind' }): { BindOptions?: object } {
  const fields = present({
    Propagation: options.find(option => /^r?(private|shared|slave)$/.test(option)),
    NonRecursive: recursive === 'disabled' ? true : undefined,
    ReadOnlyNonRecursive: recursive === 'writable' ? true : undefined,
    ReadOnlyForceRecursive: recursive === 'readonly' ? true : undefined,
  })
  return Object.keys(fields).length === 0 ? {} : { BindOptions: fields }
}

function readOnly(options: readonly string[]): { ReadOnly?: true } {
  return options.includes('ro') ? { ReadOnly: true } : {}
}

function tmpfsEntry(text: string): [string, string] {
  const colon = text.indexOf(':')
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
}

/** An absolute path; a relative one starts from the app's folder and cannot climb above the root. */
export function hostPath(source: string, folder: string): string {
  const segments: string[] = []
  const from = source.startsWith('/') ? source : `${folder}/${source}`
  for (const segment of from.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  return `/${segments.join('/')}`
}

/** Volumes of `old` that its replacement goes on using where it names none: places of the spec, and those that the image declares. */
export function carriedVolumes(service: Service, old: ObservedContainer | undefined, image: ObservedImage | undefined): MountedVolume[] {
  if (old === undefined) return []
  const wanted = new Set([
    ...service.volumes.flatMap(mount => (mount.type === 'volume' && mount.source === undefined ? [mount.target] : [])),
    ...(image?.volumes ?? []).filter(target => !service.volumes.some(mount => mount.target === target)),
  ])
  const shadowed = new Set(service.tmpfs.map(text => tmpfsEntry(text)[0]))
  return old.volumes.filter(({ target }) => wanted.has(target) && !shadowed.has(target))
}
