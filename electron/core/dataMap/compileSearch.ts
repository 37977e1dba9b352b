import { definer, planPins } from '../database/pins.ts';
import type { Catalogue } from './catalogue.ts';
import { maskOf } from './masks.ts';
import type { DataMap, SearchForm } from './map.ts';
import { collectionNamed, columnOf, isBase, typeOf } from './paths.ts';
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

/** Which shape of text each form answers, and what a hit of it scores. */
const forms = {
  exact: { score: '1.0' },
  identifier: { score: '1.0' },
  digits: { score: '0.95' },
  prefix: { score: '0.9' },
  part: { score: '0.7' },
  similar: { score: '' },
} as const satisfies Record<SearchForm, { score: string }>;

/**
 * `run_search`: takes only the number of a committed intent; finds keys of
 * subjects by index, best first; returns masked rows under opaque references.
 */
export function compileSearch(map: DataMap, catalogue: Catalogue): string {
  const holder = collectionNamed(map, map.subject.collection);
  const holderTable = quoteTable(holder.table);
  const key = quoteIdentifier(map.subject.key);
  const workspaces = collectionNamed(map, map.subject.workspaces.collection);
  const owner = workspaces.subject.find((each) => each.of === undefined)?.column ?? '';
  const trigram = catalogue.trigramSchema;
  const branches = searchTargets(map).flatMap((target) => {
    const branch = branchOf(map, catalogue, target);
    return branch === null ? [] : [branch];
  });
  const maskedColumn = (name: string): string => {
    const mask = holder.columns[name]?.mask;
    const raw = `t.${quoteIdentifier(name)}::text`;
    return mask === undefined ? raw : maskOf(mask, raw);
  };
  const workspaceMask = workspaces.columns[map.subject.workspaces.name]?.mask;
  const workspaceName = `w.${quoteIdentifier(map.subject.workspaces.name)}::text`;
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
  v_like := replace(replace(replace(v_text, '!', '!!'), '%', '!%'), '_', '!_');
  v_hits := 0;
  for v_hit in
    with found(key, field, how, score) as (
      ${branches.join('\n      union all ')}
    ), best as (
      select f.key, max(f.score) as score, array_agg(distinct f.field || ' ' || f.how) as matched
      from found f where f.key is not null group by f.key order by max(f.score) desc, f.key limit v_limit + 1
    )
    select b.key::text as key, b.score, b.matched, ${maskedColumn(map.subject.name)} as name, ${maskedColumn(map.subject.email)} as email, ${maskedColumn(map.subject.phone)} as phone,
      (select array_agg(x.name) from (select ${workspaceMask === undefined ? workspaceName : maskOf(workspaceMask, workspaceName)} as name
        from ${quoteTable(workspaces.table)} w where w.${quoteIdentifier(owner)} = b.key limit 3) x) as workspaces
    from best b join ${holderTable} t on t.${key} = b.key
    order by b.score desc, b.key
  loop
    v_reference := privacy_console.reference_of(v_hit.key);
    continue when v_reference is null;
    v_hits := v_hits + 1;
    subject := v_reference; name := v_hit.name; email := v_hit.email; phone := v_hit.phone;
    workspaces := coalesce(v_hit.workspaces, array[]::text[]); matched := v_hit.matched; score := v_hit.score;
    return next;
  end loop;
  perform privacy_console.search_done(p_search, v_hits);`,
    {
      declare:
        '  v_text text; v_limit int; v_digits text; v_shape text; v_like text; v_hits int; v_hit record; v_reference text;',
      pins: `${planPins}${trigram === null ? '' : ' set pg_trgm.similarity_threshold = 0.3'}`,
    },
  );
}

function branchOf(map: DataMap, catalogue: Catalogue, target: Target): string | null {
  const held = collectionNamed(map, target.collection);
  const column = columnOf(catalogue, held, target.column);
  const raw = `t.${quoteIdentifier(target.column)}`;
  const text = isBase(column) && column.type === 'text' ? raw : `${raw}::text`;
  const isEmail = target.collection === map.subject.collection && target.column === map.subject.email;
  const subjectKey =
    target.collection === map.subject.collection
      ? map.subject.key
      : held.subject.find((each) => each.of === undefined)?.column;
  // Only rows that name their subject directly can be searched; others are found through it.
  if (subjectKey === undefined) return null;
  const trigram = catalogue.trigramSchema;
  const field = `${target.collection === map.subject.collection ? '' : `${target.collection}.`}${target.column}`;
  const select = (shape: string, condition: string, score: string, order = ''): string =>
    `(select t.${quoteIdentifier(subjectKey)}, ${quoteLiteral(field)}, ${quoteLiteral(target.form)}, (${score})::float8 from ${quoteTable(held.table)} t where (${shape}) and ${condition}${order} limit v_limit + 1)`;
  const words = isEmail ? "v_shape in ('email', 'words')" : "v_shape = 'words'";
  // Without pg_trgm only what a plain index can answer is searched: whole values.
  switch (target.form) {
    case 'identifier':
      return column.type === 'uuid'
        ? select(
            "v_shape = 'identifier'",
            `${raw} = case when v_shape = 'identifier' then v_text::uuid end`,
            forms.identifier.score,
          )
        : select('true', `${text} = v_text`, forms.identifier.score);
    case 'exact':
      return isBase(column)
        ? trigram === null
          ? select(words, `${text} = v_text`, forms.exact.score)
          : select(words, `${text} ilike v_like escape '!'`, forms.exact.score)
        : select(
            words,
            `${raw} operator(${quoteIdentifier(column.typeSchema)}.=) v_text::${typeOf(column)}`,
            forms.exact.score,
          );
    case 'digits':
      return trigram === null
        ? null
        : select("v_shape = 'digits'", `${text} like '%' || v_digits || '%'`, forms.digits.score);
    case 'prefix':
      return trigram === null
        ? null
        : select(
            `${words}${unlessExact(map, catalogue, isEmail)}`,
            `${text} ilike v_like || '%' escape '!'`,
            forms.prefix.score,
          );
    case 'part':
      return trigram === null
        ? null
        : select(
            `${words}${unlessExact(map, catalogue, isEmail)}`,
            `${text} ilike '%' || v_like || '%' escape '!'`,
            forms.part.score,
          );
    case 'similar':
      return trigram === null
        ? null
        : select(
            words,
            `${text} operator(${quoteIdentifier(trigram)}.%) v_text`,
            `0.6 * ${quoteIdentifier(trigram)}.similarity(${text}, v_text)`,
            ` order by ${quoteIdentifier(trigram)}.similarity(${text}, v_text) desc`,
          );
  }
}

/** A whole e-mail address that is somebody's needs no guesses beside it. */
function unlessExact(map: DataMap, catalogue: Catalogue, isEmail: boolean): string {
  if (!isEmail) return '';
  const holder = collectionNamed(map, map.subject.collection);
  const column = columnOf(catalogue, holder, map.subject.email);
  const raw = `x.${quoteIdentifier(map.subject.email)}`;
  const equal = isBase(column)
    ? `${raw}::text = v_text`
    : `${raw} operator(${quoteIdentifier(column.typeSchema)}.=) v_text::${typeOf(column)}`;
  return ` and not (v_shape = 'email' and exists (select from ${quoteTable(holder.table)} x where ${equal}))`;
}
