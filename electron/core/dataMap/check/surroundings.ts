import { z } from 'zod';
import type { Ask } from '../catalogue.ts';
import { readingOrNaming } from '../liveSchema.ts';
import { tableName } from '../quote.ts';

/** How large a table is, its partitions included, and what reading all of it costs in the planner's units. */
export interface Size {
  readonly pages: number;
  readonly rows: number;
  readonly cost: number;
}

export interface PlatformTrigger {
  readonly table: string;
  readonly name: string;
  readonly before: boolean;
  readonly eachRow: boolean;
  readonly onDelete: boolean;
  readonly onUpdate: boolean;
  /** Whether a condition decides if it runs at all. */
  readonly conditional: boolean;
  /** `schema.function`. */
  readonly runs: string;
  readonly owner: string;
  /** Whether it runs with its owner's rights instead of those of who changes the row. */
  readonly asOwner: boolean;
  readonly language: string;
  readonly source: string;
}

/** A rule that puts something else in the place of a deletion or a change. */
export interface InsteadRule {
  readonly table: string;
  readonly name: string;
  readonly of: 'delete' | 'update';
}

/** A view that uses a column of another relation; `column` is null where it uses whole rows. */
export interface ViewUse {
  readonly view: string;
  readonly materialised: boolean;
  readonly relation: string;
  readonly column: string | null;
}

/** Something a login can do beside the console. */
export interface Reach {
  readonly login: string;
  readonly kind: 'relation' | 'function' | 'special rights' | 'role';
  readonly name: string;
  /** Rights on it, in words. */
  readonly rights: string;
}

/** What a check needs to know of the database beside its tables, columns and keys. */
export interface DatabaseSurroundings {
  readonly sizes: ReadonlyMap<string, Size>;
  /** Tables with row-level security, their own or a partition's, with the names of the policies. */
  readonly rowSecurity: ReadonlyMap<string, readonly string[]>;
  readonly triggers: readonly PlatformTrigger[];
  readonly insteadRules: readonly InsteadRule[];
  readonly viewUses: readonly ViewUse[];
  /** Relation → rights that PUBLIC has on it. */
  readonly openToPublic: ReadonlyMap<string, string>;
  /** What staff logins can reach outside the console's schema. */
  readonly reach: readonly Reach[];
  /** Keys of each index of a table, in order; an expression as PostgreSQL writes it. Partial ones are left out. */
  readonly indexes: ReadonlyMap<string, readonly (readonly string[])[]>;
  /** What of the catalogue this login may not read. */
  readonly unseen: readonly string[];
}

const named = { schema: z.string(), table: z.string() };
const sizeRow = z.object({ ...named, pages: z.number(), rows: z.number(), cost: z.number() });
const securityRow = z.object({ ...named, policies: z.array(z.string()).nullable() });
const triggerRow = z.object({
  ...named,
  name: z.string(),
  before: z.boolean(),
  eachRow: z.boolean(),
  onDelete: z.boolean(),
  onUpdate: z.boolean(),
  conditional: z.boolean(),
  functionSchema: z.string(),
  function: z.string(),
  owner: z.string(),
  asOwner: z.boolean(),
  language: z.string(),
  source: z.string(),
});
const ruleRow = z.object({ ...named, name: z.string(), of: z.enum(['delete', 'update']) });
const useRow = z.object({
  ...named,
  materialised: z.boolean(),
  usedSchema: z.string(),
  usedTable: z.string(),
  column: z.string().nullable(),
});
const publicRow = z.object({ ...named, rights: z.string() });
const reachRow = z.object({
  login: z.string(),
  kind: z.enum(['relation', 'function', 'special rights', 'role']),
  schema: z.string().nullable(),
  name: z.string(),
  rights: z.string(),
});
const indexRow = z.object({ ...named, keys: z.array(z.string()) });

const platforms = `n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', 'privacy_console') and c.relpersistence <> 't'`;
const relation = 'pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace';
/** The partitioned table a partition belongs to, else the relation itself, as `r` in schema `rn`. */
const root = `join pg_catalog.pg_class r on r.oid = coalesce(pg_catalog.pg_partition_root(c.oid), c.oid) join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace`;

const sizes = `
select rn.nspname as schema, r.relname as table, pg_catalog.sum(s.pages)::float8 as pages, pg_catalog.sum(s.rows)::float8 as rows,
  pg_catalog.sum(s.pages * pg_catalog.current_setting('seq_page_cost')::float8 + s.rows * pg_catalog.current_setting('cpu_tuple_cost')::float8)::float8 as cost
from ${relation} ${root}
cross join lateral (select greatest(c.reltuples, 0)::float8 as rows,
  case when c.reltuples < 0 then pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::float8 else c.relpages end as pages) s
where c.relkind = 'r' and ${platforms} group by 1, 2`;

const rowSecurity = `
select rn.nspname as schema, r.relname as table, pg_catalog.array_agg(p.polname::text order by p.polname) filter (where p.polname is not null) as policies
from ${relation} ${root} left join pg_catalog.pg_policy p on p.polrelid = c.oid
where c.relrowsecurity and ${platforms} group by 1, 2`;

/** tgtype: 1 each row, 2 before, 8 delete, 16 update. Clones of a partitioned table's trigger are left out. */
const triggers = `
select rn.nspname as schema, r.relname as table, t.tgname as name, (t.tgtype & 2) <> 0 as before, (t.tgtype & 1) <> 0 as "eachRow",
  (t.tgtype & 8) <> 0 as "onDelete", (t.tgtype & 16) <> 0 as "onUpdate", t.tgqual is not null as conditional,
  fn.nspname as "functionSchema", f.proname as function, o.rolname as owner, f.prosecdef as "asOwner", l.lanname as language, f.prosrc as source
from pg_catalog.pg_trigger t join ${relation} on c.oid = t.tgrelid ${root}
join pg_catalog.pg_proc f on f.oid = t.tgfoid join pg_catalog.pg_namespace fn on fn.oid = f.pronamespace
join pg_catalog.pg_roles o on o.oid = f.proowner join pg_catalog.pg_language l on l.oid = f.prolang
where not t.tgisinternal and t.tgparentid = 0 and t.tgenabled in ('O', 'A') and c.relkind in ('r', 'p') and ${platforms}
order by 1, 2, 3`;

const insteadRules = `
select rn.nspname as schema, r.relname as table, w.rulename as name, case w.ev_type when '4' then 'delete' else 'update' end as of
from pg_catalog.pg_rewrite w join ${relation} on c.oid = w.ev_class ${root}
where w.is_instead and w.ev_type in ('2', '4') and w.ev_enabled in ('O', 'A') and c.relkind in ('r', 'p') and ${platforms} order by 1, 2, 3`;

const viewUses = `
select distinct n.nspname as schema, c.relname as table, c.relkind = 'm' as materialised, un.nspname as "usedSchema", u.relname as "usedTable", a.attname as column
from pg_catalog.pg_depend d
join pg_catalog.pg_rewrite w on d.classid = 'pg_catalog.pg_rewrite'::regclass and w.oid = d.objid
join ${relation} on c.oid = w.ev_class
join pg_catalog.pg_class u on d.refclassid = 'pg_catalog.pg_class'::regclass and u.oid = d.refobjid and u.oid <> c.oid
join pg_catalog.pg_namespace un on un.oid = u.relnamespace
left join pg_catalog.pg_attribute a on a.attrelid = u.oid and a.attnum = d.refobjsubid and d.refobjsubid > 0
where c.relkind in ('v', 'm') and u.relkind in ('r', 'p', 'v', 'm', 'f') and ${platforms} order by 1, 2, 4, 5, 6`;

const openToPublic = `
select rn.nspname as schema, r.relname as table, pg_catalog.string_agg(distinct pg_catalog.lower(x.privilege_type), ', ') as rights
from ${relation} ${root}
cross join lateral (
  select e.grantee, e.privilege_type from pg_catalog.aclexplode(c.relacl) e
  union all select e.grantee, e.privilege_type from pg_catalog.pg_attribute a cross join lateral pg_catalog.aclexplode(a.attacl) e where a.attrelid = c.oid and a.attacl is not null) x
where x.grantee = 0 and c.relkind in ('r', 'p', 'v', 'm', 'f') and ${platforms} group by 1, 2`;

/** Staff logins are told by their group roles, which may not exist yet. */
const reach = `
with staff as materialized (
  select s.oid, s.rolname, s.rolbypassrls or s.rolreplication as special from pg_catalog.pg_roles s
  where s.rolcanlogin and not s.rolsuper and exists (select from pg_catalog.pg_roles g
    where g.rolname in ('privacy_viewer', 'privacy_operator', 'privacy_approver', 'privacy_auditor') and pg_catalog.pg_has_role(s.oid, g.oid, 'usage'))
)
select s.rolname as login, 'relation' as kind, n.nspname as schema, c.relname as name, x.rights
  from staff s cross join ${relation}
  cross join lateral (select pg_catalog.concat_ws(', ', case when pg_catalog.has_any_column_privilege(s.oid, c.oid, 'select') then 'select' end,
    case when pg_catalog.has_any_column_privilege(s.oid, c.oid, 'insert, update') or pg_catalog.has_table_privilege(s.oid, c.oid, 'delete, truncate') then 'change' end) as rights) x
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and x.rights <> '' and ${platforms}
union all
select s.rolname, 'function', n.nspname, p.proname, 'execute with the rights of ' || o.rolname
  from staff s cross join pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace join pg_catalog.pg_roles o on o.oid = p.proowner
  where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema', 'privacy_console') and pg_catalog.has_function_privilege(s.oid, p.oid, 'execute')
    and pg_catalog.has_schema_privilege(s.oid, n.oid, 'usage')
union all
select s.rolname, 'special rights', null, s.rolname, 'bypassrls or replication' from staff s where s.special
union all
select s.rolname, 'role', null, g.rolname, 'member' from staff s join pg_catalog.pg_roles g on g.oid <> s.oid and pg_catalog.pg_has_role(s.oid, g.oid, 'member')
  where g.rolname not in ('privacy_viewer', 'privacy_operator', 'privacy_approver', 'privacy_auditor', 'privacy_admin')
order by 1, 2, 3, 4`;

const indexes = `
select n.nspname as schema, c.relname as table, x.keys
from pg_catalog.pg_index i join ${relation} on c.oid = i.indrelid
cross join lateral (select pg_catalog.array_agg(coalesce(a.attname::text, pg_catalog.pg_get_indexdef(i.indexrelid, k.place::int, false)) order by k.place) as keys
  from pg_catalog.unnest(i.indkey::int2[]) with ordinality k(number, place)
  left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.number and k.number > 0 where k.place <= i.indnkeyatts) x
where (i.indisvalid or c.relkind = 'p') and i.indpred is null and not c.relispartition and ${platforms} order by 1, 2, i.indexrelid`;

/** Reads it all, one statement for each kind whatever the size of the schema. What may not be read is named in `unseen`. */
export async function readSurroundings(ask: Ask): Promise<DatabaseSurroundings> {
  const unseen: string[] = [];
  const read = readingOrNaming(ask, unseen);
  const nameOf = (row: { readonly schema: string; readonly table: string }): string =>
    tableName(row.schema, row.table);
  const sizeRows = await read('sizes of tables', sizes, sizeRow);
  const securityRows = await read('row-level security', rowSecurity, securityRow);
  const triggerRows = await read('triggers and what they run', triggers, triggerRow);
  const ruleRows = await read('rules', insteadRules, ruleRow);
  const useRows = await read('what views are made of', viewUses, useRow);
  const publicRows = await read('rights of public', openToPublic, publicRow);
  const reachRows = await read('rights of staff', reach, reachRow);
  const indexRows = await read('definitions of indexes', indexes, indexRow);
  const keys = new Map<string, (readonly string[])[]>();
  for (const row of indexRows) keys.set(nameOf(row), [...(keys.get(nameOf(row)) ?? []), row.keys]);
  return {
    sizes: new Map(sizeRows.map((row) => [nameOf(row), row])),
    rowSecurity: new Map(securityRows.map((row) => [nameOf(row), row.policies ?? []])),
    triggers: triggerRows.map((row) => ({
      ...row,
      table: nameOf(row),
      runs: tableName(row.functionSchema, row.function),
    })),
    insteadRules: ruleRows.map((row) => ({ ...row, table: nameOf(row) })),
    viewUses: useRows.map((row) => ({
      view: nameOf(row),
      materialised: row.materialised,
      relation: tableName(row.usedSchema, row.usedTable),
      column: row.column,
    })),
    openToPublic: new Map(publicRows.map((row) => [nameOf(row), row.rights])),
    reach: reachRows.map((row) => ({
      login: row.login,
      kind: row.kind,
      name: row.schema === null ? row.name : tableName(row.schema, row.name),
      rights: row.rights,
    })),
    indexes: keys,
    unseen,
  };
}
