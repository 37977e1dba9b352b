import { definer } from '../database/pins.ts';
import type { Catalogue, CatalogueColumn } from './catalogue.ts';
import { maskOf } from './masks.ts';
import type { Collection, DataMap } from './map.ts';
import {
  assignLive,
  collectionNamed,
  columnOf,
  declareVariables,
  isBase,
  subjectConditions,
  subjectKeyType,
  typeOf,
  type PathCondition,
  type SubjectConditions,
} from './paths.ts';
import { quoteIdentifier, quoteLiteral, quoteTable } from './quote.ts';

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
      return mapped.mask === undefined
        ? { name, column, type: isBase(column) ? column.type : 'text', masked: plain }
        : { name, column, type: 'text', masked: maskOf(mapped.mask, `${raw}::text`) };
    });
}

/** SQL expression of a row's key: its primary key as a JSON array of texts. */
export function rowKey(catalogue: Catalogue, held: Collection): string {
  const columns = catalogue.primaryKeys.get(held.table) ?? [];
  return `json_build_array(${columns.map((each) => `t.${quoteIdentifier(each)}::text`).join(', ')})::text`;
}

/** Condition on alias `t` that it is the row whose key is in the text variable `p_row_key`. */
export function isRow(catalogue: Catalogue, held: Collection, variable = 'p_row_key'): string {
  const columns = catalogue.primaryKeys.get(held.table) ?? [];
  return columns
    .map(
      (each, place) =>
        `t.${quoteIdentifier(each)} = (${variable}::json ->> ${place})::${typeOf(columnOf(catalogue, held, each))}`,
    )
    .join(' and ');
}

/** Whether every path can page off an index that begins with its column and goes on with the order. */
export function pagesFromIndex(catalogue: Catalogue, held: Collection): boolean {
  const indexes = catalogue.indexes.get(held.table) ?? [];
  return held.subject.every((each) =>
    indexes.some(
      (index) =>
        index[0] === each.column && held.order.every((ordered, place) => index[place + 1] === ordered),
    ),
  );
}

/** The reading functions and the thin view of one collection; run as the reader. */
export function compileCollection(map: DataMap, catalogue: Catalogue, name: string): string {
  const held = collectionNamed(map, name);
  const table = quoteTable(held.table);
  const shown = shownColumns(catalogue, held);
  const conditions = subjectConditions(map, catalogue, held);
  const declare = declareVariables(map, catalogue, conditions.variables);
  const keyType = subjectKeyType(map, catalogue);
  const resultTable = shown.map((each) => `${quoteIdentifier(each.name)} ${each.type}`).join(', ');
  const masked = shown.map((each) => each.masked).join(', ');
  const any = disjunction(conditions);
  const open = (kinds: string): string =>
    `  v_key := privacy_console.subject_of(p_access, array[${kinds}])::${keyType};\n${assignLive(conditions.variables)}`;
  const pinsOfPage = pagesFromIndex(catalogue, held) ? { pins: pagePins } : {};

  const parts = [
    definer(
      `read_${name}()`,
      `table (${resultTable})`,
      `  for v_subject in select s from privacy_console.my_open_subjects() s loop
  v_key := v_subject::${keyType};
${assignLive(conditions.variables)}
    return query ${branches(conditions, (path, without) => `select ${masked} from ${table} t where ${path.condition}${without}`, ' union all ')};
  end loop;`,
      { declare: `  v_subject text;\n${declare}` },
    ),
    `create view privacy_console.${quoteIdentifier(name)} as select * from privacy_console.read_${name}();\n`,
    definer(
      `page_${name}(p_access bigint, p_cursor text[], p_limit int)`,
      `table (row_key text, ${resultTable}, cursor text[])`,
      `${open("'view'")}
  -- One more than a page shows: it tells that another one follows.
  if p_limit is null or p_limit not between 1 and 501 then
    raise exception 'A page has from 1 to 500 rows.' using errcode = 'PC004';
  end if;
  if p_cursor is null then
    return query ${pageQuery(catalogue, held, conditions, shown, '')};
  else
    return query ${pageQuery(catalogue, held, conditions, shown, keyset(catalogue, held))};
  end if;`,
      { declare, ...pinsOfPage },
    ),
    definer(
      `count_${name}(p_access bigint, p_cap bigint)`,
      'bigint',
      `${open("'view', 'export'")}
  return (select count(*) from (select 1 from ${table} t where ${any} limit p_cap) x);`,
      { declare },
    ),
    definer(
      `rows_${name}(p_access bigint, p_after text[], p_limit int)`,
      'setof text',
      `${open("'export'")}\n${windowOfRows(catalogue, held, conditions)}`,
      { declare: `${declare}\n${declarePlaces(catalogue, held, conditions, false)}`, ...pinsOfPage },
    ),
    definer(
      `part_${name}(p_access bigint, p_after text[], p_upto text[])`,
      'bigint',
      `${open("'export'")}\n${countOfPart(catalogue, held, conditions)}`,
      { declare: `${declare}\n${declarePlaces(catalogue, held, conditions, true)}` },
    ),
    definer(
      `cell_${name}(p_subject_key text, p_row_key text, p_column text)`,
      'text',
      `  v_key := p_subject_key::${keyType};
${assignLive(conditions.variables)}
  select case p_column ${shown
    .map((each) => `when ${quoteLiteral(each.name)} then t.${quoteIdentifier(each.name)}::text`)
    .join(' ')} end into v_value
    from ${table} t where ${isRow(catalogue, held)} and (${any});
  if not found then
    raise exception 'That row is gone; read the page again.' using errcode = 'PC005';
  end if;
  return v_value;`,
      { declare: `${declare}\n  v_value text;` },
    ),
  ];
  if (held.series !== undefined) {
    const day = quoteIdentifier(held.series.day);
    const dayColumn = columnOf(catalogue, held, held.series.day);
    const asDay = dayColumn.type === 'date' ? `t.${day}` : `(t.${day} at time zone 'Asia/Kolkata')::date`;
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
  select max(x.high) into v_high from (${conditions.paths.map((path) => spanOf(table, path, day)).join(' union all ')}) x(low, high);
  return query select to_char(x.d, 'YYYY-MM-DD'), x.b, x.v from (
    select ${asDay} as d, ${by} as b, ${value} as v from ${table} t
    where (${any}) and t.${day} > v_high - 90 * interval '1 day' group by 1, 2) x order by 1, 2;`,
        { declare: `${declare}\n  v_high ${dayColumn.type};` },
      ),
    );
  }
  return parts.join('\n');
}

function disjunction(conditions: SubjectConditions): string {
  return `(${conditions.paths.map((each) => each.condition).join(' or ')})`;
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
          .map((earlier) => ` and (${earlier.condition}) is not true`)
          .join(''),
      ),
    )
    .join(joint);
}

function orderBy(held: Collection): string {
  return held.order.map((each) => `t.${quoteIdentifier(each)} desc`).join(', ');
}

function keyset(catalogue: Catalogue, held: Collection): string {
  const columns = held.order.map((each) => `t.${quoteIdentifier(each)}`).join(', ');
  const values = held.order
    .map((each, place) => `p_cursor[${place + 1}]::${typeOf(columnOf(catalogue, held, each))}`)
    .join(', ');
  const [first = ''] = held.order;
  // Said twice: a comparison of rows prunes no partitions, one of the first column does.
  const bound = `t.${quoteIdentifier(first)} <= p_cursor[1]::${typeOf(columnOf(catalogue, held, first))}`;
  return ` and ${bound} and (${columns}) < (${values})`;
}

function pageQuery(
  catalogue: Catalogue,
  held: Collection,
  conditions: SubjectConditions,
  shown: readonly Shown[],
  after: string,
): string {
  const table = quoteTable(held.table);
  const order = orderBy(held);
  // Named one by one: the reader has no right to the `never` columns.
  const columns = shown.map((each) => `t.${quoteIdentifier(each.name)}`).join(', ');
  const rows = branches(
    conditions,
    (path, without) =>
      path.variable === null
        ? `(select ${columns} from ${table} t where ${path.condition}${without}${after} order by ${order} limit p_limit)`
        : `(select ${columns} from unnest(${path.variable.name}) p(value) cross join lateral (select ${columns} from ${table} t where ${path.expression} = p.value${without}${after} order by ${order} limit p_limit) t order by ${order} limit p_limit)`,
    ' union all ',
  );
  const cursor = held.order.map((each) => `t.${quoteIdentifier(each)}::text`).join(', ');
  return `select ${rowKey(catalogue, held)}, ${shown.map((each) => each.masked).join(', ')}, array[${cursor}] from (${rows}) t order by ${order} limit p_limit`;
}

function spanOf(table: string, path: PathCondition, column: string): string {
  return path.variable === null
    ? `select min(t.${column}), max(t.${column}) from ${table} t where ${path.condition}`
    : `select min(m.low), max(m.high) from unnest(${path.variable.name}) p(value) cross join lateral (select min(t.${column}) as low, max(t.${column}) as high from ${table} t where ${path.expression} = p.value) m`;
}

/** An export never asks for more rows at once than this: what a window gives is first written down by the server. */
const largestWindow = 50_000;

/** The columns by which an export goes on: the order, made unmistakable by the primary key. */
function readingOrder(catalogue: Catalogue, held: Collection): readonly string[] {
  const key = catalogue.primaryKeys.get(held.table) ?? [];
  return [...held.order, ...key.filter((each) => !held.order.includes(each))];
}

/**
 * Whether an export goes through a path parent by parent: each then comes
 * straight off the path's index, on every version of PostgreSQL. Without that
 * index it would be a scan of the table for every parent. Addresses compared without
 * case are few, and their index is one that may be made after the install.
 */
function goesByParent(catalogue: Catalogue, held: Collection, { path, variable }: PathCondition): boolean {
  if (variable === null || path.ignoreCase) return false;
  const indexes = catalogue.indexes.get(held.table) ?? [];
  return indexes.some((index) => index[0] === path.column);
}

/**
 * Variables of a place within an export: `[number of the path, parent or
 * empty, values of the reading order…]`. The row at the place itself has been read.
 */
function declarePlaces(
  catalogue: Catalogue,
  held: Collection,
  conditions: SubjectConditions,
  counts: boolean,
): string {
  const order = readingOrder(catalogue, held);
  return [
    '  v_given bigint := 0; v_rows bigint;',
    '  v_path int := coalesce(p_after[1]::int, 0);',
    ...(counts ? [`  v_last int := coalesce(p_upto[1]::int, ${conditions.paths.length + 1});`] : []),
    ...order.flatMap((each, place) => {
      const type = typeOf(columnOf(catalogue, held, each));
      return [
        `  v_after_${place + 1} ${type} := p_after[${place + 3}]::${type};`,
        `  v_upto_${place + 1} ${type};`,
      ];
    }),
    ...conditions.paths.flatMap(({ variable }, place) =>
      variable === null
        ? []
        : [
            `  v_parent_${place + 1} ${variable.type};`,
            `  v_from_${place + 1} ${variable.type};`,
            `  v_to_${place + 1} ${variable.type};`,
          ],
    ),
  ].join('\n');
}

/**
 * At most `p_limit` rows after a place, then one line `[rows given, place]`: where to
 * go on, null at the end. A place holds across transactions, so an export can
 * go on in another one: rows that did not change are neither lost nor doubled.
 */
function windowOfRows(catalogue: Catalogue, held: Collection, conditions: SubjectConditions): string {
  const order = readingOrder(catalogue, held);
  const columns = order.map((each) => `t.${quoteIdentifier(each)}`);
  const named = (kind: 'after' | 'upto'): readonly string[] =>
    order.map((_each, place) => `v_${kind}_${place + 1}`);
  // The first column is said twice: a comparison of rows prunes no partitions.
  const after = ` and ${columns[0]} >= v_after_1 and (${columns.join(', ')}) > (${named('after').join(', ')})`;
  const upto = ` and ${columns[0]} <= v_upto_1 and (${columns.join(', ')}) <= (${named('upto').join(', ')})`;
  const paths = conditions.paths.map((path, place) => {
    const number = place + 1;
    const byParent = goesByParent(catalogue, held, path);
    const without = conditions.paths
      .slice(0, place)
      .map((earlier) => ` and (${earlier.condition}) is not true`)
      .join('');
    const mine = `${quoteTable(held.table)} t where ${byParent ? `${path.expression} = v_parent_${number}` : path.condition}${without}`;
    const read = (range: string): string => `return query select row_to_json(r.*)::text from (
        select ${exact(catalogue, held)} from ${mine}${range}) r;`;
    const window = (range: string): string => `
      select ${columns.join(', ')} into ${named('upto').join(', ')} from ${mine}${range}
        order by ${columns.join(', ')} offset greatest(p_limit - v_given - 1, 0) limit 1;
      if found then
        ${read(`${range}${upto}`)}
        get diagnostics v_rows = row_count;
        return next json_build_array(v_given + v_rows, array['${number}', ${byParent ? `v_parent_${number}::text` : "''"}, ${named(
          'upto',
        )
          .map((each) => `${each}::text`)
          .join(', ')}])::text;
        return;
      end if;
      ${read(range)}
      get diagnostics v_rows = row_count;
      v_given := v_given + v_rows;`;
    const parents = path.variable?.name ?? '';
    return byParent
      ? `  if v_path <= ${number} then
    if v_path = ${number} then v_from_${number} := p_after[2]::${path.variable?.type}; end if;
    for v_parent_${number} in select p.value from unnest(${parents}) p(value)
        where v_path < ${number} or p.value >= v_from_${number} order by p.value loop
      if v_path = ${number} and v_parent_${number} = v_from_${number} then${window(after)}
      else${window('')}
      end if;
    end loop;
  end if;`
      : `  if v_path = ${number} then${window(after)}
  elsif v_path < ${number} then${window('')}
  end if;`;
  });
  return `  if p_limit not between 1 and ${largestWindow} then
    raise exception 'An export reads from 1 to ${largestWindow} rows at a time.' using errcode = 'PC004';
  end if;
${paths.join('\n')}
  return next json_build_array(v_given, null)::text;
  return;`;
}

/** Counts the rows after one place up to another, by sets instead of parent by parent: what a part that was read is held against. */
function countOfPart(catalogue: Catalogue, held: Collection, conditions: SubjectConditions): string {
  const order = readingOrder(catalogue, held);
  const counts = conditions.paths.map((path, place) => {
    const number = place + 1;
    const byParent = goesByParent(catalogue, held, path);
    const without = conditions.paths
      .slice(0, place)
      .map((earlier) => ` and (${earlier.condition}) is not true`)
      .join('');
    const columns = [
      ...(byParent ? [path.expression] : []),
      ...order.map((each) => `t.${quoteIdentifier(each)}`),
    ].join(', ');
    const values = (parent: string, kind: string): string =>
      [
        ...(byParent ? [`v_${parent}_${number}`] : []),
        ...order.map((_each, at) => `v_${kind}_${at + 1}`),
      ].join(', ');
    const assign = byParent
      ? `    if v_path = ${number} then v_from_${number} := p_after[2]::${path.variable?.type}; end if;
    if v_last = ${number} then v_to_${number} := p_upto[2]::${path.variable?.type}; end if;\n`
      : '';
    return `  if v_path <= ${number} and v_last >= ${number} then
${assign}    select count(*) into v_rows from ${quoteTable(held.table)} t where ${path.condition}${without}
      and (v_path < ${number} or (${columns}) > (${values('from', 'after')}))
      and (v_last > ${number} or (${columns}) <= (${values('to', 'upto')}));
    v_given := v_given + v_rows;
  end if;`;
  });
  return `${order
    .map(
      (each, place) =>
        `  v_upto_${place + 1} := p_upto[${place + 3}]::${typeOf(columnOf(catalogue, held, each))};`,
    )
    .join('\n')}
${counts.join('\n')}
  return v_given;`;
}

/** Exact values for an export: whole numbers and decimals as texts, bytes as base64, times in ISO 8601 with their zone. */
function exact(catalogue: Catalogue, held: Collection): string {
  return Object.entries(held.columns)
    .filter(([, mapped]) => !mapped.never)
    .map(([name]) => {
      const column = columnOf(catalogue, held, name);
      const raw = `t.${quoteIdentifier(name)}`;
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
  const keyType = subjectKeyType(map, catalogue);
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
        query: `select ${quoteLiteral(name)}::text, ${rowKey(catalogue, held)}, t.${quoteIdentifier(held.object.key)}::text, ${optional(held.object.contentType)}, ${optional(held.object.bytes)}::bigint, ${optional(held.object.sha256)} from ${quoteTable(held.table)} t where ${disjunction(conditions)} and t.${quoteIdentifier(held.object.key)} is not null`,
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
        query: `select ${prefixExpression(held)} from ${quoteTable(held.table)} t where ${disjunction(conditions)}`,
      },
    ];
  });
  const variablesOf = (
    parts: readonly { conditions: SubjectConditions }[],
  ): SubjectConditions['variables'] => {
    const seen = new Map<string, SubjectConditions['variables'][number]>();
    for (const part of parts) for (const each of part.conditions.variables) seen.set(each.name, each);
    return [...seen.values()];
  };
  const overParts = (
    signature: string,
    returns: string,
    parts: readonly { conditions: SubjectConditions; query: string }[],
  ): string => {
    const variables = variablesOf(parts);
    return definer(
      signature,
      returns,
      `  v_key := privacy_console.subject_of(p_access, array['view', 'export'])::${keyType};
${assignLive(variables)}
${parts.map((part) => `  return query ${part.query};`).join('\n')}
  return;`,
      { declare: declareVariables(map, catalogue, variables) },
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
