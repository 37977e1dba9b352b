import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { atOnce, eraseMany, runShape, type paceOf } from '#core/erasure/index.ts';
import type { Progress } from '#core/kernel/jobs.ts';
import { working, type Turn } from './turn.ts';

/** People who are erased together, and looked for together. */
const peopleAtOnce = 100;
/** People whose runs are begun in one transaction, which holds the trail as long. */
const begunAtOnce = 20;

const begun = z.object({
  begun: z.array(z.object({ plan: z.number(), request: z.number(), begun: runShape })),
  more: z.boolean(),
});

/**
 * Runs what is left of an approved batch. Somebody whose deletion can't go on stops nobody else; it can be cancelled
 * between two steps, and gone on with from any computer.
 */
export async function runBatch(
  desk: Desk,
  { batch, turn }: Turn,
  people: number,
  pace: ReturnType<typeof paceOf>,
  progress: Progress,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const { database } = desk;
  return working(desk, { batch, turn }, async (at) => {
    let done = 0;
    const says = (what: string): void => {
      progress(what, done, people);
    };
    const some = async (): Promise<void> => {
      for (let more = true; more;) {
        signal.throwIfAborted();
        says('deleting');
        const those: z.output<typeof begun>['begun'] = [];
        while (more && those.length < peopleAtOnce) {
          const next = await database.effect(
            sql`select privacy_console.begin_items(${batch}::bigint, ${turn}::int, ${begunAtOnce}::int) as result`,
            begun,
            () => undefined,
            { timeoutMs: 120_000 },
          );
          ({ more } = next);
          those.push(...next.begun);
        }
        if (those.length === 0) continue;
        await eraseMany(at, those, {
          pace,
          signal,
          ended: () => {
            done += 1;
            says('deleting');
          },
          says,
        });
      }
    };
    // One waits for the bucket or the disk while the other computes.
    await atOnce([some, some], 2, (work) => work());
    const ended = await database.effect(
      sql`select privacy_console.end_batch(${batch}::bigint, ${turn}::int) as result`,
      z.object({ complete: z.boolean(), left: z.number() }),
      () => undefined,
      { timeoutMs: 120_000 },
    );
    return { batchId: batch, state: ended.complete ? 'done' : 'running', left: ended.left };
  });
}
