// What the HTTP API answers about permits and what they hold back.

/** The last word on whether containers may be changed. */
export interface Permit {
  readonly value: boolean
  readonly leaseS: number | null
  readonly by: string | null
  readonly user: string | null
  readonly address: string | null
  readonly since: string
}

export interface Held {
  readonly by: 'device' | 'group' | 'owner'
  readonly group: string | null
  readonly why: 'withheld' | 'lapsed' | 'missing'
  readonly who: string | null
  readonly since: string
}
