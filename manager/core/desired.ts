// From the fleet's rows to what devices are told, and which of several apps of one name a device follows.
import type { DesiredApp, Manifest } from '../../protocol/messages/manifest.js'
import { protocolVersion } from '../../protocol/messages/message.js'
import { manifestVariables } from '../../protocol/variables.js'
import type { App, DesiredTarget } from './model.js'

/** `digestBytes` turns a digest's text into bytes. */
export function manifestOf(desired: DesiredTarget, instance: Uint8Array, digestBytes: (text: string) => Uint8Array): Manifest {
  const { target, revision, apps, images, link, slow, fleet, purges, groups, intervalS, epochFloor, release, givenName, labels } = desired
  const manifest: Manifest = {
    version: protocolVersion,
    instance,
    revision,
    apps: release === null ? apps.map(app => desiredApp(app, digestBytes(app.digest))) : [],
    ...(release !== null || purges.length === 0 ? {} : { purges }),
    ...(release !== null || images === null ? {} : { images }),
    ...(release !== null || link === null ? {} : { link }),
  }
  if (target.kind !== 'device') return manifest
  const variables = manifestVariables(givenName, labels)
  return {
    ...manifest,
    ...(release === null ? { groups: [...groups] } : { release }),
    ...(intervalS === null ? {} : { intervalS }),
    ...(epochFloor === null ? {} : { epochFloor }),
    ...(release !== null || slow === null ? {} : { slow }),
    ...(release !== null || variables.length === 0 ? {} : { variables }),
    ...(release !== null || !fleet ? {} : { fleet }),
  }
}

function desiredApp({ name, run, revision, refresh, policy }: App, digest: Uint8Array): DesiredApp {
  return {
    name,
    digest,
    run,
    revision,
    ...(refresh === null ? {} : { refresh }),
    ...(Object.keys(policy).length === 0 ? {} : { policy }),
  }
}

/** The apps that a device follows: its own, then those of its groups by name of the group; the first of each name wins. */
export function effectiveApps(apps: readonly App[]): Map<string, App> {
  const winners = new Map<string, App>()
  for (const app of [...apps].sort(byPrecedence)) if (!winners.has(app.name)) winners.set(app.name, app)
  return winners
}

function byPrecedence(one: App, other: App): number {
  if (one.target.kind !== other.target.kind) return one.target.kind === 'device' ? -1 : 1
  return one.target.name < other.target.name ? -1 : one.target.name > other.target.name ? 1 : 0
}
