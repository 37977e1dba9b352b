import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { withOneBucket } from '#core/erasure/index.ts';
import type { Call } from '#core/kernel/dispatch.ts';

/** Who works on a batch: nobody else does, as long as they give signs of life. */
export interface Turn {
  readonly batch: number;
  readonly turn: number;
}

/** Milliseconds between signs of life; a turn lasts a minute without. */
const signMs = 20_000;

/** Takes the turn on a batch, on the record. */
export async function takeTurn(
  at: Desk,
  batch: number,
  { note }: Pick<Call, 'note'>,
): Promise<Turn & { readonly entry: number; readonly state: string }> {
  const { turn, entry, state } = await at.database.effect(
    sql`select privacy_console.take_turn(${batch}::bigint) as result`,
    z.object({ turn: z.number(), entry: z.number(), state: z.string() }),
    note,
  );
  return { batch, turn, entry, state };
}

/** Works in a turn, giving signs of life, and leaves it however the work ends; the bucket is opened once for all people. */
export async function working<Result>(
  at: Desk,
  { batch, turn }: Turn,
  work: (at: Desk) => Promise<Result>,
): Promise<Result> {
  const keep = (end: boolean): Promise<void> =>
    at.database
      .effect(
        sql`select privacy_console.keep_turn(${batch}::bigint, ${turn}::int, ${end}::boolean) as result`,
        z.object({}),
        () => undefined,
      )
      // Without the database it ends by itself.
      .then(
        () => undefined,
        () => undefined,
      );
  const signs = setInterval(() => void keep(false), signMs);
  try {
    return await withOneBucket(at, work);
  } catch (error) {
    clearInterval(signs);
    await keep(true);
    throw error;
  } finally {
    clearInterval(signs);
  }
}
