// What a command does to the fleet: the same as the API's request of that kind.
import type { Answer } from '../protocol/answer.js'
import type { Command } from '../protocol/command.js'
import type { CommandTopic } from '../protocol/command-topics.js'
import { type Refusal, SkerryError } from '../protocol/errors.js'
import { deployApp, findApp, setAppRun } from './apps.js'
import { restartOn, restartOnMembers } from './asking.js'
import { type Target, titleOf } from './core/model.js'
import { findDevice } from './devices.js'
import type { Fleet } from './fleet.js'
import { findGroup } from './groups.js'
import { switchRevision } from './revisions.js'
import type { Origin } from './store/apps.js'
import { switchVersion } from './versions.js'

export interface Obeyed extends Pick<Answer, 'changed' | 'revision' | 'version' | 'run'> {
  readonly target: Target
  readonly text: string
  readonly warnings: readonly Refusal[]
}

/** Throws whatever the API would refuse with; then nothing has changed. A restart is {@link restart}. */
export function obey(fleet: Fleet, topic: CommandTopic, command: Command, origin: Origin): Obeyed {
  const target = findTarget(fleet, topic)
  const { changed, warnings = [] } = change(fleet, target, command, origin)
  if (command.verb === 'restart') return { target, changed, text: 'ok: no restart was asked for', warnings }
  const app = findApp(fleet, target, command.app)
  const { name, revision, version, run } = app
  const done = command.verb === 'run' ? `${name} is to be ${run}` : `${titleOf(app)} is current`
  const named = version === null ? {} : { version }
  return { target, changed, revision, ...named, run, text: changed ? `ok: ${done}` : `ok: ${name} is so already`, warnings }
}

function change(fleet: Fleet, target: Target, command: Command, origin: Origin): { changed: boolean; warnings?: readonly Refusal[] } {
  const { app: name } = command
  switch (command.verb) {
    case 'spec': {
      const version = command.version === undefined ? {} : { version: { name: command.version } }
      return deployApp(fleet, { target, name, bundle: { compose: command.compose }, origin, policy: {}, ...version })
    }
    case 'run':
      return { changed: setAppRun(fleet, findApp(fleet, target, name), command.run, origin) }
    case 'revision':
      return { changed: switchRevision(fleet, findApp(fleet, target, name), command.revision, origin) }
    case 'version':
      return { changed: switchVersion(fleet, findApp(fleet, target, name), command.version, origin) }
    case 'restart':
      return { changed: false }
  }
}

/** Restarts an app wherever it is desired of the target. Throws what the devices have against it, the first one's reason first. */
export async function restart(fleet: Fleet, target: Target, app: string, onAsked: () => void): Promise<Obeyed> {
  const wish = { services: [], onAsked }
  const restarted =
    target.kind === 'device'
      ? [await restartOn(fleet, findDevice(fleet, target.name), app, wish)]
      : await restartOnMembers(fleet, findApp(fleet, target, app), wish)
  const faults = restarted.flatMap(({ device, fault }) => (fault === null ? [] : [{ ...fault, path: device }]))
  const [first, ...others] = faults
  if (first === undefined) return { target, changed: restarted.length > 0, text: `ok: ${app} was restarted`, warnings: [] }
  const message = restarted.length === 1 ? first.message : `${faults.length} of ${restarted.length} devices did not: ${first.message}`
  throw new SkerryError(first.code, message, { path: first.path, others })
}

/** Throws `device.unknown` or `group.unknown`. */
export function findTarget(fleet: Fleet, { kind, target }: CommandTopic): Target {
  return { kind, name: kind === 'device' ? findDevice(fleet, target).id : findGroup(fleet, target).name }
}
