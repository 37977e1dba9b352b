import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';

const wherever = z.object({ prefix: z.string().nullable(), key: z.string().nullable() });

export type Places = readonly z.output<typeof wherever>[];

/** Where the plan's objects lie: prefixes, and keys that its rows name elsewhere. */
export async function placesOf(at: Desk, plan: number, signal: AbortSignal): Promise<Places> {
  return at.database.rows(
    sql`select prefix, key from privacy_console.plan_prefixes(${plan}::bigint)`,
    wherever,
    { signal },
  );
}

/** Every object that is there now. */
export async function objectsAt(
  at: Desk,
  places: Places,
  signal: AbortSignal,
): Promise<readonly { readonly key: string; readonly bytes: number }[]> {
  if (places.length === 0) return [];
  const bucket = await at.openBucket('read');
  try {
    const found = new Map<string, number>();
    for (const { prefix } of places) {
      if (prefix === null) continue;
      for await (const object of bucket.list(prefix, { signal })) found.set(object.key, object.bytes);
    }
    for (const { key } of places) {
      if (key === null || found.has(key)) continue;
      const head = await bucket.head(key, { signal });
      if (typeof head !== 'string') found.set(key, head.bytes);
    }
    return [...found].map(([key, bytes]) => ({ key, bytes })).sort((a, b) => (a.key < b.key ? -1 : 1));
  } finally {
    bucket.close();
  }
}

/** Prefixes to list: for keys that rows name, the folder they lie in, once for all of them in it. */
export function asListed(
  places: Places,
): readonly { readonly prefix: string; readonly only: ReadonlySet<string> | null }[] {
  const folders = new Map<string, Set<string>>();
  for (const { key } of places) {
    if (key === null) continue;
    const folder = key.slice(0, key.lastIndexOf('/') + 1);
    const named = folders.get(folder);
    if (named === undefined) folders.set(folder, new Set([key]));
    else named.add(key);
  }
  return [
    ...places.flatMap(({ prefix }) => (prefix === null ? [] : [{ prefix, only: null }])),
    ...[...folders].map(([prefix, only]) => ({ prefix, only })),
  ];
}
