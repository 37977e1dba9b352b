import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import type { Call } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { atOnce } from './atOnce.ts';
import { signEnded } from './certificate/signing.ts';
import { eraseObjects } from './eraseObjects.ts';
import { atPace, type Pace } from './letGo.ts';
import { keysAtOnce, lookTimeoutMs } from './lookAgain.ts';
import { objectsAt, placesOf } from './places.ts';
import type { runShape } from './run.ts';

const noNote: Call['note'] = () => undefined;

/** One of the people who are erased together: a plan, and its run as it was begun. */
export interface Begun {
  readonly plan: number;
  readonly begun: z.output<typeof runShape>;
}

/** What the people of a batch have for themselves. */
export interface Many {
  readonly pace: Pace;
  readonly signal: AbortSignal;
  /** Told of each whose deletion has come to its end, and of each that has not. */
  readonly ended: (plan: number) => void;
  readonly says: (what: string) => void;
}

/** How many are erased at the same time, each with a session of the database. */
const erasedAtOnce = 2;
/** How often rows are gone through again because the platform wrote new ones that hang on them. */
const maximumPasses = 20;
/** Rows of tables that are looked through in one transaction; a larger table has one of its own. */
const lookedAtOnce = 500_000;
/** How many people are looked for together: each pass is for all of them. */
const lookedForAtOnce = 100;
/** After these everybody else's would fail as well. */
const endsAll: ReadonlySet<string> = new Set([
  'cancelled',
  'unreachable',
  'not_signed_in',
  'wrong_credentials',
  'trail_contradiction',
  'object_store',
]);

/**
 * Erases some people together, as {@link runErasure} does one: each by their own run, with what asks the whole platform
 * asked once for all of them. Whoever can't go on stays behind, unfinished, and stops nobody else.
 */
export async function eraseMany(at: Desk, people: readonly Begun[], many: Many): Promise<void> {
  const { signal, ended } = many;
  /** Does a step for each, and gives those who can go on. */
  const step = async (
    those: readonly Begun[],
    work: (each: Begun) => Promise<boolean>,
  ): Promise<readonly Begun[]> => {
    const going = await atOnce(those, erasedAtOnce, async (each) => {
      signal.throwIfAborted();
      try {
        if (await work(each)) return true;
      } catch (error) {
        await stopped(at, each, error);
        if (!(error instanceof ExpectedError) || endsAll.has(error.code)) throw error;
      }
      ended(each.plan);
      return false;
    });
    return those.filter((_each, place) => going[place]);
  };
  let going = people;
  try {
    going = await step(people, (each) => erase(at, each, many));
    many.says('looking again');
    for (let place = 0; place < going.length; place += lookedForAtOnce)
      await lookForAll(at, going.slice(place, place + lookedForAtOnce), signal);
    await step(going, (each) => end(at, each, many));
  } catch (error) {
    // Told of each that has begun and not ended, so that they are seen to be unfinished.
    await atOnce(going, erasedAtOnce, (each) => stopped(at, each, error));
    throw error;
  }
}

async function stopped(at: Desk, { begun }: Begun, error: unknown): Promise<void> {
  const code = error instanceof ExpectedError ? error.code : 'internal';
  await at.database
    .effect(
      sql`select privacy_console.stop_run(${begun.run}::bigint, ${code}::text) as result`,
      z.object({}),
      noNote,
    )
    // Without the database the run stays as it is, and can be resumed all the same.
    .catch(() => undefined);
}

/** Everything goes; false where the run waits for its time, or for what people have to do before. */
async function erase(at: Desk, { plan, begun }: Begun, many: Many): Promise<boolean> {
  if (begun.steps.some(({ action }) => action === 'quiesce')) await rows(at, begun.run, true, many);
  if (begun.waits > 0 || begun.tasksBefore > 0) {
    await at.database.effect(
      sql`select privacy_console.wait_run(${begun.run}::bigint) as result`,
      z.object({}),
      noNote,
    );
    return false;
  }
  if (begun.steps.some(({ action, finished }) => action === 'objects' && !finished))
    await eraseObjects(at, plan, begun.run, many.says, many.signal);
  await rows(at, begun.run, false, many);
  return true;
}

async function rows(at: Desk, run: number, quiesce: boolean, { pace, signal, says }: Many): Promise<void> {
  for (let passes = 1; ;) {
    const went = await atPace(pace, says, signal, () =>
      at.database.effect(
        sql`select privacy_console.erase_person(${run}::bigint, ${quiesce}::boolean, ${pace.rows}::int) as result`,
        z.object({
          rows: z.number(),
          finished: z.boolean(),
          again: z.boolean(),
          held: z.string().optional(),
        }),
        noNote,
        { timeoutMs: 120_000 },
      ),
    );
    if (went.finished) return;
    if (!went.again) continue;
    passes += 1;
    if (passes > maximumPasses)
      throw new ExpectedError(
        'conflict',
        'The platform keeps writing about this person; have the account closed there, then resume the deletion.',
      );
  }
}

/** Looks for all of them in every collection, and once in the names of all objects. */
async function lookForAll(at: Desk, people: readonly Begun[], signal: AbortSignal): Promise<void> {
  const { database } = at;
  const runs = people.map(({ begun }) => begun.run);
  const collections = await database.rows(
    sql`select name, rows from privacy_console.to_look_at_all(${runs}::bigint[])`,
    z.object({ name: z.string(), rows: z.number() }),
    { signal },
  );
  const look = async (names: readonly string[]): Promise<void> => {
    signal.throwIfAborted();
    if (names.length === 0) return;
    await database.effect(
      sql`select privacy_console.look_at_all(${runs}::bigint[], ${names}::text[]) as result`,
      z.object({}),
      noNote,
      { timeoutMs: lookTimeoutMs },
    );
  };
  let names: string[] = [];
  let size = 0;
  for (const { name, rows: held } of collections) {
    if (size + held > lookedAtOnce) {
      await look(names);
      [names, size] = [[], 0];
    }
    names.push(name);
    size += held;
  }
  await look(names);
  let keys: string[] = [];
  let isFirst = true;
  const compare = async (isLast: boolean): Promise<void> => {
    await database.effect(
      sql`select privacy_console.look_at_keys_all(${runs}::bigint[], ${keys}::text[], ${isFirst}::boolean, ${isLast}::boolean) as result`,
      z.object({}),
      noNote,
      { timeoutMs: lookTimeoutMs },
    );
    [keys, isFirst] = [[], false];
  };
  if (at.profile.r2 !== null) {
    const bucket = await at.openBucket('read');
    try {
      for await (const { key } of bucket.list('', { signal })) {
        if (keys.length === keysAtOnce) await compare(false);
        keys.push(key);
      }
    } finally {
      bucket.close();
    }
  }
  await compare(true);
}

/** Ends a run: with its certificate, or as unfinished. */
async function end(at: Desk, { plan, begun }: Begun, { signal, ended }: Many): Promise<boolean> {
  const left = (await objectsAt(at, await placesOf(at, plan, signal), signal)).length;
  const { complete } = await at.database.effect(
    sql`select privacy_console.end_run(${begun.run}::bigint, ${left}::bigint) as result`,
    z.object({ complete: z.boolean() }),
    noNote,
    { timeoutMs: 300_000 },
  );
  if (complete) await signEnded(at, plan);
  ended(plan);
  return true;
}
