// `skerry apply`: deploys compose files, with the files that they need, to a device or a group, and waits for it if asked to.
import type { Command } from 'commander'
import type { Bundle } from '../../protocol/bundle.js'
import { type Refusal, unwrap } from '../../protocol/errors.js'
import { checkName } from '../../protocol/names.js'
import type { App, Checked, Deployed } from '../api/apps.js'
import { type Client, pathOf, type RequestOptions } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { asSkerryError, formatRefusal } from '../errors.js'
import type { GatherFlags } from '../gather.js'
import { addClientOptions, addExamples, addTarget, collect, type TargetFlags, timeoutOption } from '../options.js'
import { type Format, printResult } from '../output.js'
import { addPolicy, type PolicyFlags, policyQuery } from '../policy.js'
import { describeDone } from '../rollout.js'
import type { Shell } from '../shell.js'
import { targetPath } from '../targets.js'
import { nameRevision } from '../views/apps.js'
import { followEvents, waitForRollout } from '../wait.js'

interface Flags extends ClientFlags, TargetFlags, PolicyFlags, GatherFlags {
  readonly wait?: boolean
  readonly timeout: number
  readonly dryRun?: boolean
  readonly version?: string
  readonly move?: boolean
  readonly output: Format
}

export function addApply(program: Command, shell: Shell): void {
  const command = program.command('apply').description('deploy compose files, with the files that they need, to a device or a group')
  command
    .requiredOption(
      '-f, --file <path>',
      'a compose file, merged over those before it; a folder; a .tar, .tar.gz or .tgz; - reads standard input',
      collect,
    )
    .requiredOption('-n, --name <app>', 'the app’s name')
    .option('--env <name=value>', 'the value of a variable; NAME alone takes the shell’s; may be given again', collect)
    .option('--env-file <file>', 'values of variables; may be given again', collect)
    .option('--profile <profile>', 'switch a profile on; may be given again', collect)
    .option('--project-directory <folder>', 'what relative paths start from; by default the first file’s folder')
    .option('--version <name>', 'the name of what is deployed, such as 1.4.0, to go back to it by')
    .option('--move', 'even if another text has that name')
    .option('--wait', 'until every Ready device runs it (the others get it when they return); if none is, until one is')
    .addOption(timeoutOption())
    .option('--dry-run', 'only check: nothing changes')
  addClientOptions(addTarget(addPolicy(command))).action((flags: Flags) => apply(shell, flags))
  addExamples(command, [
    'skerry apply -f compose.yaml -n web --group line-1 --wait',
    'skerry apply -f compose.yaml -n web --device press-7 --dry-run    # also lists what would travel',
    'skerry apply -f ./web -n web --group line-1 --env TAG=1.4 --profile debug',
    'skerry apply -f compose.yaml -f line.yaml --env-file line.env -n web --group line-1',
    'skerry apply -f compose.yaml -n web --group line-1 --version 1.4.0',
    'skerry apply -f web.tgz -n web --group line-1',
    'skerry apply -f compose.yaml -n web -d press-7 --restart on-failure --settle 2m --no-rollback',
    'cat compose.yaml | skerry apply -f - -n web --group line-1',
  ])
}

async function apply(shell: Shell, flags: Flags): Promise<void> {
  unwrap(checkName('app', flags.name))
  const path = `${targetPath(flags)}${pathOf('apps', flags.name)}`
  const { gather } = await import('../gather.js')
  const bundle = await gather(shell, flags)
  const client = await connect(shell, flags)
  const answer = flags.dryRun === true ? check : flags.wait === true ? deployAndWait : deploy
  await answer(shell, { client, path, bundle, flags })
}

interface Deployment {
  readonly client: Client
  readonly path: string
  readonly bundle: Bundle
  readonly flags: Flags
}

/** Asks the server whether it would take it; nothing changes. */
async function check(shell: Shell, { client, path, bundle, flags }: Deployment): Promise<void> {
  const checked = await client.request<Checked>('PUT', path, { ...uploadOf(bundle), query: { dryRun: true, ...namingQuery(flags) } })
  warn(shell, checked.warnings)
  const { files, environment = {} } = bundle
  const value = {
    ...checked,
    files: [...(files ?? [])].map(([name, { contents }]) => ({ path: name, sizeBytes: contents.length })),
    environment: Object.keys(environment),
  }
  for (const file of value.files) shell.say(`would travel: ${file.path}, ${file.sizeBytes} bytes`)
  if (value.environment.length > 0) shell.say(`with values of: ${value.environment.join(', ')}`)
  const sentence = `app ${flags.name} can be deployed; services: ${value.services.join(', ')}`
  await printResult(shell, flags.output, { value, name: flags.name, sentence })
}

async function deploy(shell: Shell, { client, path, bundle, flags }: Deployment): Promise<Deployed> {
  const value = await client.request<Deployed>('PUT', path, {
    ...uploadOf(bundle),
    query: { ...policyQuery(flags), ...namingQuery(flags) },
  })
  warn(shell, value.warnings)
  const sentence = value.changed
    ? `app ${value.name} revision ${nameRevision(value)} deployed`
    : `app ${value.name} unchanged, revision ${nameRevision(value)}`
  await printResult(shell, flags.output, { value, name: value.name, sentence })
  return value
}

function namingQuery({ version, move }: Flags) {
  return { version, move }
}

/** A file that needs nothing else is sent as it is. */
function uploadOf({ compose, path, overrides = [], files = new Map(), environment = {}, profiles = [] }: Bundle): RequestOptions {
  const isPlain = files.size + overrides.length + profiles.length + Object.keys(environment).length === 0
  if (isPlain) return { body: compose, type: 'application/yaml' }
  const encoded = [...files].map(([name, { contents, executable = false }]) => {
    const base64 = Buffer.from(contents).toString('base64')
    return [name, { base64, ...(executable ? { executable } : {}) }]
  })
  return { body: { compose, path, overrides, files: Object.fromEntries(encoded), environment, profiles } }
}

function warn(shell: Shell, warnings: readonly Refusal[]): void {
  for (const warning of warnings) shell.say(`warning: ${formatRefusal(warning)}`)
}

async function deployAndWait(shell: Shell, deployment: Deployment): Promise<void> {
  const { client, path, flags } = deployment
  const feed = await followEvents(client, shell.signal)
  try {
    const before = await client.request<App>('GET', path).catch((error: unknown) => {
      if (asSkerryError(error).kind === 'not-found') return undefined
      throw error
    })
    const { revision, changed } = await deploy(shell, deployment)
    const onChange = (line: string): void => shell.say(line)
    const rollout = { client, path, feed, revision, before, changed, timeoutMs: flags.timeout, onChange, signal: shell.signal }
    shell.say(describeDone(flags.name, await waitForRollout(rollout)))
  } finally {
    feed.stop()
  }
}
