// `skerry access-token`: tokens with which programs use the API and the broker.
import { type Command, Option } from 'commander'
import { roles } from '../../protocol/access.js'
import type { AccessToken } from '../api/access.js'
import type { List } from '../api/list.js'
import { pathOf } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { addClientOptions, addExamples, collect, parseWhole } from '../options.js'
import { type Format, printList, printResult } from '../output.js'
import type { Shell } from '../shell.js'
import { accessTokenColumns } from '../views/access.js'

type Flags = ClientFlags & { readonly output: Format }

export function addAccessToken(program: Command, shell: Shell): void {
  const token = program.command('access-token').description('let programs use the API and the broker (devices join with `skerry token`)')
  addExamples(token, ['skerry access-token create scada --role operator --group line-1', 'skerry access-token list'])

  const list = token.command('list').description('list the tokens of programs')
  addClientOptions(list).action(async (flags: Flags) => {
    const { items } = await (await connect(shell, flags)).request<List<AccessToken>>('GET', '/access-tokens')
    const columns = accessTokenColumns(Date.now())
    await printList(shell, flags.output, { items, columns, nameOf: each => each.name, empty: 'no tokens' })
  })
  addExamples(list, ['skerry access-token list'])

  const create = token
    .command('create')
    .description('make a token and print it; it is not shown again')
    .argument('<name>', 'also the MQTT user name whose password the token is')
    .addOption(new Option('--role <role>', 'what the program may do').choices(roles).makeOptionMandatory())
    .option('-g, --group <group>', 'only for this group; may be repeated', collect)
    .option('--days <n>', 'how long it is good for', parseWhole, 90)
  addClientOptions(create).action(async (name: string, flags: Flags & { role: string; group?: string[]; days: number }) => {
    const body = { name, role: flags.role, groups: flags.group ?? null, days: flags.days }
    const value = await (await connect(shell, flags)).request<AccessToken & { token: string }>('POST', '/access-tokens', { body })
    await printResult(shell, flags.output, { value, name, sentence: value.token })
    if (flags.output === 'table') shell.say(`token ${name} is good until ${value.expiresAt}; it is not shown again`)
  })
  addExamples(create, ['skerry access-token create scada --role operator --group line-1 --days 365 > token'])

  const remove = token.command('delete').description('take a token away').argument('<name>', 'its name or id')
  addClientOptions(remove).action(async (name: string, flags: Flags) => {
    const value = await (await connect(shell, flags)).request('DELETE', pathOf('access-tokens', name))
    await printResult(shell, flags.output, { value: value ?? { name }, name, sentence: `token ${name} deleted` })
  })
  addExamples(remove, ['skerry access-token delete scada'])
}
