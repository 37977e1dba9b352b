import type { Catalogue } from './catalogue.ts';
import type { KindCollection, KindMap } from './map.ts';
import { columnOf, fromItem, typeOf, type SubjectConditions } from './paths.ts';
import { quoteIdentifier } from './quote.ts';

/** An index that leads from a subject's key straight to the rows, and on in an order that tells each of them. */
export interface Range {
  /** The column of the path, and what it is compared with: one value, or an array of them. */
  readonly column: string;
  readonly keys: { readonly value: string } | { readonly array: string };
  /** The other columns of the index; none can be null, and together they tell a row. */
  readonly order: readonly string[];
}

/** Variables that {@link deleteRange} works with. */
export const rangeVariables =
  '  v_one text; v_low text[]; v_high text[]; v_full boolean; v_count bigint; v_after jsonb; v_more boolean;';

/**
 * The range a collection's rows can be deleted by, or null: one path, of one column that is compared as it is, and an
 * index that begins with it and goes on with the primary key.
 */
export function rangeOf(
  catalogue: Catalogue,
  held: KindCollection,
  { paths }: SubjectConditions,
): Range | null {
  const [only] = paths;
  if (only === undefined || paths.length > 1 || only.path.columns.length !== 1) return null;
  const [column = ''] = only.path.columns;
  const raw = `t.${quoteIdentifier(column)}`;
  const keys =
    only.variable === null
      ? only.on('t') === `${raw} = v_key`
        ? { value: 'v_key' }
        : null
      : only.on('t') === `${raw} = any (${only.variable})`
        ? { array: only.variable }
        : null;
  const key = (catalogue.primaryKeys.get(held.table) ?? []).filter((each) => each !== column);
  if (keys === null || key.length === 0) return null;
  const index = (catalogue.indexes.get(held.table) ?? []).find(
    ([first, ...rest]) =>
      first === column &&
      rest.length === key.length &&
      rest.every((each) => key.includes(each) && columnOf(catalogue, held, each).notNull),
  );
  return index === undefined ? null : { column, keys, order: index.slice(1) };
}

/**
 * Deletes up to `p_limit` rows between two places of the index, from where the batch before ended: what was deleted
 * before isn't gone through again for each batch, as it would be until the table is vacuumed, and partitions in which
 * nothing is left are not looked into. Leaves in `v_after` where it ended; after the last place it begins
 * from the start once more, for what has come meanwhile.
 * @param open condition of the rows that go, on alias `t`
 */
export function deleteRange(
  map: KindMap,
  catalogue: Catalogue,
  held: KindCollection,
  { column, keys, order }: Range,
  open: string,
): string {
  const from = fromItem(map, catalogue, held);
  const type = (name: string): string => typeOf(columnOf(catalogue, held, name));
  const own = (name: string): string => `t.${quoteIdentifier(name)}`;
  const is = `${own(column)} = v_one::${type(column)}`;
  const row = `(${order.map(own).join(', ')})`;
  const sorted = (direction = ''): string => order.map((each) => `${own(each)}${direction}`).join(', ');
  // Only the place that is asked for is made a text, not each that is passed over.
  const placeOf = (rest: string): string =>
    `select array[${order.map((each) => `d.${quoteIdentifier(each)}::text`).join(', ')}] from (select ${order.map(own).join(', ')} from ${from} where ${rest}) d`;
  const [first = ''] = order;
  // A row's place alone leaves no partition out, its first column does.
  const bound = (sign: '>' | '>=' | '<=', at: (column: number) => string): string =>
    `${row} ${sign} (${order.map((each, number) => `${at(number + 1)}::${type(each)}`).join(', ')}) and ${own(first)} ${sign === '<=' ? '<=' : '>='} ${at(1)}::${type(first)}`;
  const low = (number: number): string => `v_low[${number}]`;
  const high = (number: number): string => `v_high[${number}]`;
  const before = (number: number): string => `(p_after ->> ${number})`;
  const values = 'value' in keys ? `(values (${keys.value})) x(value)` : `unnest(${keys.array}) x(value)`;
  return `v_rows := 0;
    v_full := false;
    for v_one in select distinct x.value::text collate "C" as value from ${values} order by value loop
      continue when v_one collate "C" < (p_after ->> 0);
      if v_one = p_after ->> 0 then
        v_low := (${placeOf(`${is} and ${bound('>', before)} order by ${sorted()} limit 1`)});
      else
        v_low := (${placeOf(`${is} order by ${sorted()} limit 1`)});
      end if;
      continue when v_low is null;
      v_high := (${placeOf(`${is} and ${bound('>=', low)} order by ${sorted()} offset p_limit - v_rows - 1 limit 1`)});
      v_full := v_high is not null;
      if not v_full then
        v_high := (${placeOf(`${is} and ${bound('>=', low)} order by ${sorted(' desc')} limit 1`)});
      end if;
      delete from ${from} where ${is} and ${bound('>=', low)} and ${bound('<=', high)} and ${open};
      get diagnostics v_count = row_count;
      v_rows := v_rows + v_count;
      v_after := to_jsonb(array[v_one] || v_high);
      exit when v_full;
    end loop;
    if not v_full then
      v_after := null;
    end if;
    v_more := v_full or p_after is not null;`;
}
