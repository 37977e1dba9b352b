import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { atOnce, objectsAt } from '#core/erasure/index.ts';
import type { Progress } from '#core/kernel/jobs.ts';
import { working, type Turn } from './turn.ts';

/** People that are drafted, read and counted together: each three transactions for all of them. */
const peopleAtOnce = 25;
/** Prefixes that are listed at the same time. */
const listedAtOnce = 6;

const place = z.object({
  plan: z.coerce.number(),
  prefix: z.string().nullable(),
  key: z.string().nullable(),
});

/**
 * Plans the deletion of everybody of a batch, some people at a time; who can't be planned is set aside by the database.
 * Interrupted, it is begun again by who began the batch: what was counted stays.
 */
export async function planBatch(
  desk: Desk,
  { batch, turn }: Turn,
  people: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const { database } = desk;
  return working(desk, { batch, turn }, async (at) => {
    let done = 0;
    const some = async (): Promise<void> => {
      for (let more = true; more;) {
        signal.throwIfAborted();
        progress('planning', done, people);
        const drafted = await database.effect(
          sql`select privacy_console.draft_items(${batch}::bigint, ${turn}::int, ${peopleAtOnce}::int) as result`,
          z.object({ plans: z.array(z.number()), more: z.boolean() }),
          () => undefined,
        );
        ({ more } = drafted);
        if (drafted.plans.length === 0) continue;
        await database.effect(
          sql`select privacy_console.fill_items(${batch}::bigint, ${turn}::int, ${drafted.plans}::bigint[]) as result`,
          z.object({}),
          () => undefined,
          { timeoutMs: countTimeoutMs },
        );
        const objects = await objectsOf(at, drafted.plans, signal);
        await database.effect(
          sql`select privacy_console.seal_items(${batch}::bigint, ${turn}::int, ${drafted.plans}::bigint[], ${JSON.stringify(objects)}::jsonb) as result`,
          z.object({}),
          () => undefined,
          { timeoutMs: countTimeoutMs },
        );
        done += drafted.plans.length;
      }
    };
    await atOnce([some, some], 2, (work) => work());
    progress('planning', people, people);
    const { planned } = await database.effect(
      sql`select privacy_console.seal_batch(${batch}::bigint, ${turn}::int) as result`,
      z.object({ planned: z.number() }),
      () => undefined,
      { timeoutMs: countTimeoutMs },
    );
    return { batchId: batch, state: planned === 0 ? 'done' : 'awaiting', planned };
  });
}

/** For what counts all rows of some people. */
const countTimeoutMs = 120_000;

async function objectsOf(
  at: Desk,
  plans: readonly number[],
  signal: AbortSignal,
): Promise<
  readonly { readonly plan: number; readonly keys: readonly string[]; readonly bytes: readonly number[] }[]
> {
  const places = Map.groupBy(
    await at.database.rows(
      sql`select d.id as plan, p.prefix, p.key from unnest(${plans}::bigint[]) d(id) cross join lateral privacy_console.plan_prefixes(d.id) p`,
      place,
      { signal },
    ),
    ({ plan }) => plan,
  );
  return atOnce([...places], listedAtOnce, async ([plan, lying]) => {
    const objects = await objectsAt(at, lying, signal);
    return { plan, keys: objects.map(({ key }) => key), bytes: objects.map(({ bytes }) => bytes) };
  });
}
