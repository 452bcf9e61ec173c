// What every operation on the fleet works with.
import type { Clock } from '../protocol/clock.js'
import type { Accounts } from './accounts.js'
import type { Audit } from './audit/audit.js'
import type { Keys } from './identity/keys.js'
import type { Inventory } from './inventory.js'
import type { Journal } from './journal.js'
import type { PermitLink } from './permit-link.js'
import type { Publisher } from './publisher.js'
import type { Reception } from './reception.js'
import type { Requests } from './requests.js'
import type { Signing } from './signing.js'
import type { Db } from './store/db.js'

export interface Fleet {
  readonly db: Db
  readonly clock: Clock
  readonly journal: Journal
  readonly audit: Audit
  readonly inventory: Inventory
  readonly keys: Keys
  readonly accounts: Accounts
  readonly reception: Reception
  readonly publisher: Publisher
  readonly permits: PermitLink
  readonly requests: Requests
  readonly signing: Signing
}
