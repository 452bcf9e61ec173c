// Revisions that were held once of what is held no longer: what is older stays refused when it comes into question again.
import { bytes, decodeMessage, encodeMessage, field, list, type Of, record, uint, whole } from '../../protocol/shape.js'

/** `path`: a topic below the root. */
const floor = record({ path: field(1, whole(100)), instance: field(2, bytes(8, 8)), revision: field(3, uint()) })
export type Floor = Of<typeof floor>

const maxFloors = 300
const floors = record({ floors: field(1, list(floor, maxFloors)) })
const maxBytes = 64 * 1024

/** With this one, which takes the place of an older one of its path; the oldest give way. */
export function withFloor(known: readonly Floor[], { path, instance, revision }: Floor): readonly Floor[] {
  return [...known.filter(each => each.path !== path), { path, instance, revision }].slice(-maxFloors)
}

export function floorOf(known: readonly Floor[], path: string): Floor | undefined {
  return known.find(each => each.path === path)
}

export function encodeFloors(known: readonly Floor[]): Buffer {
  return encodeMessage(floors, { floors: known })
}

export function decodeFloors(payload: Uint8Array): readonly Floor[] | undefined {
  const decoded = decodeMessage(floors, payload, maxBytes)
  return decoded.ok ? decoded.value.floors : undefined
}
