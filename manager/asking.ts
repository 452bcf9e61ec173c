// What users ask of devices: logs, and restarts of an app's services.
import { type Refusal, SkerryError } from '../protocol/errors.js'
import type { Response } from '../protocol/messages/request.js'
import { deedOf } from './core/audit.js'
import { newEvent } from './core/events.js'
import { type App, type Device, nameOf } from './core/model.js'
import type { Fleet } from './fleet.js'
import { appOnDevices, contextOf } from './queries.js'
import type { Question } from './requests.js'

/** Restarts under way at a time, of one request. */
const restartsAtOnce = 100
/** Images are there already: what takes longer than this will not be. HTTP clients wait for an answer's beginning about as long. */
const restartMs = 4 * 60_000

/** Throws `app.unknown` unless the device has the app, its own or a group's, or still runs it. */
function checkAppOn(fleet: Fleet, device: Device, name: string): void {
  const desired = contextOf(fleet, device).apps.some(app => app.name === name)
  if (desired || device.reported?.apps.some(app => app.name === name)) return
  throw new SkerryError('app.unknown', `there is no app ${JSON.stringify(name.slice(0, 64))} on device ${device.id}`)
}

export type LogQuestion = Omit<Question, 'kind'> & { readonly app: string }

/** Throws `app.unknown`; the answer throws as that of any request. */
export function askForLogs(fleet: Fleet, device: Device, question: LogQuestion, signal: AbortSignal): AsyncGenerator<Response> {
  checkAppOn(fleet, device, question.app)
  return fleet.requests.ask(device, { kind: 'logs', ...question }, signal)
}

export interface Restarted {
  readonly device: string
  readonly name: string
  readonly restarted: boolean
  /** Why it was not. */
  readonly fault: Refusal | null
}

export interface RestartWish {
  /** None: all of them. */
  readonly services: readonly string[]
  /** Called when a device is asked: from then on it may come true, whatever becomes of the answer. */
  readonly onAsked?: () => void
}

/** Throws what the device has against it. */
export async function restartOn(fleet: Fleet, device: Device, app: string, wish: RestartWish): Promise<Restarted> {
  checkAppOn(fleet, device, app)
  await restart(fleet, device, app, wish)
  return { device: device.id, name: nameOf(device), restarted: true, fault: null }
}

/** Each member for itself, by id. */
export async function restartOnMembers(fleet: Fleet, app: App, wish: RestartWish): Promise<Restarted[]> {
  const waiting = appOnDevices(fleet, app)
  const results: Restarted[] = []
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { device, on } = next
      const aside = on.fault?.code === 'app.conflict' ? ({ code: 'app.conflict', message: on.fault.message } as const) : undefined
      const fault = aside ?? (await faultOf(() => restart(fleet, device, app.name, wish)))
      results.push({ device: device.id, name: nameOf(device), restarted: fault === null, fault })
    }
  }
  await Promise.all(Array.from({ length: restartsAtOnce }, work))
  return results.sort((one, other) => (one.device < other.device ? -1 : 1))
}

async function restart(fleet: Fleet, device: Device, app: string, { services, onAsked }: RestartWish): Promise<void> {
  const late = new AbortController()
  const limit = new SkerryError('wait.timeout', `${app} has not been restarted within ${restartMs / 60_000} minutes`)
  const cancel = fleet.clock.after(restartMs, () => late.abort(limit))
  try {
    const question = { kind: 'restart', app, ...(services.length === 0 ? {} : { services }) } as const
    for await (const _ of fleet.requests.ask(device, question, late.signal, onAsked));
  } finally {
    cancel()
  }
  const what = services.length === 0 ? app : `${services.join(', ')} of ${app}`
  const event = newEvent('app.restarted', `${what} was restarted on ${device.id}`, { device: device.id, app, data: { services } })
  fleet.journal.note(event)
  fleet.audit.done(deedOf(event))
}

async function faultOf(act: () => Promise<void>): Promise<Refusal | null> {
  try {
    await act()
    return null
  } catch (error) {
    if (error instanceof SkerryError) return error.refusal
    throw error
  }
}
