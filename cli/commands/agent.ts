// `skerry agent`: the agent of this machine, and the same engine without any manager.
import type { Command } from 'commander'
import { loadSettings, surroundings } from '../../config/load.js'
import type { Settings } from '../../config/settings.js'
import { unwrap } from '../../protocol/errors.js'
import { formatRefusal } from '../errors.js'
import { addExamples, addSettings } from '../options.js'
import type { Shell } from '../shell.js'
import { readSpec } from './apply.js'

interface Flags extends Record<string, unknown> {
  readonly file: string
  readonly project: string
  readonly volumes?: boolean
}

export function addAgent(program: Command, shell: Shell): void {
  const agent = program.command('agent').description('run the agent of this machine, until Ctrl-C')
  addSettings(agent, ['agent'])
  agent.action(async (flags: Record<string, unknown>) => {
    const { runAgent } = await import('../run-agent.js')
    await runAgent(shell, flags)
  })
  addExamples(agent, [
    'skerry agent',
    'skerry agent --server mqtt://10.1.4.2:1883 --name press-7',
    'skerry agent apply -f compose.yaml -p web',
  ])

  const apply = agent.command('apply').description('make a compose file run on this machine, with no manager')
  addEngineOptions(apply).requiredOption('-f, --file <file>', 'the compose file; - reads standard input')
  apply.action((_flags: Flags, command: Command) => applyHere(shell, command.optsWithGlobals()))
  addExamples(apply, ['skerry agent apply -f compose.yaml -p web'])

  const plan = agent.command('plan').description('show what apply would do, and change nothing')
  addEngineOptions(plan).requiredOption('-f, --file <file>', 'the compose file; - reads standard input')
  plan.action((_flags: Flags, command: Command) => planHere(shell, command.optsWithGlobals()))
  addExamples(plan, ['skerry agent plan -f compose.yaml -p web'])

  const remove = agent.command('remove').description('remove an app from this machine, with no manager')
  addEngineOptions(remove).option('--volumes', 'its named volumes too, with their data')
  remove.action((_flags: Flags, command: Command) => removeHere(shell, command.optsWithGlobals()))
  addExamples(remove, ['skerry agent remove -p web', 'skerry agent remove -p web --volumes'])
}

function addEngineOptions(command: Command): Command {
  return command.requiredOption('-p, --project <app>', 'the app’s name')
}

async function settingsOf(shell: Shell, flags: Record<string, unknown>): Promise<Settings> {
  return (await loadSettings(flags, surroundings(shell.env))).values
}

async function applyHere(shell: Shell, flags: Flags): Promise<void> {
  const { engine } = await settingsOf(shell, flags)
  const composeText = await readChecked(shell, flags.file)
  const { applyOnce } = await import('../../agent/standalone.js')
  const { createProgress } = await import('../progress.js')
  await applyOnce({ engine, project: flags.project, composeText, wait: true, onProgress: createProgress(shell.say), signal: shell.signal })
  shell.say(`app ${flags.project} runs`)
}

/** The compose file's text; what of it has no effect is said. Throws what is wrong with it. */
async function readChecked(shell: Shell, file: string): Promise<string> {
  const text = await readSpec(shell, file)
  const { parseCompose } = await import('../../protocol/compose/parse.js')
  for (const warning of unwrap(parseCompose(text)).warnings) shell.say(`warning: ${formatRefusal(warning)}`)
  return text
}

async function planHere(shell: Shell, flags: Flags): Promise<void> {
  const { engine } = await settingsOf(shell, flags)
  const composeText = await readChecked(shell, flags.file)
  const { planOnce } = await import('../../agent/standalone.js')
  const { describeStep } = await import('../../agent/core/step.js')
  const steps = await planOnce({ engine, project: flags.project, composeText, signal: shell.signal })
  for (const step of steps) shell.print(describeStep(step))
  if (steps.length === 0) shell.say('nothing to do')
}

async function removeHere(shell: Shell, flags: Flags): Promise<void> {
  const { engine } = await settingsOf(shell, flags)
  const { removeOnce } = await import('../../agent/standalone.js')
  const { createProgress } = await import('../progress.js')
  const volumes = flags.volumes === true
  await removeOnce({ engine, project: flags.project, volumes, onProgress: createProgress(shell.say), signal: shell.signal })
  shell.say(`app ${flags.project} removed`)
}
