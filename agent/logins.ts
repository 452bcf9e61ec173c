// Who the device is at each registry: in its state folder, for its owner's eyes only, never logged and never on the wire.
import { join } from 'node:path'
import { SkerryError } from '../protocol/errors.js'
import type { Engine } from './engine.js'
import { readIfThere, writeAtomic } from './files.js'

export interface Login {
  readonly username: string
  readonly password: string
  /** The registry, as the Engine wants it named. */
  readonly serveraddress: string
}

const hub = 'docker.io'
/** What the Engine calls the default registry. */
const hubAddress = 'https://index.docker.io/v1/'

/** Reads the file each time: logins made while the agent runs count from the next pull. */
export class Logins {
  readonly #file: string

  /** `folder`: the agent's state folder. */
  constructor(folder: string) {
    this.#file = join(folder, 'registries.json')
  }

  names(): { readonly registry: string; readonly username: string }[] {
    return [...this.#read()].map(([registry, { username }]) => ({ registry, username }))
  }

  set(registry: string, username: string, password: string): void {
    this.#write(new Map(this.#read()).set(registryName(registry), { username, password }))
  }

  /** True if there was one. */
  remove(registry: string): boolean {
    const known = new Map(this.#read())
    if (!known.delete(registryName(registry))) return false
    this.#write(known)
    return true
  }

  /** The login for the registry that an image comes from. */
  of(image: string): Login | undefined {
    return this.all().get(registryOf(image))
  }

  all(): ReadonlyMap<string, Login> {
    return new Map([...this.#read()].map(([registry, login]) => [registry, { ...login, serveraddress: addressOf(registry) }]))
  }

  #read(): ReadonlyMap<string, { readonly username: string; readonly password: string }> {
    const bytes = readIfThere(this.#file)
    if (bytes === undefined) return new Map()
    try {
      const raw: unknown = JSON.parse(bytes.toString())
      return new Map(
        Object.entries(raw ?? {}).filter((entry): entry is [string, { username: string; password: string }] => isLogin(entry[1])),
      )
    } catch {
      throw new SkerryError('config.invalid', `${this.#file} is no JSON`, { retryable: true })
    }
  }

  #write(logins: ReadonlyMap<string, unknown>): void {
    const sorted = Object.fromEntries([...logins].sort(([a], [b]) => (a < b ? -1 : 1)))
    writeAtomic(this.#file, `${JSON.stringify(sorted, undefined, 2)}\n`)
  }
}

/** The engine, with the device's logins in its pulls and builds. */
export function withLogins(engine: Engine, logins: Logins): Engine {
  return {
    ...engine,
    pull: async (args, onProgress, signal) => engine.pull(args, onProgress, signal, logins.of(args.image)),
    build: async (args, signal) => engine.build(args, signal, [...logins.all().values()]),
  }
}

/** The registry of an image's reference, by its host and port. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/')
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? registryName(first) : hub
}

/** A registry by the one name that it has here. Throws `usage.invalid`. */
export function registryName(text: string): string {
  const host = text
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/, '')
  if (!/^[a-z0-9.-]+(:\d{1,5})?$/.test(host))
    throw new SkerryError('usage.invalid', `${JSON.stringify(text)} is no registry: give its host, such as registry.example:5000`)
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? hub : host
}

export function addressOf(registry: string): string {
  return registry === hub ? hubAddress : registry
}

function isLogin(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { username, password } = value as Record<string, unknown>
  return typeof username === 'string' && typeof password === 'string'
}
