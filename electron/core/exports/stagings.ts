import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { packageForms, pageLanguages } from '#shared/contract/exports.ts';
import { exportProfiles, leftOutReasons } from '#shared/domain/exportProfiles.ts';
import { isInUse, removeLeftovers } from './leftovers.ts';
import {
  intact,
  newKey,
  openStaging,
  readJournal,
  removeStaging,
  type StagedCollection,
  type Staging,
} from './staging.ts';

const exportAbout = z.strictObject({
  requestId: z.int(),
  /** Where the package was to go. */
  folder: z.string(),
  form: z.enum(packageForms),
  language: z.enum(pageLanguages),
  scope: z.strictObject({
    profile: z.enum(exportProfiles),
    leftOut: z
      .array(
        z.strictObject({
          collection: z.string(),
          column: z.string().nullable(),
          because: z.enum(leftOutReasons),
        }),
      )
      .readonly(),
    showOthers: z.boolean(),
    reason: z.string().nullable(),
    since: z.string().nullable(),
    until: z.string().nullable(),
  }),
  /** How many collections it has. */
  collections: z.int().nullable(),
  mapHash: z.string().nullable(),
  snapshots: z.array(z.strictObject({ number: z.int(), began: z.string() })),
  /** When it was resumed, ISO 8601, and which snapshot came next. */
  resumed: z.array(z.strictObject({ at: z.string(), snapshot: z.int() })),
});
/** What an export needs to know of itself to go on in another process. */
export type ExportAbout = z.infer<typeof exportAbout>;

/** An export that was interrupted and of which something lies on this computer. */
export interface Interrupted {
  readonly exportId: number;
  readonly about: ExportAbout;
  readonly finished: readonly StagedCollection[];
}

/** The stagings of this computer: those in use, and what crashes and lost connections have left. */
export interface Stagings {
  /** For an export that begins. `about` is asked again whenever a collection is finished. */
  begin(at: Desk, exportId: number, about: () => ExportAbout): BegunStaging;
  /** For one that goes on; `not_found` where nothing of it lies here, `conflict` where it is still being written. */
  find(at: Desk, exportId: number): Promise<Interrupted>;
  /** What lies here and could go on. */
  list(at: Desk): Promise<readonly Interrupted[]>;
  /** Goes on with it, without what was changed on the disk since, which is read again. */
  resume(at: Desk, found: Interrupted, about: () => ExportAbout): Promise<BegunStaging>;
  /** Removes what is left of an export that is over, unless it is just being ended here. */
  remove(at: Desk, exportId: number): Promise<void>;
  /** Removes what can't go on: whose export is over, is older than a day, or whose key is gone. */
  tidy(at: Desk): Promise<void>;
}

export interface BegunStaging {
  readonly staging: Staging;
  /** False where there is no keychain for the key: then it can't go on after a crash. Told soon after the beginning. */
  readonly survivesCrash: () => boolean;
}

/** No export goes on for longer. */
const longestMs = 24 * 3_600_000;

export function openStagings(): Stagings {
  /** Of this process; without a keychain there is no other place for them. */
  const keys = new Map<string, Uint8Array>();
  const folderOf = (at: Desk, exportId: number): string => join(at.stagingFolder, String(exportId));

  async function keyOf(at: Desk, exportId: number): Promise<Uint8Array | null> {
    const folder = folderOf(at, exportId);
    const known = keys.get(folder);
    if (known !== undefined) return known;
    const text = await at.exportKey(exportId).get();
    if (text === null) return null;
    const key = Buffer.from(text, 'base64');
    keys.set(folder, key);
    return key;
  }

  async function forget(at: Desk, exportId: number): Promise<void> {
    keys.delete(folderOf(at, exportId));
    // Without what it enciphers it is worth nothing.
    await at
      .exportKey(exportId)
      .delete()
      .catch(() => undefined);
  }

  function open(
    at: Desk,
    exportId: number,
    key: Uint8Array,
    about: () => ExportAbout,
    finished: readonly StagedCollection[],
    kept: Promise<unknown>,
  ): Staging {
    return openStaging({
      folder: folderOf(at, exportId),
      key,
      about,
      finished,
      removed: async () => {
        await kept;
        await forget(at, exportId);
      },
    });
  }

  async function read(at: Desk, exportId: number): Promise<Interrupted | null> {
    const key = await keyOf(at, exportId);
    if (key === null) return null;
    const { about, collections } = await readJournal(folderOf(at, exportId), key);
    return { exportId, about: exportAbout.parse(about), finished: collections };
  }

  async function left(at: Desk): Promise<readonly number[]> {
    const names = await readdir(at.stagingFolder).catch(() => []);
    const numbers: number[] = [];
    for (const name of names) {
      if (/^[1-9][0-9]{0,15}$/.test(name) && !(await isInUse(join(at.stagingFolder, name)).catch(() => true)))
        numbers.push(Number(name));
    }
    return numbers;
  }

  async function drop(at: Desk, exportId: number): Promise<void> {
    await removeStaging(folderOf(at, exportId));
    await forget(at, exportId);
  }

  async function isOver(at: Desk, { exportId, about }: Interrupted): Promise<boolean> {
    const exports = await at.database.rows(
      sql`select id, state from privacy_console.list_exports(${about.requestId}::bigint)`,
      z.object({ id: z.coerce.number(), state: z.string() }),
    );
    const found = exports.find(({ id }) => id === exportId);
    return found === undefined || !['running', 'interrupted'].includes(found.state);
  }

  return {
    begin(at, exportId, about) {
      const key = newKey();
      keys.set(folderOf(at, exportId), key);
      // The first rows don't wait for the keychain.
      let survives = true;
      const kept = at
        .exportKey(exportId)
        .set(Buffer.from(key).toString('base64'))
        .catch(() => {
          survives = false;
        });
      return { staging: open(at, exportId, key, about, [], kept), survivesCrash: () => survives };
    },
    async find(at, exportId) {
      const folder = folderOf(at, exportId);
      const inUse = await isInUse(folder).catch(() => null);
      if (inUse === true)
        throw new ExpectedError('conflict', 'This export is still being written on this computer.');
      const found = inUse === null ? null : await read(at, exportId);
      if (found === null)
        throw new ExpectedError(
          'not_found',
          'Nothing of this export lies on this computer, or its key is gone; start the export again.',
        );
      return found;
    },
    async list(at) {
      const found: Interrupted[] = [];
      for (const exportId of await left(at)) {
        const one = await read(at, exportId).catch(() => null);
        if (one !== null) found.push(one);
      }
      return found;
    },
    async resume(at, { exportId, finished }, about) {
      const key = keys.get(folderOf(at, exportId));
      if (key === undefined) throw new Error('a staging is resumed that was not found before');
      const whole = await intact(folderOf(at, exportId), key, finished);
      const staging = open(at, exportId, key, about, whole, Promise.resolve());
      await staging.claim();
      return { staging, survivesCrash: () => true };
    },
    async remove(at, exportId) {
      if ((await left(at)).includes(exportId)) await drop(at, exportId);
    },
    async tidy(at) {
      await removeOld(dirname(at.stagingFolder));
      for (const exportId of await left(at)) {
        let found: Interrupted | null;
        try {
          found = await read(at, exportId);
        } catch (error) {
          // A keychain that is locked now may be open later.
          if (error instanceof ExpectedError && error.code === 'no_keychain') continue;
          found = null;
        }
        if (found !== null) await removeLeftovers(found.about.folder).catch(() => undefined);
        if (found === null || (await isOver(at, found))) await drop(at, exportId);
      }
    },
  };
}

/** Of whatever database: nothing there can go on, and its key leads to nothing any more. */
async function removeOld(folder: string): Promise<void> {
  for (const database of await readdir(folder).catch(() => [])) {
    for (const name of await readdir(join(folder, database)).catch(() => [])) {
      const path = join(folder, database, name);
      const found = await stat(path).catch(() => null);
      if (found === null || Date.now() - found.mtimeMs < longestMs) continue;
      if (!(await isInUse(path).catch(() => true))) await removeStaging(path);
    }
  }
}
