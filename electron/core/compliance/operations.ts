import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { beginning, follow, isFault, leafOf, type Head } from '#core/audit/chain.ts';
import { covers, restoresIn } from '#core/audit/restores.ts';
import { trailEntries, verifyTrail } from '#core/audit/verify.ts';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Call, SomeHandlers } from '#core/kernel/dispatch.ts';
import type { Jobs, Progress } from '#core/kernel/jobs.ts';
import type { AuditEntry } from '#shared/contract/audit.ts';

type Names =
  | 'audit.list'
  | 'audit.detail'
  | 'audit.verify'
  | 'audit.export'
  | 'audit.restores'
  | 'audit.declareRestore'
  | 'audit.decideRestore';

const entryRow = z.object({
  number: z.coerce.number(),
  at: z.string(),
  actor: z.string(),
  workstation: z.string(),
  client: z.string(),
  action: z.string(),
  subject: z.string().nullable(),
  requestId: z.coerce.number().nullable(),
  outcome: z.enum(['intent', 'done', 'refused', 'failed']),
  intent: z.coerce.number().nullable(),
  refusal: z.string().nullable(),
  detail: z.boolean(),
  ended: z.boolean(),
  chain: z.string(),
});
const receipt = z.object({ entry: z.number() });
const noNote: Call['note'] = () => undefined;

export function complianceOperations(desk: () => Desk, jobs: Jobs): SomeHandlers<Names> {
  const begin = (action: string, call: Call): Promise<{ entry: number }> =>
    desk().database.effect(
      sql`select privacy_console.begin_trail_work(${action}::text) as result`,
      receipt,
      call.note,
    );
  return {
    'audit.list': async (filter) => {
      const rows = await desk().database.rows(
        sql`select number, to_json(at) #>> '{}' as at, actor, workstation, client, action, subject, request as "requestId", outcome, intent, refusal, detail, ended, chain
            from privacy_console.list_entries(${filter.before ?? null}::bigint, ${filter.limit}::int, ${filter.actor ?? null}::text, ${filter.subject ?? null}::text,
              ${filter.action ?? null}::text, ${filter.requestId ?? null}::bigint, ${filter.outcome ?? null}::text, ${filter.since ?? null}::timestamptz, ${filter.until ?? null}::timestamptz)`,
        entryRow,
      );
      const entries: AuditEntry[] = [...rows];
      return { entries, next: entries.length === filter.limit ? (entries.at(-1)?.number ?? null) : null };
    },
    'audit.detail': async ({ number }, call) => {
      const { database } = desk();
      const { entry } = await database.effect(
        sql`select privacy_console.intend_detail(${number}::bigint) as result`,
        receipt,
        call.note,
      );
      const { detail } = await database.row(
        sql`select privacy_console.read_detail(${number}::bigint) as detail`,
        z.object({ detail: z.string().nullable() }),
      );
      return { detail, entry };
    },
    'audit.verify': async (_input, call) => {
      const at = desk();
      const { entry } = await begin('trail.verified', call);
      const jobId = jobs.start('audit.verify', null, (progress, signal) =>
        verify(at, entry, progress, signal),
      );
      return { jobId, entry };
    },
    'audit.export': async ({ file }, call) => {
      const at = desk();
      const { entry } = await begin('trail.exported', call);
      const jobId = jobs.start('audit.export', null, (progress, signal) =>
        exportTrail(at, entry, file, progress, signal),
      );
      return { jobId, entry };
    },
    'audit.restores': async () => ({
      restores: (await restoresIn(desk().database)).map(
        ({ lostNumber: lost, keptNumber: kept, ...each }) => ({ ...each, lost, kept }),
      ),
    }),
    'audit.declareRestore': async ({ asOf, reason }, call) => {
      const at = desk();
      const seen = at.info.trailFault === null ? null : await at.remembered();
      if (seen === null)
        throw new ExpectedError(
          'conflict',
          'Nothing of what this console has seen is missing; declare the restore at a console that says the trail contradicts it.',
        );
      return {
        ...(await at.database.effect(
          sql`select privacy_console.declare_restore(${seen.number}::bigint, ${seen.chain}::text, ${asOf}::timestamptz, ${reason}::text) as result`,
          receipt.extend({ restore: z.number() }),
          call.note,
        )),
        lost: seen.number,
      };
    },
    'audit.decideRestore': async ({ restore, decision, password }, call) => {
      const at = desk();
      const declared = (await restoresIn(at.database)).find(({ id }) => id === restore);
      const seen = at.info.trailFault === null ? null : await at.remembered();
      if (decision === 'approve' && declared !== undefined && seen !== null && !covers(declared, seen))
        throw new ExpectedError(
          'conflict',
          `This console has seen entry ${seen.number}, which is not of what is said to be lost (up to entry ${declared.lostNumber}, after entry ${declared.keptNumber}); have it declared anew at this console, or find out who changed the trail.`,
        );
      const { entry } = await at.decide(decision, password, (database) =>
        database.effect(
          sql`select privacy_console.decide_restore(${restore}::bigint, ${decision}::text) as result`,
          receipt,
          call.note,
        ),
      );
      return { entry };
    },
  };
}

async function end(at: Desk, intent: number, outcome: 'done' | 'failed', detail: object): Promise<void> {
  await at.database.effect(
    sql`select privacy_console.end_trail_work(${intent}::bigint, ${outcome}::text, ${JSON.stringify(detail)}::text) as result`,
    receipt,
    noNote,
  );
}

async function verify(
  at: Desk,
  intent: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    const remembered = await at.remembered();
    const verified = await verifyTrail(
      at.database,
      remembered,
      (done, total) => progress('recomputing the chain', done, total),
      signal,
    );
    const fault = verified.fault ?? at.info.trailFault;
    const { count } = await at.database.row(
      sql`select count(*)::int as count from privacy_console.open_intents() o where o <> ${intent}::bigint`,
      z.object({ count: z.number() }),
    );
    await end(at, intent, fault === null ? 'done' : 'failed', {
      entries: verified.entries,
      fault: fault?.number ?? null,
    });
    return {
      intact: fault === null,
      entries: verified.entries,
      head: verified.head,
      fault,
      remembered: remembered === null ? null : { number: remembered.number, chain: remembered.chain },
      openIntents: count,
    };
  } catch (error) {
    await end(at, intent, 'failed', { code: error instanceof ExpectedError ? error.code : 'internal' }).catch(
      () => undefined,
    );
    throw error;
  }
}

/** Writes every entry as one line: its number, its chain value, and the exact bytes that were hashed. */
async function exportTrail(
  at: Desk,
  intent: number,
  file: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const temporary = path.join(path.dirname(file), `.${randomUUID()}.part`);
  try {
    const hash = createHash('sha256');
    let head: Head = beginning;
    let handle;
    try {
      handle = await open(temporary, 'wx', 0o600);
    } catch {
      throw new ExpectedError(
        'disk',
        'The file can’t be written there; choose a folder that exists and that you may write to.',
      );
    }
    try {
      for await (const entry of trailEntries(at.database, 1, signal)) {
        const outcome = follow(head, { number: entry.number, leaf: leafOf(entry.bytes), chain: entry.chain });
        if (isFault(outcome))
          throw new ExpectedError(
            'trail_broken',
            `${outcome.says} The trail was not exported; verify it first.`,
          );
        head = outcome;
        const line = `${JSON.stringify({ number: entry.number, chain: entry.chain, bytes: entry.bytes.toString('utf8') })}\n`;
        hash.update(line);
        await handle.write(line);
        if (head.number % 500 === 0) progress('writing entries', head.number, null);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    const sha256 = hash.digest('hex');
    await end(at, intent, 'done', { entries: head.number, sha256 });
    return { file, entries: head.number, sha256, head };
  } catch (error) {
    await rm(temporary, { force: true });
    await end(at, intent, 'failed', { code: error instanceof ExpectedError ? error.code : 'internal' }).catch(
      () => undefined,
    );
    throw error;
  }
}

/**
 * Recomputes an exported trail without a database.
 * @param lines of the file, in order
 */
export async function verifyExport(
  lines: AsyncIterable<string>,
): Promise<{ readonly head: Head; readonly fault: string | null }> {
  const line = z.object({ number: z.number().int(), chain: z.string(), bytes: z.string() });
  let head: Head = beginning;
  for await (const text of lines) {
    const parsed = line.safeParse(JSON.parse(text));
    if (!parsed.success) return { head, fault: `The line after entry ${head.number} isn’t an entry.` };
    const outcome = follow(head, { ...parsed.data, leaf: leafOf(Buffer.from(parsed.data.bytes, 'utf8')) });
    if (isFault(outcome)) return { head, fault: outcome.says };
    head = outcome;
  }
  return { head, fault: null };
}
