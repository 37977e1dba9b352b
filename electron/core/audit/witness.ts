import { z } from 'zod';
import type { Reader } from '#core/database/database.ts';
import { sql } from '#core/database/sql.ts';
import { follow, isFault, type Fault, type Head } from './chain.ts';

const headRow = z.object({ identity: z.string(), number: z.coerce.number(), chain: z.string() });
const linkRow = z.object({ number: z.coerce.number(), leaf: z.string(), chain: z.string() });

/** Where the trail of which installation stands now. */
export interface LiveHead extends Head {
  readonly identity: string;
}

export async function readHead(reader: Reader): Promise<LiveHead> {
  return reader.row(sql`select identity, number, chain from privacy_console.trail_head()`, headRow);
}

const linksPerPage = 5_000;

/**
 * Whether the trail goes on from the head this console saw last: that entry is
 * still there with the same chain value, and each later one follows from it.
 * Gives the new head, or what contradicts. Any member of staff can check this;
 * it shows leaves, not entries.
 */
export async function checkContinues(
  reader: Reader,
  remembered: Head,
  signal?: AbortSignal,
): Promise<Head | Fault> {
  const options = signal === undefined ? {} : { signal };
  let head: Head = remembered;
  for (let from = remembered.number; ; from = head.number + 1) {
    const links = await reader.rows(
      sql`select number, leaf, chain from privacy_console.trail_links(${from}::bigint, ${linksPerPage}::int)`,
      linkRow,
      options,
    );
    const [first] = links;
    if (from === remembered.number && remembered.number > 0) {
      if (first === undefined || first.number !== remembered.number) {
        return {
          number: remembered.number,
          says: `Entry ${remembered.number}, which this console has seen, is gone.`,
        };
      }
      if (first.chain !== remembered.chain) {
        return {
          number: remembered.number,
          says: `Entry ${remembered.number} isn't the one this console has seen.`,
        };
      }
    }
    for (const link of links) {
      if (link.number <= head.number) continue;
      const next = follow(head, link);
      if (isFault(next)) return next;
      head = next;
    }
    if (links.length < linksPerPage) return head;
  }
}
