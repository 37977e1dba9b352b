import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import type { Progress } from '#core/kernel/jobs.ts';

/** Names of objects that are compared with one statement. */
export const keysAtOnce = 10_000;
/** For one pass over the largest table. */
export const lookTimeoutMs = 300_000;

/**
 * Looks for the person in every mapped collection, one after the other, and in
 * the names of all objects, so that a run can be seen to do it and be cancelled
 * in between. What is found is kept by the database, beside the run.
 */
export async function lookAgain(
  at: Desk,
  run: number,
  progress: Progress,
  planned: number,
  signal: AbortSignal,
): Promise<void> {
  const { database } = at;
  const collections = await database.rows(
    sql`select c as name from privacy_console.to_look_at(${run}::bigint) c`,
    z.object({ name: z.string() }),
    { signal },
  );
  for (const [index, { name }] of collections.entries()) {
    signal.throwIfAborted();
    progress(`looking again at ${name} (${index + 1} of ${collections.length})`, planned, planned);
    await database.effect(
      sql`select privacy_console.look_at(${run}::bigint, ${name}::text) as result`,
      z.object({}),
      () => undefined,
      { timeoutMs: lookTimeoutMs },
    );
  }
  await lookAtKeys(
    at,
    run,
    (looked) => {
      progress(`looking again at names in R2 (${looked} so far)`, planned, planned);
    },
    signal,
  );
}

/** All of the bucket is listed: what names the person may lie anywhere. */
async function lookAtKeys(
  at: Desk,
  run: number,
  looked: (keys: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let keys: string[] = [];
  let count = 0;
  /** Whether all was looked through by then, by another console that runs the same plan. */
  const compare = async (isLast: boolean): Promise<boolean> => {
    const done = await at.database.effect(
      sql`select privacy_console.look_at_keys(${run}::bigint, ${keys}::text[], ${count === keys.length}::boolean, ${isLast}::boolean) as result`,
      z.object({ looked: z.boolean() }),
      () => undefined,
      { timeoutMs: lookTimeoutMs },
    );
    looked(count);
    keys = [];
    return done.looked;
  };
  if (at.profile.r2 !== null) {
    const bucket = await at.openBucket('read');
    try {
      for await (const { key } of bucket.list('', { signal })) {
        if (keys.length === keysAtOnce && (await compare(false))) return;
        keys.push(key);
        count += 1;
      }
    } finally {
      bucket.close();
    }
  }
  await compare(true);
}
