// Revisions that fail, each in its own way, after one that is good; for tests of what then becomes of them.
import type { Policy } from '../../protocol/messages/manifest.js'
import type { ReportedApp } from '../../protocol/messages/reported.js'
import type { AgentWorld } from './agents.js'
import { testImage } from './busybox.js'
import { clear, docker } from './docker.js'
import { eventually } from './within.js'

export interface Failing {
  readonly compose: string
  readonly code: string
  readonly path: string
  readonly settleS?: number
}

export const quick: Policy = { settleS: 1 }

export function service(fields: string): string {
  return `services: { web: { image: ${testImage}, stop_signal: SIGKILL, ${fields} } }`
}

export const good = service('restart: always')
export const exiting = service('command: ["sh", "-c", "exit 3"]')

/** What fails, how, and what is said of it. `port` is taken by somebody else. */
export function failings(port: number): Readonly<Record<string, Failing>> {
  return {
    'a missing tag': {
      compose: service('').replace(testImage, '127.0.0.1:1/none:1'),
      code: 'image.unavailable',
      path: 'services.web.image',
    },
    'a container that exits': { compose: exiting, code: 'service.exited', path: 'services.web' },
    'a container that ends again and again': {
      compose: service('restart: always, command: ["sh", "-c", "exit 3"]'),
      code: 'service.crash-loop',
      path: 'services.web',
      settleS: 4,
    },
    'a health check that never passes': {
      compose: service('command: ["sleep", "7200"], healthcheck: { test: ["CMD", "false"], interval: 1s, retries: 1 }'),
      code: 'service.unhealthy',
      path: 'services.web.healthcheck',
    },
    'a health check that is not passed in time': {
      compose: service('command: ["sleep", "7200"], healthcheck: { test: ["CMD", "false"], interval: 1s, start_period: 1h }'),
      code: 'service.unhealthy',
      path: 'services.web.healthcheck',
    },
    'a port that a stranger has': {
      compose: service(`command: ["sleep", "7200"], ports: ["127.0.0.1:${port}:80"]`),
      code: 'port.in-use',
      path: 'services.web.ports',
    },
  }
}

/** One app of a test's own in a world, with a stranger beside it. */
export class TriedApp {
  readonly stranger: string
  readonly label: string

  constructor(readonly name: string) {
    this.stranger = `${name}-stranger`
    this.label = `label=io.skerry.app=${name}`
  }

  async deploy({ observer, agent }: AgentWorld, compose: string, revision: number, policy: Policy = quick): Promise<void> {
    const wanted = await observer.spec(this.name, compose, revision)
    await observer.manifest({ device: agent!.id }, { apps: [{ ...wanted, policy }] })
  }

  reported({ observer }: AgentWorld): ReportedApp | undefined {
    return observer.seen.reports.at(-1)?.apps.find(({ name }) => name === this.name)
  }

  /** State and command of its containers, in one look, as a container may go between two. */
  webIs(): string {
    return docker('ps', '-a', '--no-trunc', '--filter', this.label, '--format', '{{.State}} {{.Command}}')
  }

  runs(): boolean {
    return this.webIs() === 'running "sleep 3600"'
  }

  /** Nobody but the ledger is told that a revision has proved itself. */
  async proved(world: AgentWorld, revision: number, limitMs = 20_000): Promise<void> {
    await eventually(limitMs, `revision ${revision} is good`, () => world.records().apps.get(this.name)?.good?.revision === revision)
  }

  /** A container of nobody's has the port. */
  takePort(port: number): void {
    docker('run', '-d', '--name', this.stranger, '-p', `127.0.0.1:${port}:80`, testImage)
  }

  clear(): void {
    clear(this.name)
    docker('rm', '-f', this.stranger)
  }
}
