import { z } from 'zod';
import { readerOver } from '#core/database/database.ts';
import { copyTimeoutMs } from '#core/database/pool.ts';
import { quoteLiteral } from '#core/dataMap/quote.ts';
import { compiled } from '#core/subjects/index.ts';
import type { MappedCollection, MappedSubject } from '#shared/contract/dataMap.ts';
import { newCopiedLines, type Place } from './copiedLines.ts';
import type { CollectionPart } from './format.ts';
import type { PackageCollection } from './package.ts';
import type { Snapshot, Snapshots } from './snapshots.ts';

/**
 * Rows read with one statement at most: the server makes them all before it gives the first, so few enough to be begun
 * with at once and to be held while it makes the next, and to be written to the slowest stick long before the guard's
 * limit. Where rows are large it gives fewer.
 */
export const windowRows = 10_000;
const countTimeoutMs = 5 * 60_000;

/**
 * The rows of one collection, window by window. Where a snapshot has grown old
 * the next window is read from a new one, from the very place; each part is
 * held against the database's own count of it in the snapshot it was read from.
 */
export function readCollection(
  snapshots: Snapshots,
  access: () => number,
  subject: MappedSubject,
  collection: MappedCollection,
  rowsAtOnce = windowRows,
): PackageCollection {
  let parts: CollectionPart[] = [];
  let begun: Place | null = null;
  let place: Place | null = null;
  let atBegin: CollectionPart | null = null;
  let rowsAtEnd = 0;

  const countAll = (snapshot: Snapshot, signal: AbortSignal): Promise<number> =>
    count(snapshot, `${compiled('part', subject, collection)}($1::bigint, null, null)`, [access()], signal);

  /** Ends the part read from this snapshot: counts it there, and begins the next. */
  const endPart = async (snapshot: Snapshot, upto: Place | null, signal: AbortSignal): Promise<void> => {
    parts.push({
      snapshot: snapshot.number,
      rows: await count(
        snapshot,
        `${compiled('part', subject, collection)}($1::bigint, $2::text[], $3::text[])`,
        [access(), begun, upto],
        signal,
      ),
    });
    begun = upto;
  };

  return {
    name: collection.name,
    title: collection.title,
    // What is about somebody else comes as a text, masked or not.
    columns: collection.columns.map((column) =>
      column.thirdParty.includes(subject.kind) ? { ...column, kind: 'text' } : column,
    ),
    rowsInAll: async (signal) => {
      const snapshot = snapshots.current;
      const rows = await countAll(snapshot, signal);
      atBegin = { snapshot: snapshot.number, rows };
      return rows;
    },
    rows: async function* (signal) {
      [parts, begun, place] = [[], null, null];
      const lines = newCopiedLines();
      let more = true;
      while (more) {
        if (snapshots.isOld) {
          // Nothing read yet means that there is no part to end.
          if (place !== null) {
            yield lines.rest();
            await endPart(snapshots.current, place, signal);
          }
          await snapshots.renew();
        }
        const { client, timeLeft } = snapshots.current;
        const stream = await client.copyOut(
          `copy (select * from ${compiled('rows', subject, collection)}(${access()}::bigint, ${arrayLiteral(place)}, ${rowsAtOnce})) to stdout (format binary)`,
          { signal, timeoutMs: timeLeft(copyTimeoutMs) },
        );
        const next: Place | null = yield* lines.window(stream as AsyncIterable<Uint8Array>);
        if (next !== null) place = next;
        more = next !== null;
      }
      yield lines.rest();
    },
    expectedRows: async (signal) => {
      const snapshot = snapshots.current;
      // A snapshot counts the same before and after.
      rowsAtEnd = atBegin?.snapshot === snapshot.number ? atBegin.rows : await countAll(snapshot, signal);
      if (parts.length === 0) parts.push({ snapshot: snapshot.number, rows: rowsAtEnd });
      else await endPart(snapshot, null, signal);
      return parts.reduce((sum, part) => sum + part.rows, 0);
    },
    reading: () => ({ parts, rowsAtEnd }),
  };
}

async function count(
  snapshot: Snapshot,
  call: string,
  values: readonly unknown[],
  signal: AbortSignal,
): Promise<number> {
  const { rows } = await readerOver(snapshot.client).row(
    { text: `select ${call} as rows`, values },
    z.object({ rows: z.coerce.number() }),
    { signal, timeoutMs: snapshot.timeLeft(countTimeoutMs) },
  );
  return rows;
}

function arrayLiteral(place: Place | null): string {
  if (place === null) return 'null';
  return `array[${place.map((each) => quoteLiteral(each)).join(', ')}]::text[]`;
}
