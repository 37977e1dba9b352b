import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import { mapInForce } from '#core/subjects/index.ts';

type Names = 'holds.list' | 'holds.place' | 'holds.review' | 'holds.proposeLift' | 'holds.decideLift';

const holdRow = z.object({
  id: z.number(),
  subject: z.string().nullable(),
  collection: z.string().nullable(),
  record: z.boolean(),
  rowKey: z.string().nullable(),
  ground: z.string(),
  authority: z.string(),
  owner: z.string(),
  reviewOn: z.string(),
  due: z.boolean(),
  placedBy: z.string(),
  placedAt: z.string(),
  liftedAt: z.string().nullable(),
  lift: z
    .object({
      id: z.number(),
      state: z.enum(['asked', 'approved', 'denied']),
      reason: z.string(),
      proposedBy: z.string(),
      proposedAt: z.string(),
      decidedBy: z.string().nullable(),
      decidedAt: z.string().nullable(),
    })
    .nullable(),
  stopped: z.array(z.object({ request: z.number(), plan: z.number() })),
});

const receipt = z.object({ entry: z.number() });
/** Placing looks at every plan that is under way, and waits for the batch that is. */
const placingTimeoutMs = 120_000;

export function holdOperations(desk: () => Desk): SomeHandlers<Names> {
  return {
    'holds.list': async () => {
      const { database } = desk();
      const { collections } = await mapInForce(database);
      const found = await database.rows(
        sql`select h as hold from privacy_console.holds() h`,
        z.object({ hold: holdRow }),
      );
      return {
        holds: found.map(({ hold }) => ({
          ...hold,
          title:
            hold.collection === null
              ? null
              : (collections.find((each) => each.name === hold.collection)?.title ?? hold.collection),
        })),
      };
    },
    'holds.place': async ({ on, ground, authority, owner, reviewOn }, call) => {
      const subject = 'subject' in on ? on.subject : null;
      const [collection, rowKey] = 'subject' in on ? [null, null] : [on.collection, on.rowKey ?? null];
      const { entry, hold } = await desk().database.effect(
        sql`select privacy_console.place_hold(${subject}::text, ${collection}::text, ${rowKey}::text, ${ground}::text, ${authority}::text, ${owner}::text, ${reviewOn}::date) as result`,
        receipt.extend({ hold: z.number() }),
        call.note,
        { timeoutMs: placingTimeoutMs },
      );
      return { entry, hold };
    },
    'holds.review': async ({ hold, until, reason }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.review_hold(${hold}::bigint, ${until}::date, ${reason}::text) as result`,
        receipt,
        call.note,
      );
      return { entry };
    },
    'holds.proposeLift': async ({ hold, reason }, call) => {
      const { entry, lift } = await desk().database.effect(
        sql`select privacy_console.propose_lift(${hold}::bigint, ${reason}::text) as result`,
        receipt.extend({ lift: z.number() }),
        call.note,
      );
      return { entry, lift };
    },
    'holds.decideLift': async ({ lift, decision, reason, password }, call) => {
      const { entry } = await desk().decide(decision, password, (database) =>
        database.effect(
          sql`select privacy_console.decide_lift(${lift}::bigint, ${decision}::text, ${reason}::text) as result`,
          receipt,
          call.note,
        ),
      );
      return { entry };
    },
  };
}
