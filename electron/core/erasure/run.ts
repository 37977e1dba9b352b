import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import type { Call } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Progress } from '#core/kernel/jobs.ts';
import { signEnded } from './certificate/signing.ts';
import { eraseObjects } from './eraseObjects.ts';
import { atPace, type Pace } from './letGo.ts';
import { lookAgain } from './lookAgain.ts';
import { objectsAt, placesOf } from './places.ts';

const noNote: Call['note'] = () => undefined;

export const runShape = z.object({
  run: z.number(),
  entry: z.number(),
  /** Seconds until anything may go, by the database's clock. */
  waits: z.coerce.number(),
  /** How many tasks people have to do before. */
  tasksBefore: z.number(),
  steps: z.array(
    z.object({
      step: z.number(),
      collection: z.string(),
      action: z.enum([
        'quiesce',
        'hand_over',
        'anonymise_shared',
        'objects',
        'detach',
        'delete',
        'anonymise',
        'keep',
      ]),
      planned: z.number(),
      done: z.number(),
      finished: z.boolean(),
    }),
  ),
});

/**
 * Large batches cost least in all (50,000 rows: locks for some 80 ms). Small ones leave the platform its pace where the
 * database rests longer than it works, so that few of the platform's own writes meet one.
 */
const paces = {
  fast: { rows: 50_000, rest: 0 },
  gentle: { rows: 1_000, rest: 4 },
} as const satisfies Record<string, Pace>;

export function paceOf(at: Desk, wanted: keyof typeof paces | undefined, atMost: number | undefined): Pace {
  const pace = paces[wanted ?? (at.profile.environment === 'production' ? 'gentle' : 'fast')];
  return { ...pace, rows: Math.min(pace.rows, atMost ?? pace.rows) };
}

/** How often the rows are gone through again because the platform wrote new ones that hang on them. */
const maximumPasses = 20;

/**
 * Runs what is left of a run: objects first, while their keys are known, then
 * rows in batches, then looks again. It can be cancelled between batches and
 * resumed; each batch is one transaction with its journal and its entry. What
 * ends it early is told to the trail, so that the run is seen to be unfinished.
 */
export async function runErasure(
  at: Desk,
  plan: number,
  begun: z.output<typeof runShape>,
  pace: Pace,
  progress: Progress,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    await quiesce(at, begun, pace, progress, signal);
    if (begun.waits > 0 || begun.tasksBefore > 0) {
      const { dueAt } = await at.database.effect(
        sql`select privacy_console.wait_run(${begun.run}::bigint) as result`,
        z.object({ dueAt: z.string() }),
        noNote,
      );
      return { planId: plan, complete: false, waiting: true, dueAt, tasks: begun.tasksBefore };
    }
    await eraseAll(at, plan, begun, pace, progress, signal);
    await lookAgain(at, begun.run, progress, total(begun), signal);
    progress('looking again', total(begun), total(begun));
    const left = (await objectsAt(at, await placesOf(at, plan, signal), signal)).length;
    const ended = await at.database.effect(
      sql`select privacy_console.end_run(${begun.run}::bigint, ${left}::bigint) as result`,
      z.object({
        complete: z.boolean(),
        left: z.number(),
        tasks: z.number(),
        finds: z.number(),
        holds: z.string().nullish(),
      }),
      noNote,
      { timeoutMs: 300_000 },
    );
    const { complete, tasks, finds } = ended;
    return {
      planId: plan,
      complete,
      left: ended.left,
      objectsLeft: left,
      tasks,
      holds: ended.holds ?? null,
      finds,
      signed: complete && (await signEnded(at, plan)),
    };
  } catch (error) {
    if (await endedElsewhere(at, plan))
      return { planId: plan, complete: true, left: 0, objectsLeft: 0, tasks: 0, finds: 0 };
    const code = error instanceof ExpectedError ? error.code : 'internal';
    await at.database
      .effect(
        sql`select privacy_console.stop_run(${begun.run}::bigint, ${code}::text) as result`,
        z.object({}),
        noNote,
      )
      // Without the database the run stays as it is, and can be resumed all the same.
      .catch(() => undefined);
    throw code === 'cancelled'
      ? new ExpectedError('cancelled', 'The deletion was stopped between two steps; resume it to finish it.')
      : error;
  }
}

/** Whether another console has finished the same run in the meantime. */
async function endedElsewhere(at: Desk, plan: number): Promise<boolean> {
  try {
    const { done } = await at.database.row(
      sql`select exists (select from privacy_console.read_certificate(${plan}::bigint)) as done`,
      z.object({ done: z.boolean() }),
    );
    return done;
  } catch (error) {
    if (error instanceof ExpectedError) return false;
    throw error;
  }
}

function total(begun: z.output<typeof runShape>): number {
  return begun.steps.reduce((sum, step) => sum + step.planned, 0);
}

async function eraseBatch(
  at: Desk,
  run: number,
  step: number,
  pace: Pace,
  held: (why: string) => void,
  signal: AbortSignal,
): Promise<{ readonly rows: number; readonly finished: boolean; readonly again: boolean }> {
  return atPace(pace, held, signal, () =>
    at.database.effect(
      sql`select privacy_console.erase_batch(${run}::bigint, ${step}::int, ${pace.rows}::int) as result`,
      z.object({ rows: z.number(), finished: z.boolean(), again: z.boolean(), held: z.string().optional() }),
      noNote,
      { timeoutMs: 120_000 },
    ),
  );
}

/** Counts the run's rows: steps that had ended go on where the platform has written more in the meantime. */
async function reopened(at: Desk, run: number, signal: AbortSignal): Promise<{ readonly again: boolean }> {
  return at.database.effect(
    sql`select privacy_console.reopen_run(${run}::bigint) as result`,
    z.object({ again: z.boolean() }),
    noNote,
    { timeoutMs: 300_000, signal },
  );
}

/** Brings to rest what would go on writing for the person; also again, for what has begun to meanwhile. */
async function quiesce(
  at: Desk,
  begun: z.output<typeof runShape>,
  pace: Pace,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  for (const { step, action, collection } of begun.steps) {
    if (action !== 'quiesce') continue;
    progress(`${action} ${collection}`, 0, null);
    const held = (why: string): void => {
      progress(why, 0, null);
    };
    while (!(await eraseBatch(at, begun.run, step, pace, held, signal)).finished);
  }
}

async function eraseAll(
  at: Desk,
  plan: number,
  begun: z.output<typeof runShape>,
  pace: Pace,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const planned = total(begun);
  let done = begun.steps.reduce((sum, step) => sum + Math.min(step.done, step.planned), 0);
  const going = begun.steps.filter((step) => step.action !== 'quiesce');
  let left = going.filter((step) => !step.finished);
  for (let pass = 1; left.length > 0; pass += 1) {
    let again = false;
    let gone = 0;
    for (const step of left) {
      progress(`${step.action} ${step.collection}`, done, planned);
      if (step.action === 'objects') {
        done += await eraseObjects(
          at,
          plan,
          begun.run,
          (why) => {
            progress(why, done, planned);
          },
          signal,
        );
        continue;
      }
      for (let finished = false; !finished && !again;) {
        const batch = await eraseBatch(
          at,
          begun.run,
          step.step,
          pace,
          (why) => {
            progress(why, done, planned);
          },
          signal,
        );
        done += batch.rows;
        gone += batch.rows;
        ({ finished, again } = batch);
        progress(`${step.action} ${step.collection}`, done, planned);
      }
      if (again) break;
    }
    // What is left though a whole pass found nothing to do is for people to see.
    if (!again && (pass === 1 || gone > 0)) ({ again } = await reopened(at, begun.run, signal));
    if (!again) return;
    if (pass === maximumPasses) {
      throw new ExpectedError(
        'conflict',
        'The platform keeps writing about this person; have the account closed there, then resume the deletion.',
      );
    }
    left = going.filter((step) => step.action !== 'objects');
  }
}
