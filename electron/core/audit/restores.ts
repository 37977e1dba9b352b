import { z } from 'zod';
import type { Reader } from '#core/database/database.ts';
import { sql } from '#core/database/sql.ts';
import type { Head } from './chain.ts';

const restoreRow = z.object({
  id: z.coerce.number(),
  lostNumber: z.coerce.number(),
  lostChain: z.string(),
  keptNumber: z.coerce.number(),
  asOf: z.string(),
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
    sql`select id, lost_number as "lostNumber", lost_chain as "lostChain", kept_number as "keptNumber", to_json(as_of) #>> '{}' as "asOf", reason, declared_by as "declaredBy",
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

/** Whether a head is of what two people said was lost: it is the last entry they named, or lies before it and behind what was kept. */
export function covers(
  { lostNumber, lostChain, keptNumber }: Pick<Restore, 'lostNumber' | 'lostChain' | 'keptNumber'>,
  { number, chain }: Head,
): boolean {
  return number > keptNumber && (number < lostNumber || (number === lostNumber && chain === lostChain));
}
