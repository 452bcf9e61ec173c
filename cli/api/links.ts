// What the HTTP API answers about how links are used.

/** How a link is used; null: no limit. */
export interface Link {
  readonly profile: string
  readonly intervalS: number
  readonly keepaliveS: number
  readonly metricsS: number
  readonly reportMs: number
  readonly changes: boolean
  readonly usageS: number
  readonly logBytesPerS: number | null
  readonly logBytes: number | null
  readonly pulls: number | null
  readonly quiet: readonly string[]
  readonly budgetBytes: number | null
  /** A silent device is NotReady so long after its last heartbeat. */
  readonly notReadyAfterS: number
}

/** Whose setting it is; null: nobody's. */
export type LinkOwner = { readonly kind: 'device' | 'group'; readonly name: string } | null

export interface LinkStanding {
  readonly setting: Readonly<Record<string, unknown>> | null
  readonly link: Link | null
  readonly of: LinkOwner
}
