import { definer, step } from '../database/pins.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Catalogue, CatalogueColumn } from './catalogue.ts';
import { exactDocument, shownDocument } from './compileJson.ts';
import { maskOf } from './masks.ts';
import { isThirdParty, type KindCollection, type KindMap } from './map.ts';
import {
  assignKey,
  assignLive,
  collectionNamed,
  columnOf,
  declareVariables,
  fromItem,
  instantOf,
  isBase,
  ordered,
  readingScope,
  sameColumn,
  subjectConditions,
  subjectKeyIn,
  typeOf,
  unique,
  type PathCondition,
  type SubjectConditions,
} from './paths.ts';
import { quoteIdentifier, quoteLiteral } from './quote.ts';

/** Pins under which a page comes straight off its index; only safe where every path has that index. */
const pagePins = [
  'set enable_seqscan = off',
  'set enable_bitmapscan = off',
  'set enable_sort = off',
  'set enable_hashjoin = off',
  'set enable_mergejoin = off',
].join(' ');

interface Shown {
  readonly name: string;
  readonly column: CatalogueColumn;
  /** Type of the result. */
  readonly type: string;
  readonly masked: string;
}

/** Columns that may be shown: all but the `never` ones, masked where the map says so. */
export function shownColumns(catalogue: Catalogue, held: KindCollection): readonly Shown[] {
  return Object.entries(held.columns)
    .filter(([, mapped]) => !mapped.never)
    .map(([name, mapped]) => {
      const column = columnOf(catalogue, held, name);
      const raw = `t.${quoteIdentifier(name)}`;
      const plain = isBase(column) ? raw : `${raw}::text`;
      if (mapped.paths !== undefined)
        return { name, column, type: 'jsonb', masked: shownDocument(mapped, raw) };
      if (mapped.epoch !== undefined && mapped.mask === undefined)
        return { name, column, type: 'timestamptz', masked: instantOf(mapped, raw) };
      return mapped.mask === undefined
        ? { name, column, type: isBase(column) ? typeOf(column) : 'text', masked: plain }
        : { name, column, type: 'text', masked: maskOf(mapped.mask, `${raw}::text`) };
    });
}

/** SQL expression of a row's key: its primary key as a JSON array of texts. */
export function rowKey(catalogue: Catalogue, held: KindCollection): string {
  const columns = catalogue.primaryKeys.get(held.table) ?? [];
  return `json_build_array(${columns.map((each) => `t.${quoteIdentifier(each)}::text`).join(', ')})::text`;
}

/** Condition on alias `t` that it is the row whose key is in the text variable `p_row_key`; false where no key tells rows apart. */
export function isRow(catalogue: Catalogue, held: KindCollection, variable = 'p_row_key'): string {
  const columns = catalogue.primaryKeys.get(held.table) ?? [];
  if (columns.length === 0) return 'false';
  return columns
    .map((each, place) => {
      const same = sameColumn(columnOf(catalogue, held, each));
      return `${same.on(`t.${quoteIdentifier(each)}`)} = (${variable}::json ->> ${place})::${same.type}`;
    })
    .join(' and ');
}

/**
 * Columns by which pages are ordered: the map's, and those of the key that are
 * missing among them; null when nothing tells the rows apart, so that what
 * follows a row can't be asked for by its values.
 */
function pageOrder(catalogue: Catalogue, held: KindCollection): readonly string[] | null {
  const key = catalogue.primaryKeys.get(held.table);
  if (key === undefined) return null;
  return [...held.order, ...key.filter((each) => !held.order.includes(each))];
}

/** Whether every path can page off an index that begins with its column and goes on with the order. */
export function pagesFromIndex(catalogue: Catalogue, held: KindCollection): boolean {
  const indexes = catalogue.indexes.get(held.table) ?? [];
  const order = pageOrder(catalogue, held);
  if (order === null) return false;
  return held.subject.every((each) =>
    indexes.some((index) => [...each.columns, ...order].every((column, place) => index[place] === column)),
  );
}

/** Names of a page's own; a column of the platform that has one can't stand beside them. */
const pageNames = ['row_key', 'cursor', 'p_access', 'p_cursor', 'p_limit'];

/** The reading functions and the thin view of one collection; run as the reader. */
export function compileCollection(map: KindMap, catalogue: Catalogue, name: string): string {
  const held = collectionNamed(map, name);
  const from = fromItem(map, catalogue, held);
  const shown = shownColumns(catalogue, held);
  const taken = shown.find((each) => pageNames.includes(each.name));
  if (taken !== undefined) {
    throw new ExpectedError(
      'schema_drift',
      `The column ${held.table}.${taken.name} has a name the console needs for itself; map it as “never”, or have it renamed.`,
    );
  }
  const conditions = subjectConditions(readingScope(map, catalogue), name);
  const declare = declareVariables(map, catalogue, conditions.variables);
  const resultTable = shown.map((each) => `${quoteIdentifier(each.name)} ${each.type}`).join(', ');
  const masked = shown.map((each) => each.masked).join(', ');
  const any = disjunction(conditions);
  // Numbered as the whole map has them, whatever kind they are of.
  const numbered = collectionNamed(map.whole, name).subject;
  const numberOf = ({ path }: PathCondition): number => numbered.indexOf(path) + 1;
  const open = (kinds: string): string =>
    `${assignKey(map, catalogue, `privacy_console.subject_of(p_access, array[${kinds}], ${quoteLiteral(map.kind)})`)}\n${assignLive(conditions.variables)}`;
  const query = (what: string, path: PathCondition, without: string): string =>
    `select ${what} from ${from} where ${path.on('t')}${without}`;
  const pinsOfPage = pagesFromIndex(catalogue, held) ? { pins: pagePins } : {};

  const parts = [
    definer(
      `read_${name}${map.suffix}()`,
      `table (${resultTable})`,
      `  for v_subject in select s from privacy_console.my_open_subjects(${quoteLiteral(map.kind)}) s loop
${assignKey(map, catalogue, 'v_subject')}
${assignLive(conditions.variables)}
    return query ${branches(conditions, (path, without) => query(masked, path, without), ' union all ')};
  end loop;`,
      { declare: `  v_subject text;\n${declare}`, overPlatform: true },
    ),
    `create view privacy_console.${quoteIdentifier(`${name}${map.suffix}`)} as select * from privacy_console.read_${name}${map.suffix}();\n`,
    definer(
      `page_${name}${map.suffix}(p_access bigint, p_cursor text[], p_limit int)`,
      `table (row_key text, ${resultTable}, cursor text[])`,
      `${open("'view'")}
  -- One more than a page shows: it tells that another one follows.
  if p_limit is null or p_limit not between 1 and 501 then
    raise exception 'A page has from 1 to 500 rows.' using errcode = 'PC004';
  end if;
  if p_cursor is null then
    return query ${pageQuery(map, catalogue, held, conditions, shown, false)};
  else
    return query ${pageQuery(map, catalogue, held, conditions, shown, true)};
  end if;`,
      { declare, overPlatform: true, ...pinsOfPage },
    ),
    definer(
      `count_${name}${map.suffix}(p_access bigint, p_cap bigint)`,
      'bigint',
      `${open("'view'")}
  return (select count(*) from (select 1 from ${from} where ${any} limit p_cap) x);`,
      { declare, overPlatform: true },
    ),
    definer(
      `reached_${name}${map.suffix}(p_access bigint, p_cap bigint)`,
      'table (path int, reached bigint)',
      `${open("'view'")}
  return query ${conditions.paths
    .map(
      (path) =>
        `select ${numberOf(path)}, (select count(*) from (select 1 from ${from} where ${path.on('t')} limit p_cap) x)`,
    )
    .join(' union all ')};`,
      { declare, overPlatform: true },
    ),
    definer(
      `paths_${name}${map.suffix}(p_access bigint, p_row_keys text[])`,
      'table (row_key text, paths int[])',
      catalogue.primaryKeys.has(held.table)
        ? `${open("'view'")}
  if cardinality(p_row_keys) > 500 then
    raise exception 'A page has from 1 to 500 rows.' using errcode = 'PC004';
  end if;
  return query select k.value, array_remove(array[${conditions.paths
    .map((path) => `case when ${path.on('t')} then ${numberOf(path)} end`)
    .join(
      ', ',
    )}], null) from unnest(p_row_keys) k(value) join ${from} on ${isRow(catalogue, held, 'k.value')} where ${any};`
        : open("'view'"),
      { declare, overPlatform: true },
    ),
    definer(
      `rows_${name}${map.suffix}(p_access bigint, p_after text[], p_limit int)`,
      'setof text',
      `${open("'export'")}\n${openScope(name)}\n${refuseLeftOut}\n${windowOfRows(map, catalogue, held, conditions, shown, name)}`,
      {
        declare: `${declare}\n${declareScope}\n${declarePlaces(catalogue, held, conditions, false)}`,
        overPlatform: true,
        ...pinsOfPage,
      },
    ),
    definer(
      `part_${name}${map.suffix}(p_access bigint, p_after text[], p_upto text[])`,
      'bigint',
      `${open("'export'")}\n${openScope(name)}\n${refuseLeftOut}\n${countOfPart(map, catalogue, held, conditions)}`,
      {
        declare: `${declare}\n${declareScope}\n${declarePlaces(catalogue, held, conditions, true)}`,
        overPlatform: true,
      },
    ),
    definer(
      `review_${name}${map.suffix}(p_access bigint, p_cursor text[], p_limit int)`,
      'table (row_key text, line text, cursor text[])',
      `${open("'export'")}
${openScope(name)}
${refuseLeftOut}
  -- Redacted or not, so that who reviews sees what of it is.
  v_redacted := null;
  if p_limit is null or p_limit not between 1 and 501 then
    raise exception 'A page has from 1 to 500 rows.' using errcode = 'PC004';
  end if;
  if p_cursor is null then
    return query ${reviewQuery(map, catalogue, held, conditions, shown, false)};
  else
    return query ${reviewQuery(map, catalogue, held, conditions, shown, true)};
  end if;`,
      { declare: `${declare}\n${declareScope}`, overPlatform: true, ...pinsOfPage },
    ),
    definer(
      `cell_${name}${map.suffix}(p_subject_key text, p_row_key text, p_column text)`,
      'text',
      catalogue.primaryKeys.has(held.table)
        ? `${assignKey(map, catalogue, 'p_subject_key')}
${assignLive(conditions.variables)}
  select case p_column ${shown
    .map((each) => {
      const raw = `t.${quoteIdentifier(each.name)}`;
      return `when ${quoteLiteral(each.name)} then (${exactDocument(held.columns[each.name], raw) ?? raw})::text`;
    })
    .join(' ')} end into v_value
    from ${from} where ${isRow(catalogue, held)} and ${rowKey(catalogue, held)} = p_row_key and (${any});
  if not found then
    raise exception 'That row is gone; read the page again.' using errcode = 'PC005';
  end if;
  return v_value;`
        : `  raise exception 'No key tells the rows of this table apart, so none can be dealt with by itself.' using errcode = 'PC004';`,
      { declare: `${declare}\n  v_value text;`, overPlatform: true },
    ),
  ];
  if (held.series !== undefined) {
    const day = quoteIdentifier(held.series.day);
    const dayColumn = columnOf(catalogue, held, held.series.day);
    const counted = held.columns[held.series.day];
    const instant = instantOf(counted, `t.${day}`);
    const asDay =
      dayColumn.type === 'date'
        ? `t.${day}`
        : `(${counted?.epoch === undefined ? `t.${day}` : `(${instant})`} at time zone 'Asia/Kolkata')::date`;
    const quarter =
      counted?.epoch === undefined
        ? "90 * interval '1 day'"
        : String(90 * 86_400 * (counted.epoch === 'seconds' ? 1 : 1000));
    const value =
      held.series.value === undefined
        ? 'count(*)::float8'
        : `sum(t.${quoteIdentifier(held.series.value)})::float8`;
    const by = held.series.by === undefined ? 'null::text' : `t.${quoteIdentifier(held.series.by)}::text`;
    parts.push(
      definer(
        `series_${name}${map.suffix}(p_access bigint)`,
        'table (day text, by text, value float8)',
        `${open("'view'")}
  select max(x.high) into v_high from (${conditions.paths.map((path) => spanOf(from, path, day)).join(' union all ')}) x(low, high);
  return query select to_char(x.d, 'YYYY-MM-DD'), x.b, x.v from (
    select ${asDay} as d, ${by} as b, ${value} as v from ${from}
    where (${any}) and t.${day} > v_high - ${quarter} group by 1, 2) x order by 1, 2;`,
        { declare: `${declare}\n  v_high ${typeOf(dayColumn)};`, overPlatform: true },
      ),
    );
  }
  return parts.join('\n');
}

function disjunction(conditions: SubjectConditions): string {
  return `(${conditions.paths.map((each) => each.on('t')).join(' or ')})`;
}

/** Condition that no path before the given one gives the row too. */
function withoutEarlier(conditions: SubjectConditions, place: number): string {
  return conditions.paths
    .slice(0, place)
    .map((earlier) => ` and (${earlier.on('t')}) is not true`)
    .join('');
}

/** One query for each path, each without the rows an earlier path gave: a union that streams and uses each path's index. */
function branches(
  conditions: SubjectConditions,
  query: (path: PathCondition, without: string) => string,
  joint: string,
): string {
  return conditions.paths.map((path, place) => query(path, withoutEarlier(conditions, place))).join(joint);
}

/** Expression of an ordering column on alias `t`. */
function orderExpression(catalogue: Catalogue, held: KindCollection, column: string): string {
  return ordered(columnOf(catalogue, held, column)).on(`t.${quoteIdentifier(column)}`);
}

/** Condition that a row comes after the cursor. */
function keyset(catalogue: Catalogue, held: KindCollection, order: readonly string[]): string {
  const columns = order.map((each) => orderExpression(catalogue, held, each));
  const values = order.map(
    (each, place) => `p_cursor[${place + 1}]::${ordered(columnOf(catalogue, held, each)).type}`,
  );
  // Said twice: a comparison of rows prunes no partitions, one of the first column does.
  return ` and ${columns[0] ?? ''} <= ${values[0] ?? ''} and (${columns.join(', ')}) < (${values.join(', ')})`;
}

/** What a page tells of each row, as expressions on alias `t`, beside its key and its place. */
interface PageRows {
  readonly told: readonly string[];
  /** Further condition on alias `t`. */
  readonly within: string;
  /** What the rows are told from, after alias `t`. */
  readonly beside: string;
}

function pageQuery(
  map: KindMap,
  catalogue: Catalogue,
  held: KindCollection,
  conditions: SubjectConditions,
  shown: readonly Shown[],
  further: boolean,
): string {
  const told = shown.map((each) => each.masked);
  return pageOf(map, catalogue, held, conditions, shown, further, { told, within: '', beside: '' });
}

/** A page of what an export has, newest first, as lines. */
function reviewQuery(
  map: KindMap,
  catalogue: Catalogue,
  held: KindCollection,
  conditions: SubjectConditions,
  shown: readonly Shown[],
  further: boolean,
): string {
  return pageOf(map, catalogue, held, conditions, shown, further, {
    told: [lineOf('null::text')],
    within: withinRange(catalogue, held),
    beside: besideExact(map, catalogue, held),
  });
}

function pageOf(
  map: KindMap,
  catalogue: Catalogue,
  held: KindCollection,
  conditions: SubjectConditions,
  shown: readonly Shown[],
  further: boolean,
  page: PageRows,
): string {
  const from = fromItem(map, catalogue, held);
  const order = pageOrder(catalogue, held);
  if (order === null) return pageByPlace(from, catalogue, held, conditions, shown, further, page);
  const by = order.map((each) => `${orderExpression(catalogue, held, each)} desc`).join(', ');
  const after = `${page.within}${further ? keyset(catalogue, held, order) : ''}`;
  // Named one by one: the reader has no right to the `never` columns.
  const needed = [...new Set([...shown.map((each) => each.name), ...order])];
  const columns = needed.map((each) => `t.${quoteIdentifier(each)}`).join(', ');
  const rows = branches(
    conditions,
    (path, without) =>
      path.variable === null
        ? `(select ${columns} from ${from} where ${path.on('t')}${without}${after} order by ${by} limit p_limit)`
        : `(select ${columns} from ${path.keys} cross join lateral (select ${columns} from ${from} where ${path.hangsOnKey}${without}${after} order by ${by} limit p_limit) t order by ${by} limit p_limit)`,
    ' union all ',
  );
  const cursor = order.map((each) => `t.${quoteIdentifier(each)}::text`).join(', ');
  return `select ${[rowKey(catalogue, held), ...page.told].join(', ')}, array[${cursor}] from (${rows}) t${page.beside} order by ${by} limit p_limit`;
}

/**
 * Pages of rows that nothing tells apart: by their place in the order of all
 * that is shown of them, which costs a sort of the person's rows.
 */
function pageByPlace(
  from: string,
  catalogue: Catalogue,
  held: KindCollection,
  conditions: SubjectConditions,
  shown: readonly Shown[],
  further: boolean,
  page: PageRows,
): string {
  const columns = shown.map((each) => `t.${quoteIdentifier(each.name)}`).join(', ');
  // By what is shown, not by what it is: the order of masked values would betray them.
  const by = [
    ...held.order.map((each) => `${orderExpression(catalogue, held, each)} desc nulls last`),
    ...shown.map((each) => `${each.masked}::text`),
  ].join(', ');
  const rows = branches(
    conditions,
    (path, without) => `select ${columns} from ${from} where ${path.on('t')}${without}${page.within}`,
    ' union all ',
  );
  let place = 'place';
  while (Object.hasOwn(held.columns, place)) place += '_';
  const placed = `select ${columns}, row_number() over (order by ${by}) as ${place} from (${rows}) t`;
  return `select ${["'[]'::text", ...page.told].join(', ')}, array[t.${place}::text] from (${placed}) t${page.beside}${further ? ` where t.${place} > p_cursor[1]::bigint` : ''} order by t.${place} limit p_limit`;
}

function spanOf(from: string, path: PathCondition, column: string): string {
  return path.variable === null
    ? `select min(t.${column}), max(t.${column}) from ${from} where ${path.on('t')}`
    : `select min(m.low), max(m.high) from ${path.keys} cross join lateral (select min(t.${column}) as low, max(t.${column}) as high from ${from} where ${path.hangsOnKey}) m`;
}

/** An export never asks for more rows at once than this: what a window gives is first written down by the server. */
const largestWindow = 50_000;

/** A path that an export goes through parent by parent. */
interface ByParent {
  /** What of a row is compared with the parent's key. */
  readonly compared: string;
  /** The variable that holds the parents' keys. */
  readonly keys: string;
  readonly type: string;
  /** Says one order of the keys, whatever collation the platform's column has; empty for types without any. */
  readonly collation: string;
}

/**
 * Whether an export goes through a path parent by parent: each then comes
 * straight off the path's index, on every version of PostgreSQL. Without that
 * index it would be a scan of the table for every parent. Addresses compared without
 * case are few, and their index is one that may be made after the install;
 * keys of several columns are asked for together.
 */
function byParentOf(
  catalogue: Catalogue,
  held: KindCollection,
  conditions: SubjectConditions,
  { path, variable, compared }: PathCondition,
): ByParent | null {
  const keys = conditions.variables.find((each) => each.name === variable)?.parts;
  const [part, ...more] = keys ?? [];
  const [column] = path.columns;
  const [expression] = compared;
  if (part === undefined || more.length > 0 || expression === undefined || path.ignoreCase) return null;
  const indexes = catalogue.indexes.get(held.table) ?? [];
  if (!indexes.some((index) => index[0] === column)) return null;
  const collation = ['text', 'character varying', 'bpchar'].includes(part.type) ? ' collate "C"' : '';
  return { compared: expression, keys: part.name, type: part.type, collation };
}

/**
 * Variables of a place within an export: `[number of the path, parent or
 * empty, values of the pages' order…, rows given before]`. The row at the place itself has been read.
 */
function declarePlaces(
  catalogue: Catalogue,
  held: KindCollection,
  conditions: SubjectConditions,
  counts: boolean,
): string {
  const order = pageOrder(catalogue, held);
  if (order === null) return '  v_given bigint;';
  return [
    '  v_given bigint := 0; v_rows bigint;',
    '  v_path int := coalesce(p_after[1]::int, 0);',
    ...(counts
      ? []
      : [
          `  v_before bigint := coalesce(p_after[${order.length + 3}]::bigint, 0);`,
          '  v_begun boolean; v_most int; v_ask int; v_wide boolean; v_block text; v_bytes bigint := 0;',
        ]),
    ...(counts ? [`  v_last int := coalesce(p_upto[1]::int, ${conditions.paths.length + 1});`] : []),
    ...order.flatMap((each, place) => {
      const { type } = ordered(columnOf(catalogue, held, each));
      return [
        `  v_after_${place + 1} ${type} := p_after[${place + 3}]::${type};`,
        `  v_upto_${place + 1} ${type};`,
      ];
    }),
    ...conditions.paths.flatMap((path, place) => {
      const byParent = byParentOf(catalogue, held, conditions, path);
      return byParent === null
        ? []
        : [
            `  v_parent_${place + 1} ${byParent.type};`,
            `  v_from_${place + 1} ${byParent.type};`,
            `  v_to_${place + 1} ${byParent.type};`,
          ];
    }),
  ].join('\n');
}

/** What of the collection an export was begun for: read once a call, before any row. */
const declareScope =
  '  v_shows_others boolean; v_without text[]; v_since timestamptz; v_until timestamptz; v_redacted jsonb;';

function openScope(name: string): string {
  return `  select s.shows_others, s.without, s.since, s.until, s.redacted into v_shows_others, v_without, v_since, v_until, v_redacted
    from privacy_console.export_scope(p_access, ${quoteLiteral(name)}) s;`;
}

const refuseLeftOut = `  if not found then
    raise exception 'This export was begun without that collection.' using errcode = 'PC001';
  end if;`;

/** The column by whose time an export can be cut to a range: the first of the order, where it is one. */
export function timeColumn(
  catalogue: Catalogue,
  held: Pick<KindCollection, 'order' | 'columns' | 'table'>,
): string | null {
  const [first = ''] = held.order;
  const { type } = columnOf(catalogue, held, first);
  return type.startsWith('timestamp') || type === 'date' || held.columns[first]?.epoch !== undefined
    ? first
    : null;
}

/** Condition on alias `t` that a row lies in the range an export was begun for. */
function withinRange(catalogue: Catalogue, held: KindCollection): string {
  const column = timeColumn(catalogue, held);
  if (column === null) return '';
  const time = instantOf(held.columns[column], `t.${quoteIdentifier(column)}`);
  return ` and (v_since is null or ${time} >= v_since) and (v_until is null or ${time} < v_until)`;
}

/**
 * A row of an export as a line, of the exact values in `r`: without the columns that are left out, whose names and
 * values are taken from it, and with nothing in the fields that are redacted; `key` is the row's.
 */
function lineOf(key: string): string {
  return `case when v_without = '{}' and v_redacted is null then row_to_json(r.*)::text else privacy_console.line_without(row_to_json(r.*), v_without, v_redacted -> ${key}) end`;
}

/** The step that {@link lineOf} calls. */
export const lineWithout = step(
  'line_without(p_row json, p_names text[], p_redacted jsonb)',
  'text',
  `  return '{' || coalesce((select string_agg(to_json(e.key)::text || ':' || case when p_redacted ? e.key then 'null' else e.value::text end, ',' order by e.place)
    from json_each(p_row) with ordinality e(key, value, place) where e.key <> all (p_names)), '') || '}';`,
);

/** Condition on alias `t` that a row isn't redacted as a whole. */
function notRedacted(catalogue: Catalogue, held: KindCollection): string {
  return ` and (v_redacted is null or v_redacted -> ${rowKey(catalogue, held)} is distinct from 'null')`;
}

/** What stands behind alias `t` so that `r` is the row's exact values. */
function besideExact(map: KindMap, catalogue: Catalogue, held: KindCollection): string {
  return ` cross join lateral (select ${exact(map, catalogue, held)}) r`;
}

/** Types whose values are short whatever they are. */
const short =
  /^(?:boolean|smallint|integer|bigint|real|double precision|money|numeric.*|date|time.*|interval.*|uuid)$/;

/** Expression of about how many bytes a row's values are, without unpacking any of them; null where they can't be many. */
function sizeOf(catalogue: Catalogue, held: KindCollection): string | null {
  const sizes = Object.entries(held.columns).flatMap(([name, mapped]) => {
    if (mapped.never) return [];
    const { type } = columnOf(catalogue, held, name);
    const raw = `t.${quoteIdentifier(name)}`;
    if (short.test(type)) return [];
    return [
      octets.has(type)
        ? `coalesce(octet_length(${raw}), 0)`
        : `coalesce(${usuallyPacked} * pg_column_size(${raw}), 0)`,
    ];
  });
  return sizes.length === 0 ? null : `0::bigint + ${sizes.join(' + ')}`;
}

/** Types whose values tell their size unpacked. */
const octets: ReadonlySet<string> = new Set(['text', 'character varying', 'bpchar', 'bytea']);
/** How many times as long a value may be as what is stored of it. */
const usuallyPacked = 8;
/** Rows made to one text at a time, straight off an index. */
const blockRows = 1000;
/** About how many bytes of values one text may be made of, unless it is a single row's. */
const blockBytes = 16 * 1024 * 1024;
/** A window ends with the text that makes it as large as this: what the server keeps in memory, and is made with one statement. */
const windowBytes = 2 * 1024 * 1024;
/** The longest row that is written; the server has no texts of more than 2^30 bytes. */
const lineBytes = 1_000_000_000;

/** What an export says of a row that can't be a text on the server; `row` is its number, as an expression, where it has one. */
function rowTooLarge(name: string, row: string | null): string {
  const which = row === null ? 'A row' : 'Row %';
  return `raise exception '${which} of the collection % is larger than the database can write, 1 GB, so nothing was kept; leave its collection out of a custom package.', ${row === null ? '' : `${row}, `}${quoteLiteral(name)} using errcode = 'PC003';`;
}

/** Runs steps that make rows into texts, and says in plain words that one can't be. */
function refusingTooLarge(steps: string, refusal: string): string {
  return `  begin
${steps}
  exception when program_limit_exceeded or internal_error then
    if sqlstate = 'XX000' and sqlerrm not like 'invalid memory alloc request size%' then
      raise;
    end if;
    ${refusal}
  end;`;
}

/**
 * At most `p_limit` rows after a place, in texts of one line or more without the last line's end, then one text `[rows
 * given, place]`: where to go on, null at the end. A place holds across transactions, so an export can
 * go on in another one: rows that did not change are neither lost nor doubled.
 *
 * However large rows are, few are made at a time, and a window ends when it is large; a row that can't be written raises `PC003`.
 *
 * Where no key tells rows apart there is no such place: the first window has
 * them all, whatever `p_limit` says, in one snapshot.
 */
function windowOfRows(
  map: KindMap,
  catalogue: Catalogue,
  held: KindCollection,
  conditions: SubjectConditions,
  shown: readonly Shown[],
  name: string,
): string {
  const from = fromItem(map, catalogue, held);
  const limits = `  if p_limit is null or p_limit not between 1 and ${largestWindow} then
    raise exception 'An export reads from 1 to ${largestWindow} rows at a time.' using errcode = 'PC004';
  end if;`;
  const order = pageOrder(catalogue, held);
  const within = `${withinRange(catalogue, held)}${notRedacted(catalogue, held)}`;
  const line = lineOf(rowKey(catalogue, held));
  const beside = besideExact(map, catalogue, held);
  if (order === null) {
    const all = branches(
      conditions,
      (path, without) => `select ${line} from ${from}${beside} where ${path.on('t')}${without}${within}`,
      ' union all ',
    );
    return `${limits}
${refusingTooLarge(`  return query ${all};`, rowTooLarge(name, null))}
  get diagnostics v_given = row_count;
  return next json_build_array(v_given, null)::text;
  return;`;
  }
  const columns = order.map((each) => orderExpression(catalogue, held, each));
  const named = (kind: 'after' | 'upto'): readonly string[] =>
    order.map((_each, place) => `v_${kind}_${place + 1}`);
  // The first column is said twice: a comparison of rows prunes no partitions.
  const after = ` and ${columns[0]} >= v_after_1 and (${columns.join(', ')}) > (${named('after').join(', ')})`;
  const needed = [...new Set([...shown.map((each) => each.name), ...order])]
    .map((each) => `t.${quoteIdentifier(each)}`)
    .join(', ');
  const size = sizeOf(catalogue, held);
  const isWide = size === null ? 'false' : `v_ask > 1 and ${size} > ${blockBytes} / v_ask`;
  // Rows come in order out of the one that sorts and limits them; were they not to, counting the part would tell.
  const block = (mine: string): string => `
        select string_agg(x.line, e'\\n'), count(*), coalesce(bool_or(x.wide), false), ${columns.map((_each, at) => `(array_agg(x.at_${at + 1}))[count(*)]`).join(', ')}
          into v_block, v_rows, v_wide, ${named('upto').join(', ')}
          from (select ${isWide} as wide, case when ${isWide} then null else ${line} end as line, ${columns.map((each, at) => `${each} as at_${at + 1}`).join(', ')}
            from (select ${needed} from ${from}${mine} order by ${columns.join(', ')} limit v_ask) t${beside}) x;`;
  const paths = conditions.paths.map((path, place) => {
    const number = place + 1;
    const byParent = byParentOf(catalogue, held, conditions, path);
    const mine = ` where ${byParent === null ? path.on('t') : `${byParent.compared} = v_parent_${number}`}${withoutEarlier(conditions, place)}${within}`;
    const parent = byParent === null ? "''" : `v_parent_${number}::text`;
    const read = `
      loop
        v_ask := least(v_most, p_limit - v_given);
        if v_begun then${block(`${mine}${after}`)}
        else${block(mine)}
        end if;
        if v_wide then
          v_most := greatest(v_ask / 8, 1);
          continue;
        end if;
        exit when v_rows = 0;
        if octet_length(v_block) > ${lineBytes} then
          ${rowTooLarge(name, 'v_before + v_given + 1')}
        end if;
        return next v_block;
        v_given := v_given + v_rows;
        v_bytes := v_bytes + octet_length(v_block);
        exit when v_rows < v_ask;
        v_begun := true;
${order.map((_each, at) => `        v_after_${at + 1} := v_upto_${at + 1};`).join('\n')}
        if v_given >= p_limit or v_bytes >= ${windowBytes} then
          return next json_build_array(v_given, array['${number}', ${parent}, ${named('upto')
            .map((each) => `${each}::text`)
            .join(', ')}, (v_before + v_given)::text])::text;
          return;
        end if;
      end loop;`;
    if (byParent === null) {
      return `  if v_path <= ${number} then
    v_begun := v_path = ${number};${read}
  end if;`;
    }
    const { collation } = byParent;
    return `  if v_path <= ${number} then
    if v_path = ${number} then v_from_${number} := p_after[2]::${byParent.type}; end if;
    for v_parent_${number} in select p.value from unnest(${byParent.keys}) p(value)
        where v_path < ${number} or p.value${collation} >= v_from_${number}${collation} order by p.value${collation} loop
      v_begun := v_path = ${number} and v_parent_${number}${collation} = v_from_${number}${collation};${read}
    end loop;
  end if;`;
  });
  const most = pagesFromIndex(catalogue, held) ? String(blockRows) : 'p_limit';
  return `${limits}
  v_most := ${most};
${refusingTooLarge(paths.join('\n'), rowTooLarge(name, 'v_before + v_given + 1'))}
  return next json_build_array(v_given, null)::text;
  return;`;
}

/**
 * Counts the rows after one place up to another, by sets instead of parent by parent: what a part that was read is held against.
 * Where no key tells rows apart a part is always the whole.
 */
function countOfPart(
  map: KindMap,
  catalogue: Catalogue,
  held: KindCollection,
  conditions: SubjectConditions,
): string {
  const from = fromItem(map, catalogue, held);
  const order = pageOrder(catalogue, held);
  const within = `${withinRange(catalogue, held)}${notRedacted(catalogue, held)}`;
  if (order === null) {
    return `  select count(*) into v_given from ${from} where ${disjunction(conditions)}${within};
  return v_given;`;
  }
  const counts = conditions.paths.map((path, place) => {
    const number = place + 1;
    const byParent = byParentOf(catalogue, held, conditions, path);
    const columns = [
      ...(byParent === null ? [] : [`${byParent.compared}${byParent.collation}`]),
      ...order.map((each) => orderExpression(catalogue, held, each)),
    ].join(', ');
    const values = (parent: string, kind: string): string =>
      [
        ...(byParent === null ? [] : [`v_${parent}_${number}${byParent.collation}`]),
        ...order.map((_each, at) => `v_${kind}_${at + 1}`),
      ].join(', ');
    const assign =
      byParent === null
        ? ''
        : `    if v_path = ${number} then v_from_${number} := p_after[2]::${byParent.type}; end if;
    if v_last = ${number} then v_to_${number} := p_upto[2]::${byParent.type}; end if;\n`;
    return `  if v_path <= ${number} and v_last >= ${number} then
${assign}    select count(*) into v_rows from ${from} where ${path.on('t')}${withoutEarlier(conditions, place)}${within}
      and (v_path < ${number} or (${columns}) > (${values('from', 'after')}))
      and (v_last > ${number} or (${columns}) <= (${values('to', 'upto')}));
    v_given := v_given + v_rows;
  end if;`;
  });
  return `${order
    .map(
      (each, place) =>
        `  v_upto_${place + 1} := p_upto[${place + 3}]::${ordered(columnOf(catalogue, held, each)).type};`,
    )
    .join('\n')}
${counts.join('\n')}
  return v_given;`;
}

/** Whether a column holds the subject's key itself, and so in the person's own rows is about nobody else. */
export function namesSubject(held: Pick<KindCollection, 'subject'>, column: string): boolean {
  return held.subject.some(
    (path) => path.of === undefined && path.columns.length === 1 && path.columns[0] === column,
  );
}

/** Types whose values are texts in JSON as they are. */
const textual: ReadonlySet<string> = new Set(['text', 'character varying', 'bpchar', 'uuid']);

/** One value as an export has it, whose expression is `raw`. */
function exactValue(column: CatalogueColumn, mapped: KindCollection['columns'][string], raw: string): string {
  const document = exactDocument(mapped, raw);
  if (document !== null) return document;
  // Raw, it could hold line ends, and a row is a line; between values they mean nothing.
  if (column.type === 'json') return `replace(replace(${raw}::text, chr(10), ' '), chr(13), ' ')::json`;
  if (['json[]', 'bigint', 'bigint[]'].includes(column.type) || column.type.startsWith('numeric'))
    return `${raw}::text`;
  if (column.type === 'bytea') return `replace(encode(${raw}, 'base64'), chr(10), '')`;
  return isBase(column) ? raw : `${raw}::text`;
}

/**
 * Exact values for an export: whole numbers and decimals as texts, bytes as base64, times in ISO 8601 with their zone.
 * What is about somebody else is a text, masked unless the export was begun to show it.
 */
function exact(map: KindMap, catalogue: Catalogue, held: KindCollection): string {
  return Object.entries(held.columns)
    .filter(([, mapped]) => !mapped.never)
    .map(([name, mapped]) => {
      const column = columnOf(catalogue, held, name);
      const raw = `t.${quoteIdentifier(name)}`;
      const exactly = exactValue(column, mapped, raw);
      if (isThirdParty(mapped, map.kind)) {
        // The very text that would stand in the record, so that what is shown differs from any other value by nothing but being one.
        const text = textual.has(column.type) ? `${raw}::text` : `(to_json(${exactly}) #>> '{}')`;
        const own = namesSubject(held, name)
          ? ` or ${subjectKeyIn(map, catalogue, held, [name], 't')} = v_key`
          : '';
        return `case when v_shows_others${own} then ${text} else ${maskOf(mapped.mask ?? 'text', text)} end as ${quoteIdentifier(name)}`;
      }
      return exactly === raw ? raw : `${exactly} as ${quoteIdentifier(name)}`;
    })
    .join(', ');
}

/** Functions over all collections of one kind of subject: the object rows and prefixes. */
export function compileAcross(map: KindMap, catalogue: Catalogue): string {
  const scope = readingScope(map, catalogue);
  const names = Object.keys(map.collections);
  const objects = names.flatMap((name) => {
    const held = collectionNamed(map, name);
    if (held.object === undefined) return [];
    const conditions = subjectConditions(scope, name);
    const optional = (column: string | undefined): string =>
      column === undefined ? 'null::text' : `t.${quoteIdentifier(column)}::text`;
    return [
      {
        conditions,
        scope: name,
        query: `select ${quoteLiteral(name)}::text, ${rowKey(catalogue, held)}, t.${quoteIdentifier(held.object.key)}::text, ${optional(held.object.contentType)}, ${optional(held.object.bytes)}::bigint, ${optional(held.object.sha256)} from ${fromItem(map, catalogue, held)} where ${disjunction(conditions)} and t.${quoteIdentifier(held.object.key)} is not null${withinRange(catalogue, held)}`,
      },
    ];
  });
  const prefixes = names.flatMap((name) => {
    const held = collectionNamed(map, name);
    if (held.objectPrefix === undefined) return [];
    const conditions = subjectConditions(scope, name);
    return [
      {
        conditions,
        scope: null,
        query: `select ${prefixExpression(held)} from ${fromItem(map, catalogue, held)} where ${disjunction(conditions)}`,
      },
    ];
  });
  const variables = unique([...objects, ...prefixes].flatMap((part) => part.conditions.variables));
  const overParts = (
    signature: string,
    returns: string,
    parts: readonly { conditions: SubjectConditions; scope: string | null; query: string }[],
  ): string => {
    const variables = unique(parts.flatMap((part) => part.conditions.variables));
    return definer(
      signature,
      returns,
      `${assignKey(map, catalogue, `privacy_console.subject_of(p_access, array['view', 'export'], ${quoteLiteral(map.kind)})`)}
${assignLive(variables)}
${parts
  .map((part) =>
    part.scope === null
      ? `  return query ${part.query};`
      : `${openScope(part.scope)}\n  if found then\n    return query ${part.query};\n  end if;`,
  )
  .join('\n')}
  return;`,
      { declare: `${declareVariables(map, catalogue, variables)}\n${declareScope}`, overPlatform: true },
    );
  };
  return [
    overParts(
      `object_rows${map.suffix}(p_access bigint)`,
      'table (collection text, row_key text, key text, content_type text, bytes bigint, sha256 text)',
      objects,
    ),
    overParts(`object_prefixes${map.suffix}(p_access bigint)`, 'setof text', prefixes),
    definer(
      `holds_object${map.suffix}(p_subject_key text, p_object text)`,
      'boolean',
      `${assignKey(map, catalogue, 'p_subject_key')}
${assignLive(variables)}
  return ${
    [
      ...objects.map(
        ({ query }) =>
          `exists (select from (${query}) o(collection, row_key, key, content_type, bytes, sha256) where o.key = p_object)`,
      ),
      ...prefixes.map(
        ({ query }) => `exists (select from (${query}) p(prefix) where starts_with(p_object, p.prefix))`,
      ),
    ].join(' or ') || 'false'
  };`,
      { declare: `${declareVariables(map, catalogue, variables)}\n${declareScope}`, overPlatform: true },
    ),
  ].join('\n');
}

/** The announced reveal, of whatever kind of subject. */
export function compileReveal(kinds: readonly KindMap[]): string {
  const cells = kinds.flatMap((map) =>
    Object.keys(map.collections).map(
      (name) =>
        `  when ${quoteLiteral(`${map.kind}.${name}`)} then v_value := privacy_console.cell_${name}${map.suffix}(v_wanted.key, v_wanted.row_key, v_wanted.column_name);`,
    ),
  );
  return definer(
    'show_reveal(p_reveal bigint)',
    'text',
    `  select r.* into v_wanted from privacy_console.revealing(p_reveal) r;
  case v_wanted.kind || '.' || v_wanted.collection
${cells.join('\n')}
  else
    raise exception 'The data map holds nothing of that person there.' using errcode = 'PC005';
  end case;
  perform privacy_console.reveal_shown(p_reveal);
  return v_value;`,
    { declare: '  v_wanted record; v_value text;' },
  );
}

/**
 * Whether a row or an object is a person's, of whatever kind: raises `PC004` for rows that no key tells apart, `PC005`
 * for what isn't theirs. Tells nothing else of it.
 */
export function compileHeld(kinds: readonly KindMap[]): string {
  const rows = kinds.flatMap((map) =>
    Object.keys(map.collections).map(
      (name) =>
        `  when ${quoteLiteral(`${map.kind}.${name}`)} then perform privacy_console.cell_${name}${map.suffix}(p_key, p_row_key, null);`,
    ),
  );
  const objects = kinds.map(
    (map) =>
      `  when ${quoteLiteral(map.kind)} then v_held := privacy_console.holds_object${map.suffix}(p_key, p_object);`,
  );
  return `${definer(
    'refuse_unheld_row(p_kind text, p_collection text, p_key text, p_row_key text)',
    'void',
    `  case p_kind || '.' || p_collection
${rows.join('\n')}
  else
    raise exception 'The data map holds nothing of that person there.' using errcode = 'PC005';
  end case;
exception when data_exception then
  raise exception 'That is no key of a record; write it as the console shows it.' using errcode = 'PC004';`,
  )}${definer(
    'refuse_unheld_object(p_kind text, p_key text, p_object text)',
    'void',
    `  case p_kind
${objects.join('\n')}
  else
    raise exception 'The data map knows no such kind of people.' using errcode = 'PC005';
  end case;
  if not v_held then
    raise exception 'No row or prefix of that person names this file.' using errcode = 'PC005';
  end if;`,
    { declare: '  v_held boolean;' },
  )}`;
}

/** SQL expression of a row's prefix in R2. */
export function prefixExpression(held: Pick<KindCollection, 'objectPrefix'>): string {
  return (held.objectPrefix ?? '')
    .split(/(\{[^}]+\})/)
    .filter((part) => part !== '')
    .map((part) =>
      part.startsWith('{') ? `t.${quoteIdentifier(part.slice(1, -1))}::text` : quoteLiteral(part),
    )
    .join(' || ');
}
