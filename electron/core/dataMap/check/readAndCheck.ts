import type { CheckFinding } from '#shared/contract/dataMap.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { readCatalogue, type Ask, type Catalogue } from '../catalogue.ts';
import { refuseUncompilable } from '../compile.ts';
import { guessAll } from '../draft/draftMap.ts';
import { isPersonal, isPlaced } from '../draft/guess.ts';
import { countPatterns } from '../draft/sample.ts';
import { readLiveSchema } from '../liveSchema.ts';
import type { DataMap } from '../map.ts';
import { checkMap, type CompiledColumn } from './checkMap.ts';
import { readDocuments } from './documents.ts';
import { tryReplacements } from './replacements.ts';
import { readSurroundings } from './surroundings.ts';

export interface CheckOptions {
  /** Counts values in the server, a table at a time; null does without. */
  readonly count: Ask | null;
  /** What was compiled at the install; null for a map that isn't installed. */
  readonly compiled: readonly CompiledColumn[] | null;
  readonly signal: AbortSignal;
}

/** Reads what a check goes by and checks. Values are counted in the server and never asked for. */
export async function readAndCheck(
  ask: Ask,
  map: DataMap,
  options: CheckOptions,
): Promise<readonly CheckFinding[]> {
  const schema = await readLiveSchema(ask);
  const around = await readSurroundings(ask);
  const { catalogue, refused } = await compilable(ask, map);
  const plain = guessAll(schema, { counts: new Map(), unseen: new Map() });
  const held = new Map(Object.values(map.collections).map((each) => [each.table, each]));
  const tables = [...schema.tables.values()].filter(
    (each) => (each.kind === 'table' || each.kind === 'partitioned') && each.extension === null,
  );
  const sampled =
    options.count === null
      ? null
      : await countPatterns(
          options.count,
          tables,
          (table, column) => {
            const mapped = held.get(table.name)?.columns[column.name];
            // Only where counts can still tell something: what is shown bare, or not mapped at all.
            if (mapped !== undefined && (mapped.never || mapped.mask !== undefined)) return false;
            const guess = plain.get(table.name)?.get(column.name);
            return (
              mapped === undefined ||
              guess === undefined ||
              !isPlaced(guess) ||
              guess.confidence !== 'high' ||
              !isPersonal(guess)
            );
          },
          options.signal,
        );
  const closed = tables.filter((each) => !each.readable).map((each) => each.name);
  return checkMap({
    map,
    schema,
    catalogue,
    around,
    guesses: sampled === null ? plain : guessAll(schema, sampled),
    sampled:
      sampled === null
        ? null
        : {
            ...sampled,
            unseen: new Map([
              ...closed.map((name) => [name, 'this login may not read it'] as const),
              ...sampled.unseen,
            ]),
          },
    documents:
      options.count === null || catalogue === null || refused !== null
        ? null
        : await readDocuments(options.count, map, catalogue, options.signal),
    tried: catalogue === null || refused !== null ? null : await tryReplacements(ask, map, catalogue),
    refused,
    compiled: options.compiled,
  });
}

/** What the compiler reads and says of the map. */
async function compilable(
  ask: Ask,
  map: DataMap,
): Promise<{ readonly catalogue: Catalogue | null; readonly refused: string | null }> {
  let catalogue: Catalogue;
  try {
    catalogue = await readCatalogue(ask, map);
  } catch (error) {
    if (error instanceof ExpectedError && error.code === 'not_permitted')
      return { catalogue: null, refused: null };
    throw error;
  }
  try {
    refuseUncompilable(map, catalogue);
    return { catalogue, refused: null };
  } catch (error) {
    if (error instanceof ExpectedError) return { catalogue, refused: error.message };
    throw error;
  }
}
