// Topics of commands, of their answers and of states for machines, built and parsed here. topics.md is their public form.
import { accept, type Result, refuse } from './errors.js'
import { isName } from './names.js'
import { isPermitTopic, permitAnswerTopic } from './permit-topics.js'

export const verbs = ['spec', 'run', 'revision', 'version', 'restart'] as const
export type Verb = (typeof verbs)[number]

/** What a command topic says by itself. On a target's own topic the payload names app and verb. */
export interface CommandTopic {
  readonly kind: 'device' | 'group'
  /** A device by id or unique name, or a group. */
  readonly target: string
  readonly app?: string
  readonly verb?: Verb
}

/** The same topics in long and in short, with where their answers go. */
const forms = [
  { command: 'cmd', answer: 'ack', kinds: { device: 'device', group: 'group' }, app: ['app'], verbs: sameNames(verbs) },
  {
    command: 'c',
    answer: 'a',
    kinds: { d: 'device', g: 'group' },
    app: [],
    verbs: { spec: 'spec', run: 'run', rev: 'revision', ver: 'version', rst: 'restart' },
  },
] as const satisfies readonly Form[]

type Kinds = Form['kinds']

/** The words that begin topics of commands and of their answers, each with the words for kinds of targets that may follow it. */
export const commandWords: Readonly<Record<string, Kinds>> = Object.fromEntries(forms.map(({ command, kinds }) => [command, kinds]))
export const answerWords: Readonly<Record<string, Kinds>> = Object.fromEntries(forms.map(({ answer, kinds }) => [answer, kinds]))

interface Form {
  readonly command: string
  readonly answer: string
  readonly kinds: Readonly<Record<string, CommandTopic['kind']>>
  /** Segments between target and app. */
  readonly app: readonly string[]
  readonly verbs: Readonly<Record<string, Verb>>
}

/** More than a device's name and an app's take in any script; beyond it nothing is answered. */
const maxTopicBytes = 1024

/** The filters that match every command. */
export function everyCommand(root: string): string[] {
  return forms.map(({ command }) => `${root}/${command}/#`)
}

/** Whether a topic is below those of commands, well-formed or not. */
export function isCommandTopic(root: string, name: string): boolean {
  return formOf(root, name) !== undefined
}

/** Refuses with `topic.invalid`, saying what a command topic looks like. */
export function parseCommandTopic(root: string, name: string): Result<CommandTopic> {
  const form = formOf(root, name)
  if (form === undefined) return refuse('topic.invalid', 'no topic of a command')
  const [kindWord = '', target = '', ...rest] = name.slice(root.length + form.command.length + 2).split('/')
  const kind = own(form.kinds, kindWord)
  if (kind === undefined || !isTarget(kind, target)) return refuse('topic.invalid', `use ${exampleOf(root, form)}`)
  if (rest.length === 0) return accept({ kind, target })
  const app = rest[form.app.length] ?? ''
  const verb = own(form.verbs, rest.at(-1) ?? '')
  const fits = rest.length === form.app.length + 2 && form.app.every((segment, n) => rest[n] === segment)
  if (!fits || verb === undefined || !isName('app', app)) return refuse('topic.invalid', `use ${exampleOf(root, form)}`)
  return accept({ kind, target, app, verb })
}

/** Where a command or a permit is answered: a plain integer, and below it a short text and JSON. Undefined if the topic is too long to mirror. */
export interface AnswerTopics {
  readonly code: string
  readonly text: string
  readonly json: string
}

export function answerTopics(root: string, name: string): AnswerTopics | undefined {
  const code = Buffer.byteLength(name) > maxTopicBytes ? undefined : answerTopic(root, name)
  return code === undefined ? undefined : { code, text: `${code}/text`, json: `${code}/json` }
}

function answerTopic(root: string, name: string): string | undefined {
  if (isPermitTopic(root, name)) return permitAnswerTopic(root, name)
  const form = formOf(root, name)
  return form === undefined ? undefined : `${root}/${form.answer}${name.slice(root.length + form.command.length + 1)}`
}

/** Whose state it is: of a device, of an app on a device or on a group, or of the manager itself. */
export type StateTopic =
  | { readonly kind: 'manager' }
  | { readonly kind: 'device'; readonly name: string; readonly app?: string }
  | { readonly kind: 'group'; readonly name: string; readonly app: string }

/** The topic of the plain integer; the JSON twin is at `/json` below it. */
export function formatStateTopic(root: string, topic: StateTopic): string {
  if (topic.kind === 'manager') return `${root}/state/manager`
  const below = topic.app === undefined ? '' : `/app/${topic.app}`
  return `${root}/state/${topic.kind}/${topic.name}${below}`
}

/** The filter that matches every state. */
export function everyState(root: string): string {
  return `${root}/state/#`
}

export function isStateTopic(root: string, name: string): boolean {
  return name.startsWith(`${root}/state/`)
}

/** Whose state a topic tells, such as `device/k3v9`; undefined if it is none of a device or group. */
export function stateOwner(root: string, name: string): string | undefined {
  if (!isStateTopic(root, name)) return undefined
  const [kind = '', id] = name.slice(root.length + '/state/'.length).split('/')
  return id === undefined || (kind !== 'device' && kind !== 'group') ? undefined : `${kind}/${id}`
}

/** Who sent a command or a permit: told by the embedded broker to the manager, and by nobody else. */
export interface Sender {
  /** The user's name; undefined where the broker asks nobody who he is. */
  readonly user?: string
  /** Where the user is connected from, such as `10.1.4.7`. */
  readonly address: string
}

/** The topic of a command or a permit as the manager gets it: no client ever publishes or hears one. */
export function formatSenderTopic(root: string, sender: Sender, command: string): string {
  return `${root}/from/${Buffer.from(JSON.stringify(sender)).toString('base64url')}${command.slice(root.length)}`
}

/** Whether the manager is told who sent it. */
export function hasSender(root: string, topic: string): boolean {
  return isCommandTopic(root, topic) || isPermitTopic(root, topic)
}

export function isSenderTopic(root: string, name: string): boolean {
  return name === `${root}/from` || name.startsWith(`${root}/from/`)
}

/** The sender and the message's own topic; undefined if it is no such topic. */
export function parseSenderTopic(root: string, name: string): { readonly sender: Sender; readonly topic: string } | undefined {
  if (!isSenderTopic(root, name)) return undefined
  const [word = '', ...rest] = name.slice(root.length + '/from/'.length).split('/')
  const topic = [root, ...rest].join('/')
  const sender = readSender(Buffer.from(word, 'base64url').toString())
  return sender === undefined || !hasSender(root, topic) ? undefined : { sender, topic }
}

function readSender(json: string): Sender | undefined {
  try {
    const { user, address }: Partial<Record<string, unknown>> = JSON.parse(json)
    if (typeof address !== 'string') return undefined
    return typeof user === 'string' ? { user, address } : { address }
  } catch {
    return undefined
  }
}

function formOf(root: string, name: string): Form | undefined {
  return forms.find(({ command }) => name === `${root}/${command}` || name.startsWith(`${root}/${command}/`))
}

function isTarget(kind: CommandTopic['kind'], target: string): boolean {
  return kind === 'group' ? isName('group', target) : target !== '' && target.length <= 128
}

function exampleOf(root: string, { command, kinds, app, verbs }: Form): string {
  const [device, group] = Object.keys(kinds)
  return [root, command, `${device}|${group}`, 'NAME', ...app, 'APP', Object.keys(verbs).join('|')].join('/')
}

function own<T>(words: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(words, word) ? words[word] : undefined
}

function sameNames<const N extends readonly string[]>(names: N): { readonly [K in N[number]]: K } {
  return Object.fromEntries(names.map(name => [name, name])) as { [K in N[number]]: K }
}
