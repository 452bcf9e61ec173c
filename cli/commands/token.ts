// `skerry token`: join tokens, one line to paste on a device.
import { type Command, InvalidArgumentError } from 'commander'
import type { Invitation, JoinToken } from '../api/joining.js'
import type { List } from '../api/list.js'
import { pathOf } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { parseNewLabels } from '../labels.js'
import { addClientOptions, addExamples, collect, parseDuration, parseWhole } from '../options.js'
import { type Format, printList, printResult } from '../output.js'
import type { Shell } from '../shell.js'
import { tokenColumns } from '../views/joining.js'

type Flags = ClientFlags & { readonly output: Format }

interface Wish {
  readonly name?: string
  readonly group?: readonly string[]
  readonly label?: readonly string[]
  readonly uses?: number
  /** Seconds. */
  readonly ttl?: number
}

export function addToken(program: Command, shell: Shell): void {
  const token = program.command('token').description('make and take back the tokens with which devices join')
  addExamples(token, ['skerry token create --group line-1', 'skerry token list', 'skerry token delete 1f0c2a9b'])
  addCreate(token, shell)

  const list = token.command('list').alias('ls').description('list join tokens, without their secrets')
  addClientOptions(list).action(async (flags: Flags) => {
    const { items } = await (await connect(shell, flags)).request<List<JoinToken>>('GET', '/tokens')
    await printList(shell, flags.output, { items, columns: tokenColumns(Date.now()), nameOf: item => item.id, empty: 'no join tokens' })
  })
  addExamples(list, ['skerry token list', 'skerry token list -o wide'])

  const remove = token
    .command('delete')
    .description('take a join token back; devices that joined with it stay')
    .argument('<token>', 'its id')
  addClientOptions(remove).action(async (id: string, flags: Flags) => {
    await (await connect(shell, flags)).request('DELETE', pathOf('tokens', id))
    await printResult(shell, flags.output, { value: { id }, name: id, sentence: `token ${id} deleted` })
  })
  addExamples(remove, ['skerry token delete 1f0c2a9b'])
}

function addCreate(token: Command, shell: Shell): void {
  const create = token.command('create').description('make a join token; prints the line to paste on the device')
  create
    .option('--name <text>', 'what it is for')
    .option('-g, --group <group>', 'a group that the device is put into; may be repeated', collect)
    .option('-l, --label <key=value>', 'a label that it gets; may be repeated', collect)
    .option('--uses <n>', 'how many devices may join with it, 1 without this', parseWhole)
    .option('--ttl <duration>', 'how long it is good for, such as 2h or 7d; 24h without this', parseTtl)
  addClientOptions(create).action(async (flags: Flags & Wish) => {
    const value = await (await connect(shell, flags)).request<Invitation>('POST', '/tokens', { body: toWish(flags) })
    if (value.note !== null) shell.say(value.note)
    await printResult(shell, flags.output, { value, name: value.id, sentence: value.command })
  })
  addExamples(create, ['skerry token create', 'skerry token create --group line-1 --label hall=3 --uses 20 --ttl 8h'])
}

function toWish({ name, group, label, uses, ttl }: Wish): Record<string, unknown> {
  return {
    ...(name === undefined ? {} : { name }),
    ...(group === undefined ? {} : { groups: group }),
    ...(label === undefined ? {} : { labels: parseNewLabels(label) }),
    ...(uses === undefined ? {} : { uses }),
    ...(ttl === undefined ? {} : { ttlS: ttl }),
  }
}

function parseTtl(text: string): number {
  const seconds = parseDuration(text) / 1000
  if (!Number.isInteger(seconds) || seconds < 1) throw new InvalidArgumentError('use whole seconds, at least one')
  return seconds
}
