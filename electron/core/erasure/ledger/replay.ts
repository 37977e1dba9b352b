import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import type { Call } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Progress } from '#core/kernel/jobs.ts';
import { entriesOf, type CheckedLedger } from './file.ts';

const noNote: Call['note'] = () => undefined;
const linesAtOnce = 500;
/** Rows of the platform a batch looks at. */
const batchRows = 5_000;

/** Commits that the ledger is held against the platform; the database refuses one it can't use, or whose signer nobody knows. */
export async function beginReplay(
  at: Desk,
  ledger: CheckedLedger,
  named: boolean,
  { note }: Pick<Call, 'note'>,
): Promise<{ readonly replay: number; readonly entry: number }> {
  return at.database.effect(
    sql`select privacy_console.begin_replay(${ledger.header}::text, ${ledger.end}::text, ${ledger.sha256}::text, ${ledger.signer}::text, ${named}::boolean) as result`,
    z.object({ replay: z.number(), entry: z.number() }),
    note,
  );
}

/**
 * Gives the ledger's lines to the database, has it go through everybody the platform holds, and opens a deletion
 * request for each who came back. Deletes nothing. Memory stays as it is however many there are.
 */
export async function runReplay(
  at: Desk,
  replay: number,
  file: string,
  { count }: CheckedLedger,
  progress: Progress,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    await readLines(at, replay, file, count, progress, signal);
    await search(at, replay, progress, signal);
    for (let more = true; more;) {
      signal.throwIfAborted();
      ({ more } = await at.database.effect(
        sql`select privacy_console.open_replayed(${replay}::bigint) as result`,
        z.object({ more: z.boolean() }),
        noNote,
      ));
    }
    await end(at, replay, null);
    const { cameBack } = await at.database.row(
      sql`select (r ->> 'cameBack')::int as "cameBack" from privacy_console.replays(${replay}::bigint, 0::bigint, 0::int) r`,
      z.object({ cameBack: z.number() }),
    );
    return { replayId: replay, cameBack };
  } catch (error) {
    const code = error instanceof ExpectedError ? error.code : 'internal';
    await end(at, replay, code).catch(() => undefined);
    throw error;
  }
}

async function readLines(
  at: Desk,
  replay: number,
  file: string,
  count: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  let done = 0;
  const give = async (lines: readonly string[]): Promise<void> => {
    await at.database.effect(
      sql`select privacy_console.replay_lines(${replay}::bigint, ${lines}::text[]) as result`,
      z.object({}),
      noNote,
    );
    done += lines.length;
    progress('reading the ledger', done, count);
  };
  let lines: string[] = [];
  for await (const line of entriesOf(file, signal)) {
    lines.push(line);
    if (lines.length < linesAtOnce) continue;
    await give(lines);
    lines = [];
  }
  // Also of an empty ledger, so that what was read is held against what was signed.
  if (lines.length > 0 || done === 0) await give(lines);
  if (done !== count)
    throw new ExpectedError('conflict', 'The ledger changed while it was read; check against it again.');
}

async function search(at: Desk, replay: number, progress: Progress, signal: AbortSignal): Promise<void> {
  for (let more = true; more;) {
    signal.throwIfAborted();
    const told = await at.database.effect(
      sql`select privacy_console.replay_batch(${replay}::bigint, ${batchRows}::int) as result`,
      z.object({ searched: z.number(), more: z.boolean() }),
      noNote,
      { timeoutMs: 120_000 },
    );
    ({ more } = told);
    progress('looking through the platform', told.searched, null);
  }
}

async function end(at: Desk, replay: number, code: string | null): Promise<void> {
  await at.database.effect(
    sql`select privacy_console.end_replay(${replay}::bigint, ${code}::text) as result`,
    z.object({ entry: z.number() }),
    noNote,
  );
}
