// `skerry user`: people who may use the fleet, each with a role, for all of it or for some groups.
import { type Command, Option } from 'commander'
import { roles } from '../../protocol/access.js'
import type { NewUser, User } from '../api/access.js'
import type { List } from '../api/list.js'
import { pathOf } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { usageError } from '../errors.js'
import { addClientOptions, addExamples, collect } from '../options.js'
import { type Format, printList, printResult } from '../output.js'
import type { Shell } from '../shell.js'
import { userColumns } from '../views/access.js'
import { askNewPassword } from './login.js'

type Flags = ClientFlags & { readonly output: Format }
type Grant = { readonly role?: string; readonly group?: readonly string[]; readonly allGroups?: boolean }

export function addUser(program: Command, shell: Shell): void {
  const user = program.command('user').description('say who may use the fleet, and what they may do')
  addExamples(user, ['skerry user create eva --role operator --group line-1', 'skerry user list', 'skerry user password'])

  const list = user.command('list').description('list the users')
  addClientOptions(list).action(async (flags: Flags) => {
    const { items } = await (await connect(shell, flags)).request<List<User>>('GET', '/users')
    await printList(shell, flags.output, { items, columns: userColumns(Date.now()), nameOf: each => each.name, empty: 'no users' })
  })
  addExamples(list, ['skerry user list', 'skerry user list -o json'])

  const create = user
    .command('create')
    .description('make a user; prints a one-time password, which the first log-in replaces')
    .argument('<name>')
    .addOption(new Option('--role <role>', 'what the user may do').choices(roles).makeOptionMandatory())
    .option('-g, --group <group>', 'only for this group; may be repeated', collect)
    .option('--password-stdin', 'read the password from standard input instead of making one')
  addClientOptions(create).action(async (name: string, flags: Flags & Grant & { passwordStdin?: boolean }) => {
    const client = await connect(shell, flags)
    const password = flags.passwordStdin === true ? { password: await readPassword(shell) } : {}
    const body = { name, role: flags.role, groups: flags.group ?? null, ...password }
    const value = await client.request<NewUser>('POST', '/users', { body })
    await printResult(shell, flags.output, { value, name, sentence: madeSentence(`user ${name} created`, value) })
  })
  addExamples(create, ['skerry user create eva --role admin', 'skerry user create max --role operator --group line-1 --group line-2'])

  const set = user
    .command('set')
    .description('change what a user may do; the user’s sessions end')
    .argument('<name>')
    .addOption(new Option('--role <role>', 'what the user may do').choices(roles))
    .option('-g, --group <group>', 'only for this group; may be repeated', collect)
    .option('--all-groups', 'for the whole fleet')
  addClientOptions(set).action(async (name: string, flags: Flags & Grant) => {
    const { role, group, allGroups } = flags
    if (group !== undefined && allGroups === true) throw usageError('--group and --all-groups exclude each other')
    const groups = allGroups === true ? { groups: null } : group === undefined ? {} : { groups: group }
    const body = { ...(role === undefined ? {} : { role }), ...groups }
    if (Object.keys(body).length === 0) throw usageError('nothing to change: use --role, --group or --all-groups')
    const value = await (await connect(shell, flags)).request<User>('PATCH', pathOf('users', name), { body })
    await printResult(shell, flags.output, { value, name, sentence: `user ${name} changed` })
  })
  addExamples(set, ['skerry user set max --role viewer', 'skerry user set max --group line-1', 'skerry user set max --all-groups'])

  const remove = user.command('delete').description('delete a user; the user’s sessions end').argument('<name>')
  addClientOptions(remove).action(async (name: string, flags: Flags) => {
    const value = await (await connect(shell, flags)).request('DELETE', pathOf('users', name))
    await printResult(shell, flags.output, { value: value ?? { name }, name, sentence: `user ${name} deleted` })
  })
  addExamples(remove, ['skerry user delete max'])
  addPassword(user, shell)
}

function addPassword(user: Command, shell: Shell): void {
  const password = user
    .command('password')
    .description('change your own password, or give another user a new one-time password')
    .argument('[name]', 'another user')
    .option('--password-stdin', 'read from standard input: your password and the new one, a line each; of another user the new one')
  addClientOptions(password).action(async (name: string | undefined, flags: Flags & { passwordStdin?: boolean }) => {
    const client = await connect(shell, flags)
    if (name === undefined) {
      await client.request('POST', '/password', { body: await ownPasswords(shell, flags.passwordStdin === true) })
      return shell.say('your password is changed, and your other sessions have ended')
    }
    const body = flags.passwordStdin === true ? { password: await readPassword(shell) } : {}
    const value = await client.request<NewUser>('POST', `${pathOf('users', name)}/password`, { body })
    await printResult(shell, flags.output, { value, name, sentence: madeSentence(`user ${name} has a new password`, value) })
  })
  addExamples(password, ['skerry user password', 'skerry user password max'])
}

async function ownPasswords(shell: Shell, fromInput: boolean): Promise<{ password: string; newPassword: string }> {
  if (!fromInput) return { password: await shell.ask({ text: 'Password: ', hidden: true }), newPassword: await askNewPassword(shell) }
  const [password = '', newPassword = ''] = (await shell.readInput()).split(/\r?\n/)
  if (password === '' || newPassword === '') throw usageError('standard input has no two passwords')
  return { password, newPassword }
}

async function readPassword(shell: Shell): Promise<string> {
  const [password = ''] = (await shell.readInput()).split(/\r?\n/)
  if (password === '') throw usageError('standard input has no password')
  return password
}

/** The password alone goes last, for whoever passes it on. */
function madeSentence(done: string, { password }: NewUser): string {
  return password === null ? done : `${done}, with the one-time password ${password}`
}
