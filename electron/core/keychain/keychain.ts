import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';

/** What signs a console in to R2. */
export interface ObjectStoreKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** `read` opens objects for viewing and export; `delete` can also remove them, and only profiles that run deletions hold one. */
export type ObjectStoreUse = 'read' | 'delete';

/** One secret of one profile. All three reject with `no_keychain` when the keychain is missing, locked or refuses. */
export interface KeychainEntry<Secret> {
  /** `null` when there is none. */
  get(): Promise<Secret | null>;
  set(secret: Secret): Promise<void>;
  /** Whether there was one. */
  delete(): Promise<boolean>;
}

/** The secrets of profiles, by use. Nothing else of the program stores a secret, and no file ever holds one. */
export interface Keychain {
  databasePassword(profile: string): KeychainEntry<string>;
  objectStoreKeys(profile: string, use: ObjectStoreUse): KeychainEntry<ObjectStoreKeys>;
  /** What a login of one database signs packages with on this workstation, whatever the profile. */
  signingKey(database: string, login: string): KeychainEntry<string>;
  /** What enciphers what an export of a database has read, until it is over; base64. */
  exportKey(database: string, exportId: number): KeychainEntry<string>;
  /** Proves by writing, reading and deleting that the keychain works. Rejects with `no_keychain`. */
  probe(): Promise<void>;
  /** Deletes all secrets of a profile. */
  forget(profile: string): Promise<void>;
}

/** A place that keeps texts under names; what a keychain is made of. */
export interface SecretStore {
  get(name: string): Promise<string | null>;
  set(name: string, secret: string): Promise<void>;
  delete(name: string): Promise<boolean>;
}

/** The keychain is there but does not give or take secrets. */
export function keychainLocked(): ExpectedError {
  return new ExpectedError(
    'no_keychain',
    "This computer's keychain is locked or refuses the console; unlock it and try again. Secrets are kept nowhere else.",
  );
}

const storedKeys = z.strictObject({ accessKeyId: z.string().min(1), secretAccessKey: z.string().min(1) });

/** Gives a store of texts the shape of a keychain. */
export function keychainOver(store: SecretStore): Keychain {
  const probe = async (): Promise<void> => {
    const name = `probe/${randomUUID()}`;
    const secret = `${randomUUID()} é म`;
    await store.set(name, secret);
    const read = await store.get(name);
    const deleted = await store.delete(name);
    if (read !== secret || !deleted || (await store.get(name)) !== null) throw keychainLocked();
  };
  const text = (name: string): KeychainEntry<string> => ({
    async get() {
      const secret = await store.get(name);
      // A locked Secret Service says "none" as an empty one does, so "none" is believed only after a probe.
      if (secret === null) await probe();
      return secret;
    },
    async set(secret) {
      await store.set(name, secret);
      if ((await store.get(name)) !== secret) throw keychainLocked();
    },
    delete: () => store.delete(name),
  });
  const databasePassword = (profile: string): KeychainEntry<string> => text(`${profile}/database-password`);
  const objectStoreKeys = (profile: string, use: ObjectStoreUse): KeychainEntry<ObjectStoreKeys> => {
    const entry = text(`${profile}/object-store-${use}`);
    return {
      async get() {
        const secret = await entry.get();
        return secret === null ? null : parseKeys(secret);
      },
      set: (keys) =>
        entry.set(JSON.stringify({ accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey })),
      delete: () => entry.delete(),
    };
  };
  return {
    databasePassword,
    objectStoreKeys,
    // Names of profiles hold no slash before their first letter, so no profile has this one.
    signingKey: (database, login) => text(`/package-signing-key/${database}/${login}`),
    exportKey: (database, exportId) => text(`/export-key/${database}/${String(exportId)}`),
    probe,
    async forget(profile) {
      await databasePassword(profile).delete();
      await objectStoreKeys(profile, 'read').delete();
      await objectStoreKeys(profile, 'delete').delete();
    },
  };
}

/** Says nothing of what it found: neither a parser's message nor a cause may carry the secret on. */
function parseKeys(secret: string): ObjectStoreKeys {
  try {
    return storedKeys.parse(JSON.parse(secret));
  } catch {
    throw new ExpectedError(
      'wrong_credentials',
      'The R2 keys of this profile in the keychain are damaged; enter them again.',
    );
  }
}
