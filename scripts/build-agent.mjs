// Bundles the agent alone into one file, dist/skerry-agent.mjs, without the parts of its libraries that it never uses.
// Its first line has V8's flags for a small memory: about 58 MB resident, idle; 65 MB without them.
import { chmodSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const outfile = fileURLToPath(new URL('../dist/skerry-agent.mjs', import.meta.url))

/** dockerode's ways to an Engine that the agent doesn't take (SSH, BuildKit), and what is native or optional. */
const unused = [
  'ssh2',
  '@grpc/grpc-js',
  '@grpc/proto-loader',
  'protobufjs',
  'cpu-features',
  '@balena/dockerignore',
  'tar-fs',
  'socks',
  'cbor-extract',
  'yargs',
]
const stub = { name: 'stub', setup: stubUnused }

function stubUnused(bundler) {
  const filter = new RegExp(`^(${unused.map(name => name.replace(/[/.]/g, '\\$&')).join('|')})(/.*)?$`)
  bundler.onResolve({ filter }, ({ path }) => ({ path, namespace: 'stub' }))
  bundler.onLoad({ filter: /.*/, namespace: 'stub' }, () => ({ contents: 'module.exports = {}' }))
}

const flags = '--max-semi-space-size=1 --max-old-space-size=48 --single-threaded-gc --lite-mode --no-expose-wasm'
await build({
  entryPoints: [fileURLToPath(new URL('../cli/agent-main.ts', import.meta.url))],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  plugins: [stub],
  banner: {
    js: `#!/usr/bin/env -S node ${flags}\nimport { createRequire as __createRequire } from 'node:module'; import { fileURLToPath as __toPath } from 'node:url'; import { dirname as __dirnameOf } from 'node:path'; const require = __createRequire(import.meta.url); const __filename = __toPath(import.meta.url); const __dirname = __dirnameOf(__filename);`,
  },
})
chmodSync(outfile, 0o755)
