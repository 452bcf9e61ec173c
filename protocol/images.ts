// Names of images in full, patterns of them, and whether an image is on the lists that hold. Pure.
import { accept, type Refusal, type Result, refuse } from './errors.js'

/** What a reference stands for, with all that the Engine fills in. */
export interface ImageName {
  /** `docker.io/library/nginx:1.25`, with `@sha256:…` behind it or in place of the tag. */
  readonly full: string
  /** Such as `docker.io`; empty for an image's id. */
  readonly registry: string
  /** With the registry; the id itself for an id. */
  readonly repository: string
  readonly tag?: string
  readonly digest?: string
}

const hub = 'docker.io'

/** A name of hexadecimal digits alone may be taken for an id, and is taken for nothing else here. */
export function imageName(reference: string): ImageName {
  if (isId(reference)) return { full: reference, registry: '', repository: reference }
  const { name, tag: written, digest } = splitReference(reference)
  const { registry, path } = splitName(name)
  const repository = `${registry}/${registry === hub && !path.includes('/') ? `library/${path}` : path}`
  const tag = written ?? (digest === undefined ? 'latest' : undefined)
  const full = `${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
  return { full, registry, repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) }
}

function isId(reference: string): boolean {
  return /^(sha256:)?[\da-f]{1,64}$/i.test(reference)
}

function splitReference(reference: string): { name: string; tag?: string; digest?: string } {
  const [whole = '', digest] = reference.split('@')
  const [, name = whole, tag] = /^(.*):([^:/]*)$/s.exec(whole) ?? []
  return { name, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest: digest.toLowerCase() }) }
}

/** The first part is a registry if it has a dot or a port, or is this machine. */
function splitName(name: string): { registry: string; path: string } {
  const [first = '', ...rest] = name.split('/')
  if (rest.length === 0 || !(/[.:A-Z]/.test(first) || first === 'localhost')) return { registry: hub, path: name }
  return { registry: first.toLowerCase() === 'index.docker.io' ? hub : first.toLowerCase(), path: rest.join('/') }
}

/** A pattern, taken apart: what is absent holds for all. */
interface ImagePattern {
  readonly name: string
  readonly tag?: string
  readonly digest?: string
}

const maxPatternChars = 512
const patternName = /^[a-z\d*](?:[\w.*:/-]*[\w*])?$/i
const patternTag = /^[\w.*-]{1,128}$/
const patternDigest = /^sha256:[\da-f]{64}$/

/** A pattern in full: `nginx:1.*` is `docker.io/library/nginx:1.*`. Refuses with `request.invalid`. */
export function readPattern(text: string): Result<string> {
  const { name, tag, digest } = splitPattern(text)
  const isGood =
    text.length <= maxPatternChars &&
    text.split('@').length <= 2 &&
    patternName.test(name) &&
    !name.includes('//') &&
    !name.replace(/^[^/]*/, '').includes(':') &&
    (tag === undefined || patternTag.test(tag)) &&
    (digest === undefined || patternDigest.test(digest))
  if (!isGood) {
    return refuse(
      'request.invalid',
      `${JSON.stringify(text.slice(0, 100))} is no pattern such as registry.example/team/**, nginx:1.* or nginx@sha256:…`,
    )
  }
  return accept(`${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`)
}

function splitPattern(text: string): ImagePattern {
  const { name: written, ...rest } = splitReference(text)
  if (written.split('/')[0] === '**') return { name: written, ...rest }
  const { registry, path } = splitName(written)
  return { name: `${registry}/${registry === hub && !path.includes('/') && path !== '**' ? `library/${path}` : path}`, ...rest }
}

/** Whether the reference alone shows that the image fits. A tag is no proof of what a digest names, nor a digest of a tag. */
export function matchesImage(pattern: string, reference: string): boolean {
  return matchImage(splitPattern(pattern), imageName(reference)) === 'yes'
}

/** `if`: it depends on which image the tag turns out to be. */
function matchImage(pattern: ImagePattern, image: ImageName): 'yes' | 'no' | 'if' {
  if (!matchesGlob(pattern.name, image.repository)) return 'no'
  if (pattern.digest !== undefined) {
    if (image.digest !== undefined) return image.digest === pattern.digest ? 'yes' : 'no'
    return pattern.tag === undefined || matchesGlob(pattern.tag, image.tag ?? '') ? 'if' : 'no'
  }
  if (pattern.tag === undefined || pattern.tag === '*') return 'yes'
  return image.digest === undefined && matchesGlob(pattern.tag, image.tag ?? '') ? 'yes' : 'no'
}

/** `*` stands for characters of one part, `**` for any. In time that grows with pattern times text, whatever the pattern. */
function matchesGlob(pattern: string, text: string): boolean {
  const tokens = pattern.match(/\*\*+|./gsu) ?? []
  let reached = spread(new Set([0]), tokens)
  for (const character of text) {
    const next = new Set<number>()
    for (const at of reached) {
      const token = tokens[at]
      if (token?.startsWith('**') || (token === '*' && character !== '/')) next.add(at)
      else if (token === character) next.add(at + 1)
    }
    reached = spread(next, tokens)
    if (reached.size === 0) return false
  }
  return reached.has(tokens.length)
}

/** A star may stand for nothing. */
function spread(places: ReadonlySet<number>, tokens: readonly string[]): Set<number> {
  const all = new Set(places)
  for (const at of all) if (tokens[at]?.startsWith('*')) all.add(at + 1)
  return all
}

/** A list that holds: only images on it may run. */
export interface ImageList {
  /** Whose it is, such as `the fleet` or `group line-1`. */
  readonly of: string
  readonly patterns: readonly string[]
}

/** What an image must turn out to be: one of these digests, for each list. */
export interface Proof {
  readonly of: string
  readonly digests: readonly string[]
}

/** An image must be on every list. Refuses with `image.denied`, naming image and list; gives what is still to be proved once the image is there. */
export function judgeImage(lists: readonly ImageList[], reference: string): Result<readonly Proof[]> {
  const image = imageName(reference)
  const proofs: Proof[] = []
  for (const { of, patterns } of lists) {
    const matches = patterns.map(splitPattern).map(pattern => ({ pattern, match: matchImage(pattern, image) }))
    if (matches.some(({ match }) => match === 'yes')) continue
    const digests = matches.flatMap(({ pattern, match }) => (match === 'if' && pattern.digest !== undefined ? [pattern.digest] : []))
    if (digests.length === 0) return refuse('image.denied', `image ${image.full} is not on the image list of ${of}`)
    proofs.push({ of, digests })
  }
  return accept(proofs)
}

/** What the image of that digest fails to prove. `digests` are all that are known of it: it may have come from several places. */
export function checkProofs(proofs: readonly Proof[], reference: string, digests: readonly string[]): Refusal | undefined {
  const failed = proofs.find(proof => !proof.digests.some(digest => digests.includes(digest)))
  if (failed === undefined) return undefined
  const is = digests.length === 0 ? 'has no digest of a registry' : `is ${digests.join(', ')}`
  const message = `image ${imageName(reference).full} ${is}, which is not on the image list of ${failed.of}`
  return { code: 'image.denied', message }
}
