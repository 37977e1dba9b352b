import { open, unlink } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import {
  bucketFindings,
  compareBucket,
  type ListedKey,
  unknownBeginnings,
  type BucketCount,
  type NamedObject,
} from '#core/dataMap/check/bucket.ts';
import { mapFromCanonical } from '#core/dataMap/map.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Progress } from '#core/kernel/jobs.ts';
import type { ObjectStore } from '#core/objectStore/objectStore.ts';

const begun = z.object({ check: z.number(), entry: z.number() });

/** Announces a check of the bucket. */
export function beginBucketCheck(at: Desk, note: (entry: number) => void): Promise<z.output<typeof begun>> {
  return at.database.effect(sql`select privacy_console.begin_bucket_check() as result`, begun, note);
}

/**
 * Compares the bucket with what rows name, and tells the trail how it ended.
 * @param keysFile where full keys go, readable by its owner only; null keeps none
 */
export async function checkBucket(
  at: Desk,
  check: number,
  keysFile: string | null,
  progress: Progress,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const end = (outcome: 'done' | 'failed', unknown: readonly string[], detail: object): Promise<unknown> =>
    at.database.effect(
      sql`select privacy_console.end_bucket_check(${check}::bigint, ${outcome}::text, ${[...unknown]}::text[], ${JSON.stringify(detail)}::text) as result`,
      z.object({}),
      () => undefined,
    );
  let bucket: ObjectStore | null = null;
  const began = Date.now();
  try {
    bucket = await at.openBucket('read');
    const { text } = await at.database.row(
      sql`select text from privacy_console.installed_map()`,
      z.object({ text: z.string() }),
    );
    const map = mapFromCanonical(text);
    const counted = await compareInto(
      keysFile,
      keysOf(bucket, began, progress, signal),
      namesOf(at, check, signal),
    );
    const { objects, named, underPrefix, unnamed, missing } = counted;
    const counts = { objects, named, underPrefix, unnamed, missing };
    await end('done', unknownBeginnings(map, counted), counts);
    return { ...counts, findings: [...bucketFindings(map, counted)] };
  } catch (error) {
    await end('failed', [], { code: error instanceof ExpectedError ? error.code : 'internal' }).catch(
      () => undefined,
    );
    throw error;
  } finally {
    bucket?.close();
  }
}

async function compareInto(
  file: string | null,
  keys: AsyncIterable<ListedKey>,
  names: AsyncIterable<NamedObject>,
): Promise<BucketCount> {
  if (file === null) return compareBucket(keys, names, () => undefined);
  let handle;
  try {
    handle = await open(file, 'wx', 0o600);
  } catch {
    throw new ExpectedError(
      'disk',
      'The file for the keys can’t be made; choose another path, where no file is yet.',
    );
  }
  let whole = false;
  try {
    const written = handle;
    const counted = await compareBucket(keys, names, async (key, why) => {
      await written.write(`${JSON.stringify({ why, key })}\n`);
    });
    await handle.sync();
    whole = true;
    return counted;
  } finally {
    await handle.close();
    if (!whole) await unlink(file).catch(() => undefined);
  }
}

async function* keysOf(
  bucket: ObjectStore,
  began: number,
  progress: Progress,
  signal: AbortSignal,
): AsyncGenerator<ListedKey> {
  let listed = 0;
  for await (const { key, modified } of bucket.list('', { signal })) {
    listed += 1;
    if (listed % 1000 === 0) progress('listing the bucket', listed, null);
    yield { key, recent: modified.getTime() >= began };
  }
}

async function* namesOf(at: Desk, check: number, signal: AbortSignal): AsyncGenerator<NamedObject> {
  const stream = await at.pool.copyOut(
    `copy (select n.is_prefix::int || n.hex from privacy_console.bucket_names(${String(check)}) n) to stdout`,
    { signal },
  );
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity }))
      yield { prefix: line.startsWith('1'), hex: line.slice(1) };
  } finally {
    stream.destroy();
  }
}
