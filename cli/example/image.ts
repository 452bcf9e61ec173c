// The example's image: one that is there already, one from a registry, or one made of this machine's own programs.
import { dirname } from 'node:path'
import { installPackages } from '../apt.js'
import type { EngineApi } from '../engine-api.js'
import { findProgram, isThere, run } from '../system.js'
import { type Entry, writeTar } from '../tar.js'
import type { ExampleImage } from './compose.js'

export const registryImage: ExampleImage = { name: 'busybox:1.37', flavour: 'busybox' }
const localImage: ExampleImage = { name: 'skerry/hello:1', flavour: 'busybox' }
const localNodeImage: ExampleImage = { name: 'skerry/hello-node:1', flavour: 'node' }

const pullLimitMs = 20_000
/** What the example needs of busybox. */
const applets = ['sh', 'cat', 'mkdir', 'sed', 'httpd', 'wget']

export interface PrepareOptions {
  readonly api: EngineApi
  /** Whether to install busybox where there is none. */
  readonly install: boolean
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

export async function prepareImage({ api, install, say, signal }: PrepareOptions): Promise<ExampleImage> {
  for (const image of [registryImage, localImage, localNodeImage]) if (await api.hasImage(image.name)) return image
  say(`pulling ${registryImage.name}`)
  try {
    await api.pull(registryImage.name, AbortSignal.any([signal, AbortSignal.timeout(pullLimitMs)]))
    if (await api.hasImage(registryImage.name)) return registryImage
  } catch {
    signal.throwIfAborted()
  }
  const busybox = (await findBusybox()) ?? (install ? await installBusybox(say) : undefined)
  const image = busybox === undefined ? localNodeImage : localImage
  say(`no registry in reach: making ${image.name} from this machine’s ${busybox ?? 'node'}`)
  const entries =
    busybox === undefined
      ? programEntries('bin/node', process.execPath, await librariesOf(process.execPath))
      : await busyboxEntries(busybox)
  await api.importImage(image.name, writeTar(entries))
  return image
}

/** A busybox that has what the example needs. */
async function findBusybox(): Promise<string | undefined> {
  const file = await findProgram('busybox')
  if (file === undefined) return undefined
  const listed = (await run(file, ['--list'])).output.split('\n')
  return applets.every(applet => listed.includes(applet)) ? file : undefined
}

async function installBusybox(say: (line: string) => void): Promise<string | undefined> {
  if (process.getuid?.() !== 0 || !(await isThere('/etc/debian_version'))) return undefined
  await installPackages(['busybox-static'], say).catch(() => say('busybox cannot be installed'))
  return findBusybox()
}

async function busyboxEntries(file: string): Promise<Entry[]> {
  const links = applets.map((applet): Entry => ({ kind: 'link', path: `bin/${applet}`, to: 'busybox' }))
  return [...programEntries('bin/busybox', file, await librariesOf(file)), ...links]
}

/** A root file system with one program and its libraries, each library where the loader looks for it. */
export function programEntries(path: string, file: string, libraries: readonly string[]): Entry[] {
  const files: Entry[] = [
    { kind: 'file', path, from: file },
    ...libraries.map((from): Entry => ({ kind: 'file', path: from.slice(1), from })),
  ]
  const folders = new Set(['tmp', ...files.flatMap(entry => parentsOf(entry.path))])
  return [...[...folders].sort().map((folder): Entry => ({ kind: 'folder', path: folder })), ...files]
}

function parentsOf(path: string): string[] {
  const parent = dirname(path)
  return parent === '.' ? [] : [...parentsOf(parent), parent]
}

async function librariesOf(file: string): Promise<string[]> {
  return readLibraries((await run('ldd', [file])).output)
}

/** The files that ldd(1) names; none for a static program. */
export function readLibraries(lddOutput: string): string[] {
  return [...lddOutput.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, file = '']) => file)
}
