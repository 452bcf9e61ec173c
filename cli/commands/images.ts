// `skerry images`: which images may run, in the fleet and in its groups.
import type { Command } from 'commander'
import type { ImageList } from '../api/fleet.js'
import type { List } from '../api/list.js'
import { pathOf } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { addClientOptions, addExamples } from '../options.js'
import { type Format, printList, printResult } from '../output.js'
import type { Shell } from '../shell.js'
import type { Column } from '../table.js'

type Flags = ClientFlags & { readonly output: Format; readonly group?: string }

const columns: readonly Column<ImageList>[] = [
  { title: 'OF', cell: ({ group }) => (group === null ? 'the fleet' : `group ${group}`) },
  { title: 'ALLOWS', cell: ({ patterns }) => (patterns.length === 0 ? 'nothing' : patterns.join(' ')) },
]

export function addImages(program: Command, shell: Shell): void {
  const images = program.command('images').description('say which images may run: an image must be on every list that holds for its device')
  addExamples(images, ["skerry images allow 'registry.example/**'", "skerry images allow 'nginx:1.*' --group line-1", 'skerry images list'])

  const list = images.command('list').description('list the lists; without any, all images may run')
  addClientOptions(list).action(async (flags: Flags) => {
    const client = await connect(shell, flags)
    const { items } = await client.request<List<ImageList>>('GET', '/images')
    const nameOf = ({ group }: ImageList) => group ?? 'fleet'
    await printList(shell, flags.output, { items, columns, nameOf, empty: 'no lists: all images may run' })
  })
  addExamples(list, ['skerry images list', 'skerry images list -o json'])

  addChange(images, shell, 'allow', 'put patterns on the list of the fleet or of a group; whatever is on no list is refused from then on')
  addChange(images, shell, 'remove', 'take patterns off a list; an empty list allows nothing')

  const clear = images.command('clear').description('remove a list: it allows all').option('-g, --group <group>', 'the list of this group')
  addClientOptions(clear).action(async (flags: Flags) => {
    const client = await connect(shell, flags)
    await client.request('DELETE', listPath(flags))
    const value = { group: flags.group ?? null, patterns: null }
    await printResult(shell, flags.output, {
      value,
      name: nameOf(flags),
      sentence: `the image list of ${ownerOf(flags)} was cleared: it allows all`,
    })
  })
  addExamples(clear, ['skerry images clear', 'skerry images clear --group line-1'])
}

function addChange(parent: Command, shell: Shell, verb: 'allow' | 'remove', about: string): void {
  const command = parent
    .command(verb)
    .description(about)
    .argument('<patterns...>', 'such as registry.example/team/**, nginx:1.* or nginx@sha256:…')
  command.option('-g, --group <group>', 'the list of this group')
  addClientOptions(command).action(async (patterns: string[], flags: Flags) => {
    const client = await connect(shell, flags)
    const value = await client.request<ImageList>('POST', `${listPath(flags)}/${verb}`, { body: { patterns } })
    const allowed = value.patterns.length === 0 ? 'nothing' : value.patterns.join(', ')
    await printResult(shell, flags.output, {
      value,
      name: nameOf(flags),
      sentence: `the image list of ${ownerOf(flags)} allows ${allowed}`,
    })
  })
  addExamples(command, [`skerry images ${verb} 'registry.example/team/**'`, `skerry images ${verb} 'nginx:1.*' busybox --group line-1`])
}

function listPath({ group }: Flags): string {
  return group === undefined ? '/images' : `${pathOf('groups', group)}/images`
}

function nameOf({ group }: Flags): string {
  return group ?? 'fleet'
}

function ownerOf({ group }: Flags): string {
  return group === undefined ? 'the fleet' : `group ${group}`
}
