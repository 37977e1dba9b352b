import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import type { Progress } from '#core/kernel/jobs.ts';

/** For one pass over the largest table. */
const lookTimeoutMs = 300_000;

/**
 * Looks for the person in every mapped collection, one after the other, so that
 * a run can be seen to do it and be cancelled in between. What is found is kept
 * by the database, beside the run.
 */
export async function lookAgain(
  { database }: Desk,
  run: number,
  progress: Progress,
  planned: number,
  signal: AbortSignal,
): Promise<void> {
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
}
