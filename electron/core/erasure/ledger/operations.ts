import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import type { Jobs } from '#core/kernel/jobs.ts';
import { fingerprintGiven } from '#core/signing/index.ts';
import { checkLedger } from './file.ts';
import { beginReplay, runReplay } from './replay.ts';
import { refuseOtherSigner, saveLedger } from './save.ts';

type Names = 'erasure.ledger' | 'erasure.saveLedger' | 'erasure.replayLedger' | 'erasure.replays';

const stateRow = z.object({
  savedAt: z.string().nullable(),
  savedBy: z.string().nullable(),
  sha256: z.string().nullable(),
  count: z.coerce.number().nullable(),
  entry: z.coerce.number().nullable(),
  since: z.coerce.number(),
});

const number = z.number();
const replayRow = z.object({
  id: number,
  by: z.string(),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  state: z.enum(['reading', 'searching', 'done', 'failed']),
  sha256: z.string(),
  signer: z.string(),
  named: z.boolean(),
  behind: number,
  count: number,
  searched: number,
  entry: number,
  cameBack: number,
  newSince: number,
  address: number,
  found: z.array(
    z.object({
      number,
      kind: z.string(),
      was: z.string(),
      subject: z.string().nullable(),
      erasedAt: z.string(),
      outcome: z.enum(['came_back', 'new_since', 'address']),
      request: number.nullable(),
    }),
  ),
});

/** The ledger of deletions, and the search for those of it who came back with a restored backup. */
export function ledgerOperations(desk: () => Desk, jobs: Jobs): SomeHandlers<Names> {
  return {
    'erasure.ledger': () =>
      desk().database.row(
        sql`select to_json(saved_at) #>> '{}' as "savedAt", saved_by as "savedBy", sha256, count, entry, since from privacy_console.ledger_state()`,
        stateRow,
      ),
    'erasure.saveLedger': async ({ signer, ...input }, call) =>
      saveLedger(
        desk(),
        { ...input, ...(signer === undefined ? {} : { signer: await fingerprintGiven(signer) }) },
        call,
      ),
    'erasure.replayLedger': async ({ file, signer }, call) => {
      const at = desk();
      const ledger = await checkLedger(file, call.signal);
      if (signer !== undefined) refuseOtherSigner(ledger, await fingerprintGiven(signer));
      const { replay, entry } = await beginReplay(at, ledger, signer !== undefined, call);
      const jobId = jobs.start('replay', null, (progress, signal) =>
        runReplay(at, replay, file, ledger, progress, signal),
      );
      return { jobId, replay, entry };
    },
    'erasure.replays': async ({ replay, after }) => {
      const found = await desk().database.rows(
        sql`select r as replay from privacy_console.replays(${replay ?? null}::bigint, ${after}::bigint, ${500}::int) r`,
        z.object({ replay: replayRow }),
      );
      return { replays: found.map((each) => each.replay) };
    },
  };
}
