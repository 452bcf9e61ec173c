// `skerry context`: servers by name, so that commands need no --server.
import type { Command } from 'commander'
import { contextsFile, loadContexts, saveContexts } from '../contexts.js'
import { usageError } from '../errors.js'
import { addExamples } from '../options.js'
import type { Shell } from '../shell.js'
import { formatTable } from '../table.js'

export function addContext(program: Command, shell: Shell): void {
  const context = program.command('context').description('name servers and choose the one that commands talk to')
  addExamples(context, ['skerry context set plant http://10.1.4.2:8470', 'skerry context use plant', 'skerry context list'])
  const file = contextsFile(shell.env)

  const list = context.command('list').description('list the contexts')
  list.action(async () => {
    const { current, contexts } = await loadContexts(file)
    const rows = Object.entries(contexts).map(([name, each]) => ({ name, ...each }))
    if (rows.length === 0) return shell.say('no contexts; make one with `skerry context set NAME URL`')
    const columns = [
      { title: 'CURRENT', cell: (row: (typeof rows)[number]) => (row.name === current ? '*' : ' ') },
      { title: 'NAME', cell: (row: (typeof rows)[number]) => row.name },
      { title: 'URL', cell: (row: (typeof rows)[number]) => row.url },
      { title: 'TOKEN', cell: (row: (typeof rows)[number]) => (row.token === undefined ? 'no' : 'yes') },
    ]
    shell.print(formatTable(columns, rows, { wide: false, paint: shell.paint }))
  })
  addExamples(list, ['skerry context list'])

  const use = context.command('use').description('choose a context').argument('<name>')
  use.action(async (name: string) => {
    const known = await loadContexts(file)
    if (known.contexts[name] === undefined) throw usageError(`no context is called ${JSON.stringify(name)}; see \`skerry context list\``)
    await saveContexts(file, { ...known, current: name })
    shell.say(`commands now talk to ${known.contexts[name].url}`)
  })
  addExamples(use, ['skerry context use plant'])

  const set = context
    .command('set')
    .description('add or change a context; the first one becomes the current one')
    .argument('<name>')
    .argument('<url>')
  set
    .option('--token-stdin', 'read the API’s token from standard input')
    .option('--ca <file>', 'certificate authority (PEM) to trust there')
  set.action(async (name: string, url: string, flags: { tokenStdin?: boolean; ca?: string }) => {
    if (!/^https?:\/\/./.test(url) || !URL.canParse(url)) throw usageError(`${JSON.stringify(url)} is no http:// or https:// URL`)
    const token = flags.tokenStdin === true ? (await shell.readInput()).trim() : ''
    const known = await loadContexts(file)
    const ca = flags.ca === undefined ? {} : { ca: await (await import('../trust.js')).readCa(flags.ca) }
    const contexts = { ...known.contexts, [name]: { url: url.replace(/\/+$/, ''), ...(token === '' ? {} : { token }), ...ca } }
    await saveContexts(file, { current: known.current ?? name, contexts })
    shell.say(`context ${name} is ${url}`)
  })
  addExamples(set, [
    'skerry context set plant http://10.1.4.2:8470',
    'skerry context set plant https://fleet.example --token-stdin < token',
  ])
}
