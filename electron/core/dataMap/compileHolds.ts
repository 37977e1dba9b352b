import { definer } from '../database/pins.ts';
import type { Catalogue } from './catalogue.ts';
import { prefixExpression, rowKey } from './compileReading.ts';
import { kindsOf, type KindCollection, type KindMap, type SubjectPath } from './map.ts';
import {
  assign,
  assignFrozen,
  assignKey,
  collectionNamed,
  columnOf,
  declareVariables,
  frozenValues,
  fromItem,
  readingScope,
  sameColumn,
  subjectConditions,
  subjectKeyIn,
  subjectKeyType,
  unique,
  type KeyVariable,
  type PathCondition,
  type SubjectConditions,
} from './paths.ts';
import { quoteIdentifier, quoteLiteral } from './quote.ts';

/** A foreign key by which a row keeps another one, whose collection is erased by deleting. */
export interface Keeping {
  readonly from: string;
  readonly to: string;
  /** Condition that the row in one alias names the row in another. */
  readonly names: (alias: string, of: string) => string;
}

/** What a legal hold covers, for one kind of subject. */
export interface Holding {
  /** Declarations of what {@link Holding.assign} sets. */
  readonly declare: string;
  /** Statements that set it from the document an expression gives, as `held_parts` makes it. */
  assign(held: string): string;
  /** Condition on `t` of a collection's rows that no hold covers, and that no held row hangs on. */
  spared(name: string): string;
}

/** One way in which a row is held: further `from` items, and a condition. */
interface Branch {
  readonly beside: string;
  readonly where: string;
}

const suffix = '$held';

interface Known {
  readonly map: KindMap;
  readonly catalogue: Catalogue;
  readonly names: readonly string[];
  /** Keys of held rows that others hang on. */
  readonly variables: readonly KeyVariable[];
  readonly paths: ReadonlyMap<string, readonly PathCondition[]>;
}

const knownBefore = new WeakMap<KindMap, Known>();

/** The paths of all kinds by which a row hangs on another one of the map's. */
function knownOf(map: KindMap, catalogue: Catalogue): Known {
  const before = knownBefore.get(map);
  if (before?.catalogue === catalogue) return before;
  const hanging = (name: string, held: KindCollection): KindCollection => ({
    ...held,
    shared: undefined,
    subject: collectionNamed(map.whole, name).subject.filter(
      (path) => path.of !== undefined && Object.hasOwn(map.collections, path.of),
    ),
  });
  const hung: KindMap = {
    ...map,
    collections: Object.fromEntries(
      Object.entries(map.collections).map(([name, held]) => [name, hanging(name, held)]),
    ),
  };
  const scope = readingScope(hung, catalogue);
  const names = Object.keys(map.collections);
  const found = new Map(names.map((name) => [name, subjectConditions(scope, name)]));
  const known: Known = {
    map,
    catalogue,
    names,
    variables: unique([...found.values()].flatMap((each) => each.variables)).map(held),
    paths: new Map([...found].map(([name, conditions]) => [name, conditions.paths])),
  };
  knownBefore.set(map, known);
  return known;
}

/** A variable for those of its keys that are held. */
function held(variable: KeyVariable): KeyVariable {
  return {
    ...variable,
    name: `${variable.name}${suffix}`,
    parts: variable.parts.map((part) => ({ ...part, name: `${part.name}${suffix}` })),
    cycle: null,
  };
}

function ownName(known: Known, name: string): string {
  return `h_rows_${known.names.indexOf(name) + 1}`;
}

/** The paths by which rows of a collection are people's themselves, of every kind. */
function peoplesPaths(
  { map }: Known,
  name: string,
): readonly { readonly kind: KindMap; readonly place: number; readonly path: SubjectPath }[] {
  return kindsOf(map.whole).flatMap((kind, place) =>
    Object.hasOwn(kind.collections, name)
      ? collectionNamed(kind, name)
          .subject.filter((path) => path.of === undefined)
          .map((path) => ({ kind, place, path }))
      : [],
  );
}

/** Condition on an alias that it is a held person's own. */
function ofPeople(known: Known, name: string, alias: string): readonly string[] {
  return peoplesPaths(known, name).map(({ kind, place, path }) => {
    const key = subjectKeyIn(kind, known.catalogue, collectionNamed(kind, name), path.columns, alias);
    return path.ignoreCase
      ? `lower((${key})::text) in (select lower(k.value::text) from unnest(h_people_${place + 1}) k(value))`
      : `${key} = any (h_people_${place + 1})`;
  });
}

/** Condition on an alias that it is the row whose key is `k.value`; by its text where a type's own schema may be closed to us. */
function isKept(catalogue: Catalogue, of: KindCollection, alias: string): string {
  const columns = catalogue.primaryKeys.get(of.table) ?? [];
  if (columns.length === 0) return 'false';
  return columns
    .map((name, place) => {
      const column = columnOf(catalogue, of, name);
      const raw = `${alias}.${quoteIdentifier(name)}`;
      const part = `(k.value::json ->> ${place})`;
      if (column.typeKind === 'e') return `${raw}::text = ${part}`;
      const same = sameColumn(column);
      return `${same.on(raw)} = ${part}::${same.type}`;
    })
    .join(' and ');
}

/** How a row in an alias is held by itself, by its person, or by what it hangs on. */
function branchesOf(known: Known, name: string, alias: string, rows: string): readonly Branch[] {
  const of = collectionNamed(known.map, name);
  return [
    { beside: `, unnest(${rows}) k(value)`, where: isKept(known.catalogue, of, alias) },
    ...ofPeople(known, name, alias).map((where) => ({ beside: '', where })),
    ...(known.paths.get(name) ?? []).map((path) => ({ beside: '', where: path.on(alias, suffix) })),
  ].filter((branch) => branch.where !== 'false');
}

/** Condition on `t` that a row is held, in one expression. */
function isHeld(known: Known, name: string, rows = ownName(known, name)): string {
  const of = collectionNamed(known.map, name);
  return [
    `${quoteLiteral(name)} = any (h_tables)`,
    `(cardinality(${rows}) > 0 and exists (select from unnest(${rows}) k(value) where ${isKept(known.catalogue, of, 't')}))`,
    ...ofPeople(known, name, 't'),
    ...(known.paths.get(name) ?? []).map((path) => path.on('t', suffix)),
  ].join(' or ');
}

function texts(from: string): string {
  return `array(select x.value from jsonb_array_elements_text(coalesce(${from}, '[]')) x(value))`;
}

/** Declarations of tables, people and rows that are held, and of the keys others hang on. */
function declarations(known: Known): string {
  const { map, catalogue, names, variables } = known;
  const [, ...keys] = declareVariables(map, catalogue, variables).split('\n');
  const kinds = kindsOf(map.whole);
  return [
    '  h_none boolean; h_held jsonb; h_tables text[];',
    ...kinds.map((kind, place) => `  h_people_${place + 1} ${subjectKeyType(kind, catalogue)}[];`),
    ...names.map((name) => `  ${ownName(known, name)} text[];`),
    // The subject's key is declared by who asks.
    ...keys.filter((line) => line.includes(suffix)),
  ].join('\n');
}

/** Statements that set tables and people from the document `h_held`. */
function assignBase(known: Known): string {
  return [
    `  h_tables := ${texts(`h_held -> 'collections'`)};`,
    ...kindsOf(known.map.whole).map(
      (kind, place) =>
        `  h_people_${place + 1} := array(select x.value::${subjectKeyType(kind, known.catalogue)} from jsonb_array_elements_text(coalesce(h_held -> 'subjects' -> ${quoteLiteral(kind.kind)}, '[]')) x(value));`,
    ),
  ].join('\n');
}

/** What gives the keys that holds cover, of all holds or of one. */
export function partsOf(map: KindMap, hold: string): string {
  return `privacy_console.held_parts$${map.kind}(p_key, p_scope, ${hold})`;
}

function rowsOf(name: string, part: 'rows' | 'stay'): string {
  return texts(`h_held -> '${part}' -> ${quoteLiteral(name)}`);
}

/** Statements that take in what `held_parts` gives; `also` whether what merely stays because of held rows counts. */
function assignParts(known: Known, also: boolean, document: string): string {
  return [
    `  h_held := ${document};`,
    '  h_none := h_held is null;',
    '  if not h_none then',
    assignBase(known),
    ...known.names.map(
      (name) =>
        `  ${ownName(known, name)} := ${rowsOf(name, 'rows')}${also ? ` || ${rowsOf(name, 'stay')}` : ''};`,
    ),
    assignFrozen(known.variables, `(h_held -> 'keys')`),
    '  end if;',
  ].join('\n');
}

/** What functions that delete or count for deletion go by. */
export function holdingOf(map: KindMap, catalogue: Catalogue): Holding {
  const known = knownOf(map, catalogue);
  return {
    declare: declarations(known),
    assign: (document) => assignParts(known, true, document),
    spared: (name) => `(h_none or (${isHeld(known, name)}) is not true)`,
  };
}

/** The rows of one collection that erasure concerns, as its steps find them. */
export interface Concerned {
  readonly name: string;
  readonly conditions: SubjectConditions;
}

/** Statements that add to each key variable the rows below held ones, and an expression of how many keys there are. */
function downward(known: Known): { readonly down: readonly string[]; readonly counted: string } {
  const down = known.variables.map((variable) => {
    const branches = branchesOf(known, variable.parent, 't', ownName(known, variable.parent));
    const wanted = variable.parts.map((part) => part.value).join(', ');
    const whole = variable.parts.map((part) => `${part.column} is not null`).join(' and ');
    return assign(
      variable,
      '',
      branches
        .map(
          (branch) =>
            `select ${wanted} from ${variable.from}${branch.beside} where ${branch.where} and ${whole}`,
        )
        .join(' union '),
    );
  });
  const counts = known.variables.map((each) => `coalesce(cardinality(${each.parts[0]?.name ?? ''}), 0)`);
  return { down, counted: counts.join(' + ') };
}

/** Repeats statements until they add nothing more to what is counted. */
function until(statements: readonly string[], count: string): string {
  return statements.length === 0 || count === ''
    ? ''
    : `  loop
    v_before := ${count};
${statements.join('\n')}
    exit when ${count} = v_before;
  end loop;`;
}

/** Statements that put the keys others hang on into the document `h_held`. */
function keysIntoDocument(known: Known): string {
  return known.variables
    .map(
      (each) =>
        `  h_held := jsonb_set(h_held, array['keys', ${quoteLiteral(each.scope)}], (select coalesce(jsonb_agg(y.value), '[]') from (${frozenValues(each)}) y(value)));`,
    )
    .join('\n');
}

/**
 * What stays whatever runs through whole tables: of the tables, records and people in `p_kept`, the keys that rows
 * below them hang on, in a document that {@link Holding.assign} takes in; run as the reader.
 * @param map with every collection, of whichever kind
 */
export function compileKeptParts(map: KindMap, catalogue: Catalogue): string {
  const known = knownOf(map, catalogue);
  const { down, counted } = downward(known);
  return definer(
    'kept_parts(p_kept jsonb)',
    'jsonb',
    `  if p_kept is null then
    return null;
  end if;
  h_held := p_kept;
${assignBase(known)}
${known.names.map((name) => `  ${ownName(known, name)} := ${rowsOf(name, 'rows')};`).join('\n')}
${until(down, counted)}
  h_held := h_held || jsonb_build_object('keys', '{}'::jsonb);
${keysIntoDocument(known)}
  return h_held;`,
    { declare: `${declarations(known)}\n  v_before bigint;`, overPlatform: true },
  );
}

/**
 * Which rows holds cover; run as the reader. Of each kind of subject:
 * `held_parts` finds the keys, once for each transaction, `held_rows` counts
 * and `held_objects` names what lies in the bucket.
 */
export function compileHolds(
  map: KindMap,
  catalogue: Catalogue,
  concerned: readonly Concerned[],
  keeping: readonly Keeping[],
): string {
  const known = knownOf(map, catalogue);
  const variables = unique(concerned.flatMap((each) => each.conditions.variables));
  const declareBoth = `${declareVariables(map, catalogue, variables)}\n${declarations(known)}`;
  const any = (conditions: SubjectConditions, alias: string): string =>
    conditions.paths.length === 0
      ? 'false'
      : `(${conditions.paths.map((each) => each.on(alias)).join(' or ')})`;
  const key = assignKey(map, catalogue, 'p_key');
  const stayName = (name: string): string => `s_rows_${known.names.indexOf(name) + 1}`;
  const { down, counted } = downward(known);
  const up = keeping
    .filter(({ to }) => (catalogue.primaryKeys.get(collectionNamed(map, to).table) ?? []).length > 0)
    .map(({ from, to, names }) => {
      const parent = fromItem(map, catalogue, collectionNamed(map, to));
      const child = fromItem(map, catalogue, collectionNamed(map, from), 'x');
      const own = concerned.find((each) => each.name === from);
      const branches: readonly Branch[] = [
        ...branchesOf(known, from, 'x', `(${ownName(known, from)} || ${stayName(from)})`),
        ...(own === undefined
          ? []
          : [
              { beside: '', where: `${quoteLiteral(from)} = any (h_tables) and ${any(own.conditions, 'x')}` },
            ]),
      ];
      return `    ${stayName(to)} := array(${[
        `select y.value from unnest(${stayName(to)}) y(value)`,
        ...branches.map(
          (branch) =>
            `select ${rowKey(catalogue, collectionNamed(map, to))} from ${parent}, ${child}${branch.beside} where ${names('x', 't')} and ${branch.where}`,
        ),
      ].join(' union ')});`;
    });
  const stayed = known.names.map((name) => `cardinality(${stayName(name)})`).join(' + ');
  const objects = concerned.flatMap(({ name, conditions }) => {
    const of = collectionNamed(map, name);
    const where = `${any(conditions, 't')} and (${isHeld(known, name)})`;
    const from = fromItem(map, catalogue, of);
    return [
      ...(of.objectPrefix === undefined
        ? []
        : [`select ${prefixExpression(of)}, null::text from ${from} where ${where}`]),
      ...(of.object === undefined
        ? []
        : [
            `select null::text, t.${quoteIdentifier(of.object.key)}::text from ${from} where ${where} and t.${quoteIdentifier(of.object.key)} is not null`,
          ]),
    ];
  });
  return [
    definer(
      `held_parts$${map.kind}(p_key text, p_scope jsonb, p_hold bigint)`,
      'jsonb',
      `  h_held := privacy_console.holds_in_force(p_hold);
  if h_held is null then
    return null;
  end if;
${key}
${assignFrozen(variables)}
${assignBase(known)}
${known.names.map((name) => `  ${ownName(known, name)} := ${rowsOf(name, 'rows')}; ${stayName(name)} := '{}';`).join('\n')}
${until(down, counted)}
${until(up, stayed)}
  h_held := h_held || jsonb_build_object('stay', '{}'::jsonb, 'keys', '{}'::jsonb);
${known.names.map((name) => `  h_held := jsonb_set(h_held, array['stay', ${quoteLiteral(name)}], to_jsonb(${stayName(name)}));`).join('\n')}
${keysIntoDocument(known)}
  return h_held;`,
      {
        declare: `${declareBoth}\n${known.names.map((name) => `  ${stayName(name)} text[];`).join('\n')}\n  v_before bigint;`,
        overPlatform: true,
      },
    ),
    definer(
      `held_rows$${map.kind}(p_key text, p_scope jsonb, p_hold bigint)`,
      'table (collection text, rows bigint)',
      `${assignParts(known, true, partsOf(map, 'p_hold'))}
  if h_none then
    return;
  end if;
${key}
${assignFrozen(variables)}
${concerned
  .map(
    ({ name, conditions }) =>
      `  return query select ${quoteLiteral(name)}::text, count(*) from ${fromItem(map, catalogue, collectionNamed(map, name))} where ${any(conditions, 't')} and (${isHeld(known, name)}) having count(*) > 0;`,
  )
  .join('\n')}
  return;`,
      { declare: declareBoth, overPlatform: true },
    ),
    definer(
      `held_objects$${map.kind}(p_key text, p_scope jsonb)`,
      'table (prefix text, key text)',
      `${assignParts(known, false, partsOf(map, 'null'))}
  if h_none then
    return;
  end if;
${key}
${assignFrozen(variables)}
${objects.map((query) => `  return query ${query};`).join('\n')}
  return;`,
      { declare: declareBoth, overPlatform: true },
    ),
  ].join('\n');
}

/** Whether a record stands where a hold is to be placed, whatever kind of people it is about; run as the reader. */
export function compileRowStands(kinds: readonly KindMap[], catalogue: Catalogue): string {
  const seen = new Map(
    kinds.flatMap((map) => Object.keys(map.collections).map((name) => [name, map] as const)),
  );
  return definer(
    'row_stands(p_collection text, p_row_key text)',
    'boolean',
    `  case p_collection
${[...seen]
  .map(([name, map]) => {
    const of = collectionNamed(map, name);
    return `  when ${quoteLiteral(name)} then return exists (select from ${fromItem(map, catalogue, of)}, unnest(array[p_row_key]) k(value) where ${isKept(catalogue, of, 't')});`;
  })
  .join('\n')}
  else
    return false;
  end case;
exception when data_exception then
  raise exception 'That is no key of a record; write it as the console shows it.' using errcode = 'PC004';`,
    { overPlatform: true },
  );
}
