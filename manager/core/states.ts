// The state of devices and apps as one integer each, and its twin in JSON: what PLCs and SCADA programs read.
import { formatStateTopic, type StateTopic } from '../../protocol/command-topics.js'
import type { Event } from './events.js'
import type { Held } from './held.js'
import { type App, type Device, nameOf } from './model.js'
import { type AppOnDevice, standingOf } from './rollup.js'

/** By their number. */
const machineStates = ['unknown', 'NotReady', 'progressing', 'Ready', 'degraded', 'rolled back'] as const
type MachineState = (typeof machineStates)[number]

const worstFirst: readonly MachineState[] = ['degraded', 'rolled back', 'NotReady', 'progressing', 'unknown', 'Ready']

/** Of several states the one that counts; `nothing` if there is none. */
function worst(states: readonly MachineState[], nothing: MachineState): MachineState {
  return worstFirst.find(state => states.includes(state)) ?? nothing
}

/** An app on one of its devices. `desired` is the app that `on` was made from. */
function appStateOf(device: Device, desired: App, on: AppOnDevice): MachineState {
  if (device.state !== 'Ready') return device.state === 'Unknown' ? 'unknown' : 'NotReady'
  switch (standingOf(desired, on)) {
    case 'running':
    case 'stopped':
      return 'Ready'
    case 'held':
    case 'pending':
    case 'updating':
    case 'removing':
      return 'progressing'
    case 'partial':
    case 'failed':
      return 'degraded'
    case 'rolled-back':
      return 'rolled back'
    case 'unknown':
      return 'unknown'
  }
}

/** Payloads by topic. */
export type StateMessages = ReadonlyMap<string, string>

interface DeviceTold {
  readonly device: Device
  readonly held: Held | null
  /** Those that it should have. */
  readonly apps: readonly { readonly app: App; readonly on: AppOnDevice }[]
}

/** What is told of a device. */
export function deviceMessages(root: string, { device, held, apps }: DeviceTold): StateMessages {
  const told = apps.map(({ app, on }) => ({ app, on, state: appStateOf(device, app, on) }))
  const { id, reason, since } = device
  const alone = device.state === 'Ready' ? 'Ready' : device.state === 'NotReady' ? 'NotReady' : 'unknown'
  const state =
    alone === 'Ready'
      ? worst(
          told.map(each => each.state),
          'Ready',
        )
      : alone
  return new Map([
    ...messages(root, { kind: 'device', name: id }, state, {
      device: id,
      name: nameOf(device),
      reason,
      since: new Date(since).toISOString(),
      held: showHeld(held),
    }),
    ...told.flatMap(({ app, on, state }) =>
      messages(root, { kind: 'device', name: id, app: app.name }, state, {
        device: id,
        app: app.name,
        group: on.group,
        run: app.run,
        revision: { desired: app.revision, reported: on.revision },
        version: app.version,
        fault: on.fault,
        held: on.state === 'held' ? showHeld(held) : null,
      }),
    ),
  ])
}

function showHeld(held: Held | null): object | null {
  return held && { ...held, since: new Date(held.since).toISOString() }
}

/** What is told of a group: each of its apps on all of its devices. */
export function groupMessages(
  root: string,
  group: string,
  apps: readonly { app: App; devices: readonly { device: Device; on: AppOnDevice }[] }[],
): StateMessages {
  return new Map(
    apps.flatMap(({ app, devices }) => {
      const states = devices.map(({ device, on }) => appStateOf(device, app, on))
      const counts = Object.fromEntries(machineStates.map(state => [state, states.filter(each => each === state).length] as const))
      const { name, run, revision, version } = app
      return messages(root, { kind: 'group', name: group, app: name }, worst(states, 'unknown'), {
        group,
        app: name,
        run,
        revision,
        version,
        counts,
        held: devices.filter(({ on }) => on.state === 'held').length,
      })
    }),
  )
}

function messages(root: string, topic: StateTopic, state: MachineState, more: object): [string, string][] {
  const name = formatStateTopic(root, topic)
  const number = machineStates.indexOf(state)
  return [
    // The twin first: who is woken by the number finds the reasons there.
    [`${name}/json`, JSON.stringify({ state: number, word: state, ...more })],
    [name, String(number)],
  ]
}

/**
 * Whose state an event may have changed: `device/ID`, `group/NAME`, `members/NAME` for all devices of a group, or `groups/` for all
 * groups. What changes for a device is looked at in its groups, too.
 */
export function touchedBy({ type, device, group, data }: Pick<Event, 'type' | 'device' | 'group' | 'data'>): string[] {
  if (type === 'message.dropped' || type === 'manager.started' || type === 'key.rotated') return []
  const left = type === 'group.deleted' && Array.isArray(data.devices) ? data.devices.map(id => `device/${id}`) : []
  return [
    ...(device === null ? [] : [`device/${device}`]),
    ...(group === null ? [] : [`group/${group}`]),
    ...(group !== null && device === null ? [`members/${group}`] : []),
    // Which groups it was in is forgotten by now.
    ...(type === 'device.released' ? ['groups/'] : []),
    ...left,
  ]
}
