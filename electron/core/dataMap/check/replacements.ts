import { z } from 'zod';
import { isUnique, type Ask, type Catalogue } from '../catalogue.ts';
import { troubleOfTable } from '../draft/sample.ts';
import { isReplacement, type Assigned, type Collection, type DataMap } from '../map.ts';
import { baseTypeOf, columnOf, typeOf } from '../paths.ts';
import { quoteIdentifier, quoteLiteral, tableName } from '../quote.ts';
import { compileReplacement } from '../replacements.ts';

/** What the map writes into a column of rows that stay, and what stands against it. */
export interface Clash {
  /** `schema.table.column`. */
  readonly column: string;
  /** What the database will say to it, as the end of a sentence. */
  readonly says: string;
}

/** What trying what the map writes came to. */
export interface Tried {
  readonly clashes: readonly Clash[];
  /** Constraints that could not be tried, since they call functions of the platform's own. */
  readonly untried: readonly Clash[];
}

const constraintRow = z.object({
  schema: z.string(),
  table: z.string(),
  name: z.string(),
  /** What must not be false; over `value` where it is a domain's. */
  expression: z.string(),
  columns: z.array(z.string()),
  domain: z.boolean(),
  /** Calls a function that neither the server nor an extension brought. */
  own: z.boolean(),
});
type Constraint = z.output<typeof constraintRow>;

/** Nobody's functions but the server's and its extensions' are run: an administrator may be the one who checks. */
const ownCalls = `exists (select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and d.objid = k.oid
      and d.refclassid in ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass)
      and not exists (select from pg_catalog.pg_depend e where e.classid = d.refclassid and e.objid = d.refobjid and e.deptype = 'e'))`;

const constraintsOfTables = `
select n.nspname as schema, c.relname as table, k.conname as name, pg_catalog.pg_get_expr(k.conbin, k.conrelid) as expression,
  array(select a.attname::text from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum = any (k.conkey)) as columns, false as domain, ${ownCalls} as own
from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where k.contype = 'c' and n.nspname || '.' || c.relname = any ($1)
union all
select n.nspname, c.relname, k.conname, pg_catalog.pg_get_expr(k.conbin, 0), array[a.attname::text], true, ${ownCalls}
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
cross join lateral (
  with recursive down (type) as (
    select a.atttypid union all select t.typbasetype from down join pg_catalog.pg_type t on t.oid = down.type where t.typtype = 'd')
  select down.type from down) t
join pg_catalog.pg_constraint k on k.contypid = t.type and k.contype = 'c'
where n.nspname || '.' || c.relname = any ($1)`;

/** As long as a subject's reference is. */
const sampleReference = 'S-0123456789ABCDEF';
/** Random values of each kind that are tried. */
const samples = 20;

/** A value as the map writes it, of the column's base type; null where it can't be made without a row. */
function sampleOf(catalogue: Catalogue, held: Collection, column: string, value: Assigned): string | null {
  const live = columnOf(catalogue, held, column);
  if (value === null) return `null::${baseTypeOf(live)}`;
  if (isReplacement(value))
    return compileReplacement(
      value,
      live,
      held.columns[column],
      isUnique(catalogue, held.table, column),
      'reading',
    ).sample;
  if (typeof value !== 'string') return null;
  if (value === 'now') return `pg_catalog.clock_timestamp()::${baseTypeOf(live)}`;
  return `${quoteLiteral(value.replaceAll('{reference}', sampleReference))}::${baseTypeOf(live)}`;
}

/** What the catalogue alone tells against a fixed value. */
function fixedClash(catalogue: Catalogue, held: Collection, column: string, value: Assigned): string | null {
  const live = columnOf(catalogue, held, column);
  if (value === null) return live.notNull ? 'null, which the column never is; write a replacement' : null;
  if (typeof value !== 'string' || value === 'now') return null;
  const written = value.replaceAll('{reference}', sampleReference);
  if (live.length !== null && [...written].length > live.length)
    return `“${value}”, which is longer than its ${live.length} characters; write less`;
  return written === value && isUnique(catalogue, held.table, column)
    ? `“${value}” for everybody, and no two rows may have the same; write a replacement`
    : null;
}

/** Everything erasure writes into rows that stay. */
function setsOf(held: Collection): readonly Readonly<Record<string, Assigned>>[] {
  const shared = held.shared?.anonymise === undefined ? [] : [held.shared.anonymise.set];
  const own = Object.values(held.erasure).flatMap((does) =>
    does.action === 'anonymise'
      ? [does.set]
      : does.action === 'delete' && does.whenReferenced !== undefined
        ? [does.whenReferenced.set]
        : [],
  );
  return [...own, ...shared];
}

/**
 * Tries what the map writes into rows that stay against the database's own
 * constraints, with made-up values and no row. Run in a session that can't change anything.
 */
export async function tryReplacements(ask: Ask, map: DataMap, catalogue: Catalogue): Promise<Tried> {
  const clashes: Clash[] = [];
  const untried: Clash[] = [];
  const held = Object.values(map.collections).filter((each) => setsOf(each).length > 0);
  const constraints = z.array(constraintRow).parse(
    held.length === 0
      ? []
      : await ask(constraintsOfTables, [
          held.map((each) => {
            const [column] = catalogue.tables.get(each.table)?.values() ?? [];
            return `${column?.schema ?? ''}.${column?.table ?? ''}`;
          }),
        ]),
  );
  for (const each of held)
    for (const set of setsOf(each)) {
      for (const [column, value] of Object.entries(set)) {
        const says = fixedClash(catalogue, each, column, value);
        if (says !== null) clashes.push({ column: `${each.table}.${column}`, says });
      }
      const own = constraints.filter(
        ({ schema, table, columns }) =>
          tableName(schema, table) === each.table && columns.some((column) => Object.hasOwn(set, column)),
      );
      for (const constraint of own) {
        const column = `${each.table}.${constraint.columns.find((name) => Object.hasOwn(set, name)) ?? ''}`;
        const holds = await tryOne(ask, catalogue, each, set, constraint);
        if (holds === false)
          clashes.push({
            column,
            says: `what the constraint ${constraint.name} forbids; write another kind, or a text it allows`,
          });
        if (holds === null) untried.push({ column, says: constraint.name });
      }
    }
  return { clashes, untried };
}

/** Whether a constraint holds of what is set, the other columns being unknown; null where it can't be tried. */
async function tryOne(
  ask: Ask,
  catalogue: Catalogue,
  held: Collection,
  set: Readonly<Record<string, Assigned>>,
  { expression, columns, domain, own }: Constraint,
): Promise<boolean | null> {
  if (own) return null;
  const values = columns.map((column) => {
    const live = columnOf(catalogue, held, column);
    const value = Object.hasOwn(set, column) ? set[column] : undefined;
    const made = value === undefined ? `null::${typeOf(live)}` : sampleOf(catalogue, held, column, value);
    return made === null ? null : `${made} as ${domain ? 'value' : quoteIdentifier(column)}`;
  });
  if (values.includes(null)) return null;
  try {
    const [row] = await ask(
      `select coalesce(pg_catalog.bool_and(${expression}), true) as holds from (select ${values.join(', ')} from pg_catalog.generate_series(1, ${samples})) t`,
      [],
    );
    return z.object({ holds: z.boolean() }).parse(row).holds;
  } catch (error) {
    if (troubleOfTable(error) === null) throw error;
    return null;
  }
}
