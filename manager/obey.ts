// What a command does to the fleet: the same as the API's request of that kind.
import type { Answer } from '../protocol/answer.js'
import type { Command } from '../protocol/command.js'
import type { CommandTopic } from '../protocol/command-topics.js'
import type { Refusal } from '../protocol/errors.js'
import { deployApp, findApp, setAppRun } from './apps.js'
import type { App, Target } from './core/model.js'
import { findDevice } from './devices.js'
import type { Fleet } from './fleet.js'
import { findGroup } from './groups.js'
import { switchRevision } from './revisions.js'
import type { Origin } from './store/apps.js'

export interface Obeyed extends Required<Pick<Answer, 'changed' | 'revision' | 'run'>> {
  readonly text: string
  readonly warnings: readonly Refusal[]
}

/** Throws whatever the API would refuse with; then nothing has changed. */
export function obey(fleet: Fleet, topic: CommandTopic, command: Command, origin: Origin): Obeyed {
  const target = findTarget(fleet, topic)
  const { changed, warnings = [] } = change(fleet, target, command, origin)
  const { revision, run } = findApp(fleet, target, command.app)
  return { changed, revision, run, text: tell(command, { changed, revision, run }), warnings }
}

function change(fleet: Fleet, target: Target, command: Command, origin: Origin): { changed: boolean; warnings?: readonly Refusal[] } {
  const { app: name } = command
  switch (command.verb) {
    case 'spec':
      return deployApp(fleet, { target, name, compose: command.compose, origin })
    case 'run':
      return { changed: setAppRun(fleet, findApp(fleet, target, name), command.run, origin) }
    case 'revision':
      return { changed: switchRevision(fleet, findApp(fleet, target, name), command.revision, origin) }
    case 'restart':
      return { changed: false }
  }
}

function findTarget(fleet: Fleet, { kind, target }: CommandTopic): Target {
  return { kind, name: kind === 'device' ? findDevice(fleet, target).id : findGroup(fleet, target).name }
}

function tell({ verb, app }: Command, { changed, revision, run }: Pick<App, 'revision' | 'run'> & { changed: boolean }): string {
  if (!changed) return `ok: ${app} is so already`
  return verb === 'run' ? `ok: ${app} is to be ${run}` : `ok: revision ${revision} of ${app} is current`
}
