import { definer, planPins } from '../database/pins.ts';
import type { Catalogue } from './catalogue.ts';
import { direct } from './compileSearch.ts';
import type { KindCollection, KindMap } from './map.ts';
import { collectionNamed, columnOf, fromItem, instantOf, ordered, subjectKeyIn } from './paths.ts';
import { quoteIdentifier, quoteLiteral } from './quote.ts';

/** A collection in which people of a kind are found by going through it. */
interface Part {
  readonly name: string;
  readonly held: KindCollection;
  /** The person's key on alias `t`. */
  readonly key: string;
  readonly email: string | undefined;
  readonly phone: string | undefined;
}

/** The rows that are the people, or all rows that hold the value that tells them. */
function partsOf(map: KindMap, catalogue: Catalogue): readonly Part[] {
  const { collection, key, email, phone } = map.subject;
  if (collection === null)
    return direct(map, catalogue).map(({ name, held, key: value }) => ({
      name,
      held,
      key: value,
      email: undefined,
      phone: undefined,
    }));
  const held = collectionNamed(map, collection);
  return [{ name: collection, held, key: subjectKeyIn(map, catalogue, held, key, 't'), email, phone }];
}

/** A page of a part in the order of its table's key; the whole of one whose rows no key tells apart. */
function page(map: KindMap, catalogue: Catalogue, { held, key, email, phone }: Part): string {
  const column = (name: string | undefined): string =>
    name === undefined ? 'null::text' : `t.${quoteIdentifier(name)}::text`;
  const created =
    held.created === undefined
      ? 'null::timestamptz'
      : instantOf(held.columns[held.created], `t.${quoteIdentifier(held.created)}`);
  const own = catalogue.primaryKeys.get(held.table) ?? [];
  const after =
    own.length === 0
      ? 'null::text'
      : `json_build_array(${own.map((each) => `t.${quoteIdentifier(each)}::text`).join(', ')})::text`;
  const rows = (further: string, rest: string): string =>
    `    return query select (${key})::text, ${created}, ${column(email)}, ${column(phone)}, ${after} from ${fromItem(map, catalogue, held)}
      where ${key} is not null${further}${rest};`;
  if (own.length === 0) return rows('', '');
  const sorted = own.map((each) => ordered(columnOf(catalogue, held, each)));
  const here = own.map((each, place) => sorted[place]?.on(`t.${quoteIdentifier(each)}`) ?? '').join(', ');
  const there = sorted.map(({ type }, place) => `(p_after::json ->> ${place})::${type}`).join(', ');
  const rest = ` order by ${here} limit p_limit`;
  return `    if p_after is null then
  ${rows('', rest)}
    else
  ${rows(` and (${here}) > (${there})`, rest)}
    end if;`;
}

/**
 * `people_parts` and `people_among`: everybody the platform holds, kind by kind, a page at a time, for a check against
 * the ledger of deletions; answers our own functions alone. Run as the reader.
 */
export function compilePeople(kinds: readonly KindMap[], catalogue: Catalogue): string {
  const parts = kinds.flatMap((map) => partsOf(map, catalogue).map((part) => ({ map, part })));
  return [
    definer(
      'people_parts()',
      'table (kind text, part text)',
      `  return query select p.kind, p.part from (values ${parts.map(({ map, part }) => `(${quoteLiteral(map.kind)}, ${quoteLiteral(part.name)})`).join(', ')}) p(kind, part);`,
    ),
    definer(
      'people_among(p_kind text, p_part text, p_after text, p_limit int)',
      'table (key text, created timestamptz, email text, phone text, after text)',
      `  case p_kind || ' ' || p_part
${parts.map(({ map, part }) => `  when ${quoteLiteral(`${map.kind} ${part.name}`)} then\n${page(map, catalogue, part)}`).join('\n')}
  end case;`,
      { overPlatform: true, pins: planPins },
    ),
  ].join('\n');
}
