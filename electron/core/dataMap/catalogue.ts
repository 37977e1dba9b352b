import { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { DataMap } from './map.ts';

const columnRow = z.object({
  schema: z.string(),
  table: z.string(),
  column: z.string(),
  /** Type with its schema when that isn't pg_catalog, e.g. `public.citext`. */
  type: z.string(),
  typeSchema: z.string(),
  typeKind: z.string(),
  notNull: z.boolean(),
});

const keyRow = z.object({
  schema: z.string(),
  table: z.string(),
  columns: z.array(z.string()),
  primary: z.boolean(),
});
const referenceRow = z.object({ from: z.string(), to: z.string() });

export type CatalogueColumn = z.output<typeof columnRow>;

/** What the compiler needs to know of the live database. */
export interface Catalogue {
  /** `schema.table` → column → what it is. */
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, CatalogueColumn>>;
  /** `schema.table` → columns of its primary key. */
  readonly primaryKeys: ReadonlyMap<string, readonly string[]>;
  /** `schema.table` → leading columns of each of its indexes. */
  readonly indexes: ReadonlyMap<string, readonly (readonly string[])[]>;
  /** Foreign keys between tables, `schema.table` to `schema.table`. */
  readonly references: readonly { readonly from: string; readonly to: string }[];
  /** Schema that holds pg_trgm's operators, or null when it isn't installed. */
  readonly trigramSchema: string | null;
}

/** Runs one statement and gives its rows; what the reader of a catalogue needs of a connection. */
export type Ask = (text: string, values: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;

/** Reads what the live database says about the tables the map names. */
export async function readCatalogue(ask: Ask, map: DataMap): Promise<Catalogue> {
  const names = Object.values(map.collections).map((held) => held.table);
  // `character` without its length would be one of length 1.
  const columns = await ask(
    `select n.nspname as schema, c.relname as table, a.attname as column,
       case when t.typname = 'bpchar' then 'bpchar' when tn.nspname = 'pg_catalog' then pg_catalog.format_type(a.atttypid, null) else tn.nspname || '.' || t.typname end as type, tn.nspname as "typeSchema",
       case when t.typelem <> 0 and t.typlen = -1 and t.typcategory = 'A' then 'a' else t.typtype::text end as "typeKind", a.attnotnull as "notNull"
     from pg_catalog.pg_class c
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     join pg_catalog.pg_type t on t.oid = a.atttypid
     join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
     where n.nspname || '.' || c.relname = any ($1) and c.relkind in ('r', 'p')
     order by 1, 2, a.attnum`,
    [names],
  );
  const tables = new Map<string, Map<string, CatalogueColumn>>();
  for (const raw of columns) {
    const row = columnRow.parse(raw);
    const name = `${row.schema}.${row.table}`;
    if (!tables.has(name)) tables.set(name, new Map());
    tables.get(name)?.set(row.column, row);
  }
  const keys = await ask(
    `select n.nspname as schema, c.relname as table, i.indisprimary as primary,
       (select pg_catalog.array_agg(coalesce(a.attname::text, '') order by k.place)
        from pg_catalog.unnest(i.indkey::int2[]) with ordinality k(attnum, place)
        left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum) as columns
     from pg_catalog.pg_index i
     join pg_catalog.pg_class c on c.oid = i.indrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname || '.' || c.relname = any ($1) and i.indisvalid and i.indpred is null`,
    [names],
  );
  const primaryKeys = new Map<string, readonly string[]>();
  const indexes = new Map<string, (readonly string[])[]>();
  for (const raw of keys) {
    const row = keyRow.parse(raw);
    const name = `${row.schema}.${row.table}`;
    if (row.primary) primaryKeys.set(name, row.columns);
    indexes.set(name, [...(indexes.get(name) ?? []), row.columns]);
  }
  const references = await ask(
    `select fn.nspname || '.' || f.relname as from, tn.nspname || '.' || t.relname as to
     from pg_catalog.pg_constraint k
     join pg_catalog.pg_class f on f.oid = k.conrelid join pg_catalog.pg_namespace fn on fn.oid = f.relnamespace
     join pg_catalog.pg_class t on t.oid = k.confrelid join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
     where k.contype = 'f' and k.conparentid = 0`,
    [],
  );
  const [trigram] = await ask(
    `select n.nspname as schema from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm'`,
    [],
  );
  return {
    tables,
    primaryKeys,
    indexes,
    references: references.map((raw) => referenceRow.parse(raw)),
    trigramSchema: trigram === undefined ? null : z.string().parse(trigram['schema']),
  };
}

/** Fails with the first thing that the map names and the database lacks. */
export function checkAgainstCatalogue(map: DataMap, catalogue: Catalogue): void {
  for (const [name, held] of Object.entries(map.collections)) {
    const table = catalogue.tables.get(held.table);
    if (table === undefined) {
      throw new ExpectedError(
        'schema_drift',
        `The map’s collection ${name} names the table ${held.table}, which this database doesn’t have; correct the map.`,
      );
    }
    for (const column of Object.keys(held.columns)) {
      if (!table.has(column)) {
        throw new ExpectedError(
          'schema_drift',
          `The map names the column ${held.table}.${column}, which this database doesn’t have; correct the map.`,
        );
      }
    }
    for (const column of table.keys()) {
      if (!(column in held.columns)) {
        throw new ExpectedError(
          'schema_drift',
          `The column ${held.table}.${column} isn’t in the map; map it, so that nothing is forgotten.`,
        );
      }
    }
    if (!catalogue.primaryKeys.has(held.table)) {
      throw new ExpectedError(
        'schema_drift',
        `The table ${held.table} has no primary key, so its rows can’t be told apart; the map can’t use it.`,
      );
    }
    for (const column of held.order) {
      if (table.get(column)?.notNull !== true) {
        throw new ExpectedError(
          'schema_drift',
          `The map orders ${name} by ${column}, which may be null; order it by columns that never are.`,
        );
      }
    }
  }
}
