import { step } from '../database/pins.ts';
import { allSet, onlyOf, type Catalogue } from './catalogue.ts';
import { neverRule, ruleOf, ruleText, shownRule, withheld, type JsonRule } from './jsonRules.ts';
import { isReplacement, maskNames, type Collection, type DataMap, type MapColumn } from './map.ts';
import { maskOf } from './masks.ts';
import { columnOf } from './paths.ts';
import { quoteIdentifier, quoteLiteral, quoteTable } from './quote.ts';

/** Lists within lists that are walked through; what lies deeper is withheld, since the server's own stack has an end. */
const deepest = 32;

const withheldJson = `${quoteLiteral(JSON.stringify(withheld))}::jsonb`;

function ruleLiteral(rule: JsonRule): string {
  return `${quoteLiteral(ruleText(rule))}::jsonb`;
}

/** The document of a column as it is shown: named values by their masks, the others withheld unless the map shows them. */
export function shownDocument(mapped: MapColumn, raw: string): string {
  const rule = shownRule(mapped);
  if (rule === undefined) throw new Error('unchecked map: no paths');
  return `privacy_console.json_shown(${raw}::jsonb, ${ruleLiteral(rule)}, ${String(mapped.others === 'shown')}, ${withheldJson}, 0)`;
}

/** The document of a column with its exact values, but those that never leave; null when nothing has to be left out. */
export function exactDocument(mapped: MapColumn | undefined, raw: string): string | null {
  const rule = mapped === undefined ? undefined : neverRule(mapped);
  return rule === undefined
    ? null
    : `privacy_console.json_shown(${raw}::jsonb, ${ruleLiteral(rule)}, true, null, 0)`;
}

/** Who runs it: each owner has its own, since a step is nobody else's. */
export type JsonOwner = 'reading' | 'writing';

/** The document of a column with values inside it set; what lies beside them stays. */
export function changedDocument(
  set: Readonly<Record<string, string | null>>,
  raw: string,
  owner: JsonOwner,
): string {
  const rule = ruleOf(Object.entries(set).map(([path, value]) => [path, { kind: 'set', value }]));
  if (rule === undefined) return `${raw}::jsonb`;
  return `privacy_console.json_set_${owner}(${raw}::jsonb, ${ruleLiteral(rule)}, p_reference, 0)`;
}

/** The document of a column with nothing left in it but the keys that the map's paths name. */
export function emptiedDocument(mapped: MapColumn | undefined, raw: string, owner: JsonOwner): string {
  const rule = mapped === undefined ? undefined : shownRule(mapped);
  return `privacy_console.json_emptied_${owner}(${raw}::jsonb, ${rule === undefined ? `'{}'::jsonb` : ruleLiteral(rule)})`;
}

function empties(map: DataMap): boolean {
  return Object.values(map.collections).some((held) =>
    allSet(held).some((set) =>
      Object.values(set).some((value) => isReplacement(value) && value.replace === 'json'),
    ),
  );
}

/** Empties a document; a key that no path names could itself be of the person, and how long a list is tells of them. */
function emptying(owner: JsonOwner): string {
  const self = `privacy_console.json_emptied_${owner}`;
  return step(
    `json_emptied_${owner}(p_value jsonb, p_rule jsonb)`,
    'jsonb',
    `  if p_value is null then return null; end if;
  case jsonb_typeof(p_value)
  when 'object' then
    return coalesce((select jsonb_object_agg(e.key, ${self}(e.value, p_rule -> 'keys' -> e.key))
      from jsonb_each(p_value) e where p_rule -> 'keys' ? e.key), '{}');
  when 'array' then return '[]';
  when 'string' then return '""';
  when 'number' then return '0';
  when 'boolean' then return 'false';
  else return 'null';
  end case;`,
  );
}

function hasPaths(map: DataMap): boolean {
  return Object.values(map.collections).some((held) =>
    Object.values(held.columns).some((mapped) => mapped.paths !== undefined),
  );
}

function setsInside(map: DataMap): boolean {
  return Object.values(map.collections).some((held) =>
    allSet(held).some((set) =>
      Object.values(set).some(
        (value) => typeof value === 'object' && value !== null && !isReplacement(value),
      ),
    ),
  );
}

/**
 * Shows a document by the tree of its paths. Nothing a document holds makes it
 * fail, for that would stop an export and could tell of a row: what has another
 * shape than the map expects is withheld. Null for what is left out.
 */
function showing(): string {
  const masked = maskNames
    .map((mask) => `when ${quoteLiteral(mask)} then ${maskOf(mask, 'v_text')}`)
    .join(' ');
  const nameOf = `'${withheld}' || e.place`;
  return step(
    'json_shown(p_value jsonb, p_rule jsonb, p_others boolean, p_instead jsonb, p_within int)',
    'jsonb',
    `  v_type := jsonb_typeof(p_value);
  if v_type is null or p_rule ? 'never' then return null; end if;
  if v_type = 'null' or p_rule ? 'shown' then return p_value; end if;
  if v_type = 'array' then
    if p_within >= ${deepest} then return p_instead; end if;
    return coalesce((select jsonb_agg(x.shown order by x.place) from (
      select e.place, privacy_console.json_shown(e.value, coalesce(p_rule -> 'any', p_rule), p_others, p_instead, p_within + 1) as shown
        from jsonb_array_elements(p_value) with ordinality e(value, place)) x where x.shown is not null), '[]');
  end if;
  if p_rule ? 'mask' then
    if v_type = 'object' then return p_instead; end if;
    v_text := p_value #>> '{}';
    return to_jsonb(case p_rule ->> 'mask' ${masked} end);
  end if;
  -- One value where several were expected holds what they would.
  if v_type <> 'object' then return p_instead; end if;
  return coalesce((select jsonb_object_agg(x.key, x.shown) from (
    select case when p_others or p_rule -> 'keys' ? e.key then e.key else ${nameOf} end as key,
        case when p_rule ? 'any' then privacy_console.json_shown(e.value, p_rule -> 'any', p_others, p_instead, p_within)
          when p_rule -> 'keys' ? e.key then privacy_console.json_shown(e.value, p_rule -> 'keys' -> e.key, p_others, p_instead, p_within)
          when p_others then e.value
          else p_instead end as shown
      from jsonb_each(p_value) with ordinality e(key, value, place)) x where x.shown is not null), '{}');`,
    { declare: '  v_type text; v_text text;' },
  );
}

/** Sets values inside a document; where it has another shape than the map expects, what is there in their place goes too. */
function setting(owner: JsonOwner): string {
  const self = `privacy_console.json_set_${owner}`;
  return step(
    `json_set_${owner}(p_value jsonb, p_rule jsonb, p_reference text, p_within int)`,
    'jsonb',
    `  if p_value is null or p_rule is null then return p_value; end if;
  if p_rule ? 'set' then return coalesce(to_jsonb(replace(p_rule ->> 'set', '{reference}', p_reference)), 'null'); end if;
  case jsonb_typeof(p_value)
  when 'array' then
    if p_within >= ${deepest} then return 'null'; end if;
    return coalesce((select jsonb_agg(${self}(e.value, coalesce(p_rule -> 'any', p_rule), p_reference, p_within + 1) order by e.place)
      from jsonb_array_elements(p_value) with ordinality e(value, place)), '[]');
  when 'object' then
    return coalesce((select jsonb_object_agg(e.key, ${self}(e.value, coalesce(p_rule -> 'any', p_rule -> 'keys' -> e.key), p_reference, p_within))
      from jsonb_each(p_value) e), '{}');
  else
    return 'null';
  end case;`,
  );
}

/** The steps that reading and erasure take inside documents; empty for a map that names nothing there. */
export function compileJson(map: DataMap, owner: JsonOwner): string {
  return [
    owner === 'reading' && hasPaths(map) ? showing() : '',
    setsInside(map) ? setting(owner) : '',
    empties(map) ? emptying(owner) : '',
  ].join('');
}

/** A key inside a document that no path names. */
export interface UnnamedKey {
  /** Spelt as in a map; a key that could itself be personal data is `*`. */
  readonly path: string;
  /** In how many of the documents that were looked at. */
  readonly documents: number;
}

/**
 * Query for the keys inside a column's documents that none of its paths names,
 * and for values where a path expects an object, with no value in the answer:
 * rows `(path text, documents bigint)`. Run by whoever may read the column.
 * @param documents how many documents are looked at, those stored last first where the order of pages says so
 */
export function unnamedKeysQuery(
  map: DataMap,
  catalogue: Catalogue,
  held: Collection,
  column: string,
  documents: number,
): string {
  const mapped = held.columns[column];
  const rule = mapped === undefined ? undefined : shownRule(mapped);
  if (rule === undefined) throw new Error('unchecked map: no paths');
  columnOf(catalogue, held, column);
  const raw = `t.${quoteIdentifier(column)}`;
  const order = held.order.map((each) => `t.${quoteIdentifier(each)} desc nulls last`).join(', ');
  // What could be a value used as a key: it would leave with the path.
  const telling = String.raw`e.key ~ '[@[:space:]]|[0-9]{5}|^[0-9a-fA-F-]{16,}$' or length(e.key) > 40`;
  const spelt = `case when ${telling} then '*' when e.key in ('', '*') or e.key ~ '[."]' then '"' || replace(e.key, '"', '""') || '"' else e.key end`;
  return `with recursive looked as materialized (
    select row_number() over () as document, x.value from (select ${raw}::jsonb as value from ${onlyOf(map, catalogue, held)}${quoteTable(held.table)} t where ${raw} is not null order by ${order} limit ${documents}) x),
  walk (document, path, value, rule, within) as (
    select l.document, '', l.value, ${ruleLiteral(rule)}, 0 from looked l
    union all
    select w.document, w.path || case when s.spelt is null then '' when w.path = '' then s.spelt else '.' || s.spelt end, s.value, s.rule, w.within + s.deeper
    from walk w cross join lateral (
      select ${spelt}, e.value, coalesce(w.rule -> 'any', w.rule -> 'keys' -> e.key), 0
        from jsonb_each(case jsonb_typeof(w.value) when 'object' then w.value else '{}' end) e
      union all
      select case when w.rule ? 'any' then '*' end, e.value, coalesce(w.rule -> 'any', w.rule), 1
        from jsonb_array_elements(case jsonb_typeof(w.value) when 'array' then w.value else '[]' end) e(value)
    ) s(spelt, value, rule, deeper)
    where (w.rule ? 'any' or w.rule ? 'keys') and w.within < ${deepest})
  select w.path, count(distinct w.document) as documents from walk w
  where jsonb_typeof(w.value) <> 'null' and (w.rule is null
    or ((w.rule ? 'any' or w.rule ? 'keys') and (jsonb_typeof(w.value) not in ('object', 'array') or w.within >= ${deepest})))
  group by w.path order by w.path`;
}
