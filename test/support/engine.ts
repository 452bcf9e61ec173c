// The Docker Engine in tests: where it is, and an image that needs no registry.
import { openEngine } from '../../cli/engine-api.js'
import { programEntries } from '../../cli/example/image.js'
import { findProgram } from '../../cli/system.js'
import { type Entry, writeTar } from '../../cli/tar.js'

export const engineAddress = process.env.DOCKER_HOST || 'unix:///var/run/docker.sock'

const applets = ['sh', 'sleep', 'httpd', 'cat', 'echo', 'true', 'false', 'wget', 'touch', 'env', 'id', 'ls', 'test', 'nc', 'ping']

/** Makes an image of this machine's static busybox, if there is none of this name. */
export async function ensureBusyboxImage(name: string): Promise<void> {
  const api = openEngine(engineAddress)
  if (await api.hasImage(name)) return
  const busybox = await findProgram('busybox')
  if (busybox === undefined) throw new Error('busybox-static is not installed')
  const links = applets.map((applet): Entry => ({ kind: 'link', path: `bin/${applet}`, to: 'busybox' }))
  await api.importImage(name, writeTar([...programEntries('bin/busybox', busybox, []), ...links]))
}
