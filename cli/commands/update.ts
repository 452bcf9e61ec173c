// `skerry update`: newer images under the same tags.
import type { Command } from 'commander'
import type { App } from '../api/apps.js'
import type { Client } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { addClientOptions, addExamples, addTarget, type TargetFlags, timeoutOption } from '../options.js'
import { type Format, printResult } from '../output.js'
import { describeDone } from '../rollout.js'
import type { Shell } from '../shell.js'
import { findAppPath } from '../targets.js'
import { followEvents, waitForRollout } from '../wait.js'

interface Flags extends ClientFlags, TargetFlags {
  readonly wait?: boolean
  readonly timeout: number
  readonly output: Format
}

interface Update {
  readonly client: Client
  readonly path: string
  readonly name: string
  readonly services: readonly string[]
  readonly flags: Flags
}

export function addUpdate(program: Command, shell: Shell): void {
  const command = program.command('update').description('pull the images of an app anew, under the same tags, and use what is newer')
  command
    .argument('<app>', 'its name')
    .argument('[services...]', 'only of these; without any, of all')
    .option('--wait', 'until every Ready device has done it')
    .addOption(timeoutOption())
  addClientOptions(addTarget(command)).action(async (name: string, services: string[], flags: Flags) => {
    const client = await connect(shell, flags)
    const path = await findAppPath(client, name, flags)
    const update = { client, path, name, services, flags }
    if (flags.wait === true) await wishAndWait(shell, update)
    else await wish(shell, update)
  })
  addExamples(command, ['skerry update web --group line-1 --wait', 'skerry update web -d press-7 db'])
}

async function wish(shell: Shell, { client, path, name, services, flags }: Update): Promise<App> {
  const value = await client.request<App>('POST', `${path}/update`, { body: services.length === 0 ? {} : { services } })
  const sentence = `app ${name} is to get newer images${services.length === 0 ? '' : `: ${services.join(', ')}`}`
  await printResult(shell, flags.output, { value, name, sentence })
  return value
}

async function wishAndWait(shell: Shell, update: Update): Promise<void> {
  const { client, path, name, flags } = update
  const feed = await followEvents(client, shell.signal)
  try {
    const before = await client.request<App>('GET', path)
    const { revision, refresh } = await wish(shell, update)
    const goal = { revision, ...(refresh === null ? {} : { refresh: refresh.generation }) }
    const onChange = (line: string): void => shell.say(line)
    const rollout = { client, path, feed, ...goal, before, changed: true, timeoutMs: flags.timeout, onChange, signal: shell.signal }
    shell.say(describeDone(name, await waitForRollout(rollout)))
  } finally {
    feed.stop()
  }
}
