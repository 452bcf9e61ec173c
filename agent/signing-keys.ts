// The manager's public keys that a device goes by: given to it when it joined, replaced when the manager changes its key.

export interface SigningKeys {
  /** Ed25519, 32 bytes each: what is signed with none of these is refused. */
  keys(): readonly Uint8Array[]
  /** On disk before it returns, as the retired keys are never accepted again. Throws what the disk says; then nothing has changed. */
  replace(keys: readonly Uint8Array[]): void
}
