// How the HTTP API answers with more than one of something.

export interface List<T> {
  readonly items: readonly T[]
}
