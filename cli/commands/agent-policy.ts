// `skerry agent policy`: what the owner of this device lets its fleet run, and whether a compose file would be let.
import { join } from 'node:path'
import type { Command } from 'commander'
import { loadSettings, surroundings } from '../../config/load.js'
import { unwrap } from '../../protocol/errors.js'
import { readLocal, type SourceFlags } from '../local-source.js'
import { addExamples, collect } from '../options.js'
import { policySource } from '../policy-source.js'
import type { Shell } from '../shell.js'

interface CheckFlags extends Record<string, unknown>, SourceFlags {}

export function addAgentPolicy(agent: Command, shell: Shell): void {
  const policy = agent
    .command('policy')
    .description('show what the owner of this device lets its fleet run, as the policy file would have it')
  policy.action((_flags: unknown, command: Command) => showPolicy(shell, command.optsWithGlobals()))
  addExamples(policy, ['skerry agent policy', 'skerry agent policy check -f compose.yaml'])

  const check = policy
    .command('check')
    .description('say whether the policy of this device lets compose files run, and what it has against them')
  check
    .requiredOption(
      '-f, --file <file>',
      'a compose file, merged over those before it, or the folder of one; - reads standard input',
      collect,
    )
    .option('-p, --project <app>', 'the app’s name', 'app')
    .option('--profile <profile>', 'switch a profile on; may be given again', collect)
    .option('--env-file <file>', 'variables for the files; may be given again', collect)
  check.action((_flags: unknown, command: Command) => checkPolicy(shell, command.optsWithGlobals()))
  addExamples(check, [
    'skerry agent policy check -f compose.yaml',
    'skerry agent policy check -f ./web -p web --policy /etc/skerry/policy.yaml',
  ])
}

async function showPolicy(shell: Shell, flags: Record<string, unknown>): Promise<void> {
  const { policy, place } = await effectivePolicy(shell, flags)
  const { writePolicy } = await import('../../agent/core/policy-writer.js')
  shell.say(place)
  shell.print(writePolicy(policy).trimEnd())
}

async function checkPolicy(shell: Shell, flags: CheckFlags): Promise<void> {
  const { policy, place, settings } = await effectivePolicy(shell, flags)
  const { project } = await readLocal(shell, flags)
  const { premisesOf } = await import('../../agent/permits.js')
  const { permit } = await import('../../agent/core/permit.js')
  const folder = join(settings.data, 'agent')
  const app = join(folder, 'apps', flags.project)
  const premises = premisesOf({ source: policySource(settings), folder, engine: settings.engine, app })
  const [first, ...others] = permit({ app: flags.project, project, policy, premises })
  shell.say(place)
  if (first !== undefined) unwrap({ ok: false, refusals: [first, ...others] })
  shell.print(`allowed: ${Object.keys(project.services).join(', ')}`)
}

/** With a sentence on where it is from. */
async function effectivePolicy(shell: Shell, flags: Record<string, unknown>) {
  const settings = (await loadSettings(flags, surroundings(shell.env))).values
  const { file, isNamed = false } = policySource(settings)
  const { loadPolicy, stampOf } = await import('../../agent/policy-file.js')
  const policy = unwrap(await loadPolicy(file, isNamed))
  const place = stampOf(file) === undefined ? `there is no ${file}: this holds where there is none` : `the policy in ${file}`
  return { policy, place, settings }
}
