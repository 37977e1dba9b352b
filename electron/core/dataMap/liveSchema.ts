import { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Ask } from './catalogue.ts';
import { tableName } from './quote.ts';

/** What a column's values are, as far as a proposal depends on it. */
export type ValueKind =
  | 'text'
  | 'number'
  | 'boolean'
  | 'time'
  | 'date'
  | 'uuid'
  | 'enum'
  | 'json'
  | 'bytes'
  | 'address'
  | 'search'
  | 'other';

export interface LiveColumn {
  readonly name: string;
  /** Type as PostgreSQL writes it, without its length. */
  readonly type: string;
  /** The type behind a domain or an array. */
  readonly base: string;
  readonly kind: ValueKind;
  /** Characters a text may have at most; null without such a limit. */
  readonly length: number | null;
  readonly array: boolean;
  readonly domain: boolean;
  readonly notNull: boolean;
  readonly generated: boolean;
  readonly identity: boolean;
  readonly comment: string | null;
  readonly readable: boolean;
}

export interface ForeignKey {
  readonly name: string;
  /** `schema.table` it refers to. */
  readonly to: string;
  readonly columns: readonly string[];
  readonly keys: readonly string[];
  readonly onDelete: 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';
  readonly deferrable: boolean;
}

export type RelationKind = 'table' | 'partitioned' | 'view' | 'materialised view' | 'foreign table';

export interface LiveTable {
  /** `schema.table`. */
  readonly name: string;
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly kind: RelationKind;
  readonly comment: string | null;
  /** The planner's estimate; -1 when nobody has counted yet. */
  readonly estimatedRows: number;
  /** Tables it inherits from; a partition's is the partitioned one. */
  readonly inherits: readonly string[];
  readonly partition: boolean;
  /** Row-level security that would hide rows from this login. */
  readonly rowsHidden: boolean;
  readonly readable: boolean;
  /** Name of the extension it belongs to. */
  readonly extension: string | null;
  readonly columns: ReadonlyMap<string, LiveColumn>;
  readonly primaryKey: readonly string[];
  readonly uniques: readonly (readonly string[])[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly indexes: readonly (readonly string[])[];
  readonly triggers: readonly { readonly name: string; readonly beforeDelete: boolean }[];
}

export interface LiveSchema {
  /** By `schema.table`, in the order of their names; partitions are left out. */
  readonly tables: ReadonlyMap<string, LiveTable>;
  readonly partitions: number;
  /** What of the catalogue this login may not read. */
  readonly unseen: readonly string[];
}

const relationRow = z.object({
  oid: z.number(),
  schema: z.string(),
  table: z.string(),
  kind: z.enum(['r', 'p', 'v', 'm', 'f']),
  partition: z.boolean(),
  rows: z.number(),
  hidden: z.boolean(),
  readable: z.boolean(),
});
const columnRow = z.object({
  oid: z.number(),
  number: z.number(),
  column: z.string(),
  type: z.string(),
  base: z.string(),
  category: z.string(),
  kind: z.string(),
  length: z.number().nullable(),
  array: z.boolean(),
  domain: z.boolean(),
  notNull: z.boolean(),
  generated: z.boolean(),
  identity: z.boolean(),
  readable: z.boolean(),
});
const keyRow = z.object({
  oid: z.number(),
  name: z.string(),
  type: z.enum(['p', 'u', 'f']),
  columns: z.array(z.number()),
  to: z.number().nullable(),
  keys: z.array(z.number()).nullable(),
  onDelete: z.string(),
  deferrable: z.boolean(),
});
const indexRow = z.object({ oid: z.number(), columns: z.array(z.number()), unique: z.boolean() });
const inheritRow = z.object({ child: z.number(), parent: z.number() });
const commentRow = z.object({ oid: z.number(), number: z.number(), says: z.string() });
const extensionRow = z.object({ oid: z.number(), extension: z.string() });
const triggerRow = z.object({ oid: z.number(), name: z.string(), beforeDelete: z.boolean() });

/** Relations of the platform: not the system's, not ours, no session's temporary ones. */
const platforms = `c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't'
  and n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', 'privacy_console')`;
const joined = 'pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace';

const relations = `
select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as table, c.relkind::text as kind, c.relispartition as partition,
  c.reltuples::float8 as rows,
  c.relrowsecurity and pg_catalog.has_table_privilege(c.oid, 'select') and pg_catalog.row_security_active(c.oid) as hidden,
  pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select') as readable
from ${joined} where ${platforms} order by n.nspname, c.relname`;

/** Domains are followed to the type they stand on, arrays to their elements. Partitions have their parent's columns. */
const columns = `
with recursive base (type, stands_on) as (
  select t.oid, t.oid from pg_catalog.pg_type t where t.typtype <> 'd'
  union all
  select t.oid, b.stands_on from pg_catalog.pg_type t join base b on t.typtype = 'd' and t.typbasetype = b.type
)
select c.oid::int8::float8 as oid, a.attnum::int as number, a.attname as column, pg_catalog.format_type(a.atttypid, null) as type,
  case when e.oid is null then b.typname else e.typname end::text as base,
  case when e.oid is null then b.typcategory else e.typcategory end::text as category,
  case when e.oid is null then b.typtype else e.typtype end::text as kind,
  case when b.typname in ('varchar', 'bpchar') and greatest(a.atttypmod, t.typtypmod) >= 4 then greatest(a.atttypmod, t.typtypmod) - 4 end as length,
  e.oid is not null as array, t.typtype = 'd' as domain, a.attnotnull as "notNull", a.attgenerated <> '' as generated,
  a.attidentity <> '' as identity,
  pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_column_privilege(c.oid, a.attnum, 'select') as readable
from ${joined}
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_catalog.pg_type t on t.oid = a.atttypid
join base on base.type = t.oid
join pg_catalog.pg_type b on b.oid = base.stands_on
left join pg_catalog.pg_type e on b.typcategory = 'A' and e.oid = b.typelem
where ${platforms} and not c.relispartition order by c.oid, a.attnum`;

const keys = `
select k.conrelid::int8::float8 as oid, k.conname as name, k.contype::text as type, k.conkey::int[] as columns,
  case when k.contype = 'f' then k.confrelid::int8::float8 end as to, k.confkey::int[] as keys, k.confdeltype::text as "onDelete", k.condeferrable as deferrable
from pg_catalog.pg_constraint k join ${joined} on c.oid = k.conrelid
where ${platforms} and not c.relispartition and k.contype in ('p', 'u', 'f') and k.conparentid = 0 order by k.conrelid, k.conname`;

const indexes = `
select i.indrelid::int8::float8 as oid, i.indkey::int2[]::int[] as columns, i.indisunique and i.indpred is null as unique
from pg_catalog.pg_index i join ${joined} on c.oid = i.indrelid
where ${platforms} and not c.relispartition and i.indisvalid order by i.indrelid, i.indexrelid`;

const inheritance = `
select i.inhrelid::int8::float8 as child, i.inhparent::int8::float8 as parent
from pg_catalog.pg_inherits i join ${joined} on c.oid = i.inhrelid where ${platforms} order by i.inhrelid, i.inhseqno`;

const comments = `
select d.objoid::int8::float8 as oid, d.objsubid as number, d.description as says
from pg_catalog.pg_description d join ${joined} on c.oid = d.objoid
where d.classoid = 'pg_catalog.pg_class'::regclass and ${platforms} and not c.relispartition`;

const extensions = `
select d.objid::int8::float8 as oid, e.extname as extension
from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid and d.refclassid = 'pg_catalog.pg_extension'::regclass
where d.classid = 'pg_catalog.pg_class'::regclass and d.deptype = 'e'`;

/** tgtype: 2 before, 8 delete. */
const triggers = `
select t.tgrelid::int8::float8 as oid, t.tgname as name, (t.tgtype & 10) = 10 as "beforeDelete"
from pg_catalog.pg_trigger t join ${joined} on c.oid = t.tgrelid where ${platforms} and not c.relispartition and not t.tgisinternal
order by t.tgrelid, t.tgname`;

const kinds = {
  r: 'table',
  p: 'partitioned',
  v: 'view',
  m: 'materialised view',
  f: 'foreign table',
} as const satisfies Record<string, RelationKind>;
const deletions = {
  a: 'no action',
  r: 'restrict',
  c: 'cascade',
  n: 'set null',
  d: 'set default',
} as const satisfies Record<string, ForeignKey['onDelete']>;

/** Reads rows of the catalogue; what this login may not read is added to `unseen` and counts as none. */
export function readingOrNaming(
  ask: Ask,
  unseen: string[],
): <Shape extends z.ZodType>(
  what: string,
  text: string,
  shape: Shape,
) => Promise<readonly z.output<Shape>[]> {
  return async (what, text, shape) => {
    try {
      return (await ask(text, [])).map((row) => shape.parse(row));
    } catch (error) {
      if (!(error instanceof ExpectedError) || error.code !== 'not_permitted') throw error;
      unseen.push(what);
      return [];
    }
  };
}

/**
 * Reads all of the platform's relations, in nine statements whatever their
 * number. What this login may not read of the catalogue is named in `unseen`
 * instead of failing.
 */
export async function readLiveSchema(ask: Ask): Promise<LiveSchema> {
  const unseen: string[] = [];
  const read = readingOrNaming(ask, unseen);
  const relationRows = await read('tables', relations, relationRow);
  const columnRows = grouped(await read('columns', columns, columnRow));
  const keyRows = grouped(await read('keys and foreign keys', keys, keyRow));
  const indexRows = grouped(await read('indexes', indexes, indexRow));
  const parents = await read('inheritance', inheritance, inheritRow);
  const commentRows = grouped(await read('comments', comments, commentRow));
  const extensionRows = grouped(await read('extensions', extensions, extensionRow));
  const triggerRows = grouped(await read('triggers', triggers, triggerRow));

  const nameOf = new Map(relationRows.map((row) => [row.oid, tableName(row.schema, row.table)]));
  const inherits = new Map<number, string[]>();
  for (const { child, parent } of parents) {
    const name = nameOf.get(parent);
    if (name !== undefined) inherits.set(child, [...(inherits.get(child) ?? []), name]);
  }
  const numbers = new Map<number, ReadonlyMap<number, string>>();
  for (const { oid } of relationRows)
    numbers.set(oid, new Map((columnRows.get(oid) ?? []).map((row) => [row.number, row.column])));
  const named = (oid: number, attributes: readonly number[]): readonly string[] =>
    attributes.map((each) => numbers.get(oid)?.get(each) ?? '');

  const tables = new Map<string, LiveTable>();
  let partitions = 0;
  for (const row of relationRows) {
    if (row.partition) {
      partitions += 1;
      continue;
    }
    const its = keyRows.get(row.oid) ?? [];
    const says = new Map((commentRows.get(row.oid) ?? []).map((each) => [each.number, each.says]));
    const ownColumns = columnRows.get(row.oid) ?? [];
    const indexed = indexRows.get(row.oid) ?? [];
    tables.set(tableName(row.schema, row.table), {
      name: tableName(row.schema, row.table),
      oid: row.oid,
      schema: row.schema,
      table: row.table,
      kind: kinds[row.kind],
      comment: says.get(0) ?? null,
      estimatedRows: row.rows,
      inherits: inherits.get(row.oid) ?? [],
      partition: row.partition,
      rowsHidden: row.hidden,
      readable: row.readable || (ownColumns.length > 0 && ownColumns.every((each) => each.readable)),
      extension: extensionRows.get(row.oid)?.[0]?.extension ?? null,
      columns: new Map(
        ownColumns.map((each) => [
          each.column,
          {
            name: each.column,
            type: each.type,
            base: each.base,
            kind: kindOf(each.base, each.category, each.kind),
            length: each.length,
            array: each.array,
            domain: each.domain,
            notNull: each.notNull,
            generated: each.generated,
            identity: each.identity,
            comment: says.get(each.number) ?? null,
            readable: each.readable,
          },
        ]),
      ),
      primaryKey: its.filter((each) => each.type === 'p').flatMap((each) => named(row.oid, each.columns)),
      uniques: [
        ...its.filter((each) => each.type === 'u').map((each) => named(row.oid, each.columns)),
        ...indexed.filter((each) => each.unique).map((each) => named(row.oid, each.columns)),
      ],
      foreignKeys: its.flatMap((each) => {
        const to = each.to === null ? undefined : nameOf.get(each.to);
        if (each.type !== 'f' || each.to === null || to === undefined) return [];
        return [
          {
            name: each.name,
            to,
            columns: named(row.oid, each.columns),
            keys: named(each.to, each.keys ?? []),
            onDelete: deletions[each.onDelete as keyof typeof deletions],
            deferrable: each.deferrable,
          },
        ];
      }),
      indexes: indexed.map((each) => named(row.oid, each.columns)),
      triggers: (triggerRows.get(row.oid) ?? []).map(({ name, beforeDelete }) => ({ name, beforeDelete })),
    });
  }
  return { tables, partitions, unseen };
}

function grouped<Row extends { readonly oid: number }>(
  rows: readonly Row[],
): ReadonlyMap<number, readonly Row[]> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.oid);
    if (group === undefined) groups.set(row.oid, [row]);
    else group.push(row);
  }
  return groups;
}

function kindOf(base: string, category: string, kind: string): ValueKind {
  if (kind === 'e') return 'enum';
  if (['json', 'jsonb', 'hstore', 'xml'].includes(base)) return 'json';
  if (base === 'bytea') return 'bytes';
  if (base === 'uuid') return 'uuid';
  if (base === 'date') return 'date';
  if (['inet', 'cidr', 'macaddr', 'macaddr8'].includes(base)) return 'address';
  if (['tsvector', 'tsquery'].includes(base)) return 'search';
  if (['timestamptz', 'timestamp'].includes(base)) return 'time';
  if (category === 'B') return 'boolean';
  if (category === 'N') return 'number';
  if (category === 'S') return 'text';
  if (category === 'T' || category === 'D') return 'other';
  return 'other';
}
