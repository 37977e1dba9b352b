import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { readCatalogue } from '#core/dataMap/catalogue.ts';
import { compileMap } from '#core/dataMap/compile.ts';
import { differencesOf } from '#core/dataMap/difference.ts';
import { canonicalMap, mapFromCanonical, mapHash, parseMap, type DataMap } from '#core/dataMap/map.ts';
import { tableParts } from '#core/dataMap/quote.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import { mapChange, type MapComparison } from '#shared/contract/dataMap.ts';

type Names = 'map.compare' | 'map.propose' | 'map.changes' | 'map.change' | 'map.decide' | 'map.gaps';

const changeRow = z.object({ change: mapChange });
const textsRow = z.object({ before: z.string(), after: z.string() });
const inForceRow = z.object({ hash: z.string(), text: z.string() });
const sizeRow = z.object({ table: z.string(), rows: z.coerce.number() });
const proposed = z.object({ change: z.number(), entry: z.number() });
const receipt = z.object({ entry: z.number() });

/** A change of the data map: compared, proposed by one person, decided by another; an install adopts it. */
export function mapChangeOperations(desk: () => Desk): SomeHandlers<Names> {
  const changes = async (id: number | null): Promise<z.output<typeof mapChange>[]> =>
    (
      await desk().database.rows(
        sql`select c as change from privacy_console.map_changes(${id}::bigint) c`,
        changeRow,
      )
    ).map(({ change }) => change);
  const change = async (id: number): Promise<z.output<typeof mapChange>> => {
    const [found] = await changes(id);
    if (found === undefined)
      throw new ExpectedError('not_found', `There is no change ${id} of the data map; list them again.`);
    return found;
  };
  const compared = async (before: DataMap, after: DataMap): Promise<MapComparison> => {
    const differences = differencesOf(before, after);
    const tables = [...new Set(differences.flatMap(({ table }) => (table === null ? [] : [table])))].flatMap(
      (table) => {
        const parts = tableParts(table);
        return parts === null ? [] : [{ table, parts }];
      },
    );
    const rows = await desk().database.rows(
      // By name from the catalogue: to_regclass refuses who may not use the table's schema, and staff may not.
      // Of a partitioned table, whose own figure is not kept up, the sum of its partitions'.
      sql`select t.name as "table", coalesce((
            with recursive part (oid) as (
              select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = t.schema and c.relname = t.relation
              union select h.inhrelid from part p join pg_catalog.pg_inherits h on h.inhparent = p.oid)
            select sum(c.reltuples) filter (where c.relkind = 'r' and c.reltuples > 0) from part p join pg_catalog.pg_class c on c.oid = p.oid), 0)::float8 as rows
          from unnest(${tables.map(({ table }) => table)}::text[], ${tables.map(({ parts }) => parts.schema)}::text[], ${tables.map(({ parts }) => parts.table)}::text[]) t(name, schema, relation)`,
      sizeRow,
    );
    return { differences: [...differences], tables: [...rows] };
  };
  /** The map of a file, refused when the live database doesn't fit it. */
  const fitting = async (file: string, text: string): Promise<DataMap> => {
    const map = parseMap(text, file);
    const { pool } = desk();
    compileMap(
      map,
      await readCatalogue(async (query, values) => (await pool.query(query, values)).rows, map),
    );
    return map;
  };
  return {
    'map.compare': async ({ file, text: given }) => {
      const after = await fitting(file, given);
      const { hash, text } = await desk().database.row(
        sql`select hash, text from privacy_console.installed_map()`,
        inForceRow,
      );
      return { base: hash, hash: mapHash(after), ...(await compared(mapFromCanonical(text), after)) };
    },
    'map.propose': async ({ file, text, base, reason }, call) => {
      const map = await fitting(file, text);
      const { change: id, entry } = await desk().database.effect(
        sql`select privacy_console.propose_map(${base}::text, ${canonicalMap(map)}::text, ${reason}::text) as result`,
        proposed,
        call.note,
      );
      return { change: await change(id), entry };
    },
    'map.gaps': async () => {
      const gaps = await desk().database.rows(
        sql`select distinct what || ' ' || detail as gap from privacy_console.map_gaps() order by 1`,
        z.object({ gap: z.string() }),
      );
      return { gaps: gaps.map(({ gap }) => gap) };
    },
    'map.changes': async () => ({ changes: await changes(null) }),
    'map.change': async ({ change: id }) => {
      const found = await change(id);
      const { before, after } = await desk().database.row(
        sql`select before, after from privacy_console.map_texts(${id}::bigint)`,
        textsRow,
      );
      return { change: found, ...(await compared(mapFromCanonical(before), mapFromCanonical(after))) };
    },
    'map.decide': async ({ change: id, hash, decision, reason, password }, call) => {
      const { entry } = await desk().decide(decision, password, (database) =>
        database.effect(
          sql`select privacy_console.decide_map(${id}::bigint, ${hash}::text, ${decision}::text, ${reason}::text) as result`,
          receipt,
          call.note,
        ),
      );
      return { change: await change(id), entry };
    },
  };
}
