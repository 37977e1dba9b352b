import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { shred, stateOf } from './shred.ts';

export type CopyNames = 'copies.list' | 'copies.shred' | 'copies.expire';

const dayMs = 86_400_000;
type Because = 'asked' | 'expired';

/** Packages that lie on this computer: how long they may, and their end. */
export function copyOperations(desk: () => Desk): SomeHandlers<CopyNames> {
  return {
    'copies.list': async () => {
      const at = desk();
      const days = await daysOf(at);
      const copies = await at.localCopies.list();
      return {
        days,
        copies: copies.map(({ exportId, path, bytes, madeAt }) => ({
          exportId,
          path,
          bytes,
          madeAt,
          expiresAt: expiryOf(madeAt, days),
        })),
      };
    },
    'copies.shred': async ({ exportId, path }, call) => {
      const at = desk();
      const copy = (await at.localCopies.list()).find(
        (each) => each.exportId === exportId && each.path === path,
      );
      if (copy === undefined)
        throw new ExpectedError('not_found', 'This console knows of no such copy on this computer.');
      const state = await stateOf(copy.path, copy.sha256);
      if (state === 'other')
        throw new ExpectedError(
          'conflict',
          'What lies there is not the package that was written there, so it was left alone; look at it, and remove it yourself.',
        );
      const entry = await end(at, copy, 'asked', state === 'gone', call.note);
      return { entry };
    },
    'copies.expire': async () => {
      const at = desk();
      const days = await daysOf(at);
      const told = { shredded: 0, left: 0 };
      for (const copy of await at.localCopies.list()) {
        if (Date.parse(expiryOf(copy.madeAt, days)) > Date.now()) continue;
        const state = await stateOf(copy.path, copy.sha256);
        if (state === 'other') {
          told.left += 1;
          continue;
        }
        await end(at, copy, 'expired', state === 'gone', () => undefined);
        told.shredded += 1;
      }
      return told;
    },
  };
}

async function daysOf(at: Desk): Promise<number> {
  const { days } = await at.database.row(
    sql`select privacy_console.copy_days() as days`,
    z.object({ days: z.number() }),
  );
  return days;
}

function expiryOf(madeAt: string, days: number): string {
  return new Date(Date.parse(madeAt) + days * dayMs).toISOString();
}

/** Announces the end of a copy, carries it out, and tells how it went. */
async function end(
  at: Desk,
  { exportId, path }: { readonly exportId: number; readonly path: string },
  because: Because,
  isGone: boolean,
  note: (entry: number) => void,
): Promise<number> {
  const record = async (intent: number | null, done: boolean | null): Promise<number> => {
    const { entry } = await at.database.effect(
      sql`select privacy_console.record_shredding(${exportId}::bigint, ${because}::text, ${intent}::bigint, ${done}::boolean) as result`,
      z.object({ entry: z.number() }),
      note,
    );
    return entry;
  };
  const intent = await record(null, null);
  try {
    if (!isGone) await shred(path);
  } catch {
    await record(intent, false);
    throw new ExpectedError(
      'disk',
      'The copy could not be removed; close what has it open, look whether the folder may be written to, and try again.',
    );
  }
  await at.localCopies.remove(path);
  return record(intent, true);
}
