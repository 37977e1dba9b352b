import { definer, planPins } from '../database/pins.ts';
import type { Catalogue } from './catalogue.ts';
import { maskOf } from './masks.ts';
import type { DataMap, SearchForm } from './map.ts';
import {
  collectionNamed,
  columnOf,
  isBase,
  isSubject,
  subjectKeyIn,
  subjectKeyType,
  typeOf,
} from './paths.ts';
import { quoteIdentifier, quoteLiteral, quoteTable } from './quote.ts';

interface Target {
  readonly collection: string;
  readonly column: string;
  readonly form: SearchForm;
}

/** Columns the search box looks into, as the map says. */
export function searchTargets(map: DataMap): readonly Target[] {
  return Object.entries(map.collections).flatMap(([collection, held]) =>
    Object.entries(held.columns).flatMap(([column, mapped]) =>
      mapped.search.map((form) => ({ collection, column, form })),
    ),
  );
}

/** What a hit of each form scores; similar ones score below all others, by how similar they are. */
const scores = { exact: 1, identifier: 1, digits: 0.95, prefix: 0.9, part: 0.7 } as const;

/**
 * From which similarity on (0 to 1) names count as alike. One typing error,
 * two letters in the wrong order included, changes at most four of a text's n
 * trigrams, so that what was meant has at least (n - 4) / (n + 4) in common
 * with it; each lower bound has many times the candidates. Long texts begin at
 * `highestSimilarity`, and `lowestSimilarity` is for a text nobody is close to.
 */
const highestSimilarity = 0.55;
const lowestSimilarity = 0.3;

/**
 * `run_search`: takes only the number of a committed intent; finds keys of
 * subjects by index, best first; returns masked rows under opaque references.
 *
 * It looks in steps and stops when it has enough, because what a text is like
 * costs a hundred times what it is equal to.
 */
export function compileSearch(map: DataMap, catalogue: Catalogue): string {
  const holder = collectionNamed(map, map.subject.collection);
  const holderTable = quoteTable(holder.table);
  const keyType = subjectKeyType(map, catalogue);
  const trigram = catalogue.trigramSchema;
  const maskedColumn = (name: string | undefined): string => {
    if (name === undefined) return 'null::text';
    const mask = holder.columns[name]?.mask;
    const raw = `t.${quoteIdentifier(name)}::text`;
    return mask === undefined ? raw : maskOf(mask, raw);
  };
  return definer(
    'run_search(p_search bigint)',
    'table (subject text, name text, email text, phone text, workspaces text[], matched text[], score float8)',
    `  select s.text, s.max_hits into v_text, v_limit from privacy_console.searching(p_search) s;
  v_digits := translate(v_text, translate(v_text, '0123456789', ''), '');
  v_shape := case
    when v_text ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then 'identifier'
    when length(v_digits) >= 7 and v_text ~ '^[-0-9+() .]+$' then 'digits'
    when v_text ~ '^[^[:space:]()<>,;:"]*@[^[:space:]()<>,;:"]*$' then 'email'
    else 'words' end;
  v_spaced := v_text ~ '[[:space:]]';
  v_like := replace(replace(replace(v_text, '!', '!!'), '%', '!%'), '_', '!_');
${steps(columnsSearched(map, catalogue), trigram)}
  return query
    with best as (
      select f.key, max(f.score) as score, array_agg(distinct f.matched) as matched
      from unnest(v_keys, v_matches, v_scores) f(key, matched, score) group by f.key order by max(f.score) desc, f.key limit v_limit + 1
    ),
    found as materialized (select privacy_console.references_of(array_agg(b.key::text)) as by_key from best b)
    select r.by_key ->> b.key::text, ${maskedColumn(map.subject.name)}, ${maskedColumn(map.subject.email)}, ${maskedColumn(map.subject.phone)},
      ${workspacesOf(map, catalogue)}, b.matched, b.score
    from best b cross join found r
      join ${holderTable} t on ${isSubject(map, catalogue, 't', 'b.key')}
    where r.by_key ? b.key::text
    order by b.score desc, b.key;
  get diagnostics v_hits = row_count;
  perform privacy_console.search_done(p_search, v_hits);`,
    {
      declare: `  v_text text; v_limit int; v_digits text; v_shape text; v_like text; v_hits int; v_spaced boolean;
  v_keys ${keyType}[] := array[]::${keyType}[]; v_matches text[] := array[]::text[]; v_scores float8[] := array[]::float8[];`,
      overPlatform: true,
      pins: `${planPins}${trigram === null ? '' : ` set pg_trgm.similarity_threshold = ${lowestSimilarity}`}`,
    },
  );
}

/** The masked names of up to three workspaces of the person of `b`, as an array; empty when the map has none. */
function workspacesOf(map: DataMap, catalogue: Catalogue): string {
  const shown = map.subject.workspaces;
  if (shown === undefined) return 'array[]::text[]';
  const held = collectionNamed(map, shown.collection);
  const owner = held.subject.find((each) => each.of === undefined)?.columns;
  const mask = held.columns[shown.name]?.mask;
  const raw = `w.${quoteIdentifier(shown.name)}::text`;
  return `coalesce((select array_agg(x.name) from (select ${mask === undefined ? raw : maskOf(mask, raw)} as name
        from ${quoteTable(held.table)} w where ${owner === undefined ? 'false' : `${subjectKeyIn(map, catalogue, held, owner, 'w')} = b.key`} limit 3) x), array[]::text[])`;
}

/** A column the search box looks into. */
interface Searched {
  readonly forms: ReadonlySet<SearchForm>;
  readonly isEmail: boolean;
  /** Query of one form: rows of key, why, score; at most one more than may be shown. */
  find(how: string, score: string, condition: string, order?: string): string;
  readonly isUuid: boolean;
  /** The column as it is and as text, on alias `t`. */
  readonly raw: string;
  readonly text: string;
  /** Condition that the column is what was typed, answered by the column's own index where it has one. */
  readonly equal: string;
}

function columnsSearched(map: DataMap, catalogue: Catalogue): readonly Searched[] {
  const byColumn = new Map<string, { collection: string; column: string; forms: Set<SearchForm> }>();
  for (const { collection, column, form } of searchTargets(map)) {
    const name = `${collection}.${column}`;
    const known = byColumn.get(name) ?? { collection, column, forms: new Set() };
    known.forms.add(form);
    byColumn.set(name, known);
  }
  return [...byColumn.values()].flatMap(({ collection, column, forms }) => {
    const held = collectionNamed(map, collection);
    const live = columnOf(catalogue, held, column);
    const own = collection === map.subject.collection;
    const subjectKey = own ? map.subject.key : held.subject.find((each) => each.of === undefined)?.columns;
    // Only rows that name their subject directly can be searched; others are found through it.
    if (subjectKey === undefined) return [];
    const raw = `t.${quoteIdentifier(column)}`;
    const text = isBase(live) && live.type === 'text' ? raw : `${raw}::text`;
    const field = quoteLiteral(`${own ? '' : `${collection}.`}${column} `);
    const isEmail = own && column === map.subject.email;
    // No e-mail address has a space in it; words are not looked for in them.
    const unless = isEmail ? 'not v_spaced and ' : '';
    return [
      {
        forms,
        isEmail,
        isUuid: live.type === 'uuid',
        raw,
        text,
        // A domain has no operators of its own, as an extension's type has.
        equal:
          isBase(live) || live.typeKind === 'd'
            ? `${text} = v_text`
            : `${raw} operator(${quoteIdentifier(live.typeSchema)}.=) v_text::${typeOf(live)}`,
        find: (how, score, condition, order = '') =>
          `(select ${subjectKeyIn(map, catalogue, held, subjectKey, 't')}, ${field} || ${how}, (${score})::float8 from ${quoteTable(held.table)} t where ${unless}${condition}${order} limit v_limit + 1)`,
      },
    ];
  });
}

/** The statements that fill the arrays of what was found. */
function steps(columns: readonly Searched[], trigram: string | null): string {
  const having = (form: SearchForm): readonly Searched[] => columns.filter((each) => each.forms.has(form));
  const equal = (each: Searched, form: 'exact' | 'identifier'): string =>
    each.find(quoteLiteral(form), String(scores[form]), each.equal);
  const identifiers = having('identifier');
  const ids = identifiers
    .filter((each) => each.isUuid)
    .map((each) => each.find("'identifier'", String(scores.identifier), `${each.raw} = v_text::uuid`));
  const codes = identifiers.filter((each) => !each.isUuid).map((each) => equal(each, 'identifier'));
  const parts = [
    collect(codes),
    `  if v_shape = 'identifier' then
${collect(ids)}  end if;
`,
    `  if v_shape = 'email' then
${collect(
  having('exact')
    .filter((each) => each.isEmail)
    .map((each) => equal(each, 'exact')),
)}  end if;
`,
  ];
  if (trigram === null) {
    // Without pg_trgm only what a plain index can answer is searched: whole values.
    parts.push(
      `  if v_shape = 'words' then
${collect(having('exact').map((each) => equal(each, 'exact')))}  end if;
`,
    );
    return parts.join('');
  }
  const digits = having('digits').map((each) =>
    each.find("'digits'", String(scores.digits), `${each.text} like '%' || v_digits || '%'`),
  );
  const emails = columns.filter((each) => each.isEmail);
  const alike = having('similar').map((each) => {
    const similarity = `${quoteIdentifier(trigram)}.similarity(${each.text}, v_text)`;
    return each.find(
      "'similar'",
      `0.6 * ${similarity}`,
      `${each.text} operator(${quoteIdentifier(trigram)}.%) v_text`,
      // The score, so that what is alike is computed once for each candidate.
      ' order by 3 desc',
    );
  });
  const lookAlike = (condition: string, similarity: string): string =>
    `  if ${condition} then
    perform set_config('pg_trgm.similarity_threshold', (${similarity})::text, true);
${collect(alike)}  end if;
`;
  const trigrams = `cardinality(${quoteIdentifier(trigram)}.show_trgm(v_text))`;
  // A little less than the bound itself, which pg_trgm computes in single precision.
  const oneErrorAway = `least(${highestSimilarity}, greatest(${lowestSimilarity}, (${trigrams} - 4) / (${trigrams} + 4.0) - 0.001))`;
  parts.push(
    `  if v_shape = 'digits' then
${collect(digits)}  end if;
`,
    // A whole e-mail address that is somebody's needs no guesses beside it.
    `  if v_shape = 'email' and cardinality(v_keys) = 0 then
${widestFirst(emails)}  end if;
`,
    `  if v_shape = 'words' then
${widestFirst(columns)}`,
    // What has digits in it and was found as it stands is no misspelt name.
    lookAlike("(v_digits = '' or cardinality(v_keys) = 0) and cardinality(v_keys) <= v_limit", oneErrorAway),
    lookAlike('cardinality(v_keys) = 0', String(lowestSimilarity)),
    '  end if;\n',
  );
  return parts.join('');
}

/**
 * Looks for the text in the widest form of each column, which holds the hits
 * of the narrower ones. Only when there are more hits than a list has room for
 * can a narrower one be missing; then those are asked by themselves.
 */
function widestFirst(columns: readonly Searched[]): string {
  const patterns = {
    exact: (text: string) => `${text} ilike v_like escape '!'`,
    prefix: (text: string) => `${text} ilike v_like || '%' escape '!'`,
    part: (text: string) => `${text} ilike '%' || v_like || '%' escape '!'`,
  };
  const forms = ['exact', 'prefix', 'part'] as const;
  const widest: string[] = [];
  const narrower: string[] = [];
  for (const each of columns) {
    const held = forms.filter((form) => each.forms.has(form));
    const last = held.at(-1);
    if (last === undefined) continue;
    const choose = (value: (form: (typeof forms)[number]) => string): string =>
      held.length === 1
        ? value(last)
        : `case ${held
            .slice(0, -1)
            .map((form) => `when ${patterns[form](each.text)} then ${value(form)}`)
            .join(' ')} else ${value(last)} end`;
    widest.push(
      each.find(
        choose(quoteLiteral),
        choose((form) => String(scores[form])),
        patterns[last](each.text),
      ),
    );
    for (const form of held.slice(0, -1))
      narrower.push(each.find(quoteLiteral(form), String(scores[form]), patterns[form](each.text)));
  }
  const rest = collect(narrower);
  return `${collect(widest)}${
    rest === ''
      ? ''
      : `  if cardinality(v_keys) > v_limit then
${rest}  end if;
`
  }`;
}

/** Adds what the queries find to what was found before. */
function collect(queries: readonly string[]): string {
  if (queries.length === 0) return '';
  return `  select v_keys || array_agg(f.key), v_matches || array_agg(f.matched), v_scores || array_agg(f.score) into v_keys, v_matches, v_scores
    from (${queries.join('\n      union all ')}) f(key, matched, score) where f.key is not null;
`;
}
