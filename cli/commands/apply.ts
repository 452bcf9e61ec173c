// `skerry apply`: deploys a compose file to a device or a group, and waits for it if asked to.
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { type Refusal, SkerryError, unwrap } from '../../protocol/errors.js'
import { checkName } from '../../protocol/names.js'
import type { App, Checked, Deployed } from '../api.js'
import { type Client, pathOf } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { asSkerryError, formatRefusal, usageError } from '../errors.js'
import { addClientOptions, addExamples, addTarget, parseDuration, type TargetFlags } from '../options.js'
import { type Format, printResult } from '../output.js'
import { addPolicy, type PolicyFlags, policyQuery } from '../policy.js'
import { describeDone } from '../rollout.js'
import type { Shell } from '../shell.js'
import { targetPath } from '../targets.js'
import { followEvents, waitForRollout } from '../wait.js'

interface Flags extends ClientFlags, TargetFlags, PolicyFlags {
  readonly file: string
  readonly name: string
  readonly wait?: boolean
  readonly timeout: number
  readonly dryRun?: boolean
  readonly output: Format
}

export function addApply(program: Command, shell: Shell): void {
  const command = program.command('apply').description('deploy a compose file to a device or a group')
  command
    .requiredOption('-f, --file <file>', 'the compose file; - reads standard input')
    .requiredOption('-n, --name <app>', 'the app’s name')
    .option('--wait', 'until every Ready device runs it (the others get it when they return); if none is, until one is')
    .option('--timeout <duration>', 'how long to wait, such as 90s or 5m', parseDuration, parseDuration('5m'))
    .option('--dry-run', 'only check: nothing changes')
  addClientOptions(addTarget(addPolicy(command))).action((flags: Flags) => apply(shell, flags))
  addExamples(command, [
    'skerry apply -f compose.yaml -n web --group line-1 --wait',
    'skerry apply -f compose.yaml -n web --device press-7 --dry-run',
    'skerry apply -f compose.yaml -n web -d press-7 --restart on-failure --settle 2m --no-rollback',
    'cat compose.yaml | skerry apply -f - -n web --group line-1',
  ])
}

async function apply(shell: Shell, flags: Flags): Promise<void> {
  unwrap(checkName('app', flags.name))
  const path = `${targetPath(flags)}${pathOf('apps', flags.name)}`
  const compose = await readSpec(shell, flags.file)
  const client = await connect(shell, flags)
  const answer = flags.dryRun === true ? check : flags.wait === true ? deployAndWait : deploy
  await answer(shell, { client, path, compose, flags })
}

interface Deployment {
  readonly client: Client
  readonly path: string
  readonly compose: string
  readonly flags: Flags
}

/** Asks the server whether it would take it; nothing changes. */
async function check(shell: Shell, { client, path, compose, flags }: Deployment): Promise<void> {
  const query = { dryRun: true }
  const value = await client.request<Checked>('PUT', path, { body: compose, type: 'application/yaml', query })
  warn(shell, value.warnings)
  const sentence = `app ${flags.name} can be deployed; services: ${value.services.join(', ')}`
  await printResult(shell, flags.output, { value, name: flags.name, sentence })
}

async function deploy(shell: Shell, { client, path, compose, flags }: Deployment): Promise<Deployed> {
  const value = await client.request<Deployed>('PUT', path, { body: compose, type: 'application/yaml', query: policyQuery(flags) })
  warn(shell, value.warnings)
  const sentence = value.changed
    ? `app ${value.name} revision ${value.revision} deployed`
    : `app ${value.name} unchanged, revision ${value.revision}`
  await printResult(shell, flags.output, { value, name: value.name, sentence })
  return value
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

/** What the API takes in one body. */
const maxSpecBytes = 1024 * 1024

/** The text of a file, or of standard input for `-`; a usage error if it cannot be read, `spec.too-large` above 1 MiB. */
export async function readSpec(shell: Shell, file: string): Promise<string> {
  const text = file === '-' ? await shell.readInput() : await readText(file)
  if (Buffer.byteLength(text) > maxSpecBytes) throw new SkerryError('spec.too-large', `${file} is larger than 1 MiB`)
  return text
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'there is no such file' : error.code === 'EISDIR' ? 'it is a folder' : error.message
    throw usageError(`cannot read ${file}: ${reason}`)
  })
}
