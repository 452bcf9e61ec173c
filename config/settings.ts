// Every setting of Skerry: one name, from which flag, environment variable and line in the file derive; its form and default.
import { form } from './forms.js'

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
    help: 'address that the broker listens on; beyond loopback only with credentials',
  }),
  mqttPort: setting({
    roles: ['server'],
    form: form.port,
    fallback: always(1883),
    value: 'port',
    help: 'MQTT over TCP; 0 = any free port',
  }),
  wsPort: setting({
    roles: ['server'],
    form: form.portOrOff,
    fallback: always<number | 'off'>('off'),
    value: 'port',
    help: 'MQTT over WebSocket; 0 = any free port, off = none',
  }),
  mqttCert: setting({
    roles: ['server'],
    form: form.optionalPath,
    fallback: none,
    value: 'file',
    help: 'certificate chain (PEM): the broker then speaks TLS only',
  }),
  mqttKey: setting({
    roles: ['server'],
    form: form.optionalPath,
    fallback: none,
    value: 'file',
    help: 'private key (PEM) of the certificate',
  }),
  mqttCa: setting({
    roles: ['server', 'agent'],
    form: form.optionalPath,
    fallback: none,
    value: 'file',
    help: 'certificate authorities (PEM) to trust instead of the system’s, for mqtts://',
  }),
  mqttUsername: setting({
    roles: ['server', 'agent'],
    form: form.text,
    fallback: none,
    value: 'name',
    help: 'user name that MQTT clients must give',
  }),
  mqttPassword: setting({
    roles: ['server', 'agent'],
    form: form.text,
    fallback: none,
    value: 'secret',
    help: 'password that MQTT clients must give',
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
    help: 'address that the HTTP API listens on; beyond loopback only with a token',
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
    help: 'bearer token of the HTTP API',
    secret: true,
  }),
  httpTokenFile: setting({
    roles: ['server', 'client'],
    form: form.optionalPath,
    fallback: none,
    value: 'file',
    help: 'file that holds the bearer token of the HTTP API',
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
    help: 'where the server is: mqtt(s):// for an agent, http(s):// for the other commands',
  }),
  engine: setting({
    roles: ['agent'],
    form: form.engineUrl,
    fallback: around => around.env.DOCKER_HOST || 'unix:///var/run/docker.sock',
    value: 'url',
    help: 'Docker Engine: unix://, tcp:// or http:// URL or a socket path; DOCKER_HOST is honoured',
  }),
  name: setting({
    roles: ['agent'],
    form: form.name,
    fallback: none,
    value: 'name',
    help: 'name of this device; without it the host’s name',
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

/** `mqttPort` as it is written on the command line (after `--`) and in the file. */
export function keyOf(name: SettingName): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

export function variableOf(name: SettingName): string {
  return `SKERRY_${keyOf(name).replaceAll('-', '_').toUpperCase()}`
}

export function isSecret(name: SettingName): boolean {
  return settings[name].secret === true
}
