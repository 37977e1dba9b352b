import { z } from 'zod';
import type { Reader } from '#core/database/database.ts';
import { sql } from '#core/database/sql.ts';
import type { Head } from './chain.ts';

const restoreRow = z.object({
  id: z.coerce.number(),
  lostNumber: z.coerce.number(),
  lostChain: z.string(),
  reason: z.string(),
  declaredBy: z.string(),
  declaredAt: z.string(),
  state: z.enum(['asked', 'confirmed', 'denied', 'superseded', 'expired']),
  decidedBy: z.string().nullable(),
  decidedAt: z.string().nullable(),
  entry: z.coerce.number(),
  decision: z.coerce.number().nullable(),
  decisionChain: z.string().nullable(),
});

/** That the database was restored from a backup, as two people say it in the trail; newest first. */
export type Restore = z.output<typeof restoreRow>;

export async function restoresIn(reader: Reader): Promise<readonly Restore[]> {
  return reader.rows(
    sql`select id, lost_number as "lostNumber", lost_chain as "lostChain", reason, declared_by as "declaredBy",
          to_json(declared_at) #>> '{}' as "declaredAt", state, decided_by as "decidedBy", to_json(decided_at) #>> '{}' as "decidedAt",
          entry, decision, decision_chain as "decisionChain"
        from privacy_console.restores()`,
    restoreRow,
  );
}

/** Chain values of the entries that confirmed a restore: what a console knows each by. */
export function confirmations(restores: readonly Restore[]): readonly string[] {
  return restores.flatMap(({ state, decisionChain }) =>
    state === 'confirmed' && decisionChain !== null ? [decisionChain] : [],
  );
}

/** Whether what two people said was lost covers this head: it is the last one they named, or lies before it. */
export function covers(restore: Pick<Restore, 'lostNumber' | 'lostChain'>, head: Head): boolean {
  return (
    restore.lostNumber > head.number ||
    (restore.lostNumber === head.number && restore.lostChain === head.chain)
  );
}
