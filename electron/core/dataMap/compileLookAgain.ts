import { definer, planPins } from '../database/pins.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { onlyOf, type Catalogue } from './catalogue.ts';
import { compileErasureConditions } from './compileErasure.ts';
import { namesSubject } from './compileReading.ts';
import {
  isThirdParty,
  kindsOf,
  type Collection,
  type DataMap,
  type KindCollection,
  type KindMap,
  type MapColumn,
} from './map.ts';
import {
  assignFrozen,
  assignKey,
  columnOf,
  compareColumns,
  declareVariables,
  unique,
  type KeyVariable,
  type SubjectConditions,
} from './paths.ts';
import { quoteIdentifier, quoteLiteral, quoteTable } from './quote.ts';

/** What tells a person by a value of theirs. */
type Form = 'email' | 'phone' | 'name';

const categories: readonly (readonly [string, Form])[] = [
  ['user.contact.email', 'email'],
  ['user.contact.phone_number', 'phone'],
  ['user.name', 'name'],
];

/** The form in which values of a category tell a person; null where they tell nobody. */
export function formOf(category: string): Form | null {
  return categories.find(([each]) => category === each || category.startsWith(`${each}.`))?.[1] ?? null;
}

/** Documents and lists are looked through as text. */
function isWhole(catalogue: Catalogue, held: Collection | KindCollection, column: string): boolean {
  const { typeKind, baseType } = columnOf(catalogue, held, column);
  return typeKind !== 'a' && !['json', 'jsonb', 'bytea'].includes(baseType);
}

function from(map: DataMap, catalogue: Catalogue, held: { readonly table: string }, alias: string): string {
  return `${onlyOf(map, catalogue, held)}${quoteTable(held.table)} ${alias}`;
}

function anyOf(paths: SubjectConditions['paths'], suffix = ''): string {
  return paths.length === 0 ? 'false' : `(${paths.map((each) => each.on('t', suffix)).join(' or ')})`;
}

/** How many different values of one column are taken as the person's own at most. */
const valuesOfColumn = 200;

/** How a column tells the person of its row, where it does. */
function identifying(map: KindMap, name: string, column: string, mapped: MapColumn): Form | null {
  if (mapped.never || mapped.paths !== undefined) return null;
  const form = formOf(mapped.category);
  const held = map.collections[name];
  if (form === 'name') return name === map.subject.collection && column === map.subject.name ? 'name' : null;
  const own = held !== undefined && namesSubject(held, column);
  return isThirdParty(mapped, map.kind) && !own ? null : form;
}

/** Condition on a name of the subject's row in alias `t`: no other row of the subjects has it. */
function notBorneByOthers(map: KindMap, catalogue: Catalogue, held: KindCollection, column: string): string {
  const same = (name: string): string => {
    const live = columnOf(catalogue, held, name);
    return compareColumns([live, 'o'], [live, 't']);
  };
  return ` and not exists (select from ${from(map.whole, catalogue, held, 'o')} where ${same(column)} and not (${map.subject.key.map(same).join(' and ')}))`;
}

/**
 * The person's own identifiers as their rows hold them: of the subject's row,
 * and e-mail addresses and telephone numbers of other rows of theirs that are
 * about nobody else. Of names only the subject's: the others are those of
 * workspaces and companies. A name that somebody else bears tells nobody.
 */
function compileIdentifiers(map: KindMap, catalogue: Catalogue): string {
  const conditionsIn = compileErasureConditions(map, catalogue);
  const parts = Object.entries(map.collections).flatMap(([name, held]) =>
    Object.entries(held.columns).flatMap(([column, mapped]) => {
      const form = identifying(map, name, column, mapped);
      if (form === null || !isWhole(catalogue, held, column)) return [];
      const conditions = conditionsIn(name);
      const borne = form === 'name' ? notBorneByOthers(map, catalogue, held, column) : '';
      return [
        {
          conditions,
          query: `select ${quoteLiteral(form)}::text, x.value from (select distinct t.${quoteIdentifier(column)}::text from ${from(map.whole, catalogue, held, 't')} where ${anyOf(conditions.paths)} and t.${quoteIdentifier(column)} is not null${borne} limit ${valuesOfColumn}) x(value)`,
        },
      ];
    }),
  );
  const variables = unique(parts.flatMap((part) => part.conditions.variables));
  return definer(
    `identifiers_of$${map.kind}(p_key text, p_scope jsonb)`,
    'table (form text, value text)',
    `${assignKey(map, catalogue, 'p_key')}
${assignFrozen(variables)}
${parts.map((part) => `  return query ${part.query};`).join('\n')}
  return;`,
    { declare: declareVariables(map, catalogue, variables), overPlatform: true, pins: planPins },
  );
}

/** Condition on alias `t` that a column names the person; null for one that isn't looked at. */
function naming(catalogue: Catalogue, held: Collection, column: string, mapped: MapColumn): string | null {
  if (mapped.never) return null;
  const raw = `t.${quoteIdentifier(column)}`;
  const { baseType } = columnOf(catalogue, held, column);
  const form = formOf(mapped.category);
  const inside = Object.values(mapped.paths ?? {}).some((each) =>
    ['email', 'phone'].includes(formOf(each.category) ?? ''),
  );
  const contact = inside || form === 'email' || form === 'phone';
  if (mapped.mayName === true || (contact && !isWhole(catalogue, held, column))) {
    if (baseType === 'bytea')
      throw new ExpectedError(
        'invalid_input',
        `${held.table}.${column} holds bytes, in which nobody can be looked for; take “mayName” away, or give it another category.`,
      );
    // In a document the letter of an escaped line's end would stand before the word.
    const text = ['json', 'jsonb'].includes(baseType)
      ? `regexp_replace(${raw}::text, '\\\\[bfnrt]', ' ', 'g')`
      : `${raw}::text`;
    const pattern = mapped.mayName === true ? 'v_person' : 'v_contacts';
    return `(${raw}::text ~* ${pattern}_loose and ${text} ~* ${pattern})`;
  }
  const indexed = catalogue.trigramSchema !== null && mapped.search.length > 0;
  if (form === 'email')
    return indexed ? `${raw}::text ilike any (v_whole)` : `lower(${raw}::text) = any (p_emails)`;
  if (form === 'phone') {
    const digits = `right(ltrim(translate(${raw}::text, translate(${raw}::text, '0123456789', ''), ''), '0'), 10) = any (p_phones)`;
    return indexed ? `(${raw}::text like any (v_within) and ${digits})` : digits;
  }
  return null;
}

/** Variables of keys that hand a row over with what hangs on it: keys of one column of what the map shares. */
function handedOver(
  map: KindMap,
  catalogue: Catalogue,
  conditions: SubjectConditions,
): readonly KeyVariable[] {
  return conditions.variables.filter(({ parent, parts }) => {
    const held = map.collections[parent];
    const keys = held === undefined ? [] : (catalogue.primaryKeys.get(held.table) ?? []);
    return (
      held?.shared !== undefined &&
      parts.length === 1 &&
      keys.length === 1 &&
      parts[0]?.column === `t.${quoteIdentifier(keys[0] ?? '')}`
    );
  });
}

/**
 * Why a column's rows are no concern of this deletion: what it holds is own
 * data of people of another kind, who ask for themselves. Null where it isn't.
 */
function ofAnotherKind(map: KindMap, name: string, column: string, mapped: MapColumn): string | null {
  const owns = (kind: KindMap): boolean =>
    kind.collections[name] !== undefined && identifying(kind, name, column, mapped) !== null;
  if (owns(map)) return null;
  const other = kindsOf(map.whole).find(owns);
  return other === undefined
    ? null
    : (other.subject.controller ?? `Own data of another kind of person: ${other.subject.title}`);
}

interface Look {
  readonly name: string;
  readonly variables: readonly KeyVariable[];
  readonly kept: readonly KeyVariable[];
  /** Statements that answer for its columns. */
  readonly body: string;
}

function lookAt(map: KindMap, catalogue: Catalogue, name: string, held: Collection): Look | null {
  const columns = Object.entries(held.columns).flatMap(([column, mapped]) => {
    const condition = naming(catalogue, held, column, mapped);
    return condition === null
      ? []
      : [{ column, condition, ground: ofAnotherKind(map, name, column, mapped) }];
  });
  if (columns.length === 0) return null;
  const mine = map.collections[name];
  const conditions =
    mine === undefined ? { variables: [], paths: [] } : compileErasureConditions(map, catalogue)(name);
  const handed = handedOver(map, catalogue, conditions);
  const withThose = conditions.paths.filter((path) => handed.some((each) => each.name === path.variable));
  const stays = [
    ...(mine?.erasure.action === 'keep' ? [anyOf(conditions.paths)] : []),
    ...(withThose.length === 0 ? [] : [anyOf(withThose, '$kept')]),
  ];
  const kept = stays.length === 0 ? 'false' : `coalesce(${stays.join(' or ')}, false)`;
  const counted = columns.map(
    (each) =>
      `count(*) filter (where ${each.condition}), count(*) filter (where ${each.condition} and ${each.ground === null ? kept : 'true'})`,
  );
  const given = columns.map(
    (each, place) =>
      `(${quoteLiteral(each.column)}, v_counts[${place * 2 + 1}], v_counts[${place * 2 + 2}], ${each.ground === null ? 'null' : quoteLiteral(each.ground)})`,
  );
  return {
    name,
    variables: mine?.erasure.action === 'keep' ? conditions.variables : [],
    kept: handed,
    body: `    select array[${counted.join(',\n        ')}] into v_counts
      from ${from(map.whole, catalogue, held, 't')} where ${columns.map((each) => each.condition).join('\n        or ')};
    return query select c.name, c.hits, c.kept, c.ground from (values ${given.join(', ')}) c(name, hits, kept, ground) where c.hits > 0;`,
  };
}

/**
 * `look_again$kind`: how many rows of one collection, whoever's they are, name
 * the person by an identifier, column by column; and how many of those stay on
 * purpose. One pass over a table at most, and no lock on its rows.
 */
function compileLook(map: KindMap, catalogue: Catalogue): string {
  const looks = Object.entries(map.whole.collections).flatMap(
    ([name, held]) => lookAt(map, catalogue, name, held) ?? [],
  );
  const all = unique(looks.flatMap((each) => [...each.variables, ...each.kept]));
  const kept = unique(looks.flatMap((each) => each.kept));
  const branch = (each: Look): string => {
    const frozen = assignFrozen(each.variables);
    const handed = each.kept.map(
      ({ name, parent, parts }) =>
        `  ${name}$kept := array(select x.value::${parts[0]?.type ?? ''} from jsonb_array_elements_text(coalesce(p_handed_over -> ${quoteLiteral(parent)}, '[]')) x(value));`,
    );
    return `  when ${quoteLiteral(each.name)} then
${[frozen, ...handed].filter((line) => line !== '').join('\n')}
${each.body}`;
  };
  return definer(
    `look_again$${map.kind}(p_collection text, p_key text, p_scope jsonb, p_handed_over jsonb, p_emails text[], p_phones text[], p_contacts text[], p_person text[])`,
    'table (column_name text, hits bigint, kept bigint, ground text)',
    looks.length === 0
      ? '  return;'
      : `${assignKey(map, catalogue, 'p_key')}
  v_whole := array(select replace(replace(replace(e.value, '\\', '\\\\'), '%', '\\%'), '_', '\\_') from unnest(p_emails) e(value));
  v_within := array(select '%' || n.value || '%' from unnest(p_phones) n(value));
  v_contacts_loose := p_contacts[1]; v_contacts := p_contacts[2]; v_person_loose := p_person[1]; v_person := p_person[2];
  case p_collection
${looks.map(branch).join('\n')}
  else
    return;
  end case;
  return;`,
    {
      declare: `${declareVariables(map, catalogue, all)}
${kept.map((each) => `  ${each.name}$kept ${each.parts[0]?.type ?? ''}[];`).join('\n')}
  v_whole text[]; v_within text[]; v_counts bigint[]; v_contacts_loose text; v_contacts text; v_person_loose text; v_person text;`,
      overPlatform: true,
      pins: planPins,
    },
  );
}

/** What of a column of alias `t` could name any of many people: in which form it is compared, and as what. */
function comparedIn(
  catalogue: Catalogue,
  held: Collection,
  column: string,
  mapped: MapColumn,
): { readonly form: 'email' | 'phone' | 'contacts' | 'person'; readonly value: string } | null {
  if (naming(catalogue, held, column, mapped) === null) return null;
  const raw = `t.${quoteIdentifier(column)}::text`;
  if (mapped.mayName === true) return { form: 'person', value: raw };
  const form = formOf(mapped.category);
  if (!isWhole(catalogue, held, column) || (form !== 'email' && form !== 'phone'))
    return { form: 'contacts', value: raw };
  return form === 'email'
    ? { form, value: `lower(${raw})` }
    : { form, value: `right(ltrim(translate(${raw}, translate(${raw}, '0123456789', ''), ''), '0'), 10)` };
}

/**
 * `look_for_many`: what in a collection could name any of many people, at most so many values: the address or number as it is
 * compared, or a whole text that may hold one. Never misses what `look_again` would find.
 */
function compileLookForMany({ whole }: KindMap, catalogue: Catalogue): string {
  const branches = Object.entries(whole.collections).flatMap(([name, held]) => {
    const compared = Object.entries(held.columns).flatMap(
      ([column, mapped]) => comparedIn(catalogue, held, column, mapped) ?? [],
    );
    if (compared.length === 0) return [];
    const conditions = {
      email: `x.form = 'email' and x.value in (select e.value from unnest(p_emails) e(value))`,
      phone: `x.form = 'phone' and x.value in (select n.value from unnest(p_phones) n(value))`,
      contacts: `x.form = 'contacts' and (lower(x.value) like any (p_contacts) or x.value ~* p_contacts_rest)`,
      person: `x.form = 'person' and (lower(x.value) like any (p_person) or x.value ~* p_person_rest)`,
    };
    const asked = [...new Set(compared.map(({ form }) => form))].map((form) => conditions[form]);
    return [
      `  when ${quoteLiteral(name)} then
    return query select distinct x.form, x.value from ${from(whole, catalogue, held, 't')}
      cross join lateral (values ${compared.map(({ form, value }) => `('${form}', ${value})`).join(', ')}) x(form, value)
      where (${asked.join(') or (')}) limit p_limit;`,
    ];
  });
  return definer(
    'look_for_many(p_collection text, p_emails text[], p_phones text[], p_contacts text[], p_contacts_rest text, p_person text[], p_person_rest text, p_limit int)',
    'table (form text, value text)',
    branches.length === 0
      ? '  return;'
      : `  case p_collection
${branches.join('\n')}
  else return;
  end case;`,
    { overPlatform: true },
  );
}

/** What a deletion knows its person by, and where it finds that again; run as the reader. */
export function compileLookAgain(kinds: readonly KindMap[], catalogue: Catalogue): string {
  const whichever = (
    name: string,
    parameters: readonly (readonly [string, string])[],
    returns: string,
  ): string =>
    definer(
      `${name}(p_kind text, ${parameters.map((each) => each.join(' ')).join(', ')})`,
      returns,
      `  case p_kind
${kinds.map(({ kind }) => `  when ${quoteLiteral(kind)} then return query select * from privacy_console.${name}$${kind}(${parameters.map(([each]) => each).join(', ')});`).join('\n')}
  end case;
  return;`,
    );
  return [
    ...kinds.flatMap((kind) => [compileIdentifiers(kind, catalogue), compileLook(kind, catalogue)]),
    ...kinds.slice(0, 1).map((kind) => compileLookForMany(kind, catalogue)),
    whichever(
      'identifiers_of',
      [
        ['p_key', 'text'],
        ['p_scope', 'jsonb'],
      ],
      'table (form text, value text)',
    ),
    whichever(
      'look_again',
      [
        ['p_collection', 'text'],
        ['p_key', 'text'],
        ['p_scope', 'jsonb'],
        ['p_handed_over', 'jsonb'],
        ['p_emails', 'text[]'],
        ['p_phones', 'text[]'],
        ['p_contacts', 'text[]'],
        ['p_person', 'text[]'],
      ],
      'table (column_name text, hits bigint, kept bigint, ground text)',
    ),
  ].join('\n');
}
