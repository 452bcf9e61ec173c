// What the HTTP API answers about the fleet as a whole: events, lists of images, keys that sign.

export interface FleetEvent {
  readonly id: number
  readonly at: string
  readonly type: string
  readonly device: string | null
  readonly group: string | null
  readonly app: string | null
  readonly message: string
  readonly data: Readonly<Record<string, unknown>>
}

/** The fleet's without a group. */
export interface ImageList {
  readonly group: string | null
  readonly patterns: readonly string[]
}

export interface SigningKey {
  readonly number: number
  readonly id: string
  readonly createdAt: string
  readonly current: boolean
  readonly devices: number
}
