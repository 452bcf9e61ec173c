// The parts of a manager, put together over its database; nothing of it waits or listens yet.
import type { Logger } from 'pino'
import type { Access } from '../protocol/access.js'
import type { Clock } from '../protocol/clock.js'
import { openAccess } from './access.js'
import { Accounts } from './accounts.js'
import { Audit } from './audit/audit.js'
import { Bridge } from './bridge/bridge.js'
import { Values } from './bridge/values.js'
import { Commands } from './commands.js'
import { keyOf } from './core/model.js'
import type { Fleet } from './fleet.js'
import { Certificates } from './identity/certificates.js'
import { Joining } from './identity/joining.js'
import { Keys } from './identity/keys.js'
import { deviceLifeMs, type Pki } from './identity/pki.js'
import { Intake } from './intake.js'
import { Inventory } from './inventory.js'
import { Journal } from './journal.js'
import { Manifests } from './manifests.js'
import { PermitLink } from './permit-link.js'
import { Publisher } from './publisher.js'
import { Reception } from './reception.js'
import { Reports } from './reports.js'
import { Requests } from './requests.js'
import { Signing } from './signing.js'
import { States } from './states.js'
import type { Db } from './store/db.js'
import { readInstance } from './store/meta.js'
import { Door, type FixedTokens } from './users/door.js'

export interface IdentityOptions {
  readonly pki: Pki
  /** What a device without a token must know to be shown to people. */
  readonly fleetKey?: string | undefined
  /** Of devices' certificates, ms. */
  readonly deviceLifeMs?: number
  /** False: whoever the broker lets write on a device's topics is of the fleet, joined or not. */
  readonly strict?: boolean
}

export interface Surroundings {
  readonly db: Db
  readonly file: string
  readonly root: string
  readonly identity: IdentityOptions | undefined
  readonly tokens: FixedTokens
  readonly log: Logger
  readonly clock: Clock
}

export interface Parts {
  readonly fleet: Fleet
  readonly root: string
  readonly instance: Buffer
  readonly clock: Clock
  readonly intake: Intake
  readonly reports: Reports
  readonly commands: Commands
  readonly states: States
  readonly values: Values
  readonly bridge: Bridge
  readonly joining: Joining | undefined
  readonly door: Door
  readonly access: Access
}

export function assemble({ db, file, root, identity, tokens, log, clock }: Surroundings): Parts {
  const instance = readInstance(db)
  const keys = new Keys(db)
  const signing = new Signing(db, clock.now())
  const audit = new Audit({ db, file, clock, log: log.child({ component: 'audit' }) })
  const journal = new Journal(db, clock, log.child({ component: 'journal' }), events => audit.changed(events))
  const inventory = new Inventory({
    db,
    journal,
    clock,
    log: log.child({ component: 'inventory' }),
    caughtUp: ({ id }) => states.look(`device/${id}`),
  })
  const permits: PermitLink = new PermitLink({ root, log: log.child({ component: 'permits' }), fleet: () => fleet })
  const publisher = new Publisher({
    db,
    root,
    manifests: new Manifests({ db, root, instance, signing }),
    clock,
    log: log.child({ component: 'publisher' }),
    clearPermit: (link, target) => permits.clear(link, target),
    released(device) {
      reception.unbury(device)
      keys.gone(device)
    },
  })
  const accounts = new Accounts({ db, journal, inventory, publisher, clock, log: log.child({ component: 'accounts' }) })
  const requests = new Requests({ root, clock, journal, inventory, signing })
  const reports = new Reports({ clock, inventory, requests, log: log.child({ component: 'reports' }) })
  const strict = identity !== undefined && identity.strict !== false
  const reception: Reception = new Reception({
    db,
    root,
    instance,
    journal,
    inventory,
    publisher,
    requests,
    accounts,
    reports,
    strict,
    joining: () => joining,
  })
  const intake = new Intake(root, reception, log.child({ component: 'intake' }))
  const fleet: Fleet = { db, clock, journal, audit, inventory, keys, accounts, reception, publisher, permits, requests, signing }
  const joining = identity === undefined ? undefined : openJoining(fleet, root, identity, log)
  const states: States = new States({ root, fleet, log: log.child({ component: 'states' }) })
  const door = new Door(fleet, tokens)
  const commands = new Commands({
    root,
    fleet,
    senders: { user: name => door.user(name), areKnown: strict },
    log: log.child({ component: 'commands' }),
    tellStates: target => states.tell(keyOf(target)),
  })
  const values = new Values({ root, clock })
  const bridge = new Bridge({ root, commands, values })
  const access = openAccess({ db, keys, journal, audit, people: door })
  return { fleet, root, instance, clock, intake, reports, commands, states, values, bridge, joining, door, access }
}

function openJoining(fleet: Fleet, root: string, identity: IdentityOptions, log: Logger): Joining {
  const { pki, fleetKey, deviceLifeMs: lifeMs = deviceLifeMs } = identity
  const certificates = new Certificates({ fleet, pki, lifeMs })
  const signingKeys = () => fleet.signing.keys()
  return new Joining({ fleet, root, certificates, fleetKey, signingKeys, log: log.child({ component: 'joining' }) })
}
