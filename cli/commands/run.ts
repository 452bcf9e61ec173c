// `skerry start` and `skerry stop`: the run state of an app.
import type { Command } from 'commander'
import { type ClientFlags, connect } from '../connect.js'
import { addClientOptions, addExamples, addTarget, type TargetFlags } from '../options.js'
import { type Format, printResult } from '../output.js'
import type { Shell } from '../shell.js'
import { findAppPath } from '../targets.js'

type Flags = ClientFlags & TargetFlags & { readonly output: Format }

export function addRun(program: Command, shell: Shell): void {
  add(program, shell, { verb: 'start', done: 'is to run', about: 'start an app that was stopped' })
  add(program, shell, { verb: 'stop', done: 'is to stop', about: 'stop an app and keep it: its containers stay, stopped' })
}

function add(program: Command, shell: Shell, { verb, done, about }: { verb: string; done: string; about: string }): void {
  const command = program.command(verb).description(about).argument('<app>', 'its name')
  addClientOptions(addTarget(command)).action(async (name: string, flags: Flags) => {
    const client = await connect(shell, flags)
    const value = await client.request('POST', `${await findAppPath(client, name, flags)}/${verb}`)
    await printResult(shell, flags.output, { value, name, sentence: `app ${name} ${done}` })
  })
  addExamples(command, [`skerry ${verb} web`, `skerry ${verb} web --group line-1`])
}
