import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import { restrictionExceptions, restrictionGrounds } from '#shared/domain/restriction.ts';

type Names =
  | 'restrictions.list'
  | 'restrictions.place'
  | 'restrictions.except'
  | 'restrictions.told'
  | 'restrictions.lift';

const restrictionRow = z.object({
  id: z.number(),
  subject: z.string(),
  ground: z.enum(restrictionGrounds),
  reason: z.string(),
  request: z.number().nullable(),
  placedBy: z.string(),
  placedAt: z.string(),
  toldBy: z.string().nullable(),
  toldAt: z.string().nullable(),
  liftedBy: z.string().nullable(),
  liftedAt: z.string().nullable(),
  exceptions: z.array(
    z.object({
      request: z.number(),
      exception: z.enum(restrictionExceptions),
      statedBy: z.string(),
      statedAt: z.string(),
    }),
  ),
});

const receipt = z.object({ entry: z.number() });
/** Placing waits for the batch of a deletion that is under way. */
const placingTimeoutMs = 120_000;

export function restrictionOperations(desk: () => Desk): SomeHandlers<Names> {
  return {
    'restrictions.list': async () => {
      const found = await desk().database.rows(
        sql`select r as restriction from privacy_console.restrictions() r`,
        z.object({ restriction: restrictionRow }),
      );
      return { restrictions: found.map(({ restriction }) => restriction) };
    },
    'restrictions.place': async ({ subject, ground, reason, requestId }, call) => {
      const { entry, restriction } = await desk().database.effect(
        sql`select privacy_console.restrict_processing(${subject}::text, ${ground}::text, ${reason}::text, ${requestId ?? null}::bigint) as result`,
        receipt.extend({ restriction: z.number() }),
        call.note,
        { timeoutMs: placingTimeoutMs },
      );
      return { entry, restriction };
    },
    'restrictions.except': async ({ restriction, requestId, exception, reason }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.state_exception(${restriction}::bigint, ${requestId}::bigint, ${exception}::text, ${reason}::text) as result`,
        receipt,
        call.note,
      );
      return { entry };
    },
    'restrictions.told': async ({ restriction, how }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.tell_of_lifting(${restriction}::bigint, ${how}::text) as result`,
        receipt,
        call.note,
      );
      return { entry };
    },
    'restrictions.lift': async ({ restriction, reason, password }, call) => {
      const { entry } = await desk().decide('approve', password, (database) =>
        database.effect(
          sql`select privacy_console.lift_restriction(${restriction}::bigint, ${reason}::text) as result`,
          receipt,
          call.note,
        ),
      );
      return { entry };
    },
  };
}
