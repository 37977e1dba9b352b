import type { AsyncEntry } from 'keytar';
import { ExpectedError } from '#core/kernel/errors.ts';
import { keychainLocked, keychainOver, type Keychain, type SecretStore } from './keychain.ts';

const service = 'CloudSingh Privacy Console';

/**
 * The keychain of the operating system: Keychain on macOS, Credential Manager on Windows, the Secret Service
 * (GNOME Keyring, KWallet) on Linux. There is no second place: without one, every call rejects with `no_keychain`.
 */
export function osKeychain(): Keychain {
  return keychainOver(operatingSystem);
}

/**
 * The package `keytar` was archived in December 2022 and needs a compiler or a download to install; package.json puts
 * its maintained successor, @napi-rs/keyring, under that name. Only `AsyncEntry` can be pinned to a store: unpinned,
 * as its keytar-compatible functions are, it falls back without a word to the kernel's keyring, which is lost at reboot.
 */
async function entry(name: string): Promise<AsyncEntry> {
  const keytar = await import('keytar').catch(() => undefined);
  if (keytar === undefined) {
    throw new ExpectedError(
      'no_keychain',
      'The part of the console that speaks to the keychain could not be loaded on this computer; install the console again.',
    );
  }
  try {
    return new keytar.AsyncEntry(service, name, { linux: { store: 'secret-service' } });
  } catch {
    throw new ExpectedError(
      'no_keychain',
      'This computer has no keychain running; start one (on Linux a Secret Service such as GNOME Keyring or KWallet) and try again. Secrets are kept nowhere else.',
    );
  }
}

/** Its errors all carry the same code and may quote what they were given, so none is passed on. */
async function attempt<Value>(name: string, work: (entry: AsyncEntry) => Promise<Value>): Promise<Value> {
  const opened = await entry(name);
  try {
    return await work(opened);
  } catch {
    throw keychainLocked();
  }
}

const operatingSystem: SecretStore = {
  get: (name) => attempt(name, (opened) => opened.getPassword()),
  set: (name, secret) => attempt(name, (opened) => opened.setPassword(secret)),
  delete: (name) => attempt(name, (opened) => opened.deletePassword()),
};
