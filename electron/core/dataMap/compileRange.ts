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
  '  v_one text; v_high text[]; v_at jsonb; v_cut jsonb; v_cuts jsonb; v_taken bigint; v_count bigint; v_after jsonb; v_more boolean; v_looked boolean;';

/** Batches whose ends are looked up at once, and as many as are looked up along with a batch of their own. */
const ahead = { most: 100, besides: 10 } as const;

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
 * nothing is left are not looked into. Where many batches end is looked up ahead, with nothing deleted in the same call
 * where that takes its time: an index alone tells it while no page has changed, at a seventh of what it costs between
 * deletions. Leaves in `v_after` where it ended and the ends to come, null after the last place; what has come behind
 * it meanwhile is found when the run's rows are counted.
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
  const bound = (sign: '>' | '<=', at: (column: number) => string): string =>
    `${row} ${sign} (${order.map((each, number) => `${at(number)}::${type(each)}`).join(', ')}) and ${own(first)} ${sign === '<=' ? '<=' : '>='} ${at(0)}::${type(first)}`;
  const behind = bound('>', (number) => `(v_at ->> ${number + 1})`);
  const upTo = bound('<=', (number) => `v_high[${number + 1}]`);
  const values = 'value' in keys ? `(values (${keys.value})) x(value)` : `unnest(${keys.array}) x(value)`;
  // From the beginning or from a place: a condition of both would go by neither.
  const fromThere = (statement: (condition: string) => string): string => `if v_one = v_at ->> 0 then
          ${statement(`${is} and ${behind}`)};
        else
          ${statement(is)};
        end if;`;
  return `v_rows := 0;
    v_at := p_after -> 'at';
    v_cuts := coalesce(p_after -> 'cuts', '[]');
    v_more := coalesce((p_after -> 'more')::boolean, true);
    v_looked := (v_more and v_cuts = '[]') or ((p_after -> 'limit')::int > p_limit) is true;
    if v_looked then
      v_cuts := '[]';
      v_more := false;
      for v_one in select distinct x.value::text collate "C" as value from ${values} order by value loop
        continue when v_one collate "C" < (v_at ->> 0);
        loop
          if jsonb_array_length(v_cuts) = ${ahead.most} then
            v_more := true;
            exit;
          end if;
          v_count := p_limit;
          ${fromThere((condition) => `v_high := (${placeOf(`${condition} order by ${sorted()} offset p_limit - 1 limit 1`)})`)}
          if v_high is null then
            ${fromThere(
              (condition) => `v_high := (${placeOf(`${condition} order by ${sorted(' desc')} limit 1`)});
            v_count := (select count(*) from ${from} where ${condition})`,
            )}
          end if;
          exit when v_high is null;
          v_at := to_jsonb(v_one || v_high);
          v_cuts := v_cuts || jsonb_build_array(to_jsonb(array[v_count::text, v_one] || v_high));
          exit when v_count < p_limit;
        end loop;
        exit when v_more;
      end loop;
      v_at := p_after -> 'at';
    end if;
    v_taken := 0;
    while v_cuts <> '[]' and not (v_looked and jsonb_array_length(v_cuts) > ${ahead.besides}) loop
      v_cut := v_cuts -> 0;
      exit when v_taken > 0 and v_taken + (v_cut ->> 0)::bigint > p_limit;
      v_taken := v_taken + (v_cut ->> 0)::bigint;
      v_one := v_cut ->> 1;
      v_high := array(select jsonb_array_elements_text(v_cut - 0 - 0));
      ${fromThere((condition) => `delete from ${from} where ${condition} and ${upTo} and ${open}`)}
      get diagnostics v_count = row_count;
      v_rows := v_rows + v_count;
      v_at := v_cut - 0;
      v_cuts := v_cuts - 0;
    end loop;
    v_after := case when v_more or v_cuts <> '[]' then jsonb_build_object('at', v_at, 'limit', case when v_looked then p_limit else (p_after -> 'limit')::int end, 'cuts', v_cuts, 'more', v_more) end;
    v_more := v_after is not null;`;
}
