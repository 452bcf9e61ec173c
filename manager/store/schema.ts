// The tables, as types for the query builder; migrations.ts is their SQL. Times are ms since 1970, flags 0 or 1.
import type { Generated } from 'kysely'
import type { Flow, Purpose } from '../../protocol/messages/usage.js'

export interface Tables {
  meta: { key: string; value: string }
  devices: DeviceTable
  /** `stamp` is that of the newest message that the report was made of. */
  reports: { device: string; payload: Uint8Array; stamp: Uint8Array | null }
  groups: { name: string; created_at: number }
  members: { group_name: string; device: string }
  apps: AppTable
  revisions: { app: number; revision: number; digest: string; services: string; origin: string; created_at: number }
  /** The one given or asked for last has the highest number. */
  versions: { number: Generated<number>; app: number; name: string; revision: number; digest: string; origin: string; created_at: number }
  /** Specs and files of bundles, as they travel. */
  specs: { digest: string; published: number; payload: Uint8Array }
  spec_files: { spec: string; file: string }
  targets: { kind: 'device' | 'group' | 'fleet' | 'keys'; name: string; revision: number; published: number; gone: number }
  purges: { id: Generated<number>; kind: 'device' | 'group'; target: string; name: string; volumes: number; images: number }
  /** `key` is the one that the device was registered with. */
  tombstones: { device: string; mode: 'keep' | 'remove'; confirmed: number; released_at: number; key: string | null }
  /** Only the newest still has its private key. `link` is its announcement by the one before. */
  signing_keys: { number: number; public_key: Uint8Array; private_key: Uint8Array | null; link: Uint8Array | null; created_at: number }
  events: EventTable
  audit: AuditTable
  /** The newest row of the audit trail, once: what is cut off behind it shows. */
  audit_head: { id: number; number: number; hash: Uint8Array; seal: Uint8Array }
  /** One row a list; its patterns as JSON. */
  image_lists: { kind: 'fleet' | 'group'; name: string; patterns: string; changed_at: number }
  /** What a device has told of its newest count, as JSON, and how many times more rarely its telemetry comes. */
  usage_counts: { device: string; count: number; traffic: string; slow: number }
  usage_days: UsageDayTable
  /** How a device or a group is to use its link, as JSON of what a user set. */
  links: { kind: 'device' | 'group'; name: string; setting: string; changed_at: number }
  permits: PermitTable
  device_keys: { device: string; key: string; joined_at: number; via: 'token' | 'approval'; ends_at: number | null }
  join_tokens: TokenTable
  pending_joins: {
    key: string
    device: string
    spki: Uint8Array
    facts: string
    first_at: number
    last_at: number
    rejected: number
  }
  commands: { number: Generated<number>; topic: string; sender_id: string; digest: Uint8Array; answer: string; at: number }
  users: UserTable
  /** `hash` is the SHA-256 of the secret. */
  sessions: { hash: string; user: string; kind: 'cookie' | 'token'; created_at: number; seen_at: number }
  access_tokens: AccessTokenTable
}

/** A day in UTC, such as `2026-11-21`, and its bytes. */
export type UsageDayTable = { device: string; day: string } & Record<`${Purpose}_${keyof Flow}`, number>
interface PermitTable {
  kind: 'device' | 'group'
  name: string
  /** Null: the broker is to be told that there is none any more. */
  value: number | null
  lease_s: number | null
  said_by: string | null
  user: string | null
  address: string | null
  via: 'http' | 'mqtt'
  since: number
  given: number
  /** Above 0: the broker has still to be told, in this order. */
  pending: number
}

interface DeviceTable {
  id: string
  name: string | null
  description: string
  labels: string
  interval_s: number | null
  epoch_floor: number | null
  registered_at: number
  epoch: number
  sequence: number
  ended: string | null
  lost: number
  beat_s: number
  engine: number
  state: string
  reason: string | null
  since: number
  last_seen: number | null
  facts: string | null
  metrics: string | null
  held: number
  held_since: number | null
}

interface AppTable {
  id: Generated<number>
  kind: 'device' | 'group'
  target: string
  name: string
  /** The current revision; numbers go on when a deleted app is deployed again. */
  revision: number
  run: 'running' | 'stopped'
  /** Generation of the newest refresh, null if there was none; its services as JSON, null for all. */
  refresh: number | null
  refresh_services: string | null
  /** JSON of what differs from the default. */
  policy: string
  manifest: Generated<number>
  created_at: number
  updated_at: number
  deleted_at: number | null
}

interface TokenTable {
  id: string
  /** SHA-256 of the secret, hex. */
  hash: string
  name: string
  groups: string
  labels: string
  uses: number
  used: number
  created_at: number
  expires_at: number
}

interface EventTable {
  id: Generated<number>
  at: number
  type: string
  device: string | null
  group_name: string | null
  app: string | null
  message: string
  data: string
}

interface AuditTable {
  number: number
  at: number
  who: string
  via: string
  source: string
  action: string
  target: string
  outcome: string
  code: string | null
  count: number
  detail: string
  hash: Uint8Array
}

interface UserTable {
  name: string
  role: 'viewer' | 'operator' | 'admin'
  /** JSON of the groups that the role is for; null: the whole fleet. */
  groups: string | null
  /** As manager/users/passwords.ts writes it. */
  password: string
  /** 1: good for one log-in, which replaces it. */
  once: number
  created_at: number
  last_seen: number | null
}

interface AccessTokenTable {
  id: string
  /** SHA-256 of the secret. */
  hash: string
  name: string
  role: 'viewer' | 'operator' | 'admin'
  groups: string | null
  created_at: number
  created_by: string
  expires_at: number
  last_seen: number | null
}
