// A Docker Engine of a test's own, beside the machine's: for a second device, and to be killed.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dockerOn } from './docker.js'
import { type Child, run } from './process.js'
import { eventually } from './within.js'

export class OwnEngine {
  private daemon: Child | undefined

  private constructor(private readonly folder: string) {}

  /** Makes a folder for an engine, without starting it. */
  static async make(): Promise<OwnEngine> {
    return new OwnEngine(await mkdtemp(join(tmpdir(), 'skt-engine-')))
  }

  get host(): string {
    return `unix://${join(this.folder, 'docker.sock')}`
  }

  /** Gives what it holds no more room than this. False if nothing may be mounted here. */
  limit(bytes: number): boolean {
    mkdirSync(this.data, { recursive: true })
    return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'none', this.data]).status === 0
  }

  /** The folder of what it holds. */
  get data(): string {
    return join(this.folder, 'data')
  }

  async start(): Promise<void> {
    const at = (name: string) => join(this.folder, name)
    const folders = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')]
    this.daemon = run('unshare', [
      '--net',
      'dockerd',
      '-H',
      this.host,
      ...folders,
      '--bridge',
      'none',
      '--iptables=false',
      '--ip-masq=false',
    ])
    await eventually(30_000, 'the second engine answers', () => this.answers())
  }

  private answers(): boolean {
    try {
      return dockerOn(this.host, 'info') !== ''
    } catch {
      return false
    }
  }

  /** Ends the daemon and its containerd as a crash would. Their containers end with the next start. */
  async kill(): Promise<void> {
    const pidFile = join(this.folder, 'exec/containerd/containerd.pid')
    const containerd = Number(await readFile(pidFile, 'utf8'))
    await this.daemon?.end('SIGKILL')
    this.daemon = undefined
    if (isRunning(containerd)) process.kill(containerd, 'SIGKILL')
    await rm(pidFile)
  }

  /** Ends it with all that it ran. A killed one is started for that, as its containerd outlives it. */
  async remove(): Promise<void> {
    if (!this.daemon) await this.start()
    const containers = dockerOn(this.host, 'ps', '-aq').split('\n').filter(Boolean)
    if (containers.length > 0) dockerOn(this.host, 'rm', '-f', ...containers)
    dockerOn(this.host, 'network', 'prune', '-f')
    await this.daemon?.end('SIGTERM')
    await unmountBelow(this.folder)
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** What a killed daemon left mounted. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map(line => line.split(' ')[1] ?? '')
  for (const mount of mounts.filter(path => path.startsWith(`${folder}/`)).reverse()) await run('umount', ['-l', mount]).ended
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
