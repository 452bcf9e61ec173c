// `skerry tag` and `skerry switch`: names for revisions of an app, and back to one of them.
import { type Command, InvalidArgumentError } from 'commander'
import type { App, Version } from '../api/apps.js'
import { pathOf } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { usageError } from '../errors.js'
import { addClientOptions, addExamples, addTarget, parseWhole, type TargetFlags } from '../options.js'
import { type Format, printResult } from '../output.js'
import type { Shell } from '../shell.js'
import { findAppPath } from '../targets.js'
import { nameRevision } from '../views/apps.js'

type Flags = ClientFlags & TargetFlags & { readonly output: Format }

export function addTag(program: Command, shell: Shell): void {
  const command = program.command('tag').description('name a revision of an app, such as 1.4.0')
  command
    .argument('<app>', 'its name')
    .argument('<version>', 'what to call the revision')
    .option('--revision <number>', 'which one; without it the current one', parseWhole)
    .option('--move', 'even if the name is another revision’s')
  addClientOptions(addTarget(command)).action(
    async (name: string, version: string, flags: Flags & { revision?: number; move?: boolean }) => {
      const client = await connect(shell, flags)
      const path = await findAppPath(client, name, flags)
      const revision = flags.revision ?? (await client.request<App>('GET', path)).revision
      const body = { revision, ...(flags.move === true ? { move: true } : {}) }
      const value = await client.request<Version>('PUT', `${path}${pathOf('versions', version)}`, { body })
      const sentence = `version ${version} of app ${name} is revision ${value.revision}`
      await printResult(shell, flags.output, { value, name: version, sentence })
    },
  )
  addExamples(command, ['skerry tag web 1.4.0 --group line-1', 'skerry tag web stable --revision 3 --move', 'skerry get versions web'])
}

export function addSwitch(program: Command, shell: Shell): void {
  const command = program.command('switch').description('make a stored revision or a version of an app current again')
  command
    .argument('<app>', 'its name')
    .argument('[version]', 'the version’s name')
    .option('--revision <number>', 'the revision’s number, or previous', parseRevision)
  addClientOptions(addTarget(command)).action(
    async (name: string, version: string | undefined, flags: Flags & { revision?: number | 'previous' }) => {
      const { revision } = flags
      if ((version === undefined) === (revision === undefined)) throw usageError('say which: a VERSION, or --revision')
      const client = await connect(shell, flags)
      const path = `${await findAppPath(client, name, flags)}/switch`
      const value = await client.request<App>('POST', path, { body: version === undefined ? { revision } : { version } })
      await printResult(shell, flags.output, { value, name, sentence: `app ${name} is to run revision ${nameRevision(value)}` })
    },
  )
  addExamples(command, [
    'skerry switch web 1.4.0 --group line-1',
    'skerry switch web --revision previous',
    'skerry switch web --revision 3',
  ])
}

function parseRevision(text: string): number | 'previous' {
  if (text === 'previous') return text
  const revision = parseWhole(text)
  if (revision < 1) throw new InvalidArgumentError('use a number from 1, or previous')
  return revision
}
