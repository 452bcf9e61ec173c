// Every setting of Skerry: one name, from which flag, environment variable and line in the file derive; its form and default.
import { type Address, form } from './forms.js'

/** Who reads a setting: the server (broker and manager), the agent, or a command that talks to a server. */
export type Role = 'server' | 'agent' | 'client'

/** What defaults depend on; given, so that they can be tested. */
export interface Surroundings {
  readonly root: boolean
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
}

interface Setting<T> {
  readonly roles: readonly Role[]
  readonly form: { readonly rule: string; parse(text: string): T | undefined }
  readonly fallback: (around: Surroundings) => T
  readonly value: string
  readonly help: string
  /** A secret has no flag: other users of a machine see the command lines of its processes. */
  readonly secret?: boolean
}

const setting = <T>(definition: Setting<T>): Setting<T> => definition
const always =
  <T>(value: T) =>
  () =>
    value
const none = (): undefined => undefined

function dataFolder(around: Surroundings): string {
  if (around.root) return '/var/lib/skerry'
  return `${around.env.XDG_DATA_HOME || `${around.home}/.local/share`}/skerry`
}

export const settings = {
  data: setting({
    roles: ['server', 'agent', 'client'],
    form: form.path,
    fallback: dataFolder,
    value: 'dir',
    help: 'folder for everything that is kept',
  }),
  mqttHost: setting({
    roles: ['server'],
    form: form.host,
    fallback: always('127.0.0.1'),
    value: 'address',
    help: 'address that the broker listens on',
  }),
  mqttPort: setting({
    roles: ['server'],
    form: form.port,
    fallback: always(8883),
    value: 'port',
    help: 'MQTT over TLS; 0 = any free port',
  }),
  wsPort: setting({
    roles: ['server'],
    form: form.portOrOff,
    fallback: always<number | 'off'>('off'),
    value: 'port',
    help: 'MQTT over WebSocket and TLS; 0 = any free port, off = none',
  }),
  plainMqtt: setting({
    roles: ['server'],
    form: form.addressOrOff,
    fallback: always<Address | 'off'>('off'),
    value: 'address:port',
    help: 'MQTT without TLS, for users with a password only, such as PLCs: all of it can be read on the way',
  }),
  names: setting({
    roles: ['server'],
    form: form.names,
    fallback: always<readonly string[]>([]),
    value: 'names',
    help: 'further names and addresses of this server for its certificate, with commas between them',
  }),
  publicUrl: setting({
    roles: ['server'],
    form: form.mqttUrl,
    fallback: none,
    value: 'url',
    help: 'where devices reach the broker, as the line to join says it; without it this machine’s first address',
  }),
  joinKey: setting({
    roles: ['server', 'agent'],
    form: form.text,
    fallback: none,
    value: 'secret',
    help: 'fleet key that a device must have to ask for approval without a token',
    secret: true,
  }),
  joinKeyFile: setting({
    roles: ['server', 'agent'],
    form: form.optionalPath,
    fallback: none,
    value: 'file',
    help: 'file that holds the fleet key',
  }),
  mqttCa: setting({
    roles: ['server', 'agent'],
    form: form.optionalPath,
    fallback: none,
    value: 'file',
    help: 'certificate authorities (PEM) of a broker of your own, for mqtts:// and wss://',
  }),
  mqttUsername: setting({
    roles: ['server', 'agent'],
    form: form.text,
    fallback: none,
    value: 'name',
    help: 'user name at a broker of your own',
  }),
  mqttPassword: setting({
    roles: ['server', 'agent'],
    form: form.text,
    fallback: none,
    value: 'secret',
    help: 'password at a broker of your own',
    secret: true,
  }),
  mqttPasswordFile: setting({
    roles: ['server', 'agent'],
    form: form.optionalPath,
    fallback: none,
    value: 'file',
    help: 'file that holds the MQTT password',
  }),
  httpHost: setting({
    roles: ['server', 'client'],
    form: form.host,
    fallback: always('127.0.0.1'),
    value: 'address',
    help: 'address that the HTTP API listens on; beyond loopback always with TLS',
  }),
  httpPort: setting({
    roles: ['server', 'client'],
    form: form.port,
    fallback: always(8470),
    value: 'port',
    help: 'HTTP API; 0 = any free port',
  }),
  httpToken: setting({
    roles: ['server', 'client'],
    form: form.text,
    fallback: none,
    value: 'secret',
    help: 'bearer token of the HTTP API; on the server a fixed one that may do everything',
    secret: true,
  }),
  httpTokenFile: setting({
    roles: ['server', 'client'],
    form: form.optionalPath,
    fallback: none,
    value: 'file',
    help: 'file that holds the bearer token of the HTTP API',
  }),
  httpTls: setting({
    roles: ['server'],
    form: form.flag,
    fallback: always(false),
    value: 'true|false',
    help: 'HTTPS on loopback too',
  }),
  httpCert: setting({
    roles: ['server'],
    form: form.optionalPath,
    fallback: none,
    value: 'file',
    help: 'certificate chain (PEM) for HTTPS instead of the server’s own',
  }),
  httpKey: setting({
    roles: ['server'],
    form: form.optionalPath,
    fallback: none,
    value: 'file',
    help: 'private key (PEM) of that certificate',
  }),
  broker: setting({
    roles: ['server'],
    form: form.mqttUrl,
    fallback: none,
    value: 'url',
    help: 'use the MQTT broker at this URL and start none',
  }),
  server: setting({
    roles: ['agent', 'client'],
    form: form.serverUrl,
    fallback: none,
    value: 'url',
    help: 'where the server is: mqtts:// for an agent, http(s):// for the other commands',
  }),
  engine: setting({
    roles: ['agent'],
    form: form.engineUrl,
    fallback: around => around.env.DOCKER_HOST || 'unix:///var/run/docker.sock',
    value: 'url',
    help: 'Docker Engine: unix://, tcp:// or http:// URL or a socket path; DOCKER_HOST is honoured',
  }),
  permit: setting({
    roles: ['agent'],
    form: form.permit,
    fallback: always<'optional' | 'required'>('optional'),
    value: 'mode',
    help: 'optional: containers may be changed unless a permit says 0 or has lapsed; required: only while a permit says 1',
  }),
  name: setting({
    roles: ['agent'],
    form: form.name,
    fallback: none,
    value: 'name',
    help: 'name of this device; without it the host’s name',
  }),
  policy: setting({
    roles: ['agent'],
    form: form.optionalPath,
    fallback: none,
    value: 'file',
    help: 'what may run on this device (YAML); without it policy.yaml in the data folder, if there is one',
  }),
  interval: setting({
    roles: ['agent'],
    form: form.interval,
    fallback: always(10),
    value: 'seconds',
    help: 'between heartbeats, while the server says nothing else',
  }),
  root: setting({
    roles: ['server', 'agent'],
    form: form.topicRoot,
    fallback: always('skerry'),
    value: 'topic',
    help: 'first segments of every MQTT topic',
  }),
  logLevel: setting({
    roles: ['server', 'agent'],
    form: form.logLevel,
    fallback: always<LogLevel>('info'),
    value: 'level',
    help: 'what is logged to standard error: silent, error, warn, info, debug or trace',
  }),
} as const

export type LogLevel = typeof import('./forms.js').logLevels[number]
export type SettingName = keyof typeof settings
export type Settings = { readonly [K in SettingName]: ReturnType<(typeof settings)[K]['fallback']> }

export const settingNames = Object.keys(settings) as SettingName[]
