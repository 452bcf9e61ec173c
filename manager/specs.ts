// What is deployed: a compose file, with files or without, checked as devices will read it, and packed as it travels.
import { type Bundle, type Spec, sourceOf, specOf } from '../protocol/bundle.js'
import { type UsedImage, usedImages } from '../protocol/compose/images.js'
import { type ParsedCompose, parseProject } from '../protocol/compose/parse.js'
import { accept, type Refusal, type Result, SkerryError, unwrap } from '../protocol/errors.js'
import { maxSpecBytes } from '../protocol/messages/spec.js'
import { checkName } from '../protocol/names.js'
import { digestText, openFile, openSpec, type Packed, packFile, packSpec } from '../protocol/spec.js'
import { sampleVariables } from '../protocol/variables.js'
import type { Db } from './store/db.js'
import { readBody } from './store/outbox.js'

export interface CheckedSpec {
  readonly spec: Spec
  readonly services: readonly string[]
  /** But for those whose names depend on the device. */
  readonly images: readonly UsedImage[]
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
  const { project, warnings, images } = unwrap(readSample(name, spec, digest => files.get(digest)))
  return { spec, services: Object.keys(project.services), images, warnings }
}

/** The images of a spec that is kept; none of one that cannot be read. */
export function imagesOfSpec(db: Db, name: string, digest: string): readonly UsedImage[] {
  const payload = readBody(db, digest)
  const spec = payload && openSpec(payload, Buffer.from(digest, 'base64url'))
  if (spec?.ok !== true) return []
  const sample = readSample(name, spec.value, file => readFile(db, file))
  return sample.ok ? sample.value.images : []
}

function readFile(db: Db, digest: string): Uint8Array | undefined {
  const payload = readBody(db, digest)
  const file = payload && openFile(payload, Buffer.from(digest, 'base64url'))
  return file?.ok === true ? file.value : undefined
}

interface Sample extends ParsedCompose {
  readonly images: readonly UsedImage[]
}

/** The project as some device would read it. An image that is another one on another device is left for devices to judge. */
function readSample(name: string, spec: Spec, read: (digest: string) => Uint8Array | undefined): Result<Sample> {
  const files = (spec.files ?? []).map(({ digest }) => Buffer.from(read(digestText(digest)) ?? []).toString('latin1'))
  const texts = [spec.compose, ...files]
  const parse = (device: string) =>
    parseProject(sourceOf(spec, digest => read(digestText(digest)), { app: name, variables: sampleVariables(name, texts, device) }))
  const first = parse('device')
  if (!first.ok) return first
  const images = usedImages(name, first.value.project)
  if (!texts.some(text => text.includes('SKERRY_'))) return accept({ ...first.value, images })
  const second = parse('other')
  const others = new Set(second.ok ? usedImages(name, second.value.project).map(({ path, reference }) => `${path} ${reference}`) : [])
  return accept({ ...first.value, images: images.filter(({ path, reference }) => others.has(`${path} ${reference}`)) })
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
