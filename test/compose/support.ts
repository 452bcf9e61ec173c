// One compose file applied on the real Engine, and what came of it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describeStep } from '../../agent/core/step.js'
import type { Progress } from '../../agent/standalone.js'
import { applyOnce, planOnce } from '../../agent/standalone.js'
import { localFolder } from '../../cli/local-folder.js'
import { parseProject } from '../../protocol/compose/parse.js'
import { unwrap } from '../../protocol/errors.js'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { clear, docker } from '../support/docker.js'
import { within } from '../support/within.js'

export const engine = '/var/run/docker.sock'
/** What most services of the tests begin with; as a first process, sleep ends by no other signal. */
export const base = `image: ${testImage}, stop_signal: SIGKILL`

export interface Inspected {
  readonly Id: string
  readonly Name: string
  readonly Image: string
  readonly Config: Record<string, unknown>
  readonly HostConfig: Record<string, unknown>
  readonly NetworkSettings: { readonly Networks: Record<string, Record<string, unknown>> }
  readonly Mounts: readonly Record<string, unknown>[]
  readonly State: { readonly Status: string; readonly StartedAt: string }
}

export class Site {
  readonly app: string
  readonly folder = mkdtempSync(join(tmpdir(), 'skerry-compose-'))

  constructor(name: string) {
    ensureTestImage()
    this.app = `skt-${name}-${process.pid}`
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true })
    writeFileSync(join(this.folder, path), text)
  }

  /** `environment`: of whoever applies. Gives the steps taken. */
  async apply(text: string, environment: Record<string, string> = {}): Promise<string[]> {
    const steps: string[] = []
    const onProgress = (progress: Progress) => {
      if ('step' in progress && progress.phase === 'begun') steps.push(describeStep(progress.step))
    }
    await within(60_000, 'the apply', applyOnce({ ...this.#options(text, environment), onProgress }))
    return steps
  }

  async plan(text: string): Promise<string[]> {
    return (await planOnce(this.#options(text, {}))).map(describeStep)
  }

  #options(text: string, environment: Record<string, string>) {
    this.write('compose.yaml', text)
    const source = { app: this.app, files: ['compose.yaml'], folder: localFolder(this.folder), environment, profiles: [] }
    return { engine, app: this.app, project: unwrap(parseProject(source)).project, folder: this.folder }
  }

  /** By the container's name without the app's: `web-1`. */
  containers(): Record<string, Inspected> {
    const ids = docker('ps', '-a', '-q', '--filter', `label=io.skerry.app=${this.app}`).split('\n').filter(Boolean)
    if (ids.length === 0) return {}
    const all = JSON.parse(docker('inspect', ...ids)) as Inspected[]
    return Object.fromEntries(all.map(one => [one.Name.slice(1).replace(`${this.app}-`, ''), one]))
  }

  run(container: string, ...command: string[]): string {
    return docker('exec', `${this.app}-${container}`, ...command)
  }

  clear(): void {
    clear(this.app)
  }

  close(): void {
    this.clear()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
