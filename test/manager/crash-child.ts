// A manager in a process of its own, to be killed by crash.test.ts: node crash-child.js FILE BROKER-URL. Prints its URL.
import { startManager } from '../../manager/manager.js'
import { testHttp } from '../support/credentials.js'
import { silent } from './site.js'

const [, , file = '', url = ''] = process.argv
const manager = await startManager({ file, root: 'skerry', broker: { url }, http: testHttp, log: silent })
console.log(manager.url)
