import { definer, planPins } from '../database/pins.ts';
import type { Catalogue } from './catalogue.ts';
import { maskOf } from './masks.ts';
import type { DataMap, KindCollection, KindMap, SearchForm } from './map.ts';
import {
  collectionNamed,
  columnOf,
  compareColumns,
  fromItem,
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
export function searchTargets(map: Pick<DataMap, 'collections'>): readonly Target[] {
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
export function compileSearch(kinds: readonly KindMap[], catalogue: Catalogue): string {
  const trigram = catalogue.trigramSchema;
  const searched = kinds.map((map) => ({ map, columns: columnsSearched(map, catalogue) }));
  return definer(
    'run_search(p_search bigint)',
    'table (subject text, kind text, name text, email text, phone text, workspaces text[], tenants bigint, matched text[], score float8)',
    `  select s.text, s.max_hits into v_text, v_limit from privacy_console.searching(p_search) s;
  v_digits := translate(v_text, translate(v_text, '0123456789', ''), '');
  v_shape := case
    when v_text ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then 'identifier'
    when length(v_digits) >= 7 and v_text ~ '^[-0-9+() .]+$' then 'digits'
    when v_text ~ '^[^[:space:]()<>,;:"]*@[^[:space:]()<>,;:"]*$' then 'email'
    else 'words' end;
  v_spaced := v_text ~ '[[:space:]]';
  -- Patterns are made once, not for every candidate.
  v_like := replace(replace(replace(v_text, '!', '!!'), '%', '!%'), '_', '!_');
  v_prefix := v_like || '%';
  v_part := '%' || v_prefix;
  v_number := '%' || v_digits || '%';
  v_national := '%' || case when length(ltrim(v_digits, '0')) >= 7 then ltrim(v_digits, '0') else v_digits end || '%';
${searched.map(({ map, columns }) => `${steps(columns, trigram, map.suffix)}${map.subject.value === null ? '' : valueSteps(map, catalogue)}`).join('')}
${kinds.map((map) => (map.subject.collection === null ? valueHits(map, catalogue) : tableHits(map, catalogue, map.subject.collection))).join('')}
  perform privacy_console.search_done(p_search, v_hits);`,
    {
      declare: [
        '  v_text text; v_limit int; v_digits text; v_shape text; v_like text; v_prefix text; v_part text; v_number text; v_national text; v_spaced boolean; v_hits int := 0; v_shown int;',
        ...kinds.map(
          (map) =>
            `  v_keys${map.suffix} ${subjectKeyType(map, catalogue)}[] := '{}'; v_matches${map.suffix} text[] := '{}'; v_scores${map.suffix} float8[] := '{}';`,
        ),
      ].join('\n'),
      overPlatform: true,
      // A table of hashes is made as large as what is expected, which is much more than what is found; lists are short.
      pins: `${planPins} set enable_hashagg = off${trigram === null ? '' : ` set pg_trgm.similarity_threshold = ${lowestSimilarity}`}`,
    },
  );
}

/** The best keys of a kind, as the common table expression `best`, and their references as `found`; all kinds together give no more than a search may show and one. */
function best({ kind, suffix }: KindMap): string {
  return `with best as (
      select f.key, max(f.score) as score, array_agg(distinct f.matched) as matched
      from unnest(v_keys${suffix}, v_matches${suffix}, v_scores${suffix}) f(key, matched, score) group by f.key order by max(f.score) desc, f.key limit v_limit + 1 - v_hits
    ),
    found as materialized (select privacy_console.references_of(${quoteLiteral(kind)}, array_agg(b.key::text)) as by_key from best b)`;
}

/** Counts what the last query gave; nothing is asked for a further kind of which nobody was found. */
function counted({ suffix }: KindMap, query: string): string {
  const give = `  return query
    ${query}
  get diagnostics v_shown = row_count;
  v_hits := v_hits + v_shown;
`;
  return suffix === '' ? give : `  if cardinality(v_keys${suffix}) > 0 then\n${give}  end if;\n`;
}

/** Hits of a kind whose people are rows of a collection. */
function tableHits(map: KindMap, catalogue: Catalogue, collection: string): string {
  const holder = collectionNamed(map, collection);
  const maskedColumn = (name: string | undefined): string => {
    if (name === undefined) return 'null::text';
    const mask = holder.columns[name]?.mask;
    const raw = `t.${quoteIdentifier(name)}::text`;
    return mask === undefined ? raw : maskOf(mask, raw);
  };
  return counted(
    map,
    `${best(map)}
    select r.by_key ->> b.key::text, ${quoteLiteral(map.kind)}::text, ${maskedColumn(map.subject.name)}, ${maskedColumn(map.subject.email)}, ${maskedColumn(map.subject.phone)},
      ${workspacesOf(map, catalogue)}, null::bigint, b.matched, b.score
    from best b cross join found r
      join ${quoteTable(holder.table)} t on ${isSubject(map, catalogue, 't', 'b.key')}
    where r.by_key ? b.key::text
    order by b.score desc, b.key;`,
  );
}

/** A collection that says by a column of its own whom of a kind its rows belong to, and the key in alias `t`. */
export function direct(
  map: KindMap,
  catalogue: Catalogue,
): readonly {
  readonly name: string;
  readonly held: KindCollection;
  readonly column: string;
  readonly key: string;
}[] {
  return Object.entries(map.collections).flatMap(([name, held]) =>
    held.subject.flatMap(({ of, columns }) =>
      of === undefined
        ? [{ name, held, column: columns[0] ?? '', key: subjectKeyIn(map, catalogue, held, columns, 't') }]
        : [],
    ),
  );
}

/** Hits of a kind whose people are told by a value: under its mask, with the workspaces in which they are known. */
function valueHits(map: KindMap, catalogue: Catalogue): string {
  const shown = maskOf(map.subject.value?.mask ?? 'text', 'b.key');
  const { named } = map.subject;
  const name =
    named === undefined
      ? 'null::text'
      : direct(map, catalogue)
          .filter((each) => each.name === named.collection)
          .map(({ held, key }) => {
            const mask = held.columns[named.column]?.mask;
            const raw = `t.${quoteIdentifier(named.column)}::text`;
            const order = held.order.map((each) => `t.${quoteIdentifier(each)}`).join(', ');
            return `(select ${mask === undefined ? raw : maskOf(mask, raw)} from ${fromItem(map, catalogue, held)} where ${key} = b.key and t.${quoteIdentifier(named.column)} is not null order by ${order} limit 1)`;
          })[0];
  return counted(
    map,
    `${best(map)}
    select r.by_key ->> b.key::text, ${quoteLiteral(map.kind)}::text, ${name ?? 'null::text'}, null::text, ${shown},
      coalesce(w.names, array[]::text[]), w.number, b.matched, b.score
    from best b cross join found r
      ${tenantsOf(map, catalogue)}
    where r.by_key ? b.key::text
    order by b.score desc, b.key;`,
  );
}

/** `cross join lateral` of the number and up to three masked names of the workspaces in which rows of the person of `b` lie, as `w`. */
function tenantsOf(map: KindMap, catalogue: Catalogue): string {
  const shown = map.subject.workspaces;
  const parts =
    shown === undefined
      ? []
      : direct(map, catalogue).flatMap(({ name, held, key }) => {
          const tenant = collectionNamed(map.whole, shown.collection);
          const mask = tenant.columns[shown.name]?.mask;
          const raw = `w.${quoteIdentifier(shown.name)}::text`;
          const own = catalogue.primaryKeys.get(tenant.table) ?? [];
          // Which path a row takes to its tenant doesn't depend on who asks.
          const path = collectionNamed(map.whole, name).subject.find(
            (each) => each.of === shown.collection && !each.ignoreCase,
          );
          if (path === undefined) return [];
          const columns = path.columns.map((each) => `t.${quoteIdentifier(each)}`).join(', ');
          const link = path.columns
            .map((each, place) =>
              compareColumns(
                [columnOf(catalogue, held, each), 't'],
                [columnOf(catalogue, tenant, path.keys[place] ?? ''), 'w'],
              ),
            )
            .join(' and ');
          const key_ = own.map((each) => `w.${quoteIdentifier(each)}::text`).join(', ');
          return [
            `select ${mask === undefined ? raw : maskOf(mask, raw)}, json_build_array(${key_})::text from (select distinct ${columns} from ${fromItem(map, catalogue, held)} where ${key} = b.key) t join ${quoteTable(tenant.table)} w on ${link}`,
          ];
        });
  if (parts.length === 0) return 'cross join lateral (select null::bigint, null::text[]) w(number, names)';
  return `cross join lateral (
        select count(*), (array_agg(x.name order by x.name))[1:3] from (
          ${parts.join('\n          union ')}) x(name, key)) w(number, names)`;
}

/** A telephone number typed in any of these ways: as it stands, with a plus, without leading zeros. */
const typedValues =
  "array[v_text, v_digits, '+' || v_digits, ltrim(v_digits, '0'), '+' || ltrim(v_digits, '0')]";

/**
 * The statements that look for a value that is a key: only for what has the
 * shape of digits, first as it stands by an ordinary index, and only when
 * nobody is that for a part of it.
 */
function valueSteps(map: KindMap, catalogue: Catalogue): string {
  const columns = direct(map, catalogue).filter(({ held, column }) =>
    held.columns[column]?.search.includes('digits'),
  );
  if (columns.length === 0) return '';
  const found = (name: string, column: string): string => quoteLiteral(`${name}.${column} digits`);
  // Scalar, so that the planner asks the index for each way of typing instead of reading every row for all of them.
  const whole = columns.map(
    ({ name, held, column, key }) =>
      `(select k.key, ${found(name, column)}, ${scores.digits}::float8 from (select distinct unnest(${typedValues})) k(key) where (select true from ${fromItem(map, catalogue, held)} where ${key} = k.key limit 1))`,
  );
  // Materialised, so that the planner doesn't read a whole index in order for the few distinct values it expects soon.
  const part = columns.map(
    ({ name, held, column, key }) =>
      `(with part as materialized (select ${key} as key from ${fromItem(map, catalogue, held)} where ${searchedText(catalogue, held, column)} like v_national)
        select distinct k.key, ${found(name, column)}, ${scores.digits}::float8 from part k limit v_limit + 1)`,
  );
  const parts =
    catalogue.trigramSchema === null
      ? ''
      : `    if cardinality(v_keys${map.suffix}) = 0 then
${collect(part, map.suffix)}    end if;
`;
  return `  if v_shape = 'digits' then
${collect(whole, map.suffix)}${parts}  end if;
`;
}

/** A column on alias `t` as text, written as its index for searches has it. */
function searchedText(catalogue: Catalogue, held: { readonly table: string }, column: string): string {
  const live = columnOf(catalogue, held, column);
  const raw = `t.${quoteIdentifier(column)}`;
  return isBase(live) && live.type === 'text' ? raw : `${raw}::text`;
}

/** The masked names of up to three workspaces of the person of `b`, as an array; empty when the map has none. */
function workspacesOf(map: KindMap, catalogue: Catalogue): string {
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

function columnsSearched(map: KindMap, catalogue: Catalogue): readonly Searched[] {
  const byColumn = new Map<string, { collection: string; column: string; forms: Set<SearchForm> }>();
  for (const { collection, column, form } of searchTargets(map.whole)) {
    // What is a key by itself is looked for by its own statements.
    if (!Object.hasOwn(map.collections, collection) || isOwnKey(map, collection, column)) continue;
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
    const text = searchedText(catalogue, held, column);
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

function isOwnKey(map: KindMap, collection: string, column: string): boolean {
  return (
    map.subject.value !== null &&
    collectionNamed(map, collection).subject.some(
      (path) => path.of === undefined && path.columns.includes(column),
    )
  );
}

/** The statements that fill the arrays of what was found. */
function steps(columns: readonly Searched[], trigram: string | null, suffix: string): string {
  if (columns.length === 0) return '';
  const found = `v_keys${suffix}`;
  const collected = (queries: readonly string[]): string => collect(queries, suffix);
  const having = (form: SearchForm): readonly Searched[] => columns.filter((each) => each.forms.has(form));
  const equal = (each: Searched, form: 'exact' | 'identifier'): string =>
    each.find(quoteLiteral(form), String(scores[form]), each.equal);
  const identifiers = having('identifier');
  const ids = identifiers
    .filter((each) => each.isUuid)
    .map((each) => each.find("'identifier'", String(scores.identifier), `${each.raw} = v_text::uuid`));
  const codes = identifiers.filter((each) => !each.isUuid).map((each) => equal(each, 'identifier'));
  const parts = [
    collected(codes),
    `  if v_shape = 'identifier' then
${collected(ids)}  end if;
`,
    `  if v_shape = 'email' then
${collected(
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
${collected(having('exact').map((each) => equal(each, 'exact')))}  end if;
`,
      `  if v_shape = 'digits' then
${collected(having('digits').map((each) => each.find("'digits'", String(scores.digits), `${each.text} = any (${typedValues})`)))}  end if;
`,
    );
    return parts.join('');
  }
  const digits = having('digits').map((each) =>
    each.find("'digits'", String(scores.digits), `${each.text} like v_number`),
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
${collected(alike)}  end if;
`;
  const trigrams = `cardinality(${quoteIdentifier(trigram)}.show_trgm(v_text))`;
  // A little less than the bound itself, which pg_trgm computes in single precision.
  const oneErrorAway = `least(${highestSimilarity}, greatest(${lowestSimilarity}, (${trigrams} - 4) / (${trigrams} + 4.0) - 0.001))`;
  parts.push(
    `  if v_shape = 'digits' then
${collected(digits)}  end if;
`,
    // A whole e-mail address that is somebody's needs no guesses beside it.
    `  if v_shape = 'email' and cardinality(${found}) = 0 then
${widestFirst(emails, suffix)}  end if;
`,
    `  if v_shape = 'words' then
${widestFirst(columns, suffix)}`,
    // What has digits in it and was found as it stands is no misspelt name.
    lookAlike(
      `(v_digits = '' or cardinality(${found}) = 0) and cardinality(${found}) <= v_limit`,
      oneErrorAway,
    ),
    lookAlike(`cardinality(${found}) = 0`, String(lowestSimilarity)),
    '  end if;\n',
  );
  return parts.join('');
}

/**
 * Looks for the text in the widest form of each column, which holds the hits
 * of the narrower ones. Only when there are more hits than a list has room for
 * can a narrower one be missing; then those are asked by themselves.
 */
function widestFirst(columns: readonly Searched[], suffix: string): string {
  const patterns = {
    exact: (text: string) => `${text} ilike v_like escape '!'`,
    prefix: (text: string) => `${text} ilike v_prefix escape '!'`,
    part: (text: string) => `${text} ilike v_part escape '!'`,
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
  const rest = collect(narrower, suffix);
  return `${collect(widest, suffix)}${
    rest === ''
      ? ''
      : `  if cardinality(v_keys${suffix}) > v_limit then
${rest}  end if;
`
  }`;
}

/** Adds what the queries find to what was found before. */
function collect(queries: readonly string[], suffix: string): string {
  if (queries.length === 0) return '';
  const [keys, matches, given] = [`v_keys${suffix}`, `v_matches${suffix}`, `v_scores${suffix}`];
  return `  select ${keys} || array_agg(f.key), ${matches} || array_agg(f.matched), ${given} || array_agg(f.score) into ${keys}, ${matches}, ${given}
    from (${queries.join('\n      union all ')}) f(key, matched, score) where f.key is not null;
`;
}
