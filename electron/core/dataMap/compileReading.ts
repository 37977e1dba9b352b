import { definer } from '../database/pins.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Catalogue, CatalogueColumn } from './catalogue.ts';
import { maskOf } from './masks.ts';
import type { Collection, DataMap } from './map.ts';
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
  sameColumn,
  subjectConditions,
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
export function shownColumns(catalogue: Catalogue, held: Collection): readonly Shown[] {
  return Object.entries(held.columns)
    .filter(([, mapped]) => !mapped.never)
    .map(([name, mapped]) => {
      const column = columnOf(catalogue, held, name);
      const raw = `t.${quoteIdentifier(name)}`;
      const plain = isBase(column) ? raw : `${raw}::text`;
      if (mapped.epoch !== undefined && mapped.mask === undefined)
        return { name, column, type: 'timestamptz', masked: instantOf(mapped, raw) };
      return mapped.mask === undefined
        ? { name, column, type: isBase(column) ? typeOf(column) : 'text', masked: plain }
        : { name, column, type: 'text', masked: maskOf(mapped.mask, `${raw}::text`) };
    });
}

/** SQL expression of a row's key: its primary key as a JSON array of texts. */
export function rowKey(catalogue: Catalogue, held: Collection): string {
  const columns = catalogue.primaryKeys.get(held.table) ?? [];
  return `json_build_array(${columns.map((each) => `t.${quoteIdentifier(each)}::text`).join(', ')})::text`;
}

/** Condition on alias `t` that it is the row whose key is in the text variable `p_row_key`; false where no key tells rows apart. */
export function isRow(catalogue: Catalogue, held: Collection, variable = 'p_row_key'): string {
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
function pageOrder(catalogue: Catalogue, held: Collection): readonly string[] | null {
  const key = catalogue.primaryKeys.get(held.table);
  if (key === undefined) return null;
  return [...held.order, ...key.filter((each) => !held.order.includes(each))];
}

/** Whether every path can page off an index that begins with its column and goes on with the order. */
export function pagesFromIndex(catalogue: Catalogue, held: Collection): boolean {
  const indexes = catalogue.indexes.get(held.table) ?? [];
  const order = pageOrder(catalogue, held);
  if (order === null) return false;
  return held.subject.every((each) =>
    indexes.some((index) => [...each.columns, ...order].every((column, place) => index[place] === column)),
  );
}

function isTime(column: CatalogueColumn): boolean {
  return ['timestamp with time zone', 'timestamp without time zone', 'date'].includes(column.type);
}

/** Names of a page's own; a column of the platform that has one can't stand beside them. */
const pageNames = ['row_key', 'cursor', 'p_access', 'p_cursor', 'p_limit'];

/** The reading functions and the thin view of one collection; run as the reader. */
export function compileCollection(map: DataMap, catalogue: Catalogue, name: string): string {
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
  const conditions = subjectConditions(map, catalogue, held);
  const declare = declareVariables(map, catalogue, conditions.variables);
  const resultTable = shown.map((each) => `${quoteIdentifier(each.name)} ${each.type}`).join(', ');
  const masked = shown.map((each) => each.masked).join(', ');
  const any = disjunction(conditions);
  const open = (kinds: string): string =>
    `${assignKey(map, catalogue, `privacy_console.subject_of(p_access, array[${kinds}])`)}\n${assignLive(conditions.variables)}`;
  const query = (what: string, path: PathCondition, without: string): string =>
    `select ${what} from ${from} where ${path.on('t')}${without}`;
  const first = held.order[0] ?? '';
  const firstColumn = columnOf(catalogue, held, first);
  const timed = isTime(firstColumn);
  const pinsOfPage = pagesFromIndex(catalogue, held) ? { pins: pagePins } : {};

  const exported = (bounds: string): string =>
    `select row_to_json(r)::text from (${branches(
      conditions,
      (path, without) => query(exact(catalogue, held), path, `${without}${bounds}`),
      ' union all ',
    )}) r`;
  const parts = [
    definer(
      `read_${name}()`,
      `table (${resultTable})`,
      `  for v_subject in select s from privacy_console.my_open_subjects() s loop
${assignKey(map, catalogue, 'v_subject')}
${assignLive(conditions.variables)}
    return query ${branches(conditions, (path, without) => query(masked, path, without), ' union all ')};
  end loop;`,
      { declare: `  v_subject text;\n${declare}`, overPlatform: true },
    ),
    `create view privacy_console.${quoteIdentifier(name)} as select * from privacy_console.read_${name}();\n`,
    definer(
      `page_${name}(p_access bigint, p_cursor text[], p_limit int)`,
      `table (row_key text, ${resultTable}, cursor text[])`,
      `${open("'view'")}
  if p_limit not between 1 and 500 then
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
      `count_${name}(p_access bigint, p_cap bigint)`,
      'bigint',
      `${open("'view', 'export'")}
  return (select count(*) from (select 1 from ${from} where ${any} limit p_cap) x);`,
      { declare, overPlatform: true },
    ),
    definer(
      `rows_${name}(p_access bigint, p_from timestamptz, p_to timestamptz)`,
      'setof text',
      `${open("'export'")}
${
  timed
    ? `  -- Everything: times that are null or infinite too, which no month holds.
  if p_from = '-infinity' and p_to = 'infinity' then
    return query ${exported('')};
  else
    return query ${exported(` and t.${quoteIdentifier(first)} >= p_from and t.${quoteIdentifier(first)} < p_to`)};
  end if;`
    : `  return query ${exported('')};`
}`,
      { declare, overPlatform: true },
    ),
    definer(
      `span_${name}(p_access bigint)`,
      'table (low timestamptz, high timestamptz)',
      timed
        ? `${open("'export'")}
  select min(x.low)::timestamptz, max(x.high)::timestamptz into v_low, v_high from (${conditions.paths
    .map((path) => spanOf(from, path, quoteIdentifier(first)))
    .join(' union all ')}) x(low, high);
  -- Where there are no months between, everything is read at once.
  if v_low < '0001-01-01 00:00:00+00' or v_high >= '9999-01-01 00:00:00+00' or ${firstColumn.notNull ? 'false' : 'true'} then
    v_low := null;
    v_high := null;
  end if;
  return query select v_low, v_high;`
        : `  perform privacy_console.subject_of(p_access, array['export']);
  return query select null::timestamptz, null::timestamptz;`,
      { declare: `${declare}\n  v_low timestamptz; v_high timestamptz;`, overPlatform: true },
    ),
    definer(
      `cell_${name}(p_subject_key text, p_row_key text, p_column text)`,
      'text',
      catalogue.primaryKeys.has(held.table)
        ? `${assignKey(map, catalogue, 'p_subject_key')}
${assignLive(conditions.variables)}
  select case p_column ${shown
    .map((each) => `when ${quoteLiteral(each.name)} then t.${quoteIdentifier(each.name)}::text`)
    .join(' ')} end into v_value
    from ${from} where ${isRow(catalogue, held)} and (${any});
  if not found then
    raise exception 'That row is gone; read the page again.' using errcode = 'PC005';
  end if;
  return v_value;`
        : `  raise exception 'No key tells the rows of this table apart, so none can be revealed by itself; export them instead.' using errcode = 'PC004';`,
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
        `series_${name}(p_access bigint)`,
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

/** One query for each path, each without the rows an earlier path gave: a union that streams and uses each path's index. */
function branches(
  conditions: SubjectConditions,
  query: (path: PathCondition, without: string) => string,
  joint: string,
): string {
  return conditions.paths
    .map((path, place) =>
      query(
        path,
        conditions.paths
          .slice(0, place)
          .map((earlier) => ` and (${earlier.on('t')}) is not true`)
          .join(''),
      ),
    )
    .join(joint);
}

/** Expression of an ordering column on alias `t`. */
function orderExpression(catalogue: Catalogue, held: Collection, column: string): string {
  return ordered(columnOf(catalogue, held, column)).on(`t.${quoteIdentifier(column)}`);
}

/** Condition that a row comes after the cursor. */
function keyset(catalogue: Catalogue, held: Collection, order: readonly string[]): string {
  const columns = order.map((each) => orderExpression(catalogue, held, each));
  const values = order.map(
    (each, place) => `p_cursor[${place + 1}]::${ordered(columnOf(catalogue, held, each)).type}`,
  );
  // Said twice: a comparison of rows prunes no partitions, one of the first column does.
  return ` and ${columns[0] ?? ''} <= ${values[0] ?? ''} and (${columns.join(', ')}) < (${values.join(', ')})`;
}

function pageQuery(
  map: DataMap,
  catalogue: Catalogue,
  held: Collection,
  conditions: SubjectConditions,
  shown: readonly Shown[],
  further: boolean,
): string {
  const from = fromItem(map, catalogue, held);
  const order = pageOrder(catalogue, held);
  if (order === null) return pageByPlace(from, catalogue, held, conditions, shown, further);
  const by = order.map((each) => `${orderExpression(catalogue, held, each)} desc`).join(', ');
  const after = further ? keyset(catalogue, held, order) : '';
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
  return `select ${rowKey(catalogue, held)}, ${shown.map((each) => each.masked).join(', ')}, array[${cursor}] from (${rows}) t order by ${by} limit p_limit`;
}

/**
 * Pages of rows that nothing tells apart: by their place in the order of all
 * that is shown of them, which costs a sort of the person's rows.
 */
function pageByPlace(
  from: string,
  catalogue: Catalogue,
  held: Collection,
  conditions: SubjectConditions,
  shown: readonly Shown[],
  further: boolean,
): string {
  const columns = shown.map((each) => `t.${quoteIdentifier(each.name)}`).join(', ');
  // By what is shown, not by what it is: the order of masked values would betray them.
  const by = [
    ...held.order.map((each) => `${orderExpression(catalogue, held, each)} desc nulls last`),
    ...shown.map((each) => `${each.masked}::text`),
  ].join(', ');
  const rows = branches(
    conditions,
    (path, without) => `select ${columns} from ${from} where ${path.on('t')}${without}`,
    ' union all ',
  );
  let place = 'place';
  while (Object.hasOwn(held.columns, place)) place += '_';
  const placed = `select ${columns}, row_number() over (order by ${by}) as ${place} from (${rows}) t`;
  return `select '[]'::text, ${shown.map((each) => each.masked).join(', ')}, array[t.${place}::text] from (${placed}) t${further ? ` where t.${place} > p_cursor[1]::bigint` : ''} order by t.${place} limit p_limit`;
}

function spanOf(from: string, path: PathCondition, column: string): string {
  return path.variable === null
    ? `select min(t.${column}), max(t.${column}) from ${from} where ${path.on('t')}`
    : `select min(m.low), max(m.high) from ${path.keys} cross join lateral (select min(t.${column}) as low, max(t.${column}) as high from ${from} where ${path.hangsOnKey}) m`;
}

/** Exact values for an export: whole numbers and decimals as texts, bytes as base64, times in ISO 8601 with their zone. */
function exact(catalogue: Catalogue, held: Collection): string {
  return Object.entries(held.columns)
    .filter(([, mapped]) => !mapped.never)
    .map(([name]) => {
      const column = columnOf(catalogue, held, name);
      const raw = `t.${quoteIdentifier(name)}`;
      // Raw, it could hold line ends, and a row is a line; between values they mean nothing.
      if (column.type === 'json')
        return `replace(replace(${raw}::text, chr(10), ' '), chr(13), ' ')::json as ${quoteIdentifier(name)}`;
      if (column.type === 'json[]') return `${raw}::text as ${quoteIdentifier(name)}`;
      if (column.type === 'bigint' || column.type.startsWith('numeric'))
        return `${raw}::text as ${quoteIdentifier(name)}`;
      if (column.type === 'bytea')
        return `replace(encode(${raw}, 'base64'), chr(10), '') as ${quoteIdentifier(name)}`;
      return isBase(column) ? `${raw}` : `${raw}::text as ${quoteIdentifier(name)}`;
    })
    .join(', ');
}

/** Functions over all collections: the announced reveal, the object rows and prefixes. */
export function compileAcross(map: DataMap, catalogue: Catalogue): string {
  const names = Object.keys(map.collections);
  const objects = names.flatMap((name) => {
    const held = collectionNamed(map, name);
    if (held.object === undefined) return [];
    const conditions = subjectConditions(map, catalogue, held);
    const optional = (column: string | undefined): string =>
      column === undefined ? 'null::text' : `t.${quoteIdentifier(column)}::text`;
    return [
      {
        conditions,
        query: `select ${quoteLiteral(name)}::text, ${rowKey(catalogue, held)}, t.${quoteIdentifier(held.object.key)}::text, ${optional(held.object.contentType)}, ${optional(held.object.bytes)}::bigint, ${optional(held.object.sha256)} from ${fromItem(map, catalogue, held)} where ${disjunction(conditions)} and t.${quoteIdentifier(held.object.key)} is not null`,
      },
    ];
  });
  const prefixes = names.flatMap((name) => {
    const held = collectionNamed(map, name);
    if (held.objectPrefix === undefined) return [];
    const conditions = subjectConditions(map, catalogue, held);
    return [
      {
        conditions,
        query: `select ${prefixExpression(held)} from ${fromItem(map, catalogue, held)} where ${disjunction(conditions)}`,
      },
    ];
  });
  const overParts = (
    signature: string,
    returns: string,
    parts: readonly { conditions: SubjectConditions; query: string }[],
  ): string => {
    const variables = unique(parts.flatMap((part) => part.conditions.variables));
    return definer(
      signature,
      returns,
      `${assignKey(map, catalogue, "privacy_console.subject_of(p_access, array['view', 'export'])")}
${assignLive(variables)}
${parts.map((part) => `  return query ${part.query};`).join('\n')}
  return;`,
      { declare: declareVariables(map, catalogue, variables), overPlatform: true },
    );
  };
  return [
    overParts(
      'object_rows(p_access bigint)',
      'table (collection text, row_key text, key text, content_type text, bytes bigint, sha256 text)',
      objects,
    ),
    overParts('object_prefixes(p_access bigint)', 'setof text', prefixes),
    definer(
      'show_reveal(p_reveal bigint)',
      'text',
      `  select r.* into v_wanted from privacy_console.revealing(p_reveal) r;
  case v_wanted.collection
${names.map((name) => `  when ${quoteLiteral(name)} then v_value := privacy_console.cell_${name}(v_wanted.key, v_wanted.row_key, v_wanted.column_name);`).join('\n')}
  end case;
  perform privacy_console.reveal_shown(p_reveal);
  return v_value;`,
      { declare: '  v_wanted record; v_value text;' },
    ),
  ].join('\n');
}

/** SQL expression of a row's prefix in R2. */
export function prefixExpression(held: Collection): string {
  return (held.objectPrefix ?? '')
    .split(/(\{[^}]+\})/)
    .filter((part) => part !== '')
    .map((part) =>
      part.startsWith('{') ? `t.${quoteIdentifier(part.slice(1, -1))}::text` : quoteLiteral(part),
    )
    .join(' || ');
}
