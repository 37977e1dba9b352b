import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { plainBeginnings } from '#core/dataMap/check/bucket.ts';
import type { Call } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';

/** How long the bucket may take to say what its keys begin with, in milliseconds. */
const patience = 10_000;

/**
 * Tells the database what the keys of the bucket begin with, so that an export or a deletion that begins next is
 * refused where no row names such objects. Only plain words are told, as a key can begin with a person; of the others
 * a check of the whole bucket tells. Does nothing for a profile without a bucket.
 * @throws ExpectedError `object_store` when the bucket doesn't answer, `cancelled`
 */
export async function tellBeginnings(
  at: Desk,
  { note, signal }: Pick<Call, 'note' | 'signal'>,
): Promise<void> {
  if (at.profile.r2 === null) return;
  const bucket = await at.openBucket('read');
  const late = AbortSignal.timeout(patience);
  try {
    const prefixes = await bucket.beginnings({ signal: AbortSignal.any([signal, late]) });
    await at.database.effect(
      sql`select privacy_console.tell_beginnings(${[...plainBeginnings(prefixes)]}::text[]) as result`,
      z.object({}),
      note,
      { signal },
    );
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error;
    throw new ExpectedError(
      'object_store',
      'R2 did not say within ten seconds what the bucket holds, so nothing was begun; try again, or look at the connection test of the profile.',
      { cause: error },
    );
  } finally {
    bucket.close();
  }
}
