import { z } from 'zod';
import type { Ask, Catalogue } from '../catalogue.ts';
import { unnamedKeysQuery } from '../compileJson.ts';
import { troubleOfTable } from '../draft/sample.ts';
import type { DataMap } from '../map.ts';

/** A place inside a mapped document that no path of the map names. */
export interface UnnamedPlace {
  /** `schema.table.column`. */
  readonly column: string;
  /** Spelt as in a map. */
  readonly path: string;
  /** In how many of the documents that were looked at. */
  readonly documents: number;
}

export interface Documents {
  readonly unnamed: readonly UnnamedPlace[];
  /** Columns that could not be looked into. */
  readonly unseen: readonly string[];
}

/** How many documents of a column are looked at, the last by its order of pages. */
export const documentsLookedAt = 1_000;

const row = z.object({ path: z.string(), documents: z.coerce.number() });

/**
 * Looks for keys that have come into mapped documents since the map was
 * written, in the server; of values only their place comes back.
 */
export async function readDocuments(
  ask: Ask,
  map: DataMap,
  catalogue: Catalogue,
  signal: AbortSignal,
): Promise<Documents> {
  const unnamed: UnnamedPlace[] = [];
  const unseen: string[] = [];
  for (const held of Object.values(map.collections))
    for (const [name, mapped] of Object.entries(held.columns)) {
      if (mapped.paths === undefined) continue;
      signal.throwIfAborted();
      const column = `${held.table}.${name}`;
      try {
        const rows = await ask(unnamedKeysQuery(map, catalogue, held, name, documentsLookedAt), []);
        unnamed.push(
          ...z
            .array(row)
            .parse(rows)
            .map((each) => ({ column, ...each })),
        );
      } catch (error) {
        if (signal.aborted || troubleOfTable(error) === null) throw error;
        unseen.push(column);
      }
    }
  return { unnamed, unseen };
}
