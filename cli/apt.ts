// Installing Debian packages, without questions.
import { SkerryError } from '../protocol/errors.js'
import { run } from './system.js'

const env = { DEBIAN_FRONTEND: 'noninteractive' }
const lockWait = ['-o', 'DPkg::Lock::Timeout=120']

/** Updates the package lists first; says what it does. Throws `engine.unavailable` with apt's last words if it fails. */
export async function installPackages(packages: readonly string[], say: (line: string) => void): Promise<void> {
  const args = ['install', '-y', '--no-install-recommends', ...packages]
  say(`installing: apt-get ${args.join(' ')}`)
  // Old lists name packages that the mirror no longer has, and bare machines have no lists at all.
  const update = await run('apt-get', [...lockWait, 'update'], env)
  const { code, output } = await run('apt-get', [...lockWait, ...args], env)
  if (code === 0) return
  const words = (update.code === 0 ? output : `${update.output}${output}`).trim().split('\n').slice(-6).join('\n')
  throw new SkerryError('engine.unavailable', `apt-get ${args.join(' ')} failed:\n${words}`, { retryable: false })
}
