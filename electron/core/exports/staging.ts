import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ignoreMissing } from './disk.ts';
import { temporaryName } from './leftovers.ts';
import { createSealed, keyBytes, readSealed } from './sealedFile.ts';
import type { SealedWriter } from './sealedFile.ts';

const stagedPart = z.strictObject({
  /** Its name in the staging; says nothing. */
  file: z.string().regex(/^[0-9a-f-]{36}$/),
  crc: z.number(),
  bytes: z.number(),
  packedBytes: z.number(),
  sha256: z.string(),
});
/** A file of the package to be, deflated, and what it is when it is not. */
export type StagedPart = z.infer<typeof stagedPart>;

const count = z.int().nonnegative();
const stagedCollection = z.strictObject({
  name: z.string(),
  rows: count,
  rowsCounted: count.nullable(),
  reading: z
    .strictObject({
      parts: z.array(z.strictObject({ snapshot: z.int(), rows: count })),
      rowsAtEnd: count,
    })
    .nullable(),
  records: stagedPart,
  table: stagedPart.nullable(),
});
/** A collection that was read to its end and counted. */
export type StagedCollection = z.infer<typeof stagedCollection>;

const journal = z.strictObject({
  /** What the export is, in the words of who began it. */
  about: z.unknown(),
  collections: z.array(stagedCollection),
});

/**
 * Where an export keeps what it has read until the package is put together:
 * deflated, enciphered under a key that is on no disk, in a folder only its
 * owner may look into. A journal names what is finished, so that reading can
 * go on from there, also in another process.
 */
export interface Staging {
  /** What was finished before, by name. */
  readonly finished: ReadonlyMap<string, StagedCollection>;
  /** Makes it the own of this process, for others to see; done by itself with the first file. */
  claim(): Promise<void>;
  /** A new file for what is deflated; `follow` reads it while it is written. */
  create(): Promise<{
    readonly name: string;
    readonly writer: SealedWriter;
    readonly follow: () => AsyncGenerator<Uint8Array>;
  }>;
  /** Gives what was written to it, proven; throws `disk` where it was changed. */
  read(part: StagedPart): AsyncGenerator<Uint8Array>;
  /** Forgets a file that did not come to its end. */
  discard(name: string): Promise<void>;
  /** Tells the journal of a finished collection. */
  finish(collection: StagedCollection): Promise<void>;
  /** Leaves it to whoever goes on with it. */
  release(): Promise<void>;
  /** Removes all of it. */
  remove(): Promise<void>;
}

export interface StagingOptions {
  /** Its own folder, which is made with the first file. */
  readonly folder: string;
  readonly key: Uint8Array;
  /** Asked for each entry of the journal; kept with it. */
  readonly about: () => unknown;
  readonly finished?: readonly StagedCollection[];
  /** Called when it has been removed. */
  readonly removed?: () => Promise<void>;
}

const journalName = 'journal';

export function newKey(): Uint8Array {
  return randomBytes(keyBytes);
}

export function openStaging({ folder, key, about, finished = [], removed }: StagingOptions): Staging {
  const collections = new Map(finished.map((each) => [each.name, each]));
  let made: Promise<void> | undefined;
  // Named after who writes here, as a package in the making is, so that others know whether it is a leftover.
  const mark = join(folder, temporaryName());
  const prepare = (): Promise<void> =>
    (made ??= (async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(mark, '', { flag: 'wx', mode: 0o600 });
      await tell();
    })());
  const tell = (): Promise<void> =>
    writeJournal(folder, key, { about: about(), collections: [...collections.values()] });

  return {
    finished: collections,
    claim: prepare,
    async create() {
      await prepare();
      const name = randomUUID();
      const path = join(folder, name);
      const writer = await createSealed(path, key);
      return { name, writer, follow: () => readSealed(path, key, (frame) => writer.written(frame)) };
    },
    read: (part) => readSealed(join(folder, part.file), key),
    discard: (name) => unlink(join(folder, name)).catch(ignoreMissing),
    async finish(collection) {
      collections.set(collection.name, collection);
      await prepare();
      await tell();
    },
    async release() {
      if (made === undefined) return;
      await tell();
      await unlink(mark).catch(ignoreMissing);
    },
    async remove() {
      await removeStaging(folder);
      await removed?.();
    },
  };
}

/** Removes a staging's folder, whoever made it. */
export async function removeStaging(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** Replaced as a whole: at any moment the old or the new one is there. */
async function writeJournal(
  folder: string,
  key: Uint8Array,
  content: z.input<typeof journal>,
): Promise<void> {
  const half = join(folder, randomUUID());
  const writer = await createSealed(half, key, journalName);
  try {
    await writer.write(Buffer.from(JSON.stringify(content), 'utf8'));
    await writer.end();
  } finally {
    await writer.close();
  }
  await rename(half, join(folder, journalName));
}

/** What the journal says. Throws `disk` where there is none, or where it is not what was written with this key. */
export async function readJournal(folder: string, key: Uint8Array): Promise<z.output<typeof journal>> {
  const pieces: Uint8Array[] = [];
  for await (const piece of readSealed(join(folder, journalName), key)) pieces.push(piece);
  return journal.parse(JSON.parse(Buffer.concat(pieces).toString('utf8')));
}

/** Those of the collections whose files are there as they were written. */
export async function intact(
  folder: string,
  key: Uint8Array,
  collections: readonly StagedCollection[],
): Promise<readonly StagedCollection[]> {
  const whole: StagedCollection[] = [];
  for (const collection of collections) {
    const { records, table } = collection;
    const fine = await Promise.all(
      [records, table].map((part) =>
        part === null ? Promise.resolve(true) : isIntact(join(folder, part.file), key),
      ),
    );
    if (fine.every(Boolean)) whole.push(collection);
  }
  return whole;
}

async function isIntact(path: string, key: Uint8Array): Promise<boolean> {
  try {
    for await (const frame of readSealed(path, key)) void frame;
    return true;
  } catch {
    return false;
  }
}
