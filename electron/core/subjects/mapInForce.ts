import { z } from 'zod';
import type { Reader } from '#core/database/database.ts';
import { sql } from '#core/database/sql.ts';
import { quoteIdentifier } from '#core/dataMap/quote.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import {
  mappedCollection,
  mappedSubject,
  type MappedCollection,
  type MappedSubject,
} from '#shared/contract/dataMap.ts';

export interface MapInForce {
  readonly hash: string;
  readonly subjects: readonly MappedSubject[];
  readonly collections: readonly MappedCollection[];
}

const row = z.object({
  hash: z.string(),
  described: z.object({ subjects: z.array(mappedSubject), collections: z.array(mappedCollection) }),
});

/** The map the database works by; it changes only with an install. */
export async function mapInForce(reader: Reader): Promise<MapInForce> {
  const found = await reader.row(sql`select hash, described from privacy_console.current_map()`, row);
  return { hash: found.hash, ...found.described };
}

/** The collection of that name. */
export function collectionOf(
  map: { readonly collections: readonly MappedCollection[] },
  name: string,
): MappedCollection {
  const found = map.collections.find((each) => each.name === name);
  if (found === undefined) throw new ExpectedError('not_found', 'The data map has no such collection.');
  return found;
}

/** What the map says of one kind of people. */
export interface KindInForce {
  readonly subject: MappedSubject;
  /** The collections that hold rows of theirs. */
  readonly collections: readonly MappedCollection[];
}

export function kindInForce(map: MapInForce, kind: string): KindInForce {
  const subject = map.subjects.find((each) => each.kind === kind);
  if (subject === undefined)
    throw new ExpectedError(
      'conflict',
      'The data map no longer knows this kind of person; search for the person again.',
    );
  return { subject, collections: map.collections.filter((each) => each.kinds.includes(kind)) };
}

/** Quoted name of a compiled function of a kind, e.g. `page` of `messages`. */
export function compiled(
  verb: 'page' | 'count' | 'reached' | 'paths' | 'rows' | 'part' | 'review' | 'series',
  { suffix }: MappedSubject,
  collection: MappedCollection,
): string {
  return `privacy_console.${quoteIdentifier(`${verb}_${collection.name}${suffix}`)}`;
}

/** Quoted name of a compiled function of a kind over all collections. */
export function compiledAcross(name: 'object_rows' | 'object_prefixes', { suffix }: MappedSubject): string {
  return `privacy_console.${quoteIdentifier(`${name}${suffix}`)}`;
}
