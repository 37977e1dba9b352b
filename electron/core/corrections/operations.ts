import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import type { Correction } from '#shared/contract/corrections.ts';
import { correctionRoles, correctionStates, correctionVerdicts } from '#shared/domain/corrections.ts';

type Names =
  | 'corrections.list'
  | 'corrections.propose'
  | 'corrections.look'
  | 'corrections.decide'
  | 'corrections.run'
  | 'corrections.undo';

const correctionRow = z.object({
  id: z.number(),
  requestId: z.number(),
  subject: z.string(),
  kind: z.string(),
  collection: z.string(),
  columns: z.array(z.string()),
  identity: z.boolean(),
  undoes: z.number().nullable(),
  state: z.enum(correctionStates),
  proposedBy: z.string(),
  mine: z.boolean(),
  proposedAt: z.string(),
  decidedBy: z.string().nullable(),
  decidedAt: z.string().nullable(),
  doneAt: z.string().nullable(),
  expiresAt: z.string().nullable(),
  undoUntil: z.string().nullable(),
  undoDays: z.number().nullable(),
  known: z.boolean(),
});

const contentShape = z.object({
  sha256: z.string(),
  row: z.string(),
  values: z.array(
    z.object({
      column: z.string(),
      before: z.string().nullable(),
      after: z.string().nullable(),
      verdict: z.enum(correctionVerdicts),
    }),
  ),
  places: z.array(
    z.object({
      column: z.string(),
      role: z.enum(correctionRoles),
      collection: z.string(),
      inColumn: z.string(),
      rows: z.number(),
    }),
  ),
});

const receipt = z.object({ entry: z.number() });
const ran = receipt.extend({ copies: z.number(), left: z.number() });

export function correctionOperations(desk: () => Desk): SomeHandlers<Names> {
  const list = async (requestId: number | null, id: number | null, waiting: boolean): Promise<Correction[]> =>
    (
      await desk().database.rows(
        sql`select c as correction from privacy_console.corrections(${requestId}::bigint, ${id}::bigint, ${waiting}::boolean) c`,
        z.object({ correction: correctionRow }),
      )
    ).map(({ correction }) => correction);
  const one = async (id: number): Promise<Correction> => {
    const [found] = await list(null, id, false);
    if (found === undefined) throw new ExpectedError('not_found', `There is no correction ${id}.`);
    return found;
  };
  const run = (id: number, note: (entry: number) => void): Promise<z.output<typeof ran>> =>
    desk().database.effect(sql`select privacy_console.run_correction(${id}::bigint) as result`, ran, note);
  return {
    'corrections.list': async ({ requestId, waiting }) => ({
      corrections: await list(requestId ?? null, null, waiting),
    }),
    'corrections.propose': async ({ accessId, requestId, collection, row, values, reason }, call) => {
      const { database } = desk();
      const { correction: id } = await database.effect(
        sql`select privacy_console.intend_correction(${accessId}::bigint, ${requestId}::bigint, ${collection}::text, ${row}::text, ${JSON.stringify(values)}::jsonb, ${reason}::text) as result`,
        receipt.extend({ correction: z.number() }),
        call.note,
      );
      const { content, entry } = await database.effect(
        sql`select privacy_console.preview_correction(${id}::bigint) as result`,
        receipt.extend({ content: contentShape }),
        call.note,
      );
      return { correction: await one(id), content, entry };
    },
    'corrections.look': async ({ id }, call) => {
      const { database } = desk();
      const { entry } = await database.effect(
        sql`select privacy_console.look_at_correction(${id}::bigint) as result`,
        receipt,
        call.note,
      );
      const { content } = await database.row(
        sql`select privacy_console.read_correction(${id}::bigint) as content`,
        z.object({ content: contentShape }),
      );
      return { correction: await one(id), content, entry };
    },
    'corrections.decide': async ({ id, sha256, decision, reason, password }, call) => {
      const { entry } = await desk().decide(decision, password, (database) =>
        database.effect(
          sql`select privacy_console.decide_correction(${id}::bigint, ${sha256}::text, ${decision}::text, ${reason}::text) as result`,
          receipt,
          call.note,
        ),
      );
      return { entry };
    },
    'corrections.run': async ({ id }, call) => {
      const { entry, copies, left } = await run(id, call.note);
      return { entry, copies, left };
    },
    'corrections.undo': async ({ id, reason }, call) => {
      const intended = await desk().database.effect(
        sql`select privacy_console.undo_correction(${id}::bigint, ${reason}::text) as result`,
        receipt.extend({ correction: z.number(), waits: z.boolean() }),
        call.note,
      );
      const { correction: undo, waits } = intended;
      if (waits) return { id: undo, waits, left: 0, entry: intended.entry };
      const { entry, left } = await run(undo, call.note);
      return { id: undo, waits, left, entry };
    },
  };
}
