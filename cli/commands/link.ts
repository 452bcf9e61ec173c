// `skerry link`: how devices and groups use their links.
import { type Command, InvalidArgumentError } from 'commander'
import type { Link, LinkStanding } from '../api/links.js'
import type { List } from '../api/list.js'
import { type ClientFlags, connect } from '../connect.js'
import { addClientOptions, addExamples, collect, parseBytes, parseDuration, parseWhole } from '../options.js'
import { type Format, printList, printResult } from '../output.js'
import type { Shell } from '../shell.js'
import { readTarget } from '../targets.js'
import { describeLink, linkColumns } from '../views/links.js'

type Flags = ClientFlags & { readonly output: Format }

interface Changes {
  readonly heartbeat?: number
  readonly keepAlive?: number
  readonly metrics?: number
  readonly reports?: number
  readonly changes?: boolean
  readonly usage?: number
  readonly logRate?: number | 'none'
  readonly logLimit?: number | 'none'
  readonly pulls?: number | 'none'
  readonly quiet?: readonly string[]
  readonly budget?: number
}

const targetHelp = 'device/NAME or group/NAME'

export function addLink(program: Command, shell: Shell): void {
  const link = program.command('link').description('say how devices and groups use their links, by a profile and what differs from it')
  addExamples(link, [
    'skerry link profiles',
    'skerry link set group/line-1 cellular --budget 20MB',
    'skerry link show device/press-7',
    'skerry link clear group/line-1',
  ])
  addProfiles(link, shell)
  addSet(link, shell)

  const show = link.command('show').description('show what is set, and what holds').argument('<target>', targetHelp)
  addClientOptions(show).action(async (text: string, flags: Flags) => {
    const target = readTarget(text)
    const value = await (await connect(shell, flags)).request<LinkStanding>('GET', `${target.path}/link`)
    await printResult(shell, flags.output, { value, name: target.name, sentence: describeLink(value) })
  })
  addExamples(show, ['skerry link show device/press-7', 'skerry link show group/line-1 -o json'])

  const clear = link.command('clear').description('take away what is set').argument('<target>', targetHelp)
  addClientOptions(clear).action(async (text: string, flags: Flags) => {
    const target = readTarget(text)
    await (await connect(shell, flags)).request('DELETE', `${target.path}/link`)
    await printResult(shell, flags.output, {
      value: target,
      name: target.name,
      sentence: `${target.text} says nothing of its link any more`,
    })
  })
  addExamples(clear, ['skerry link clear device/press-7', 'skerry link clear group/line-1'])
}

function addProfiles(parent: Command, shell: Shell): void {
  const command = parent.command('profiles').description('list the profiles, with the time until a silent device is NotReady')
  addClientOptions(command).action(async (flags: Flags) => {
    const { items } = await (await connect(shell, flags)).request<List<Link>>('GET', '/link-profiles')
    await printList(shell, flags.output, { items, columns: linkColumns, nameOf: ({ profile }) => profile, empty: 'no profiles' })
  })
  addExamples(command, ['skerry link profiles', 'skerry link profiles -o json'])
}

function addSet(parent: Command, shell: Shell): void {
  const command = parent
    .command('set')
    .description('set how a link is used, in place of what was set before')
    .argument('<target>', targetHelp)
    .argument('<profile>', 'lan, cellular, satellite, or a name of your own, which begins from lan')
  command
    .option('--heartbeat <duration>', 'between heartbeats, such as 5m', parseSeconds)
    .option('--keep-alive <duration>', 'silence of the broker until it is asked for an answer; two heartbeats at least', parseSeconds)
    .option('--metrics <duration>', 'between heartbeats with metrics; 0: all have them', parseSeconds)
    .option('--reports <duration>', 'between two reports, at least, such as 500ms', parseDuration)
    .option('--changes', 'reports say only what has changed')
    .option('--no-changes', 'reports say everything')
    .option('--usage <duration>', 'between two accounts of the bytes used', parseSeconds)
    .option('--log-rate <bytes>', 'of logs a second, such as 16KB; none: no limit', orNone(parseBytes))
    .option('--log-limit <bytes>', 'of logs in one request, such as 1MB; none: no limit', orNone(parseBytes))
    .option('--pulls <count>', 'images pulled at a time; none: no limit', orNone(parseWhole))
    .option('--quiet <hours>', 'no pulls and no telemetry, such as 22:00-06:00, in UTC; may be repeated', collect)
    .option('--budget <bytes>', 'a month, such as 20MB; before it is spent, telemetry slows down', parseBytes)
  addClientOptions(command).action(async (text: string, profile: string, flags: Flags & Changes) => {
    const target = readTarget(text)
    const body = toSetting(profile, flags)
    const value = await (await connect(shell, flags)).request<LinkStanding>('PUT', `${target.path}/link`, { body })
    const silent = value.link === null ? '' : `: NotReady after ${value.link.notReadyAfterS} s of silence`
    await printResult(shell, flags.output, {
      value,
      name: target.name,
      sentence: `the link of ${target.text} is used as ${profile}${silent}`,
    })
  })
  addExamples(command, [
    'skerry link set device/press-7 cellular',
    'skerry link set group/line-1 satellite --heartbeat 30m --quiet 22:00-06:00 --budget 2MB',
    'skerry link set group/vans radio --heartbeat 1m --keep-alive 4m --changes --log-rate 4KB',
  ])
}

/** As the API takes it. */
export function toSetting(profile: string, given: Changes): Record<string, unknown> {
  const setting = {
    intervalS: given.heartbeat,
    keepaliveS: given.keepAlive,
    metricsS: given.metrics,
    reportMs: given.reports,
    changes: given.changes,
    usageS: given.usage,
    logBytesPerS: given.logRate,
    logBytes: given.logLimit,
    pulls: given.pulls,
    quiet: given.quiet,
    budgetBytes: given.budget,
  }
  const told = Object.entries(setting).filter(([, value]) => value !== undefined)
  return { profile, ...Object.fromEntries(told.map(([key, value]) => [key, value === 'none' ? null : value])) }
}

function parseSeconds(text: string): number {
  const seconds = parseDuration(text) / 1000
  if (!Number.isInteger(seconds)) throw new InvalidArgumentError('use whole seconds')
  return seconds
}

function orNone(parse: (text: string) => number): (text: string) => number | 'none' {
  return text => (text === 'none' ? 'none' : parse(text))
}
