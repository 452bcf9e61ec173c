// The paths of a file that stands in another folder, made relative to the project's.
import { posix } from 'node:path'
import { childOf, entriesOf, type Item, isList, isMap } from './item.js'

type Move = (item: Item) => void

/** In place. Absolute paths, `~` and what is no path of this machine stay as they are. */
export function relocate(root: Item, folder: string): void {
  const path: Move = item => {
    if (typeof item.value === 'string' && isRelative(item.value)) item.value = posix.join(folder, item.value)
  }
  const bind: Move = item => {
    if (typeof item.value === 'string' && isRelative(item.value)) item.value = dotted(posix.join(folder, item.value))
  }
  const paths = oneOrEach(path)
  const service = inMap({
    build: moveBuild(path, folder),
    credential_spec: inMap({ file: path }),
    env_file: oneOrEach(orIn(path, inMap({ path }))),
    extends: inMap({ file: path }),
    label_file: paths,
    volumes: oneOrEach(moveMount(bind)),
  })
  inMap({
    services: inEach(service),
    configs: inEach(inMap({ file: path })),
    secrets: inEach(inMap({ file: path })),
    volumes: inEach(moveDevice(bind)),
    include: oneOrEach(orIn(path, inMap({ path: paths, project_directory: path, env_file: paths }))),
  })(root)
}

/** A URL, a reference to a repository or an image is no path. */
export function isRemote(text: string): boolean {
  return /^([a-z][a-z0-9+.-]*:|git@|github\.com\/)/.test(text)
}

function isRelative(text: string): boolean {
  return text !== '' && !/^[/~]/.test(text) && !isRemote(text)
}

/** With the `.` at its start that tells a path from a volume's name. */
function dotted(path: string): string {
  return path.startsWith('.') ? path : `./${path}`
}

function inMap(moves: Readonly<Record<string, Move>>): Move {
  return item => {
    for (const [key, move] of Object.entries(moves)) visit(childOf(item, key), move)
  }
}

function inEach(move: Move): Move {
  return item => {
    for (const entry of entriesOf(item).values()) move(entry)
  }
}

function oneOrEach(move: Move): Move {
  return item => {
    if (isList(item.value)) for (const entry of item.value) move(entry)
    else move(item)
  }
}

function orIn(move: Move, inside: Move): Move {
  return item => (isMap(item.value) ? inside(item) : move(item))
}

function visit(item: Item | undefined, move: Move): void {
  if (item !== undefined) move(item)
}

/** A build without a context has the folder of its file. */
function moveBuild(path: Move, folder: string): Move {
  return item => {
    const { value } = item
    if (!isMap(value)) return path(item)
    visit(value.get('context'), path)
    moveContexts(value.get('additional_contexts'), path)
    if (!value.has('context'))
      item.value = new Map([...value, ['context', { parent: item, key: 'context', line: item.line, value: folder }]])
  }
}

/** A map, or a list of `name=path`. */
function moveContexts(contexts: Item | undefined, path: Move): void {
  for (const entry of entriesOf(contexts).values()) path(entry)
  if (contexts === undefined || !isList(contexts.value)) return
  for (const entry of contexts.value) {
    const [, name, text] = /^([^=]*)=(.*)$/s.exec(String(entry.value)) ?? []
    const moved: Item = { ...entry, value: text ?? '' }
    path(moved)
    if (text !== undefined) entry.value = `${name}=${String(moved.value)}`
  }
}

/** Only a short form that begins with a dot, and a long one of type bind, have a path. */
function moveMount(bind: Move): Move {
  return item => {
    const { value } = item
    if (isMap(value)) {
      if (value.get('type')?.value === 'bind') visit(value.get('source'), bind)
    } else if (typeof value === 'string' && /^\.[^:]*:/.test(value)) {
      const source: Item = { ...item, value: value.slice(0, value.indexOf(':')) }
      bind(source)
      item.value = `${String(source.value)}${value.slice(value.indexOf(':'))}`
    }
  }
}

/** A local volume that is a bind in truth. */
function moveDevice(bind: Move): Move {
  return volume => {
    const options = childOf(volume, 'driver_opts')
    if (childOf(options, 'o')?.value === 'bind') visit(childOf(options, 'device'), bind)
  }
}
