// A Docker Engine of a test's own, beside the machine's: for a second device, and to be killed.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Child, run } from './process.js'
import { eventually } from './within.js'

const execute = promisify(execFile)

export class OwnEngine {
  private daemon: Child | undefined

  private constructor(private readonly folder: string) {}

  /** Makes a folder for an engine, without starting it. */
  static async make(): Promise<OwnEngine> {
    return new OwnEngine(await mkdtemp(join(tmpdir(), 'skt-engine-')))
  }

  get socket(): string {
    return join(this.folder, 'docker.sock')
  }

  async start(): Promise<void> {
    const at = (name: string) => join(this.folder, name)
    const folders = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')]
    this.daemon = run('dockerd', ['-H', `unix://${this.socket}`, ...folders, '--bridge', 'none', '--iptables=false', '--ip-masq=false'])
    await eventually(30_000, 'the second engine answers', () => this.docker('info').catch(() => false))
  }

  /** Runs the docker command against this engine; its standard output. */
  async docker(...args: string[]): Promise<string> {
    return docker(`unix://${this.socket}`, ...args)
  }

  async importBusybox(image: string): Promise<void> {
    const root = join(this.folder, 'root')
    await mkdir(join(root, 'bin'), { recursive: true })
    await cp('/bin/busybox', join(root, 'bin/busybox'))
    for (const name of ['sh', 'sleep', 'httpd']) await symlink('busybox', join(root, 'bin', name))
    await execute('tar', ['-C', root, '-cf', join(this.folder, 'root.tar'), '.'])
    await this.docker('import', join(this.folder, 'root.tar'), image)
  }

  /** Ends the daemon as a crash would. Its containers end with the next start. */
  async kill(): Promise<void> {
    await this.daemon?.end('SIGKILL')
    this.daemon = undefined
  }

  async remove(): Promise<void> {
    if (this.daemon) {
      const containers = (await this.docker('ps', '-aq')).split('\n').filter(Boolean)
      if (containers.length > 0) await this.docker('rm', '-f', ...containers)
      await this.docker('network', 'prune', '-f')
      await this.daemon.end('SIGTERM')
    }
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Runs the docker command against an engine; its standard output, trimmed. */
export async function docker(host: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute('docker', ['-H', host, ...args])
  return stdout.trim()
}
