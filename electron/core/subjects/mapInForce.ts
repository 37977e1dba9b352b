import { z } from 'zod';
import type { Reader } from '#core/database/database.ts';
import { sql } from '#core/database/sql.ts';
import { quoteIdentifier } from '#core/dataMap/quote.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { mappedCollection, type MappedCollection } from '#shared/contract/dataMap.ts';

export interface MapInForce {
  readonly hash: string;
  readonly collections: readonly MappedCollection[];
}

const row = z.object({ hash: z.string(), described: z.array(mappedCollection) });

/** The map the database works by; it changes only with an install. */
export async function mapInForce(reader: Reader): Promise<MapInForce> {
  const found = await reader.row(sql`select hash, described from privacy_console.current_map()`, row);
  return { hash: found.hash, collections: found.described };
}

/** The collection of that name. */
export function collectionOf(map: MapInForce, name: string): MappedCollection {
  const found = map.collections.find((each) => each.name === name);
  if (found === undefined) throw new ExpectedError('not_found', 'The data map has no such collection.');
  return found;
}

/** Quoted name of a compiled function, e.g. `page` and `messages`. */
export function compiled(
  verb: 'page' | 'count' | 'reached' | 'paths' | 'rows' | 'part' | 'series',
  collection: MappedCollection,
): string {
  return `privacy_console.${quoteIdentifier(`${verb}_${collection.name}`)}`;
}
