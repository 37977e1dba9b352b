import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { paceOf } from '#core/erasure/index.ts';
import { tellBeginnings } from '#core/installation/index.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Jobs } from '#core/kernel/jobs.ts';
import { mapInForce } from '#core/subjects/index.ts';
import { batchReport, batches as declared, type Batch, type BatchReport } from '#shared/contract/batches.ts';
import type { MappedCollection } from '#shared/contract/dataMap.ts';
import type { ParsedInputOf } from '#shared/contract/index.ts';
import { identifiersIn } from './csv.ts';
import { planBatch } from './plan.ts';
import { reportPage, reportTable, titlesOf } from './report.ts';
import { runBatch } from './run.ts';
import { takeTurn } from './turn.ts';

type Names = keyof typeof declared;

const receipt = z.object({ entry: z.number() });
/** As the database gives them, without the map's titles. */
const keptRow = z.object({
  collection: z.string(),
  rows: z.number(),
  because: z.string().nullable(),
  until: z.string().nullable(),
});
const accountRow = z.object({
  subject: z.string(),
  kind: z.string(),
  closedAt: z.string(),
  dueAt: z.string(),
  daysLeft: z.number(),
  request: z.object({ id: z.number(), state: z.string() }).nullable(),
  plan: z.object({ id: z.number(), state: z.string() }).nullable(),
  batch: z.number().nullable(),
  hold: z.number().nullable(),
  restriction: z.number().nullable(),
  kept: z.array(keptRow),
});
const batchShape = declared['batches.show'].output.shape.batch;
const batchRow = batchShape.extend({
  lines: z.array(keptRow.extend({ action: z.string(), atMost: z.number().nullable() })),
});
const itemRow = declared['batches.items'].output.shape.items.element.extend({ kept: z.array(keptRow) });
/** For what counts everybody's rows anew. */
const countTimeoutMs = 300_000;

/** Batches of deletions, and the queue of closed accounts they come from. */
export function batchOperations(desk: () => Desk, jobs: Jobs, batchRows?: number): SomeHandlers<Names> {
  const collections = async (): Promise<readonly MappedCollection[]> =>
    (await mapInForce(desk().database)).collections;
  const titled = <Part extends { readonly collection: string }>(
    parts: readonly Part[],
    title: (name: string) => string,
  ): (Part & { title: string })[] => parts.map((part) => ({ ...part, title: title(part.collection) }));
  const list = async (id: number | null, waiting: boolean): Promise<Batch[]> => {
    const title = titlesOf(await collections());
    const found = await desk().database.rows(
      sql`select b as batch from privacy_console.batches(${id}::bigint, ${waiting}::boolean) b`,
      z.object({ batch: batchRow }),
    );
    return found.map(({ batch }) => ({ ...batch, lines: titled(batch.lines, title) }));
  };
  const one = async (id: number): Promise<Batch> => {
    const [found] = await list(id, false);
    if (found === undefined) throw new ExpectedError('not_found', `There is no batch ${String(id)}.`);
    return found;
  };
  const report = async (id: number): Promise<{ text: string; sha256: string; says: BatchReport }> => {
    const [found] = await desk().database.rows(
      sql`select text, sha256 from privacy_console.batch_report(${id}::bigint)`,
      z.object({ text: z.string(), sha256: z.string() }),
    );
    if (found === undefined)
      throw new ExpectedError('not_found', 'There is no report yet; a batch has one when it has ended.');
    return { ...found, says: batchReport.parse(JSON.parse(found.text)) };
  };
  return {
    'batches.closed': async ({ after, limit }, call) => {
      const { database } = desk();
      const { entry } = await database.effect(
        sql`select privacy_console.intend_closed() as result`,
        receipt,
        call.note,
      );
      const title = titlesOf(await collections());
      const found = await database.rows(
        sql`select a as account from privacy_console.closed_accounts(${entry}::bigint, ${after ?? null}::text, ${limit}::int) a`,
        z.object({ account: accountRow }),
      );
      const accounts = found.map(({ account }) => ({ ...account, kept: titled(account.kept, title) }));
      return {
        accounts,
        next: accounts.length < limit ? null : (accounts.at(-1)?.subject ?? null),
        entry,
      };
    },
    'batches.closedCounts': async () => {
      const [found] = await desk().database.rows(
        sql`select closed, late, days, floor_days as "floorDays" from privacy_console.closed_counts()`,
        z.object({
          closed: z.coerce.number(),
          late: z.coerce.number(),
          days: z.number(),
          floorDays: z.number(),
        }),
      );
      return found ?? { closed: 0, late: 0, days: 0, floorDays: 0 };
    },
    'batches.begin': async ({ reason, from }, call) => {
      const at = desk();
      const given = await identifiersOf(at, from);
      const { batch } = await at.database.effect(
        sql`select privacy_console.begin_batch(${from.source}::text, ${given.kind}::text, ${given.form}::text, ${given.identifiers}::text[], ${reason}::text) as result`,
        receipt.extend({ batch: z.number() }),
        call.note,
      );
      const { entry } = await at.database.effect(
        sql`select privacy_console.match_batch(${batch}::bigint) as result`,
        receipt,
        call.note,
        { timeoutMs: countTimeoutMs },
      );
      return { batch: await one(batch), entry };
    },
    'batches.list': async ({ waiting }) => ({ batches: await list(null, waiting) }),
    'batches.show': async ({ id }) => ({ batch: await one(id) }),
    'batches.items': async ({ id, states, after, limit }) => {
      const title = titlesOf(await collections());
      const found = await desk().database.rows(
        sql`select i as item from privacy_console.batch_items(${id}::bigint, ${after}::int, ${limit}::int, ${states ?? null}::text[]) i`,
        z.object({ item: itemRow }),
      );
      return { items: found.map(({ item }) => ({ ...item, kept: titled(item.kept, title) })) };
    },
    'batches.plan': async ({ id }, call) => {
      const at = desk();
      const batch = await one(id);
      await tellBeginnings(at, call);
      const turn = await takeTurn(at, id, call);
      const jobId = jobs.start('batch', null, (progress, signal) =>
        planBatch(at, turn, batch.states.matched ?? 0, progress, signal),
      );
      return { jobId, entry: turn.entry };
    },
    'batches.decide': async ({ id, sha256, decision, reason, password }, call) => {
      const { entry } = await desk().decide(decision, password, (database) =>
        database.effect(
          sql`select privacy_console.decide_batch(${id}::bigint, ${sha256}::text, ${decision}::text, ${reason}::text) as result`,
          receipt,
          call.note,
          { timeoutMs: countTimeoutMs },
        ),
      );
      return { batch: await one(id), entry };
    },
    'batches.run': async ({ id, pace }, call) => {
      const at = desk();
      const batch = await one(id);
      // Asked before anything is begun: a profile without the token must not leave people half way.
      if (at.profile.r2 !== null) (await at.openBucket('delete')).close();
      await tellBeginnings(at, call);
      const turn = await takeTurn(at, id, call);
      const jobId = jobs.start('batch', null, (progress, signal) =>
        runBatch(at, turn, batch.states.planned ?? 0, paceOf(at, pace, batchRows), progress, signal),
      );
      return { jobId, entry: turn.entry };
    },
    'batches.doTask': async ({ id, task, evidence }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.do_batch_task(${id}::bigint, ${task}::text, ${evidence}::text) as result`,
        receipt,
        call.note,
        { timeoutMs: countTimeoutMs },
      );
      return { batch: await one(id), entry };
    },
    'batches.callOff': async ({ id, reason }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.call_off_batch(${id}::bigint, ${reason}::text) as result`,
        receipt,
        call.note,
      );
      return { batch: await one(id), entry };
    },
    'batches.report': async ({ id }) => report(id),
    'batches.saveReport': async ({ id, file }) => {
      const { text, sha256, says } = await report(id);
      const title = titlesOf(await collections());
      const content = /\.html?$/i.test(file)
        ? reportPage(text, sha256, says, title)
        : /\.csv$/i.test(file)
          ? reportTable(says, title)
          : text;
      await writeFile(file, content, { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
        const taken = error instanceof Error && 'code' in error && error.code === 'EEXIST';
        throw new ExpectedError(
          'disk',
          taken
            ? 'There is already a file of that name; choose another.'
            : 'The file can’t be written there; choose a folder that exists and that you may write to.',
        );
      });
      return { file, sha256 };
    },
  };
}

/** Who is meant, as it was chosen, typed or read from a file. */
async function identifiersOf(
  at: Desk,
  from: ParsedInputOf<'batches.begin'>['from'],
): Promise<{ readonly kind: string; readonly form: string; readonly identifiers: readonly string[] }> {
  const { subjects } = await mapInForce(at.database);
  const [first] = subjects;
  if (first === undefined) throw new Error('a map about nobody');
  if (from.source === 'closed')
    return { kind: first.kind, form: 'reference', identifiers: [...new Set(from.subjects)] };
  const { kind, form, file, text, column } = from;
  if ((file === undefined) === (text === undefined))
    throw new ExpectedError('invalid_input', 'Give the list as a file, or as its text.');
  const chunks =
    file === undefined ? [new TextEncoder().encode(text)] : createReadStream(file, { highWaterMark: 65_536 });
  try {
    const identifiers = await identifiersIn(chunks, { form, ...(column === undefined ? {} : { column }) });
    return { kind: kind ?? first.kind, form, identifiers };
  } catch (error) {
    if (error instanceof ExpectedError) throw error;
    throw new ExpectedError(
      'disk',
      'The list can’t be read; check that the file is there and that you may read it.',
    );
  }
}
