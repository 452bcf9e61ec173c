// `skerry permit`: whether a device, or the devices of a group, may change their containers.
import type { Command } from 'commander'
import type { Permit } from '../api/permits.js'
import { type ClientFlags, connect } from '../connect.js'
import { usageError } from '../errors.js'
import { addClientOptions, addExamples, parseWhole } from '../options.js'
import { type Format, printResult } from '../output.js'
import type { Shell } from '../shell.js'
import { readTarget } from '../targets.js'

type Flags = ClientFlags & { readonly output: Format; readonly lease?: number }

const words: Readonly<Record<string, boolean | null>> = { allow: true, hold: false, clear: null }

export function addPermit(program: Command, shell: Shell): void {
  const command = program
    .command('permit')
    .description('let devices change their containers, or hold them: they pull images and do nothing else')
  command
    .argument('<target>', 'device/DEVICE, by id or name, or group/GROUP')
    .argument('<word>', 'hold, allow, or clear: no permit is asked for any more')
    .option('--lease <seconds>', 'with allow: it lapses after so long', parseWhole)
  addClientOptions(command).action(async (text: string, word: string, flags: Flags) => {
    const { name, path } = readTarget(text)
    const value = Object.hasOwn(words, word) ? words[word] : undefined
    if (value === undefined) throw usageError(`${JSON.stringify(word)} is none of hold, allow, clear`)
    const body = { value, ...(flags.lease === undefined ? {} : { leaseS: flags.lease }) }
    const permit = await (await connect(shell, flags)).request<Permit | null>('PUT', `${path}/permit`, { body })
    await printResult(shell, flags.output, { value: permit, name, sentence: sentenceOf(text, permit) })
  })
  addExamples(command, [
    'skerry permit group/line-1 hold',
    'skerry permit group/line-1 allow --lease 60',
    'skerry permit device/press-7 clear',
  ])
}

function sentenceOf(target: string, permit: Permit | null): string {
  const whose = target.replace('/', ' ')
  if (permit === null) return `no permit is asked for of ${whose} any more`
  if (!permit.value) return `${whose} is held: no container is changed`
  return `${whose} may change containers${permit.leaseS === null ? '' : ` for ${permit.leaseS} s`}`
}
