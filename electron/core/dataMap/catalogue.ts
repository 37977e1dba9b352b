import { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';
import {
  copiesOf,
  isCorrectable,
  isReplacement,
  type Assigned,
  type Collection,
  type DataMap,
} from './map.ts';
import { tableName, tableParts } from './quote.ts';

const columnRow = z.object({
  schema: z.string(),
  table: z.string(),
  column: z.string(),
  /** Type with its schema when that isn't pg_catalog, e.g. `public.citext`. */
  type: z.string(),
  typeSchema: z.string(),
  typeKind: z.string(),
  /** What the type comes down to: a domain's own base, another type itself; written as SQL when its schema is pg_catalog. */
  baseType: z.string(),
  baseSchema: z.string(),
  baseKind: z.string(),
  /** Characters a text may have at most, by its own type or the domain it is of; null without such a limit. */
  length: z.number().nullable(),
  notNull: z.boolean(),
  /** Computed by the database, so that nobody can set it. */
  generated: z.boolean(),
});

const indexRow = z.object({
  schema: z.string(),
  table: z.string(),
  columns: z.array(z.string()),
  primary: z.boolean(),
  /** Whether it tells two rows apart: unique at once, over columns that are never null. */
  telling: z.boolean(),
});

const names = z.array(z.string());
const uniqueRow = z.object({ schema: z.string(), table: z.string(), columns: names });
const referenceRow = z.object({
  fromSchema: z.string(),
  fromTable: z.string(),
  fromColumns: names,
  toSchema: z.string(),
  toTable: z.string(),
  toColumns: names,
  onDelete: z.enum(['a', 'r', 'c', 'n', 'd']),
});
const descentRow = z.object({
  schema: z.string(),
  table: z.string(),
  parentSchema: z.string(),
  parentTable: z.string(),
  partition: z.boolean(),
  extra: names,
});

export type CatalogueColumn = z.output<typeof columnRow>;

/** A foreign key: rows of `from` name rows of `to`. */
export interface Reference {
  readonly from: string;
  readonly to: string;
  readonly fromColumns: readonly string[];
  readonly toColumns: readonly string[];
  /** What the database does to the rows of `from` when the row of `to` goes. */
  readonly onDelete: 'refuse' | 'cascade' | 'set';
}

/** A table that another one is a part of. */
export interface Descent {
  readonly table: string;
  /** Directly above it. */
  readonly parent: string;
  readonly partition: boolean;
  /** Columns that the parent lacks. */
  readonly extra: readonly string[];
}

/** What the compiler needs to know of the live database; tables are named as `tableName` spells them. */
export interface Catalogue {
  /** Table → column → what it is; also of tables that refer to mapped ones. */
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, CatalogueColumn>>;
  /**
   * Table → columns that tell its rows apart: its primary key, or another
   * unique key of columns that are never null. A table whose children by
   * inheritance may repeat a key has none.
   */
  readonly primaryKeys: ReadonlyMap<string, readonly string[]>;
  /** Table → leading columns of each of its indexes. */
  readonly indexes: ReadonlyMap<string, readonly (readonly string[])[]>;
  /** Table → columns that only together tell its rows apart by some index, those it computes with included. */
  readonly uniques: ReadonlyMap<string, readonly (readonly string[])[]>;
  /** Foreign keys between tables. */
  readonly references: readonly Reference[];
  /** Partitions and children of tables. */
  readonly descents: readonly Descent[];
  /** Schema that holds pg_trgm's operators, or null when it isn't installed. */
  readonly trigramSchema: string | null;
}

/** Runs one statement and gives its rows; what the reader of a catalogue needs of a connection. */
export type Ask = (text: string, values: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;

/** Reads what the live database says about the tables the map names. */
export async function readCatalogue(ask: Ask, map: DataMap): Promise<Catalogue> {
  const mapped = [...new Set(Object.values(map.collections).map((held) => held.table))];
  const references = (
    await ask(
      `select fn.nspname as "fromSchema", f.relname as "fromTable", tn.nspname as "toSchema", t.relname as "toTable", k.confdeltype as "onDelete",
         (select pg_catalog.array_agg(a.attname::text order by c.place) from pg_catalog.unnest(k.conkey) with ordinality c(number, place)
           join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.number) as "fromColumns",
         (select pg_catalog.array_agg(a.attname::text order by c.place) from pg_catalog.unnest(k.confkey) with ordinality c(number, place)
           join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = c.number) as "toColumns"
       from pg_catalog.pg_constraint k
       join pg_catalog.pg_class f on f.oid = k.conrelid join pg_catalog.pg_namespace fn on fn.oid = f.relnamespace
       join pg_catalog.pg_class t on t.oid = k.confrelid join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
       where k.contype = 'f' and k.conparentid = 0`,
      [],
    )
  ).map((raw): Reference => {
    const row = referenceRow.parse(raw);
    return {
      from: tableName(row.fromSchema, row.fromTable),
      to: tableName(row.toSchema, row.toTable),
      fromColumns: row.fromColumns,
      toColumns: row.toColumns,
      onDelete:
        row.onDelete === 'c' ? 'cascade' : row.onDelete === 'n' || row.onDelete === 'd' ? 'set' : 'refuse',
    };
  });
  const descents = (
    await ask(
      `select n.nspname as schema, c.relname as table, pn.nspname as "parentSchema", p.relname as "parentTable", c.relispartition as partition,
         array(select a.attname::text from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           and not exists (select from pg_catalog.pg_attribute o where o.attrelid = p.oid and o.attname = a.attname and o.attnum > 0 and not o.attisdropped)
           order by a.attnum) as extra
       from pg_catalog.pg_inherits h
       join pg_catalog.pg_class c on c.oid = h.inhrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_class p on p.oid = h.inhparent join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
       where c.relkind in ('r', 'p', 'f')`,
      [],
    )
  ).map((raw): Descent => {
    const row = descentRow.parse(raw);
    return {
      table: tableName(row.schema, row.table),
      parent: tableName(row.parentSchema, row.parentTable),
      partition: row.partition,
      extra: row.extra,
    };
  });
  const wanted = [
    ...new Set([
      ...mapped,
      ...references
        .filter((each) => mappedAbove(map, { descents }, each.to) !== null)
        .map((each) => each.from),
    ]),
  ].map((name) => tableParts(name) ?? { schema: '', table: '' });
  const pairs = [wanted.map((each) => each.schema), wanted.map((each) => each.table)];
  const columns = await ask(
    `select n.nspname as schema, c.relname as table, a.attname as column,
       case when tn.nspname = 'pg_catalog' then pg_catalog.format_type(a.atttypid, null) else tn.nspname || '.' || t.typname end as type, tn.nspname as "typeSchema",
       case when t.typelem <> 0 and t.typlen = -1 and t.typcategory = 'A' then 'a' else t.typtype::text end as "typeKind", a.attnotnull as "notNull",
       case when bn.nspname = 'pg_catalog' then pg_catalog.format_type(b.oid, -1) else bn.nspname || '.' || b.typname end as "baseType", bn.nspname as "baseSchema", b.typtype::text as "baseKind",
       case when b.oid in ('pg_catalog.varchar'::pg_catalog.regtype, 'pg_catalog.bpchar'::pg_catalog.regtype) and greatest(a.atttypmod, base.typmod) >= 4 then greatest(a.atttypmod, base.typmod) - 4 end as length,
       a.attgenerated <> '' or a.attidentity = 'a' as generated
     from pg_catalog.pg_class c
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     join pg_catalog.pg_type t on t.oid = a.atttypid
     join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace
     cross join lateral (
       with recursive down (type, base, kind, typmod) as (
         select t.oid, t.typbasetype, t.typtype, t.typtypmod
         union all select d.oid, d.typbasetype, d.typtype, greatest(down.typmod, d.typtypmod) from down join pg_catalog.pg_type d on d.oid = down.base where down.kind = 'd')
       select down.type as oid, down.typmod from down where down.kind <> 'd') base
     join pg_catalog.pg_type b on b.oid = base.oid
     join pg_catalog.pg_namespace bn on bn.oid = b.typnamespace
     where (n.nspname, c.relname) in (select w.s, w.t from rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) w(s, t)) and c.relkind in ('r', 'p')
     order by 1, 2, a.attnum`,
    pairs,
  );
  const tables = new Map<string, Map<string, CatalogueColumn>>();
  for (const raw of columns) {
    const row = columnRow.parse(raw);
    const name = tableName(row.schema, row.table);
    if (!tables.has(name)) tables.set(name, new Map());
    tables.get(name)?.set(row.column, row);
  }
  const found = await ask(
    `select n.nspname as schema, c.relname as table, i.indisprimary as primary, x.columns,
       i.indisunique and i.indimmediate and i.indexprs is null and i.indisvalid and x.never_null as telling
     from pg_catalog.pg_index i
     join pg_catalog.pg_class c on c.oid = i.indrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     cross join lateral (
       select pg_catalog.array_agg(coalesce(a.attname::text, '') order by k.place) as columns, coalesce(pg_catalog.bool_and(a.attnotnull), false) as never_null
        from pg_catalog.unnest(i.indkey::int2[]) with ordinality k(attnum, place)
        left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
        where k.place <= i.indnkeyatts) x
     where (n.nspname, c.relname) in (select w.s, w.t from rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) w(s, t))
       and (i.indisvalid or c.relkind = 'p') and i.indpred is null
     order by 1, 2, i.indisprimary desc, i.indnkeyatts, i.indexrelid`,
    pairs,
  );
  const inherited = new Set(descents.filter((each) => !each.partition).map((each) => each.parent));
  const primaryKeys = new Map<string, readonly string[]>();
  const indexes = new Map<string, (readonly string[])[]>();
  for (const raw of found) {
    const row = indexRow.parse(raw);
    const name = tableName(row.schema, row.table);
    if ((row.primary || row.telling) && !primaryKeys.has(name)) primaryKeys.set(name, row.columns);
    indexes.set(name, [...(indexes.get(name) ?? []), row.columns]);
  }
  // Mapped beside its parent, a child is read by itself, and both with their own keys.
  for (const name of inherited) {
    if (!readsOnly(map, descents, name)) primaryKeys.delete(name);
  }
  const uniques = new Map<string, (readonly string[])[]>();
  const distinct = await ask(
    `select n.nspname as schema, c.relname as table, x.columns
     from pg_catalog.pg_index i
     join pg_catalog.pg_class c on c.oid = i.indrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     cross join lateral (
       select pg_catalog.array_agg(distinct a.attname::text) as columns from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and (a.attnum = any (i.indkey::int2[]) or exists (select from pg_catalog.pg_depend d
          where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = i.indexrelid and d.refobjid = c.oid and d.refobjsubid = a.attnum))) x
     where (n.nspname, c.relname) in (select w.s, w.t from rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) w(s, t))
       and i.indisunique and x.columns is not null
     order by 1, 2, i.indexrelid`,
    pairs,
  );
  for (const raw of distinct) {
    const row = uniqueRow.parse(raw);
    const name = tableName(row.schema, row.table);
    uniques.set(name, [...(uniques.get(name) ?? []), row.columns]);
  }
  const [trigram] = await ask(
    `select n.nspname as schema from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm'`,
    [],
  );
  return {
    tables,
    primaryKeys,
    indexes,
    uniques,
    references,
    descents,
    trigramSchema: trigram === undefined ? null : z.string().parse(trigram['schema']),
  };
}

const heirsBefore = new WeakMap<readonly Descent[], ReadonlyMap<string, readonly Descent[]>>();

/** Children by inheritance of each parent, looked up for every table read: found once for a catalogue, whose partitions may be thousands. */
function heirsAmong(descents: readonly Descent[]): ReadonlyMap<string, readonly Descent[]> {
  const known = heirsBefore.get(descents);
  if (known !== undefined) return known;
  const heirs = Map.groupBy(
    descents.filter((each) => !each.partition),
    (each) => each.parent,
  );
  heirsBefore.set(descents, heirs);
  return heirs;
}

/** Whether the table is read without its children, because the map names those too. */
function readsOnly(map: DataMap, descents: readonly Descent[], table: string): boolean {
  const children = heirsAmong(descents).get(table) ?? [];
  return (
    children.length > 0 &&
    children.every((each) => Object.values(map.collections).some((held) => held.table === each.table))
  );
}

/** `only ` where a table's children are collections of their own, else nothing; stands before its name in `from`. */
export function onlyOf(map: DataMap, catalogue: Catalogue, held: { readonly table: string }): 'only ' | '' {
  return readsOnly(map, catalogue.descents, held.table) ? 'only ' : '';
}

/** The mapped table that holds the rows of `table`: itself, or the nearest one above it. */
export function mappedAbove(
  map: DataMap,
  catalogue: Pick<Catalogue, 'descents'>,
  table: string,
): string | null {
  for (let at: string | undefined = table; at !== undefined;) {
    const name: string = at;
    if (Object.values(map.collections).some((held) => held.table === name)) return name;
    at = catalogue.descents.find((each) => each.table === name)?.parent;
  }
  return null;
}

/** Types whose values have no order, so that rows can't be paged by them. */
const unordered = [
  'json',
  'xml',
  'point',
  'line',
  'lseg',
  'box',
  'path',
  'polygon',
  'circle',
  'aclitem',
  'txid_snapshot',
];

function drift(says: string): never {
  throw new ExpectedError('schema_drift', says);
}

/** Fails with the first thing that the map names and the database lacks. */
export function checkAgainstCatalogue(map: DataMap, catalogue: Catalogue): void {
  const copies = Object.values(map.collections).flatMap((held) =>
    Object.values(held.columns).flatMap(copiesOf),
  );
  for (const [name, held] of Object.entries(map.collections)) {
    const table = catalogue.tables.get(held.table);
    if (table === undefined) {
      throw new ExpectedError(
        'schema_drift',
        `The map’s collection ${name} names the table ${held.table}, which this database doesn’t have; correct the map.`,
      );
    }
    for (const column of Object.keys(held.columns)) {
      if (!table.has(column))
        drift(
          `The map names the column ${held.table}.${column}, which this database doesn’t have; correct the map.`,
        );
    }
    for (const column of table.keys()) {
      if (!Object.hasOwn(held.columns, column))
        drift(`The column ${held.table}.${column} isn’t in the map; map it, so that nothing is forgotten.`);
    }
    checkDescents(map, catalogue, name, held);
    const isNoTime = (column: string | undefined): boolean => {
      const live = column === undefined ? undefined : table.get(column);
      return (
        live !== undefined &&
        !live.baseType.startsWith('timestamp') &&
        live.baseType !== 'date' &&
        held.columns[live.column]?.epoch === undefined
      );
    };
    if (held.created !== undefined && isNoTime(held.created))
      drift(
        `The map says that ${held.table}.${held.created} tells when a row came to be, and it is no time; name another column, or give it “epoch”.`,
      );
    for (const { collection, closed } of Object.values(map.subjects))
      if (collection === name && closed !== undefined && isNoTime(closed))
        drift(
          `The map says that ${held.table}.${closed} tells when an account was closed, and it is no time; name another column, or give it “epoch”.`,
        );
    const told = catalogue.primaryKeys.has(held.table);
    for (const column of held.order) {
      const live = table.get(column);
      if (told && live?.notNull !== true)
        drift(`The map orders ${name} by ${column}, which may be null; order it by columns that never are.`);
      if (live !== undefined && (unordered.includes(live.baseType) || live.typeKind === 'c'))
        drift(`The map orders ${name} by ${column}, whose type has no order; order it by other columns.`);
    }
    for (const [column, mapped] of Object.entries(held.columns))
      if (mapped.paths !== undefined) refuseUnlessDocument(table, held.table, column);
    for (const set of allSet(held))
      for (const [column, value] of Object.entries(set))
        if (typeof value === 'object' && value !== null && !isReplacement(value))
          refuseUnlessDocument(table, held.table, column);
    const settable = [
      ...held.detach.flatMap((each) => (typeof each === 'string' ? [each] : each.columns)),
      ...allSet(held).flatMap((set) => Object.keys(set)),
      ...Object.keys(held.columns).filter((column) => isCorrectable(held.columns[column])),
      ...copies.flatMap((copy) => (copy.collection === name ? [copy.column] : [])),
      ...(held.updatedAt === undefined ? [] : [held.updatedAt]),
    ];
    for (const column of settable) {
      if (table.get(column)?.generated === true)
        drift(
          `The map sets or corrects ${held.table}.${column}, which the database computes itself; set the columns it is made from.`,
        );
    }
    if (told) continue;
    if (Object.values(held.columns).some((column) => column.mask !== undefined && isCorrectable(column)))
      drift(`No key tells the rows of ${held.table} apart, so none can be corrected; take “correct” away.`);
    if (held.shared !== undefined || Object.keys(held.actions).length > 0)
      drift(
        `No key tells the rows of ${held.table} apart, so none can be acted on or handed over; take “actions” and “shared” away.`,
      );
    if (
      Object.values(held.erasure).some(
        (does) => does.action === 'delete' && does.whenReferenced !== undefined,
      )
    )
      drift(
        `No key tells the rows of ${held.table} apart, so nothing can refer to one; take “whenReferenced” away.`,
      );
  }
}

/** Everything that erasure and actions set in rows of a collection. */
export function allSet(held: Collection): readonly Readonly<Record<string, Assigned>>[] {
  return [
    ...Object.values(held.erasure).flatMap((does) => [
      ...(does.action === 'anonymise' ? [does.set] : []),
      ...(does.action === 'keep' && does.then !== undefined && does.then !== 'delete' ? [does.then.set] : []),
      ...(does.action === 'delete' && does.whenReferenced !== undefined ? [does.whenReferenced.set] : []),
    ]),
    ...(held.shared?.anonymise === undefined ? [] : [held.shared.anonymise.set]),
    ...Object.values(held.expiry).flatMap(({ then }) => (then === 'delete' ? [] : [then.set])),
    ...Object.values(held.actions).map((action) => action.set),
  ];
}

/** Whether no two rows may have the same value in a column. */
export function isUnique(catalogue: Catalogue, table: string, column: string): boolean {
  return (catalogue.uniques.get(table) ?? []).some(([only, ...more]) => only === column && more.length === 0);
}

function refuseUnlessDocument(
  table: ReadonlyMap<string, CatalogueColumn>,
  name: string,
  column: string,
): void {
  const live = table.get(column);
  if (live === undefined || (live.baseSchema === 'pg_catalog' && live.baseType === 'jsonb')) return;
  drift(
    live.baseType === 'json'
      ? `The map names paths inside ${name}.${column}, which is json and may hold one key twice; mask the whole column, or have it made jsonb.`
      : `The map names paths inside ${name}.${column}, which is ${live.type} and no jsonb; map the whole column.`,
  );
}

/** Rows of a parent and its child must be covered once, with all their columns. */
function checkDescents(map: DataMap, catalogue: Catalogue, name: string, held: Collection): void {
  const isMapped = (table: string): boolean =>
    Object.values(map.collections).some((other) => other.table === table);
  const twin = Object.entries(map.collections).find(
    ([other, with_]) => other !== name && with_.table === held.table,
  );
  if (twin !== undefined)
    drift(
      `The collections ${name} and ${twin[0]} both name the table ${held.table}, so its rows would count twice; make them one, with all paths.`,
    );
  for (const descent of catalogue.descents) {
    if (
      descent.table === held.table &&
      descent.partition &&
      mappedAbove(map, catalogue, descent.parent) !== null
    )
      drift(
        `${held.table} is a partition of a table that the map names too, so its rows would count twice; map the parent alone.`,
      );
    if (descent.parent !== held.table || descent.partition) continue;
    const siblings = catalogue.descents.filter((each) => each.parent === held.table && !each.partition);
    if (isMapped(descent.table)) {
      const missing = siblings.find((each) => !isMapped(each.table));
      if (missing !== undefined)
        drift(
          `${descent.table} and ${missing.table} both inherit from ${held.table}, and the map names only the first; map all of its children or none.`,
        );
    } else if (descent.extra.length > 0 && !Object.hasOwn(map.ignored, descent.table)) {
      drift(
        `${descent.table} inherits from ${held.table} and has columns of its own (${descent.extra.join(', ')}); map it and its siblings as collections of their own, or rule it out under “ignored”.`,
      );
    }
  }
}
