// What a deploy's body may be: a compose file as text, a bundle in JSON, or an archive of a folder.
import { type Static, Type } from 'typebox'
import { findComposeFiles, readArchive } from '../../protocol/archive.js'
import type { Bundle, FileContents } from '../../protocol/bundle.js'
import { SkerryError } from '../../protocol/errors.js'
import { maxBundleBytes, maxSpecBytes } from '../../protocol/messages/spec.js'
import { queryOf } from './schemas/basics.js'

/** Room for the largest bundle in JSON: all of its files in base64, and the rest. */
export const maxUploadBytes = Math.ceil((maxBundleBytes * 4) / 3) + 4 * maxSpecBytes

const file = Type.Union(
  [
    Type.String({ description: 'Its text.' }),
    Type.Object(
      { text: Type.Optional(Type.String()), base64: Type.Optional(Type.String()), executable: Type.Optional(Type.Boolean()) },
      { additionalProperties: false },
    ),
  ],
  { description: 'A text, or an object with one of text and base64.' },
)

const jsonBundle = Type.Object(
  {
    compose: Type.String({ description: 'The main compose file.' }),
    path: Type.Optional(Type.String({ description: 'Its path in the bundle; compose.yaml if absent.' })),
    overrides: Type.Optional(Type.Array(Type.String(), { description: 'Paths of files that are merged over it, in order.' })),
    files: Type.Optional(Type.Record(Type.String(), file, { description: 'By path, relative to the app’s folder.' })),
    environment: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Values of variables.' })),
    profiles: Type.Optional(Type.Array(Type.String())),
  },
  { additionalProperties: false },
)

const text = { schema: Type.String({ description: 'The compose file.' }) }
const archive = { schema: Type.Any({ description: 'A folder as tar, also gzip’d, with its compose files.' }) }
export const archiveTypes = ['application/x-tar', 'application/gzip', 'application/x-gzip'] as const

export const textTypes = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/plain'] as const

export const uploadBody = {
  content: {
    ...Object.fromEntries(textTypes.map(type => [type, text])),
    'application/json': { schema: jsonBundle },
    ...Object.fromEntries(archiveTypes.map(type => [type, archive])),
  },
}

const several = (description: string) => Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())], { description }))

export const uploadQuery = queryOf({
  dryRun: Type.Optional(Type.Boolean({ description: 'Only checks.' })),
  file: several('Archives: a compose file of it; several are merged in order.'),
  env: several('The value of a variable, as NAME=VALUE.'),
  profile: several('A profile that is on.'),
})
type Query = Static<typeof uploadQuery>

/** Throws `spec.invalid`, `spec.too-large` or `request.invalid`. `body` has been checked against {@link uploadBody}. */
export async function readUpload(body: unknown, query: Query): Promise<Bundle> {
  const bundle = await readBundle(body, [query.file ?? []].flat())
  return {
    ...bundle,
    environment: { ...bundle.environment, ...Object.fromEntries([query.env ?? []].flat().map(readVariable)) },
    profiles: [...(bundle.profiles ?? []), ...[query.profile ?? []].flat()],
  }
}

async function readBundle(body: unknown, named: readonly string[]): Promise<Bundle> {
  if (typeof body === 'string') return { compose: body }
  if (body instanceof Uint8Array) return bundleOf(await readArchive(body, named), named)
  const { files = {}, ...rest } = body as Static<typeof jsonBundle>
  return { ...rest, files: new Map(Object.entries(files).map(([path, item]) => [path, readFile(path, item)])) }
}

function bundleOf(files: ReadonlyMap<string, FileContents>, named: readonly string[]): Bundle {
  const [path, ...overrides] = named.length > 0 ? named : findComposeFiles(name => files.has(name))
  if (path === undefined) throw new SkerryError('spec.invalid', 'the archive has no compose.yaml; name the compose file with ?file=')
  const main = files.get(path)
  if (main === undefined) throw new SkerryError('spec.invalid', `the archive has no file ${JSON.stringify(path.slice(0, 200))}`)
  const others = new Map([...files].filter(([name]) => name !== path))
  return { compose: decodeText(main.contents, JSON.stringify(path)), path, overrides, files: others }
}

/** Throws `compose.yaml` instead of putting other characters for what is no UTF-8. */
export function decodeText(contents: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(contents)
  } catch {
    throw new SkerryError('compose.yaml', `${what} is no text in UTF-8`)
  }
}

function readFile(path: string, item: Static<typeof file>): FileContents {
  if (typeof item === 'string') return { contents: Buffer.from(item) }
  const { text, base64, executable = false } = item
  if ((text === undefined) === (base64 === undefined))
    throw new SkerryError('request.invalid', 'a file has either text or base64', { path: `files[${JSON.stringify(path.slice(0, 80))}]` })
  return { contents: text === undefined ? readBase64(path, base64 ?? '') : Buffer.from(text), executable }
}

/** Node's decoder passes over what is no base64. */
function readBase64(path: string, base64: string): Uint8Array {
  if (base64.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return Buffer.from(base64, 'base64')
  throw new SkerryError('request.invalid', 'this is no base64', { path: `files[${JSON.stringify(path.slice(0, 80))}]` })
}

function readVariable(item: string): [name: string, value: string] {
  const at = item.indexOf('=')
  if (at < 1) throw new SkerryError('request.invalid', 'a variable is NAME=VALUE', { path: 'env' })
  return [item.slice(0, at), item.slice(at + 1)]
}
