import { z } from 'zod';
import type { Reader } from '#core/database/database.ts';
import { sql } from '#core/database/sql.ts';
import { beginning, follow, isFault, leafOf, type Fault, type Head } from './chain.ts';
import { readHead } from './witness.ts';

const entryRow = z.object({
  number: z.coerce.number(),
  bytes: z.instanceof(Buffer),
  chain: z.string(),
  canonical: z.boolean(),
});
export type TrailEntry = z.output<typeof entryRow>;

const entriesPerPage = 5_000;

/** All entries from number `from`, oldest first, page by page. */
export async function* trailEntries(
  reader: Reader,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<TrailEntry> {
  for (let next = from; ;) {
    const page = await reader.rows(
      sql`select number, bytes, chain, canonical from privacy_console.trail_entries(${next}::bigint, ${entriesPerPage}::int)`,
      entryRow,
      { signal },
    );
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < entriesPerPage) return;
    next = last.number + 1;
  }
}

export interface Verified {
  readonly entries: number;
  readonly head: Head;
  readonly fault: Fault | null;
}

/**
 * Recomputes every leaf and link from the stored bytes, compares the bytes with
 * the columns and the details with their commitments, and holds the trail
 * against the head this console remembers. Stops at the first fault.
 */
export async function verifyTrail(
  reader: Reader,
  remembered: Head | null,
  progress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Verified> {
  const target = await readHead(reader);
  let head: Head = beginning;
  for await (const entry of trailEntries(reader, 1, signal)) {
    const outcome = follow(head, { number: entry.number, leaf: leafOf(entry.bytes), chain: entry.chain });
    if (isFault(outcome)) return { entries: head.number, head, fault: outcome };
    if (!entry.canonical || numberIn(entry.bytes) !== entry.number) {
      return {
        entries: head.number,
        head,
        fault: {
          number: entry.number,
          says: `What is shown of entry ${entry.number}, or its detail, isn't what was hashed.`,
        },
      };
    }
    if (remembered !== null && entry.number === remembered.number && entry.chain !== remembered.chain) {
      return {
        entries: head.number,
        head,
        fault: { number: entry.number, says: `Entry ${entry.number} isn't the one this console has seen.` },
      };
    }
    head = outcome;
    if (head.number % 1_000 === 0) progress(head.number, target.number);
  }
  if (remembered !== null && head.number < remembered.number) {
    return {
      entries: head.number,
      head,
      fault: {
        number: head.number + 1,
        says: `Entries ${head.number + 1} to ${remembered.number}, which this console has seen, are gone.`,
      },
    };
  }
  progress(head.number, Math.max(head.number, target.number));
  return { entries: head.number, head, fault: null };
}

function numberIn(bytes: Uint8Array): unknown {
  try {
    return (JSON.parse(Buffer.from(bytes).toString('utf8')) as { number?: unknown }).number;
  } catch {
    return undefined;
  }
}
