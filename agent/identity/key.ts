// The device's key: made once, kept in the state folder, never told to anybody. The device is whoever has it.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { SkerryError } from '../../protocol/errors.js'
import { readIfThere, writeAtomic } from '../files.js'

/** Reads the key in the folder, or makes one. Throws `config.invalid` where it cannot be read: another key would be another device. */
export function openKey(folder: string): KeyObject {
  const path = join(folder, 'device.key')
  const pem = readIfThere(path)
  if (pem !== undefined) return readKey(pem, path)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeAtomic(path, exportKey(privateKey))
  return privateKey
}

export function exportKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function readKey(pem: Buffer, path: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw new SkerryError('config.invalid', `${path} is no private key: restore it, or remove it and join the fleet again`, { cause, path })
  }
}
