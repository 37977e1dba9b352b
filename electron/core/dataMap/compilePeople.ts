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

/** What is compared with one form of identifier, on alias `t`, as `compared` gives it; null where people have none. */
function identifierIn(map: KindMap, catalogue: Catalogue, form: 'email' | 'phone' | 'id'): string | null {
  const { collection, key, email, phone } = map.subject;
  if (collection === null) return null;
  const column = (name: string | undefined): string | null =>
    name === undefined ? null : `t.${quoteIdentifier(name)}::text`;
  switch (form) {
    case 'email': {
      const raw = column(email);
      return raw === null ? null : `lower(${raw})`;
    }
    case 'phone': {
      const raw = column(phone);
      return raw === null ? null : `ltrim(translate(${raw}, translate(${raw}, '0123456789', ''), ''), '0')`;
    }
    case 'id':
      return `(${subjectKeyIn(map, catalogue, collectionNamed(map, collection), key, 't')})::text`;
  }
}

/**
 * `people_by`: whose identifiers these are, exactly; one pass over the people's table however many are asked for. People
 * who are told by a value are asked for one by one, by its index. Answers our own functions alone.
 */
function compilePeopleBy(kinds: readonly KindMap[], catalogue: Catalogue): string {
  const branch = (map: KindMap, form: 'email' | 'phone' | 'id'): string => {
    const { collection, key } = map.subject;
    if (collection === null) {
      // A number may be stored with a plus, or with two zeros.
      const typed = form === 'phone' ? "array[v.value, '+' || v.value, '00' || v.value]" : 'array[v.value]';
      if (form === 'email') return '';
      return direct(map, catalogue)
        .map(
          ({ held, key: own }) =>
            `    return query select v.value, k.key from unnest(p_values) v(value) cross join lateral unnest(${typed}) k(key) where (select true from ${fromItem(map, catalogue, held)} where ${own} = k.key limit 1);`,
        )
        .join('\n');
    }
    const told = identifierIn(map, catalogue, form);
    if (told === null) return '';
    const held = collectionNamed(map, collection);
    return `    return query select ${told}, (${subjectKeyIn(map, catalogue, held, key, 't')})::text from ${fromItem(map, catalogue, held)} where ${told} in (select v.value from unnest(p_values) v(value));`;
  };
  const forms = ['email', 'phone', 'id'] as const;
  return definer(
    'people_by(p_kind text, p_form text, p_values text[])',
    'table (value text, key text)',
    `  case p_kind || ' ' || p_form
${kinds.flatMap((map) => forms.map((form) => `  when ${quoteLiteral(`${map.kind} ${form}`)} then\n${branch(map, form) || '    return;'}`)).join('\n')}
  end case;`,
    { overPlatform: true },
  );
}

/**
 * `closed_among` and `closed_of`: whose account is closed and since when, in the order of that, a page at a time, or of
 * these people. Answers our own functions alone.
 */
function compileClosed(kinds: readonly KindMap[], catalogue: Catalogue): string {
  const asked = kinds.flatMap((map) => {
    const { collection, closed, key } = map.subject;
    if (collection === null || closed === undefined) return [];
    const held = collectionNamed(map, collection);
    return [
      {
        kind: map.kind,
        key: `(${subjectKeyIn(map, catalogue, held, key, 't')})::text`,
        at: instantOf(held.columns[closed], `t.${quoteIdentifier(closed)}`),
        from: fromItem(map, catalogue, held),
        isClosed: `t.${quoteIdentifier(closed)} is not null`,
      },
    ];
  });
  const cases = (query: (each: (typeof asked)[number]) => string): string =>
    `  case p_kind
${asked.map((each) => `  when ${quoteLiteral(each.kind)} then\n    return query ${query(each)};`).join('\n')}
  else return;
  end case;`;
  const columns = 'table (key text, closed_at timestamptz)';
  const whole = (body: (each: (typeof asked)[number]) => string): string =>
    asked.length === 0 ? '  return;' : cases(body);
  return [
    definer(
      'closed_among(p_kind text, p_after timestamptz, p_key text, p_limit int)',
      columns,
      whole(
        ({ key, at, from, isClosed }) =>
          `select x.key, x.at from (select ${key} collate "C" as key, ${at} as at from ${from} where ${isClosed}) x
      where x.at is not null and (p_after is null or (x.at, x.key) > (p_after, p_key collate "C")) order by x.at, x.key limit p_limit`,
      ),
      { overPlatform: true },
    ),
    definer(
      'closed_of(p_kind text, p_keys text[])',
      columns,
      whole(
        ({ key, at, from, isClosed }) =>
          `select x.key, x.at from (select ${key} as key, ${at} as at from ${from} where ${isClosed} and ${key} in (select k.key from unnest(p_keys) k(key))) x where x.at is not null`,
      ),
      { overPlatform: true },
    ),
  ].join('\n');
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
    compilePeopleBy(kinds, catalogue),
    compileClosed(kinds, catalogue),
  ].join('\n');
}
