// The example's compose file: the same page, served by busybox or, where there is none, by Node. Pure.
import { page } from './page.js'

/** How the image serves a page. */
export type Flavour = 'busybox' | 'node'

export interface ExampleImage {
  readonly name: string
  readonly flavour: Flavour
}

/** The device's name comes from its own /etc/hostname, since every device of the group gets the same file. */
const busyboxScript = [
  'mkdir -p /www',
  // Only what a host name may have: it becomes part of a command of sed and of a page.
  `name=$(sed 's/[^A-Za-z0-9._-]//g' /run/device-name || echo this device)`,
  `printf '%s' "$PAGE" | sed "s/{device}/$name/" > /www/index.html`,
  'exec httpd -f -p 8080 -h /www',
].join(' && ')

const nodeScript = [
  `const page = process.env.PAGE.replaceAll('{device}', require('fs').readFileSync('/run/device-name', 'utf8').replace(/[^A-Za-z0-9._-]/g, ''))`,
  `require('http').createServer((_, answer) => answer.setHeader('content-type', 'text/html').end(page)).listen(8080)`,
  `process.on('SIGTERM', () => process.exit())`,
].join('; ')

const commands: Record<Flavour, { readonly run: readonly string[]; readonly check: readonly string[] }> = {
  busybox: { run: ['sh', '-c', busyboxScript], check: ['CMD', 'wget', '-q', '-O', '/dev/null', 'http://127.0.0.1:8080/'] },
  node: {
    run: ['/bin/node', '-e', nodeScript],
    check: [
      'CMD',
      '/bin/node',
      '-e',
      `fetch('http://127.0.0.1:8080/').then(answer => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`,
    ],
  },
}

/** `port` is the one on the device, on loopback. */
export function composeExample(image: ExampleImage, port: number): string {
  const { run, check } = commands[image.flavour]
  return `# The example of \`skerry up\`: one web page that says on which device it runs.
services:
  web:
    image: ${image.name}
    command: ${flow(run)}
    environment:
      PAGE: |
${indent(page, 8)}
    ports:
      - "127.0.0.1:${port}:8080"
    volumes:
      - /etc/hostname:/run/device-name:ro
    healthcheck:
      test: ${flow(check)}
      interval: 3s
      timeout: 3s
      retries: 5
    restart: unless-stopped
    stop_grace_period: 1s
`
}

/** A list of strings in YAML's flow style, which JSON is; $ doubled, as compose would put variables in. */
function flow(items: readonly string[]): string {
  return `[${items.map(item => JSON.stringify(item).replaceAll('$', '$$$$')).join(', ')}]`
}

function indent(text: string, columns: number): string {
  return text
    .split('\n')
    .map(line => ' '.repeat(columns) + line)
    .join('\n')
}
