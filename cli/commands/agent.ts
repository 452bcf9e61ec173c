// `skerry agent`: the agent of this machine, and the same engine without any manager.
import { join } from 'node:path'
import type { Command } from 'commander'
import { loadSettings, surroundings } from '../../config/load.js'
import type { Settings } from '../../config/settings.js'
import { formatRefusal } from '../errors.js'
import type { LocalProject, SourceFlags } from '../local-source.js'
import { addExamples, addSettings, collect } from '../options.js'
import type { Shell } from '../shell.js'
import { addAgentPolicy } from './agent-policy.js'
import { addRegistries } from './registries.js'

interface Flags extends Record<string, unknown>, SourceFlags {
  readonly wait?: boolean
  readonly volumes?: boolean
  readonly images?: boolean
}

export function addAgent(program: Command, shell: Shell): void {
  const agent = program.command('agent').description('run the agent of this machine, until Ctrl-C')
  addSettings(agent, ['agent'])
  agent.action(async (flags: Record<string, unknown>) => {
    const { runAgent } = await import('../run-agent.js')
    await runAgent(shell, flags)
  })
  addExamples(agent, ['skerry agent join mqtts://10.1.4.2:8883 TOKEN', 'skerry agent', 'skerry agent apply -f compose.yaml -p web'])
  addJoin(agent, shell)

  const apply = agent.command('apply').description('make compose files run on this machine, with no manager')
  addSource(addEngineOptions(apply)).option('--wait', 'until every service with a health check is healthy and none has failed')
  apply.action((_flags: Flags, command: Command) => applyHere(shell, command.optsWithGlobals()))
  addExamples(apply, [
    'skerry agent apply -f compose.yaml -p web',
    'skerry agent apply -f compose.yaml -f site.yaml -p web --profile debug --wait',
  ])

  const plan = agent.command('plan').description('show what apply would do, and change nothing')
  addSource(addEngineOptions(plan))
  plan.action((_flags: Flags, command: Command) => planHere(shell, command.optsWithGlobals()))
  addExamples(plan, ['skerry agent plan -f compose.yaml -p web'])

  const remove = agent.command('remove').description('remove an app from this machine, with no manager')
  addEngineOptions(remove)
    .option('--volumes', 'its named volumes too, with their data')
    .option('--images', 'the images of its containers too, if nothing else uses them')
  remove.action((_flags: Flags, command: Command) => removeHere(shell, command.optsWithGlobals()))
  addExamples(remove, ['skerry agent remove -p web', 'skerry agent remove -p web --volumes --images'])

  addRegistries(agent, shell)
  addAgentPolicy(agent, shell)
}

function addJoin(agent: Command, shell: Shell): void {
  const join = agent.command('join').description('let this machine join a fleet, then run its agent, until Ctrl-C')
  join
    .argument('<url>', 'where the broker is, as the server says it: mqtts://HOST:8883')
    .argument('[token]', 'from `skerry token create`; - reads standard input; without it somebody has to approve this machine')
    .option('--no-run', 'only join')
  join.action(async (url: string, token: string | undefined, _flags: unknown, command: Command) => {
    const { joinAgent } = await import('../run-agent.js')
    const flags = command.optsWithGlobals()
    await joinAgent(shell, { url, token, run: flags.run !== false }, flags)
  })
  addExamples(join, ['skerry agent join mqtts://10.1.4.2:8883 skj.…', 'skerry agent join mqtts://10.1.4.2:8883 --name press-7 --no-run'])
}

function addSource(command: Command): Command {
  return command
    .requiredOption(
      '-f, --file <file>',
      'a compose file, merged over those before it, or the folder of one; - reads standard input',
      collect,
    )
    .option('--profile <profile>', 'switch a profile on; may be given again', collect)
    .option('--env-file <file>', 'variables for the files; may be given again', collect)
}

function addEngineOptions(command: Command): Command {
  return command.requiredOption('-p, --project <app>', 'the app’s name')
}

async function settingsOf(shell: Shell, flags: Record<string, unknown>): Promise<Settings> {
  return (await loadSettings(flags, surroundings(shell.env))).values
}

async function applyHere(shell: Shell, flags: Flags): Promise<void> {
  const { engine, data } = await settingsOf(shell, flags)
  const { project, folder, digestOf } = await readChecked(shell, flags)
  const { applyOnce } = await import('../../agent/standalone.js')
  const { createProgress } = await import('../progress.js')
  const [app, wait, onProgress] = [flags.project, flags.wait === true, createProgress(shell.say)]
  const took = await applyOnce({
    engine,
    state: join(data, 'agent'),
    app,
    project,
    folder,
    digestOf,
    wait,
    onProgress,
    signal: shell.signal,
  })
  shell.say(took === 0 ? 'nothing to do' : `app ${app} runs`)
}

/** What of the files has no effect is said. Throws what is wrong with them. */
async function readChecked(shell: Shell, flags: Flags): Promise<LocalProject> {
  const { readLocal } = await import('../local-source.js')
  const local = await readLocal(shell, flags)
  for (const warning of local.warnings) shell.say(`warning: ${formatRefusal(warning)}`)
  return local
}

async function planHere(shell: Shell, flags: Flags): Promise<void> {
  const { engine } = await settingsOf(shell, flags)
  const { project, folder, digestOf } = await readChecked(shell, flags)
  const { planOnce } = await import('../../agent/standalone.js')
  const { describeStep } = await import('../../agent/core/step.js')
  const steps = await planOnce({ engine, app: flags.project, project, folder, digestOf, signal: shell.signal })
  for (const step of steps) shell.print(describeStep(step))
  if (steps.length === 0) shell.say('nothing to do')
}

async function removeHere(shell: Shell, flags: Flags): Promise<void> {
  const { engine } = await settingsOf(shell, flags)
  const { removeOnce } = await import('../../agent/standalone.js')
  const { createProgress } = await import('../progress.js')
  const [app, volumes, images] = [flags.project, flags.volumes === true, flags.images === true]
  const onProgress = createProgress(shell.say)
  const { taken, device } = await removeOnce({ engine, app, volumes, images, onProgress, signal: shell.signal })
  shell.say(taken === 0 ? `nothing to do: there is no app ${app} on this machine` : `app ${app} removed`)
  if (device !== undefined) shell.say(`warning: it was one of a fleet; the agent of device ${device} brings it back, if it still runs`)
}
