// Waits for a deploy: looks again after each event, shows each change, and ends when the rollout is decided.
import type { App } from './api/apps.js'
import type { FleetEvent } from './api/fleet.js'
import type { Client } from './client.js'
import { CommandFailure } from './errors.js'
import { describeChanges, hasFailed, judge, type Verdict } from './rollout.js'

/** How often to look without any event, in case one was missed. */
const lookAgainMs = 2000

export interface Rollout {
  readonly client: Client
  /** The app's path in the API. */
  readonly path: string
  /** The id of the only device to look at; absent: all of them. */
  readonly only?: string
  /** From before the deploy: begun then, so that no event is missed. */
  readonly feed: EventFeed
  readonly revision: number
  /** Generation of the refresh that is waited for; absent: none. */
  readonly refresh?: number
  /** The app as it was before the deploy; absent if it is new. */
  readonly before: App | undefined
  /** False if the deploy changed nothing: then a failure that is there already counts. */
  readonly changed: boolean
  readonly timeoutMs: number
  readonly onChange: (line: string) => void
  readonly signal: AbortSignal
}

/** Resolves when it runs. Throws exit code 1 with the fault of the first device that failed, 5 when time is up. */
export async function waitForRollout(rollout: Rollout): Promise<Verdict & { kind: 'done' }> {
  const { client, path, feed, before, signal, revision, refresh } = rollout
  const end = performance.now() + rollout.timeoutMs
  const failedBefore = (before?.devices ?? []).filter(hasFailed).map(device => device.device)
  const stale = new Set(rollout.changed ? failedBefore : [])
  let last = before
  let said = ''
  for (;;) {
    for (const event of feed.take()) if (saysAnew(event, path)) stale.delete(event.device ?? '')
    const app = narrow(await client.request<App>('GET', path, { signal }), rollout.only)
    for (const device of app.devices) if (!hasFailed(device)) stale.delete(device.device)
    for (const line of describeChanges(last, app)) rollout.onChange(line)
    last = app
    const verdict = judge(app, { revision, stale, ...(refresh === undefined ? {} : { refresh }) })
    if (verdict.kind === 'done') return verdict
    if (verdict.kind === 'failed') throw failure(verdict, app)
    if (verdict.why !== undefined && verdict.why !== said) {
      said = verdict.why
      rollout.onChange(`waiting up to ${rollout.timeoutMs / 1000} s: ${said}; the deploy stands, they get it later`)
    }
    const leftMs = end - performance.now()
    if (leftMs <= 0) throw lateness(app, verdict, rollout.timeoutMs)
    await feed.next(Math.min(lookAgainMs, leftMs))
    signal.throwIfAborted()
  }
}

function narrow(app: App, only: string | undefined): App {
  return only === undefined ? app : { ...app, devices: app.devices.filter(device => device.device === only) }
}

/** A failure that is reported after the deploy is one of the deploy. */
function saysAnew(event: FleetEvent, path: string): boolean {
  return event.type === 'app.state' && event.app !== null && path.endsWith(`/apps/${event.app}`)
}

function failure({ devices }: Verdict & { kind: 'failed' }, app: App): CommandFailure {
  const [first] = devices
  const fault = first?.fault ?? { code: 'internal', message: 'the device gives no reason' }
  const others = devices.length > 1 ? ` and ${devices.length - 1} more` : ''
  return new CommandFailure(1, { ...fault, message: `app ${app.name} ${first?.state} on ${first?.name}${others}: ${fault.message}` })
}

function lateness(app: App, verdict: Verdict, timeoutMs: number): CommandFailure {
  const why = verdict.kind === 'waiting' && verdict.why !== undefined ? `: ${verdict.why}` : ''
  const message = `app ${app.name} is ${app.state} after ${timeoutMs / 1000} s, ${app.counts.running} of ${app.counts.total} run it${why}`
  return new CommandFailure(5, { code: 'wait.timeout', message })
}

export interface EventFeed {
  /** The events since the last call. */
  take(): FleetEvent[]
  /** Resolves at the next event, or after `limitMs`; at once if there is one already. */
  next(limitMs: number): Promise<void>
  stop(): void
}

/** Follows the event stream in the background; resolves once it is connected. Losing it later only makes waiting slower. */
export async function followEvents(client: Client, signal: AbortSignal): Promise<EventFeed> {
  const stopping = new AbortController()
  const both = AbortSignal.any([signal, stopping.signal])
  let events: FleetEvent[] = []
  let wake = (): void => {}
  const connected = new Promise<void>((resolve, reject) => {
    const follow = async (): Promise<void> => {
      for await (const event of client.events({ signal: both, onConnect: resolve })) {
        events.push(event)
        wake()
      }
    }
    follow().then(resolve, reject)
  })
  both.addEventListener('abort', () => wake(), { once: true })
  await connected
  return {
    take() {
      const taken = events
      events = []
      return taken
    },
    next: limitMs =>
      new Promise(resolve => {
        if (events.length > 0 || both.aborted) return resolve()
        const finish = (): void => {
          clearTimeout(timer)
          wake = () => {}
          resolve()
        }
        const timer = setTimeout(finish, limitMs)
        wake = finish
      }),
    stop: () => stopping.abort(),
  }
}
