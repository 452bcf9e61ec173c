// Every command, in the order of the help.
import { addAccessToken } from './commands/access-token.js'
import { addAgent } from './commands/agent.js'
import { addApply } from './commands/apply.js'
import { addAudit } from './commands/audit.js'
import { addContext } from './commands/context.js'
import { addDelete } from './commands/delete.js'
import { addDescribe } from './commands/describe.js'
import { addDevice } from './commands/device.js'
import { addGet } from './commands/get.js'
import { addGroup } from './commands/group.js'
import { addImages } from './commands/images.js'
import { addKey } from './commands/key.js'
import { addLink } from './commands/link.js'
import { addLogin } from './commands/login.js'
import { addLogs } from './commands/logs.js'
import { addPermit } from './commands/permit.js'
import { addRestart } from './commands/restart.js'
import { addRun } from './commands/run.js'
import { addServer } from './commands/server.js'
import { addSet } from './commands/set.js'
import { addSwitch, addTag } from './commands/tag.js'
import { addToken } from './commands/token.js'
import { addUp } from './commands/up.js'
import { addUpdate } from './commands/update.js'
import { addUsage } from './commands/usage.js'
import { addUser } from './commands/user.js'
import { addVersion } from './commands/version.js'
import { addWatch } from './commands/watch.js'

export const everyCommand = [
  addUp,
  addServer,
  addAgent,
  addGet,
  addDescribe,
  addApply,
  addTag,
  addSwitch,
  addUpdate,
  addDelete,
  addRun,
  addRestart,
  addPermit,
  addLogs,
  addGroup,
  addToken,
  addDevice,
  addKey,
  addSet,
  addUsage,
  addWatch,
  addImages,
  addLink,
  addLogin,
  addUser,
  addAccessToken,
  addAudit,
  addContext,
  addVersion,
] as const
