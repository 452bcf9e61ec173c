// Every topic that Skerry uses, built and parsed here and nowhere else. topics.md is the public form of this file.
import { accept, type Result, refuse } from './errors.js'
import { isName } from './names.js'

export const defaultRoot = 'skerry'

/** Channels of a device, with who writes them: below `{root}/device/{id}/`, but for the heartbeat, whose topic is short. */
export const deviceChannels = {
  status: 'agent',
  heartbeat: 'agent',
  reported: 'agent',
  changes: 'agent',
  desired: 'manager',
  renewal: 'agent',
  certificate: 'manager',
  usage: 'agent',
} as const
export type DeviceChannel = keyof typeof deviceChannels

/** Channels below `{root}/fleet/`, for every device. */
export const fleetChannels = { desired: 'manager', keys: 'manager' } as const
export type FleetChannel = keyof typeof fleetChannels

/** What a request and its answers are published on, below a device, with who writes them. */
export const exchanges = { request: 'manager', response: 'agent' } as const
type Exchange = keyof typeof exchanges

/** Channels below `{root}/join/{key}/`, with who writes them. */
export const joinChannels = { request: 'agent', answer: 'manager' } as const
type JoinChannel = keyof typeof joinChannels

export type Topic =
  | { readonly kind: 'device'; readonly device: string; readonly channel: DeviceChannel }
  /** `rid` names one request; see {@link isRequestId}. */
  | { readonly kind: Exchange; readonly device: string; readonly rid: string }
  | { readonly kind: 'group'; readonly group: string; readonly channel: 'desired' }
  | { readonly kind: 'fleet'; readonly channel: FleetChannel }
  | { readonly kind: 'spec'; readonly digest: string }
  /** `key` names the public key of a device that has no certificate yet; see {@link isKeyName}. */
  | { readonly kind: 'join'; readonly key: string; readonly channel: JoinChannel }

/** A SHA-256 as a topic segment, in base64url without padding. */
const digestSegment = /^[A-Za-z0-9_-]{43}$/

/** The topic's name under `root`. The parts must be valid names; see names.ts. */
export function formatTopic(root: string, topic: Topic): string {
  switch (topic.kind) {
    case 'device':
      return channelOf(root, topic.device, topic.channel)
    case 'request':
    case 'response':
      return `${root}/device/${topic.device}/${topic.kind}/${topic.rid}`
    case 'group':
      return `${root}/group/${topic.group}/${topic.channel}`
    case 'fleet':
      return `${root}/fleet/${topic.channel}`
    case 'spec':
      return `${root}/spec/${topic.digest}`
    case 'join':
      return `${root}/join/${topic.key}/${topic.channel}`
  }
}

function channelOf(root: string, device: string, channel: DeviceChannel): string {
  return channel === 'heartbeat' ? `${root}/h/${device}` : `${root}/device/${device}/${channel}`
}

/** The meaning of a topic name, or undefined if Skerry has no such topic under `root`. */
export function parseTopic(root: string, name: string): Topic | undefined {
  if (!name.startsWith(`${root}/`)) return undefined
  const [kind, id = '', channel, rid, ...rest] = name.slice(root.length + 1).split('/')
  if (rest.length > 0) return undefined
  if (kind === 'device' && channel !== undefined && isName('device', id)) return parseChannel(id, channel, rid)
  if (rid !== undefined) return undefined
  if (kind === 'h' && channel === undefined && isName('device', id)) return { kind: 'device', device: id, channel: 'heartbeat' }
  if (kind === 'group' && channel === 'desired' && isName('group', id)) return { kind, group: id, channel }
  if (kind === 'fleet' && channel === undefined && isFleetChannel(id)) return { kind, channel: id }
  if (kind === 'spec' && channel === undefined && digestSegment.test(id)) return { kind, digest: id }
  if (kind === 'join' && channel !== undefined && isJoinChannel(channel) && isKeyName(id)) return { kind, key: id, channel }
  return undefined
}

function parseChannel(device: string, channel: string, rid: string | undefined): Topic | undefined {
  if (rid === undefined) return isDeviceChannel(channel) && channel !== 'heartbeat' ? { kind: 'device', device, channel } : undefined
  return isExchange(channel) && isRequestId(rid) ? { kind: channel, device, rid } : undefined
}

/** 1 to 40 of `A-Z a-z 0-9 _ -`. */
function isRequestId(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,40}$/.test(text)
}

/** Whether it can be the name of a public key: the SHA-256 of its SPKI, in base64url. */
function isKeyName(text: string): boolean {
  return digestSegment.test(text)
}

function isJoinChannel(text: string): text is JoinChannel {
  return Object.hasOwn(joinChannels, text)
}

function isExchange(text: string): text is Exchange {
  return Object.hasOwn(exchanges, text)
}

function isDeviceChannel(text: string): text is DeviceChannel {
  return Object.hasOwn(deviceChannels, text)
}

function isFleetChannel(text: string): text is FleetChannel {
  return Object.hasOwn(fleetChannels, text)
}

/** The filter that matches one channel of every device. */
export function everyDevice(root: string, channel: DeviceChannel): string {
  return channelOf(root, '+', channel)
}

/** The filter that matches every request to one device. */
export function requestsTo(root: string, device: string): string {
  return `${root}/device/${device}/request/+`
}

/** The filter that matches every response of every device. */
export function everyResponse(root: string): string {
  return `${root}/device/+/response/+`
}

/** The filter that matches what everybody asks who wants to join. */
export function everyJoinRequest(root: string): string {
  return `${root}/join/+/request`
}

/** A root may have several segments, but no wildcard, NUL, empty segment or leading `$`. */
export function checkRoot(root: string): Result<string> {
  const segments = root.split('/')
  const fine = root.length <= 100 && !root.startsWith('$') && segments.every(segment => /^[A-Za-z0-9._-]+$/.test(segment))
  return fine
    ? accept(root)
    : refuse(
        'topic.invalid',
        `${JSON.stringify(root.slice(0, 100))} is no valid topic root: use a-z, A-Z, 0-9, . _ -, with / between segments`,
      )
}

/** The MQTT client id of a device's agent. It names the device to the broker's access rules. */
export function clientIdOf(device: string): string {
  return `dev-${device}`
}

/** The device that a client id claims to be, if it claims to be one. */
export function deviceOfClientId(clientId: string): string | undefined {
  const device = clientId.startsWith('dev-') ? clientId.slice(4) : ''
  return isName('device', device) ? device : undefined
}

/** The MQTT client id of a device that asks to join: it has a key and no certificate yet. */
export function joinClientIdOf(key: string): string {
  return `join-${key}`
}

/** The name of the key that a client id asks to join with, if it does. */
export function keyOfJoinClientId(clientId: string): string | undefined {
  const key = clientId.startsWith('join-') ? clientId.slice(5) : ''
  return isKeyName(key) ? key : undefined
}
