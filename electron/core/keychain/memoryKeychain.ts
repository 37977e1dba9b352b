import { keychainOver, type Keychain } from './keychain.ts';

/** A keychain that lasts as long as the process: for tests, and for a demo, whose secrets are made up. */
export function memoryKeychain(): Keychain {
  const secrets = new Map<string, string>();
  return keychainOver({
    get: (name) => Promise.resolve(secrets.get(name) ?? null),
    set: (name, secret) => {
      secrets.set(name, secret);
      return Promise.resolve();
    },
    delete: (name) => Promise.resolve(secrets.delete(name)),
  });
}
