import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { atPace, type Pace } from '#core/erasure/index.ts';
import type { Call } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Progress } from '#core/kernel/jobs.ts';

const noNote: Call['note'] = () => undefined;

/** For what goes through a whole table: ten minutes. */
const wholeTableMs = 600_000;

export const draftShape = z.object({
  plan: z.number(),
  entry: z.number(),
  rules: z.array(z.object({ collection: z.string(), rule: z.string(), title: z.string() })),
});

export const runShape = z.object({
  run: z.number(),
  entry: z.number(),
  steps: z.array(
    z.object({
      line: z.number(),
      title: z.string(),
      planned: z.number(),
      done: z.number(),
      finished: z.boolean(),
    }),
  ),
});
type Begun = z.output<typeof runShape>;

/** Counts what each rule lets expire, one after the other, and seals the plan. */
export async function countPlan(
  at: Desk,
  draft: z.output<typeof draftShape>,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  for (const [place, { collection, rule, title }] of draft.rules.entries()) {
    signal.throwIfAborted();
    progress(`counting: ${title}`, place, draft.rules.length);
    await at.database.effect(
      sql`select privacy_console.fill_retention(${draft.plan}::bigint, ${collection}::text, ${rule}::text) as result`,
      z.object({}),
      noNote,
      { timeoutMs: wholeTableMs },
    );
  }
  await at.database.effect(
    sql`select privacy_console.seal_retention(${draft.plan}::bigint) as result`,
    z.object({}),
    noNote,
  );
}

export function beginRun(at: Desk, plan: number, standing: boolean, note: Call['note']): Promise<Begun> {
  return at.database.effect(
    sql`select privacy_console.begin_retention(${plan}::bigint, ${standing}::boolean) as result`,
    runShape,
    note,
  );
}

/**
 * Runs what is left of a retention run, in batches of one transaction each, then counts anew. It can be cancelled
 * between batches and resumed; what ends it early is told to the trail.
 * @returns how many rows went in all, and how many of them that were due are still there
 */
export async function runRetention(
  at: Desk,
  plan: number,
  begun: Begun,
  pace: Pace,
  progress: Progress,
  signal: AbortSignal,
): Promise<{
  readonly planId: number;
  readonly complete: boolean;
  readonly rows: number;
  readonly left: number;
}> {
  try {
    const total = begun.steps.reduce((sum, step) => sum + step.planned, 0);
    let done = begun.steps.reduce((sum, step) => sum + step.done, 0);
    for (const step of begun.steps) {
      progress(step.title, done, total);
      for (let { finished } = step; !finished;) {
        const batch = await atPace(
          pace,
          (why) => {
            progress(why, done, total);
          },
          signal,
          () =>
            at.database.effect(
              sql`select privacy_console.retention_batch(${begun.run}::bigint, ${step.line}::int, ${pace.rows}::int) as result`,
              z.object({ rows: z.number(), finished: z.boolean(), held: z.string().optional() }),
              noNote,
              { timeoutMs: 120_000 },
            ),
        );
        ({ finished } = batch);
        done += batch.rows;
        progress(step.title, done, total);
      }
    }
    for (const step of begun.steps) {
      signal.throwIfAborted();
      progress(`counting again: ${step.title}`, done, total);
      await at.database.effect(
        sql`select privacy_console.recount_retention(${begun.run}::bigint, ${step.line}::int) as result`,
        z.object({}),
        noNote,
        { timeoutMs: wholeTableMs },
      );
    }
    const { complete, rows, left } = await at.database.effect(
      sql`select privacy_console.end_retention(${begun.run}::bigint) as result`,
      z.object({ complete: z.boolean(), rows: z.number(), left: z.number() }),
      noNote,
    );
    return { planId: plan, complete, rows, left };
  } catch (error) {
    const code = signal.aborted ? 'cancelled' : error instanceof ExpectedError ? error.code : 'internal';
    await stopRun(at, begun.run, code, noNote)
      // Without the database the run stays as it is, and can be resumed all the same.
      .catch(() => undefined);
    throw code === 'cancelled'
      ? new ExpectedError('cancelled', 'The run was stopped between two batches; resume it to finish it.')
      : error;
  }
}

export function stopRun(
  at: Desk,
  run: number,
  code: string,
  note: Call['note'],
): Promise<{ readonly stopped: boolean; readonly entry?: number }> {
  return at.database.effect(
    sql`select privacy_console.stop_retention(${run}::bigint, ${code}::text) as result`,
    z.object({ stopped: z.boolean() }),
    note,
  );
}
