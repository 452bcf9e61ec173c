// What is deployed: a compose file, with files or without, checked as devices will read it, and packed as it travels.
import { type Bundle, type Spec, sourceOf, specOf } from '../protocol/bundle.js'
import { parseProject } from '../protocol/compose/parse.js'
import { type Refusal, SkerryError, unwrap } from '../protocol/errors.js'
import { maxSpecBytes } from '../protocol/messages.js'
import { checkName } from '../protocol/names.js'
import { digestText, type Packed, packFile, packSpec } from '../protocol/spec.js'
import { sampleVariables } from '../protocol/variables.js'

export interface CheckedSpec {
  readonly spec: Spec
  readonly services: readonly string[]
  readonly warnings: readonly Refusal[]
}

/** Throws `name.invalid`, `spec.too-large`, `spec.invalid`, or every reason that the compose file gives, with its path. */
export function checkDeployment(name: string, bundle: Bundle): CheckedSpec {
  unwrap(checkName('app', name))
  if (Buffer.byteLength(bundle.compose) > maxSpecBytes) {
    throw new SkerryError('spec.too-large', `the compose file has more than ${maxSpecBytes} bytes`)
  }
  const spec = unwrap(specOf(bundle))
  const files = contentsOf(spec, bundle)
  const texts = [bundle.compose, ...[...files.values()].map(contents => Buffer.from(contents).toString('latin1'))]
  const source = sourceOf(spec, digest => files.get(digestText(digest)), { app: name, variables: sampleVariables(name, texts) })
  const { project, warnings } = unwrap(parseProject(source))
  return { spec, services: Object.keys(project.services), warnings }
}

/** The contents of a spec's files by digest, each once. */
export function contentsOf(spec: Spec, { files }: Bundle): ReadonlyMap<string, Uint8Array> {
  const found = (spec.files ?? []).map(({ path, digest }) => [digestText(digest), files?.get(path)?.contents ?? new Uint8Array()] as const)
  return new Map(found)
}

export interface PackedBody {
  readonly digest: string
  readonly payload: Uint8Array
}

/** Throws `spec.too-large` for what does not fit into one message. */
export function pack(what: Spec | Uint8Array): PackedBody {
  const { digest, payload }: Packed = what instanceof Uint8Array ? packFile(what) : packSpec(what)
  if (payload.length <= maxSpecBytes) return { digest: digestText(digest), payload }
  throw new SkerryError('spec.too-large', 'the compose file, or one of its files, does not compress to the size of a message')
}
