// What the HTTP API answers about the audit log.

export interface AuditRow {
  readonly number: number
  readonly at: string
  readonly who: string
  readonly via: string
  readonly from: string
  readonly action: string
  readonly target: string
  readonly outcome: 'done' | 'refused' | 'failed'
  readonly code: string | null
  readonly count: number
  readonly detail: string
  readonly hash: string
}

export interface Verification {
  readonly intact: boolean
  readonly rows: number
  readonly head: string
  readonly broken: number
  readonly faults: readonly { readonly number: number; readonly message: string }[]
}
