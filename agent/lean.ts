// Keeps dockerode from loading what an agent never uses: SSH and BuildKit sessions, 12 MB of resident memory. Import it before dockerode.
import { createRequire, Module } from 'node:module'

const here = createRequire(import.meta.url)

/** Where each part is required from, by way of packages. */
const unused: readonly (readonly string[])[] = [
  ['dockerode', 'docker-modem', 'ssh2'],
  ['dockerode', '@grpc/grpc-js'],
  ['dockerode', '@grpc/proto-loader'],
]

for (const way of unused) {
  const file = resolveAlong(way)
  if (file !== undefined) here.cache[file] ??= Object.assign(new Module(file), { filename: file, loaded: true, exports: {} })
}

/** Undefined in a bundle, which has no packages and leaves these parts out anyway. */
function resolveAlong(way: readonly string[]): string | undefined {
  try {
    return way.reduce((from, name) => createRequire(from).resolve(name), import.meta.url)
  } catch {
    return undefined
  }
}
