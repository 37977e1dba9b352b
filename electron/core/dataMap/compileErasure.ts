import { definer, planPins } from '../database/pins.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { isUnique, mappedAbove, type Catalogue, type Reference } from './catalogue.ts';
import { compileHolds, holdingOf, partsOf, type Holding } from './compileHolds.ts';
import { changedDocument, type JsonOwner } from './compileJson.ts';
import { isRow, prefixExpression, rowKey } from './compileReading.ts';
import { deleteRange, rangeOf, rangeVariables } from './compileRange.ts';
import { maskOf } from './masks.ts';
import {
  isReplacement,
  type Assigned,
  type KindCollection,
  type KindMap,
  type Replacement,
  type SubjectPath,
} from './map.ts';
import {
  assignFrozen,
  assignKey,
  assignLive,
  collectionNamed,
  columnOf,
  columnOfTable,
  compareColumns,
  conditionsOfPaths,
  declareVariables,
  detachedColumns,
  erasingPaths,
  erasingScope,
  fromItem,
  frozenValues,
  instantOf,
  readingScope,
  sameColumn,
  sharedConditions,
  subjectConditions,
  subjectKeyIn,
  typeOf,
  unique,
  type KeyVariable,
  type Scope,
  type SubjectConditions,
} from './paths.ts';
import { quoteIdentifier, quoteLiteral, quoteTable, tableParts } from './quote.ts';
import { compileReplacement, type CompiledReplacement } from './replacements.ts';

/** One thing erasure does to one collection. */
interface Step {
  readonly collection: string;
  readonly action: 'quiesce' | 'detach' | 'delete' | 'anonymise' | 'keep';
  readonly variables: Variables;
  /** Rows it concerns, on alias `t`. */
  readonly condition: string;
  readonly held: KindCollection;
  readonly set: Readonly<Record<string, Assigned>>;
  /** Where a detaching step sets a column to null. */
  readonly mentions: readonly { readonly column: string; readonly condition: string }[];
}

/** What erasure of one kind of subject goes by, found once for a map and a catalogue. */
interface Erasing {
  readonly map: KindMap;
  readonly catalogue: Catalogue;
  readonly links: readonly Link[];
  /** The links by the collection they lead to. */
  readonly towards: ReadonlyMap<string, readonly Link[]>;
  readonly order: ErasureOrder;
  /** Foreign keys that a deletion sets to null in rows that go later. */
  readonly setToNull: readonly Link[];
  readonly scope: Scope;
  /** Conditions of the rows of each collection that erasure concerns: not those that merely mention the subject. */
  readonly conditions: ReadonlyMap<string, SubjectConditions>;
  readonly holding: Holding;
}

const erasingBefore = new WeakMap<KindMap, Erasing>();

/** Grants, reading and writing all go by it; as {@link erasureOrder}, it refuses a map whose rows can't be deleted in any order. */
function erasingOf(map: KindMap, catalogue: Catalogue): Erasing {
  const known = erasingBefore.get(map);
  if (known?.catalogue === catalogue) return known;
  const links = linksOf(map, catalogue);
  const order = erasureOrder(map, catalogue, links);
  const loosened = setToNull(map, catalogue, links, order);
  const scope = erasingScope(map, catalogue, foundByOwnKey(map, catalogue, loosened));
  const conditions = new Map(
    Object.entries(map.collections).map(([name, held]) => [
      name,
      held.shared === undefined ? subjectConditions(scope, name) : sharedConditions(scope, name),
    ]),
  );
  const towards = Map.groupBy(links, (link) => link.to);
  const holding = holdingOf(map, catalogue);
  const erasing = { map, catalogue, links, towards, order, setToNull: loosened, scope, conditions, holding };
  erasingBefore.set(map, erasing);
  return erasing;
}

function conditionsIn({ conditions }: Erasing, name: string): SubjectConditions {
  const found = conditions.get(name);
  if (found === undefined) throw new Error(`unchecked map: ${name}`);
  return found;
}

/** Conditions of the rows that erasure of a kind concerns, by collection. */
export function compileErasureConditions(
  map: KindMap,
  catalogue: Catalogue,
): (name: string) => SubjectConditions {
  const erasing = erasingOf(map, catalogue);
  return (name) => conditionsIn(erasing, name);
}

/** The links that lead to a collection. */
function linksTo({ towards }: Erasing, name: string): readonly Link[] {
  return towards.get(name) ?? [];
}

/**
 * Collections of which erasure sets a column to null that is on a path to the
 * subject, so that their rows would be lost on the way: these are found by
 * their own keys too.
 */
function foundByOwnKey(map: KindMap, catalogue: Catalogue, loosened: readonly Link[]): ReadonlySet<string> {
  return new Set(
    loosened.flatMap((link) => (link.from !== null && isOnPath(map, catalogue, link) ? [link.from] : [])),
  );
}

/** Whether setting a foreign key to null takes a path to the subject away. */
function isOnPath(map: KindMap, catalogue: Catalogue, link: Link): boolean {
  const loose = looseColumns(catalogue, link);
  return (
    link.from !== null &&
    erasingPaths(collectionNamed(map, link.from)).some((path) =>
      path.columns.some((column) => loose.includes(column)),
    )
  );
}

/** Whether a foreign key can be set to null before the rows it names go. */
function canBeLoosened(map: KindMap, catalogue: Catalogue, link: Link): boolean {
  if (looseColumns(catalogue, link).length === 0 || link.from === null) return false;
  return !isOnPath(map, catalogue, link) || catalogue.primaryKeys.has(collectionNamed(map, link.from).table);
}

function anyOf(conditions: SubjectConditions, alias = 't'): string {
  return conditions.paths.length === 0
    ? 'false'
    : `(${conditions.paths.map((each) => each.on(alias)).join(' or ')})`;
}

/** Variables that a text needs, each once by its name. */
type Variables = Map<string, KeyVariable>;

function variablesOf(conditions: SubjectConditions): Variables {
  return new Map(conditions.variables.map((each) => [each.name, each]));
}

function addTo(variables: Variables, more: readonly KeyVariable[]): void {
  for (const each of more) if (!variables.has(each.name)) variables.set(each.name, each);
}

function wrongMap(says: string): never {
  throw new ExpectedError('invalid_input', says);
}

/** A foreign key between tables as the map names them: a part of a mapped table stands for the table. */
export interface Link {
  /** Collection of the referring table; null when none is mapped. */
  readonly from: string | null;
  readonly fromTable: string;
  readonly to: string;
  readonly reference: Reference;
}

export function linksOf(map: KindMap, catalogue: Catalogue): readonly Link[] {
  const nameOf = new Map(Object.entries(map.collections).map(([name, held]) => [held.table, name]));
  return catalogue.references.flatMap((reference) => {
    const to = nameOf.get(mappedAbove(map.whole, catalogue, reference.to) ?? '');
    if (to === undefined) return [];
    const from = nameOf.get(mappedAbove(map.whole, catalogue, reference.from) ?? '') ?? null;
    return [{ from, fromTable: reference.from, to, reference }];
  });
}

/** `from` item of the table a link comes from: with its partitions, for which the key holds, without its children. */
export function fromOfLink(catalogue: Catalogue, link: Link, alias: string): string {
  const partitioned = catalogue.descents.some((each) => each.parent === link.fromTable && each.partition);
  return `${partitioned ? '' : 'only '}${quoteTable(link.fromTable)} ${alias}`;
}

/** Condition that the referring row in `alias` names the row in `of`. */
export function namesRow(map: KindMap, catalogue: Catalogue, link: Link, alias: string, of: string): string {
  const to = collectionNamed(map, link.to).table;
  return link.reference.fromColumns
    .map((column, place) => {
      const key = link.reference.toColumns[place] ?? '';
      return compareColumns(
        [columnOfTable(catalogue, link.fromTable, column), alias],
        [columnOfTable(catalogue, to, key), of],
      );
    })
    .join(' and ');
}

/** Columns that a collection detaches, each with the rows it is set to null in. */
function mentionsIn(
  { map, catalogue, scope }: Erasing,
  name: string,
  alias: string,
  variables: Variables,
): readonly { readonly column: string; readonly condition: string }[] {
  const held = collectionNamed(map, name);
  return held.detach.flatMap((each) => {
    const found = conditionsOfPaths(scope, held, detachingPaths(map, held, each));
    addTo(variables, found.variables);
    const columns = typeof each === 'string' ? [each] : each.columns;
    const loose = columns.filter((column) => !columnOf(catalogue, held, column).notNull);
    if (loose.length === 0)
      wrongMap(
        `The map sets ${held.table}.${columns.join(', ')} to null at erasure, which the database forbids; erase or anonymise those rows instead of detaching them.`,
      );
    return loose.map((column) => ({ column, condition: anyOf(found, alias) }));
  });
}

/** Conditions on `alias` of the rows whose reference is set to null before anything is deleted. */
function detachedFirst(erasing: Erasing, link: Link, alias: string, variables: Variables): readonly string[] {
  if (link.from === null) return [];
  const mentions = mentionsIn(erasing, link.from, alias, variables).filter((each) =>
    link.reference.fromColumns.includes(each.column),
  );
  if (mentions.length === 0) return [];
  const conditions = conditionsIn(erasing, link.from);
  addTo(variables, conditions.variables);
  const own = anyOf(conditions, alias);
  return [...new Set(mentions.map((each) => `${each.condition} and ${own} is not true`))];
}

/** Condition on `alias` of collection `name` that some row which stays refers to it; null when none can. */
function stays(
  erasing: Erasing,
  name: string,
  alias: string,
  variables: Variables,
  trail: readonly string[] = [],
): string | null {
  const { map, catalogue } = erasing;
  const held = collectionNamed(map, name);
  if (held.erasure.action !== 'delete') return null;
  if (held.erasure.whenReferenced === undefined && held.erasure.unlessReferenced === undefined) return null;
  if (trail.includes(name))
    wrongMap(
      `What refers to what goes round in a circle at ${[...trail, name].join(' → ')}, so that nobody can say which rows stay; take “whenReferenced” or “unlessReferenced” away from one of them, or detach the column that refers.`,
    );
  if (trail.length > 4)
    wrongMap(
      `What refers to what goes too far, by ${[...trail, name].join(' → ')}; take “unlessReferenced” away from one of them, or detach the column that refers.`,
    );
  const further = [...trail, name];
  const referring = `r${trail.length}`;
  const goes = (other: string): string => {
    const conditions = conditionsIn(erasing, other);
    addTo(variables, conditions.variables);
    const kept = stays(erasing, other, referring, variables, further);
    return kept === null
      ? anyOf(conditions, referring)
      : `(${anyOf(conditions, referring)} and (${kept}) is not true)`;
  };
  const tests: string[] = [];
  for (const by of held.erasure.whenReferenced?.by ?? []) {
    const other = collectionNamed(map, by.collection);
    const keys = catalogue.primaryKeys.get(held.table) ?? [];
    if (keys.length !== by.column.length)
      wrongMap(
        `${by.collection} refers to ${name} by ${by.column.length} columns, and the key of ${held.table} has ${keys.length} (${keys.join(', ')}); name as many under “whenReferenced”, in that order.`,
      );
    const link = by.column
      .map((column, place) =>
        compareColumns(
          [columnOf(catalogue, other, column), referring],
          [columnOf(catalogue, held, keys[place] ?? ''), alias],
        ),
      )
      .join(' and ');
    const from = fromItem(map, catalogue, other, referring);
    if (other.erasure.action === 'keep' || other.erasure.action === 'none') {
      tests.push(`exists (select from ${from} where ${link})`);
      continue;
    }
    const conditions = conditionsIn(erasing, by.collection);
    addTo(variables, conditions.variables);
    const kept =
      other.erasure.action === 'anonymise'
        ? 'true'
        : (stays(erasing, by.collection, referring, variables, further) ?? 'false');
    tests.push(
      `exists (select from ${from} where ${link} and ${anyOf(conditions, referring)} and (${kept}))`,
    );
  }
  if (held.erasure.unlessReferenced === true) {
    for (const link of linksTo(erasing, name)) {
      const passing = [
        ...(link.from !== null && collectionNamed(map, link.from).erasure.action === 'delete'
          ? [goes(link.from)]
          : []),
        ...detachedFirst(erasing, link, referring, variables),
      ];
      tests.push(
        `exists (select from ${fromOfLink(catalogue, link, referring)} where ${[namesRow(map, catalogue, link, referring, alias), ...passing.map((each) => `(${each}) is not true`)].join(' and ')})`,
      );
    }
  }
  return tests.length === 0 ? null : `(${tests.join(' or ')})`;
}

/** Columns of a foreign key that can be set to null, so that the rows it names can go first. */
function looseColumns(catalogue: Catalogue, link: Link): readonly string[] {
  return link.reference.fromColumns.filter((column) => {
    const live = columnOfTable(catalogue, link.fromTable, column);
    return !live.notNull && !live.generated;
  });
}

interface ErasureOrder {
  /** The collections, those that refer to others before those they refer to. */
  readonly names: readonly string[];
  /** Foreign keys that are set to null before the rows they name go, because they go round in a circle. */
  readonly loosened: readonly Link[];
}

/**
 * @throws ExpectedError `invalid_input` naming tables whose rows can't be deleted in any order
 */
function erasureOrder(map: KindMap, catalogue: Catalogue, links: readonly Link[]): ErasureOrder {
  const names = Object.keys(map.collections);
  const action = (name: string): string => collectionNamed(map, name).erasure.action;
  let edges = links.filter((link) => link.from !== null && link.from !== link.to);
  const loosened: Link[] = [];
  const ordered: string[] = [];
  const remaining = new Set(names);
  const within = (): readonly Link[] =>
    edges.filter((link) => remaining.has(link.from ?? '') && remaining.has(link.to));
  while (remaining.size > 0) {
    const held = new Set(within().map((link) => link.to));
    const free = [...remaining].filter((name) => !held.has(name));
    for (const name of free) {
      ordered.push(name);
      remaining.delete(name);
    }
    if (free.length > 0) continue;
    const telling = edges.filter(
      (link) => action(link.to) === 'delete' && ['delete', 'anonymise'].includes(action(link.from ?? '')),
    );
    if (telling.length < edges.length) {
      edges = telling;
      continue;
    }
    const circle = circleAmong(within());
    const pairs = circle.map((name, place) => ({
      from: name,
      to: circle[(place + 1) % circle.length] ?? '',
    }));
    const linksOf = (pair: { from: string; to: string }): readonly Link[] =>
      within().filter((link) => link.from === pair.from && link.to === pair.to);
    const loose = pairs.find((pair) => linksOf(pair).every((link) => canBeLoosened(map, catalogue, link)));
    if (loose === undefined) {
      const tables = pairs.map(
        (pair) =>
          `${collectionNamed(map, pair.from).table} (${linksOf(pair)
            .flatMap((link) => link.reference.fromColumns)
            .join(', ')})`,
      );
      return wrongMap(
        `Rows of ${tables.join(' and ')} refer to each other and can’t be set to null, so none of them can be deleted first; map one of these collections with “erasure: { action: anonymise, set: … }”, or have one of the columns made nullable.`,
      );
    }
    const cut = linksOf(loose);
    loosened.push(...cut);
    edges = edges.filter((link) => !cut.includes(link));
  }
  return { names: ordered, loosened };
}

/** Collections that refer to each other in a circle, each to the next; there is one among the links. */
function circleAmong(edges: readonly Link[]): readonly string[] {
  const walked: string[] = [];
  // Every collection left is referred to, so the way back never ends but in a circle.
  let at = edges[0]?.to ?? '';
  while (!walked.includes(at)) {
    walked.push(at);
    const name = at;
    at = edges.find((link) => link.to === name)?.from ?? '';
  }
  return walked.slice(walked.indexOf(at)).reverse();
}

/** The paths by which what is detached refers to the subject. */
function detachingPaths(
  map: KindMap,
  held: KindCollection,
  detached: string | SubjectPath,
): readonly SubjectPath[] {
  if (typeof detached !== 'string') return [detached];
  const direct = held.subject.filter((path) => path.of === undefined && path.columns.includes(detached));
  if (direct.length > 0) return direct;
  if (map.subject.key.length === 1)
    return [{ kind: map.kind, columns: [detached], of: undefined, keys: [], ignoreCase: false }];
  return wrongMap(
    `The subject’s key has ${map.subject.key.length} columns, so ${held.table}.${detached} alone refers to nobody; name the path it is part of under “subject”.`,
  );
}

/** The step that brings rows to rest which would go on writing for the person. */
function quiescing(erasing: Erasing, name: string): readonly Step[] {
  const held = collectionNamed(erasing.map, name);
  const action = held.quiesce === undefined ? undefined : held.actions[held.quiesce];
  if (action === undefined) return [];
  const conditions = conditionsIn(erasing, name);
  return [
    {
      collection: name,
      action: 'quiesce',
      held,
      variables: variablesOf(conditions),
      condition: [anyOf(conditions), ...fitting(action)].join(' and '),
      set: action.set,
      mentions: [],
    },
  ];
}

/** Conditions on alias `t` of the rows an action may be done to. */
function fitting(action: KindCollection['actions'][string]): readonly string[] {
  return [
    ...(action.onlyIfNull === undefined ? [] : [`t.${quoteIdentifier(action.onlyIfNull)} is null`]),
    ...Object.entries(action.where ?? {}).map(
      ([column, values]) => `t.${quoteIdentifier(column)}::text in (${values.map(quoteLiteral).join(', ')})`,
    ),
  ];
}

function stepsOf(erasing: Erasing): readonly Step[] {
  const { map } = erasing;
  const order = erasing.order.names;
  const made: Step[] = order.flatMap((name) => quiescing(erasing, name));
  for (const name of order) {
    const held = collectionNamed(map, name);
    if (held.detach.length === 0) continue;
    const conditions = conditionsIn(erasing, name);
    const variables = variablesOf(conditions);
    const mentions = mentionsIn(erasing, name, 't', variables);
    made.push({
      collection: name,
      action: 'detach',
      held,
      variables,
      condition: `(${[...new Set(mentions.map((each) => each.condition))].join(' or ')}) and ${anyOf(conditions)} is not true`,
      set: {},
      mentions,
    });
  }
  const kept: Step[] = [];
  for (const name of order) {
    const held = collectionNamed(map, name);
    const conditions = conditionsIn(erasing, name);
    const variables = variablesOf(conditions);
    const condition = anyOf(conditions);
    switch (held.erasure.action) {
      case 'none':
        break;
      case 'keep':
        kept.push({ collection: name, action: 'keep', held, variables, condition, set: {}, mentions: [] });
        break;
      case 'anonymise':
        made.push({
          collection: name,
          action: 'anonymise',
          held,
          variables,
          condition,
          set: held.erasure.set,
          mentions: [],
        });
        break;
      case 'delete': {
        const staying = stays(erasing, name, 't', variables);
        if (staying === null) {
          made.push({
            collection: name,
            action: 'delete',
            held,
            variables,
            condition,
            set: {},
            mentions: [],
          });
        } else {
          made.push({
            collection: name,
            action: 'delete',
            held,
            variables,
            condition: `${condition} and ${staying} is not true`,
            set: {},
            mentions: [],
          });
          if (held.erasure.whenReferenced === undefined) break;
          made.push({
            collection: name,
            action: 'anonymise',
            held,
            variables,
            condition: `${condition} and ${staying}`,
            set: held.erasure.whenReferenced.set,
            mentions: [],
          });
        }
      }
    }
  }
  // What a legal hold covers, and what that hangs on, is left as it is by every step.
  const spared = made.map((step) => ({
    ...step,
    condition: `${step.condition} and ${erasing.holding.spared(step.collection)}`,
  }));
  return [...spared, ...kept];
}

/** A column's replacement, as this owner's functions make and recognise it. */
function replacing(
  catalogue: Catalogue,
  held: KindCollection,
  column: string,
  replacement: Replacement,
  owner: JsonOwner,
): CompiledReplacement {
  const unique = isUnique(catalogue, held.table, column);
  return compileReplacement(
    replacement,
    columnOf(catalogue, held, column),
    held.columns[column],
    unique,
    owner,
  );
}

function valueOf(catalogue: Catalogue, held: KindCollection, column: string, value: Assigned): string {
  const type = typeOf(columnOf(catalogue, held, column));
  if (isReplacement(value))
    return replacing(catalogue, held, column, value, 'writing').value(`t.${quoteIdentifier(column)}`);
  if (value !== null && typeof value !== 'string')
    return `(${changedDocument(value, `t.${quoteIdentifier(column)}`, 'writing')})::${type}`;
  if (value === null) return `null::${type}`;
  if (value === 'now') return `clock_timestamp()::${type}`;
  return value.includes('{reference}')
    ? `replace(${quoteLiteral(value)}, '{reference}', p_reference)::${type}`
    : `${quoteLiteral(value)}::${type}`;
}

/** Condition that a row doesn't yet hold what anonymising sets, as far as the reader may look. */
export function notYet(
  catalogue: Catalogue,
  { set, held }: Pick<Step, 'set' | 'held'>,
  owner: JsonOwner,
): string {
  const tests = Object.entries(set)
    .filter(([column, value]) => value !== 'now' && held.columns[column]?.never !== true)
    .map(([column, value]) =>
      isReplacement(value)
        ? `not ${replacing(catalogue, held, column, value, owner).isDone(`t.${quoteIdentifier(column)}`)}`
        : value === null
          ? `t.${quoteIdentifier(column)} is not null`
          : typeof value !== 'string'
            ? `t.${quoteIdentifier(column)}::jsonb is distinct from ${changedDocument(value, `t.${quoteIdentifier(column)}`, owner)}`
            : `t.${quoteIdentifier(column)}::text is distinct from replace(${quoteLiteral(value)}, '{reference}', p_reference)`,
    );
  return tests.length === 0 ? 'true' : `(${tests.join(' or ')})`;
}

export function assignments(catalogue: Catalogue, held: KindCollection, set: Step['set']): string {
  return Object.entries(set)
    .map(([column, value]) => `${quoteIdentifier(column)} = ${valueOf(catalogue, held, column, value)}`)
    .join(', ');
}

/** Tries of a batch whose random values somebody else already has. */
const mostTries = 5;

/** Does it anew, with other random values, where one of them was taken. */
export function again(update: string): string {
  return `for v_try in 1 .. ${mostTries} loop
      begin
        ${update}
        set constraints all immediate;
        exit;
      exception when unique_violation then
        if v_try = ${mostTries} then raise; end if;
      end;
    end loop;`;
}

/** Condition of the rows a step still has to deal with. */
function open(catalogue: Catalogue, step: Step, owner: JsonOwner): string {
  return step.action === 'anonymise'
    ? `${step.condition} and ${notYet(catalogue, step, owner)}`
    : step.condition;
}

/** What erasure of one kind of subject reads: scope, shared rows, counts, objects; run as the reader. */
export function compileErasureReading(map: KindMap, catalogue: Catalogue): string {
  const erasing = erasingOf(map, catalogue);
  const all = stepsOf(erasing);
  const variables = unique(all.flatMap((step) => [...step.variables.values()]));
  const declare = declareVariables(map, catalogue, variables);
  const begin = assignKey(map, catalogue, 'p_key');
  const shared = Object.entries(map.collections).flatMap(([name, held]) =>
    held.shared === undefined ? [] : [sharedQuery(map, catalogue, name, held, held.shared)],
  );
  const sharedLeft = Object.entries(map.collections).flatMap(([name, held]) => {
    if (held.shared?.anonymise === undefined) return [];
    const { set } = held.shared.anonymise;
    const [key = ''] = catalogue.primaryKeys.get(held.table) ?? [];
    const { on, type } = sameColumn(columnOf(catalogue, held, key));
    return [
      {
        name,
        query: `select count(*) from ${fromItem(map, catalogue, held)} where ${on(`t.${quoteIdentifier(key)}`)} = any (p_row_keys::${type}[]) and ${notYet(catalogue, { set, held }, 'reading')}`,
      },
    ];
  });
  const keeping = all.filter(
    (step) => step.action === 'keep' && (catalogue.primaryKeys.get(step.held.table) ?? []).length > 0,
  );
  const places = new Map(all.map((step, place) => [step, place + 1]));
  const planned = all.map((step) =>
    // What the law keeps may have a column set to null all the same: that is a step of its own.
    step.action === 'keep' && step.held.erasure.action === 'keep'
      ? `select ${places.get(step)}, ${quoteLiteral(step.collection)}, 'keep', count(*), ${quoteLiteral(step.held.erasure.ground)}, max(${instantOf(step.held.columns[step.held.erasure.from], `t.${quoteIdentifier(step.held.erasure.from)}`)}) + make_interval(years => ${step.held.erasure.years}) from ${fromItem(map, catalogue, step.held)} where ${step.condition}`
      : `select ${places.get(step)}, ${quoteLiteral(step.collection)}, ${quoteLiteral(step.action)}, count(*), null::text, null::timestamptz from ${fromItem(map, catalogue, step.held)} where ${open(catalogue, step, 'reading')}`,
  );
  const objects = Object.keys(map.collections).flatMap((name) => {
    const held = collectionNamed(map, name);
    const conditions = conditionsIn(erasing, name);
    const from = fromItem(map, catalogue, held);
    return [
      ...(held.objectPrefix === undefined
        ? []
        : [
            {
              conditions,
              query: `select ${prefixExpression(held)}, null::text from ${from} where ${anyOf(conditions)}`,
            },
          ]),
      ...(held.object === undefined
        ? []
        : [
            {
              conditions,
              query: `select null::text, t.${quoteIdentifier(held.object.key)}::text from ${from} where ${anyOf(conditions)} and t.${quoteIdentifier(held.object.key)} is not null`,
            },
          ]),
    ];
  });
  const objectVariables = unique(objects.flatMap((part) => part.conditions.variables));
  return [
    definer(
      // What is handed over, and what hangs on it alone, has another owner: {"collection": ["key", ...]}.
      `erasure_scope$${map.kind}(p_key text, p_handed_over jsonb)`,
      'table (name text, value text)',
      `${begin}
${assignLive(variables, { handedOver: true })}
${variables.map((each) => `  return query select ${quoteLiteral(each.scope)}::text, y.value from (${frozenValues(each)}) y(value);`).join('\n')}
  return;`,
      { declare, overPlatform: true },
    ),
    definer(
      `shared_rows$${map.kind}(p_key text)`,
      'table (collection text, row_key text, about text, successor text, anonymises boolean)',
      `${begin}
${shared.map((query) => `  return query ${query};`).join('\n')}
  return;`,
      { declare: declareVariables(map, catalogue, []), overPlatform: true },
    ),
    definer(
      // Rows among these that don't yet hold what anonymising sets.
      `shared_left$${map.kind}(p_collection text, p_row_keys text[], p_reference text)`,
      'bigint',
      `${sharedLeft.map(({ name, query }) => `  if p_collection = ${quoteLiteral(name)} then return (${query}); end if;`).join('\n')}
  return 0;`,
      { overPlatform: true },
    ),
    definer(
      `rows_to_erase$${map.kind}(p_key text, p_scope jsonb, p_reference text)`,
      'table (place int, collection text, action text, planned bigint, because text, until timestamptz)',
      `${begin}
${erasing.holding.assign(partsOf(map, 'null'))}
${assignFrozen(variables)}
${planned.flatMap((query, place) => (all[place]?.action === 'keep' ? [] : [`  return query ${query};`])).join('\n')}
  -- What the law keeps is kept in what is handed over too: those rows name the person as well.
${assignLive(variables)}
${planned.flatMap((query, place) => (all[place]?.action === 'keep' ? [`  return query ${query};`] : [])).join('\n')}
  return;`,
      { declare: `${declare}\n${erasing.holding.declare}`, overPlatform: true },
    ),
    definer(
      // Rows the law keeps, each with the time its term is over; what is handed over holds some as well.
      `rows_kept$${map.kind}(p_key text)`,
      'table (collection text, row_key text, until timestamptz)',
      `${begin}
${assignLive(unique(keeping.flatMap((step) => [...step.variables.values()])))}
${keeping
  .map(
    (step) =>
      `  return query select ${quoteLiteral(step.collection)}::text, ${rowKey(catalogue, step.held)}, ${keptUntil(step.held)} from ${fromItem(map, catalogue, step.held)} where ${step.condition};`,
  )
  .join('\n')}
  return;`,
      { declare, overPlatform: true },
    ),
    definer(
      `objects_to_erase$${map.kind}(p_key text, p_scope jsonb)`,
      'table (prefix text, key text)',
      `${begin}
${assignFrozen(objectVariables)}
${objects.map((part) => `  return query ${part.query};`).join('\n')}
  return;`,
      { declare: declareVariables(map, catalogue, objectVariables), overPlatform: true },
    ),
    compileHolds(
      map,
      catalogue,
      Object.entries(map.collections)
        .filter(([, held]) => held.erasure.action === 'delete' || held.erasure.action === 'anonymise')
        .map(([name]) => ({ name, conditions: conditionsIn(erasing, name) })),
      erasing.links.flatMap((link) =>
        link.from !== null && collectionNamed(map, link.to).erasure.action === 'delete'
          ? [
              {
                from: link.from,
                to: link.to,
                names: (alias: string, of: string) => namesRow(map, catalogue, link, alias, of),
              },
            ]
          : [],
      ),
    ),
  ].join('\n');
}

/** When the term of a kept row in `t` is over. */
function keptUntil({ erasure, columns }: KindCollection): string {
  if (erasure.action !== 'keep') return 'null::timestamptz';
  return `${instantOf(columns[erasure.from], `t.${quoteIdentifier(erasure.from)}`)} + make_interval(years => ${erasure.years})`;
}

function sharedQuery(
  map: KindMap,
  catalogue: Catalogue,
  name: string,
  held: KindCollection,
  shared: NonNullable<KindCollection['shared']>,
): string {
  const keys = catalogue.primaryKeys.get(held.table) ?? [];
  const [key = ''] = keys;
  if (keys.length !== 1 || map.subject.key.length !== 1)
    wrongMap(
      `${held.table} is mapped as shared, which needs a key of one column for it and for the subject; take “shared” away, or map the bridge to its people as a path.`,
    );
  const bridge = collectionNamed(map, shared.by);
  const mask = held.columns[shared.about]?.mask;
  const about = `t.${quoteIdentifier(shared.about)}::text`;
  const person = subjectKeyIn(map, catalogue, bridge, [shared.person], 'b');
  const link = compareColumns(
    [columnOf(catalogue, bridge, shared.column), 'b'],
    [columnOf(catalogue, held, key), 't'],
  );
  const others = `${fromItem(map, catalogue, bridge, 'b')} where ${link} and ${person} <> v_key`;
  return `select ${quoteLiteral(name)}::text, t.${quoteIdentifier(key)}::text, ${mask === undefined ? about : maskOf(mask, about)},
    (select b.${quoteIdentifier(shared.person)}::text from ${others} order by b.${quoteIdentifier(shared.since)}, b.${quoteIdentifier(shared.person)} limit 1), ${shared.anonymise !== undefined}
    from ${fromItem(map, catalogue, held)} where ${subjectKeyIn(map, catalogue, held, [shared.owner], 't')} = v_key and exists (select from ${others})`;
}

/** Condition that a row of the collection in `alias` is deleted in the end. */
function goesWith(erasing: Erasing, name: string, alias: string, variables: Variables): string {
  const conditions = conditionsIn(erasing, name);
  addTo(variables, conditions.variables);
  const staying = stays(erasing, name, alias, variables);
  return staying === null
    ? anyOf(conditions, alias)
    : `(${anyOf(conditions, alias)} and ${staying} is not true)`;
}

/**
 * Deletes one batch. Where foreign keys would carry the deletion further than
 * the plan, or go round in a circle, one statement does three things, so that
 * constraints look at its end only: it sets to null the keys of rows that go
 * later, looks for other rows that a cascade would reach, and deletes.
 */
function deletion(erasing: Erasing, step: Step, variables: Variables): string {
  const { map, catalogue, order } = erasing;
  const { held } = step;
  const from = fromItem(map, catalogue, held);
  const columns = catalogue.primaryKeys.get(held.table) ?? [];
  const towards = linksTo(erasing, step.collection);
  const self = towards.filter((link) => link.from === step.collection);
  const loose = self.filter((link) => canBeLoosened(map, catalogue, link));
  // What can't be set to null goes all at once, as does what has no key to tell a batch by.
  const whole = columns.length === 0 || loose.length < self.length;
  const cut = [...order.loosened.filter((link) => link.to === step.collection), ...(whole ? [] : loose)];
  const carried = towards.filter((link) => link.reference.onDelete !== 'refuse');
  const limit = whole ? '' : ' limit p_limit';
  const same = (one: string, other: string): string =>
    columns
      .map((each) => {
        const { on } = sameColumn(columnOf(catalogue, held, each));
        return `${on(`${one}.${quoteIdentifier(each)}`)} = ${on(`${other}.${quoteIdentifier(each)}`)}`;
      })
      .join(' and ');
  if (cut.length === 0 && carried.length === 0) {
    const range = whole ? null : rangeOf(catalogue, held, conditionsIn(erasing, step.collection));
    if (range !== null) return deleteRange(map, catalogue, held, range, open(catalogue, step, 'writing'));
    const doomed = `(select ${columns.map((each) => `t.${quoteIdentifier(each)}`).join(', ')} from ${from} where ${open(catalogue, step, 'writing')}${limit}) d`;
    return columns.length === 0
      ? `delete from ${from} where ${open(catalogue, step, 'writing')};
    get diagnostics v_rows = row_count;`
      : `delete from ${from} using ${doomed} where ${same('t', 'd')};
    get diagnostics v_rows = row_count;`;
  }
  const needed = [...new Set([...columns, ...towards.flatMap((link) => link.reference.toColumns)])];
  const parts = [
    `doomed as materialized (select ${needed.map((each) => `t.${quoteIdentifier(each)}`).join(', ')} from ${from} where ${open(catalogue, step, 'writing')}${limit})`,
  ];
  const goes = (link: Link): string =>
    link.from === null ? 'false' : goesWith(erasing, link.from, 'x', variables);
  carried.forEach((link, place) => {
    const later =
      link.from === step.collection ||
      cut.some((each) => each.reference === link.reference && each.from === link.from);
    parts.push(
      `beyond_${place + 1} as (select 1 from ${fromOfLink(catalogue, link, 'x')} join doomed d on ${namesRow(map, catalogue, link, 'x', 'd')}${later ? ` where ${goes(link)} is not true` : ''} limit 1)`,
    );
  });
  cut.forEach((link, place) => {
    const set = looseColumns(catalogue, link)
      .map((each) => `${quoteIdentifier(each)} = null`)
      .join(', ');
    const own =
      link.from === step.collection ? ` and not exists (select from doomed o where ${same('o', 'x')})` : '';
    parts.push(
      `loosened_${place + 1} as (update ${fromOfLink(catalogue, link, 'x')} set ${set} from doomed d where ${namesRow(map, catalogue, link, 'x', 'd')} and ${goes(link)}${own})`,
    );
  });
  parts.push(
    columns.length === 0
      ? `gone as (delete from ${from} where ${open(catalogue, step, 'writing')} returning 1)`
      : `gone as (delete from ${from} using doomed d where ${same('t', 'd')} returning 1)`,
  );
  const beyond = carried.map((_, place) => `exists (select from beyond_${place + 1})`).join(' or ');
  return `with ${parts.join(',\n      ')}
      select (select count(*) from gone), ${beyond === '' ? 'false' : beyond} into v_rows, v_beyond;
    if v_beyond then
      raise exception 'Rows that the plan does not cover would go too.' using errcode = 'foreign_key_violation';
    end if;`;
}

/** A function by the kind of subject over those that each kind has. */
export function byKind(
  kinds: readonly KindMap[],
  name: string,
  parameters: readonly (readonly [name: string, type: string])[],
  returns: string,
): string {
  const call = (map: KindMap): string =>
    `privacy_console.${name}$${map.kind}(${parameters.map(([parameter]) => parameter).join(', ')})`;
  const isSet = returns.startsWith('table');
  return definer(
    `${name}(p_kind text, ${parameters.map(([parameter, type]) => `${parameter} ${type}`).join(', ')})`,
    returns,
    `  case p_kind
${kinds.map((map) => `  when ${quoteLiteral(map.kind)} then return ${isSet ? `query select * from ${call(map)}` : call(map)};`).join('\n')}
  end case;${isSet ? '\n  return;' : ''}`,
  );
}

/** What erasure reads, whatever kind of subject is erased; run as the reader. */
export function compileErasureReadingByKind(kinds: readonly KindMap[]): string {
  return [
    byKind(
      kinds,
      'erasure_scope',
      [
        ['p_key', 'text'],
        ['p_handed_over', 'jsonb'],
      ],
      'table (name text, value text)',
    ),
    byKind(
      kinds,
      'shared_rows',
      [['p_key', 'text']],
      'table (collection text, row_key text, about text, successor text, anonymises boolean)',
    ),
    byKind(
      kinds,
      'shared_left',
      [
        ['p_collection', 'text'],
        ['p_row_keys', 'text[]'],
        ['p_reference', 'text'],
      ],
      'bigint',
    ),
    byKind(
      kinds,
      'rows_to_erase',
      [
        ['p_key', 'text'],
        ['p_scope', 'jsonb'],
        ['p_reference', 'text'],
      ],
      'table (place int, collection text, action text, planned bigint, because text, until timestamptz)',
    ),
    byKind(
      kinds,
      'rows_kept',
      [['p_key', 'text']],
      'table (collection text, row_key text, until timestamptz)',
    ),
    byKind(
      kinds,
      'objects_to_erase',
      [
        ['p_key', 'text'],
        ['p_scope', 'jsonb'],
      ],
      'table (prefix text, key text)',
    ),
    byKind(
      kinds,
      'held_parts',
      [
        ['p_key', 'text'],
        ['p_scope', 'jsonb'],
        ['p_hold', 'bigint'],
      ],
      'jsonb',
    ),
    byKind(
      kinds,
      'held_rows',
      [
        ['p_key', 'text'],
        ['p_scope', 'jsonb'],
        ['p_hold', 'bigint'],
      ],
      'table (collection text, rows bigint)',
    ),
    byKind(
      kinds,
      'held_objects',
      [
        ['p_key', 'text'],
        ['p_scope', 'jsonb'],
      ],
      'table (prefix text, key text)',
    ),
  ].join('\n');
}

/** What erasure and row actions change, whatever kind of subject they are about; run as the writer. */
export function compileErasureWritingByKind(kinds: readonly KindMap[]): string {
  return [
    byKind(
      kinds,
      'erase_rows',
      [
        ['p_collection', 'text'],
        ['p_action', 'text'],
        ['p_key', 'text'],
        ['p_scope', 'jsonb'],
        ['p_reference', 'text'],
        ['p_limit', 'int'],
        ['p_after', 'jsonb'],
        ['p_held', 'jsonb'],
      ],
      'jsonb',
    ),
    byKind(
      kinds,
      'hand_over',
      [
        ['p_collection', 'text'],
        ['p_key', 'text'],
        ['p_row_key', 'text'],
        ['p_successor', 'text'],
        ['p_held', 'jsonb'],
      ],
      'bigint',
    ),
    byKind(
      kinds,
      'anonymise_shared',
      [
        ['p_collection', 'text'],
        ['p_key', 'text'],
        ['p_row_key', 'text'],
        ['p_successor', 'text'],
        ['p_reference', 'text'],
        ['p_held', 'jsonb'],
      ],
      'bigint',
    ),
    byKind(
      kinds,
      'act_on_row',
      [
        ['p_collection', 'text'],
        ['p_action', 'text'],
        ['p_key', 'text'],
        ['p_row_key', 'text'],
        ['p_reference', 'text'],
        ['p_held', 'jsonb'],
      ],
      'bigint',
    ),
  ].join('\n');
}

/** What erasure and row actions of one kind of subject change; run as the writer, whose rights platform triggers then have. */
export function compileErasureWriting(map: KindMap, catalogue: Catalogue): string {
  const schemas = [
    ...new Set(Object.values(map.collections).map((held) => tableParts(held.table)?.schema ?? '')),
  ];
  // The platform's own triggers may name their tables bare.
  const pins = `set search_path = pg_catalog, ${schemas.map(quoteIdentifier).join(', ')}, pg_temp ${planPins}`;
  const erasing = erasingOf(map, catalogue);
  const writing = stepsOf(erasing).filter((step) => step.action !== 'keep');
  const used: Variables = new Map(writing.flatMap((step) => [...step.variables]));
  const branches = writing.map((step) => {
    const from = fromItem(map, catalogue, step.held);
    const columns = catalogue.primaryKeys.get(step.held.table) ?? [];
    const name = quoteLiteral(`${step.collection}.${step.action}`);
    if (step.action === 'delete')
      return `when ${name} then
    ${deletion(erasing, step, used)}`;
    const set =
      step.action === 'detach'
        ? [...new Set(step.mentions.map((each) => each.column))]
            .map((column) => {
              const when = step.mentions
                .filter((each) => each.column === column)
                .map((each) => each.condition)
                .join(' or ');
              return `${quoteIdentifier(column)} = case when ${when} then null else t.${quoteIdentifier(column)} end`;
            })
            .join(', ')
        : assignments(catalogue, step.held, step.set);
    const doomed = `(select ${columns.map((each) => `t.${quoteIdentifier(each)}`).join(', ')} from ${from} where ${open(catalogue, step, 'writing')} limit p_limit) d`;
    const same = columns
      .map((each) => {
        const { on } = sameColumn(columnOf(catalogue, step.held, each));
        return `${on(`t.${quoteIdentifier(each)}`)} = ${on(`d.${quoteIdentifier(each)}`)}`;
      })
      .join(' and ');
    const update = `update ${from} set ${set} ${columns.length === 0 ? `where ${open(catalogue, step, 'writing')}` : `from ${doomed} where ${same}`};
    get diagnostics v_rows = row_count;`;
    return `when ${name} then
    ${Object.values(step.set).some(isReplacement) ? again(update) : update}`;
  });
  const variables = [...used.values()];
  const sharing = Object.entries(map.collections).flatMap(([name, held]) => {
    if (held.shared === undefined) return [];
    const [key = ''] = catalogue.primaryKeys.get(held.table) ?? [];
    const owner = quoteIdentifier(held.shared.owner);
    const own = sameColumn(columnOf(catalogue, held, key));
    const ownerColumn = columnOf(catalogue, held, held.shared.owner);
    return [
      `when ${quoteLiteral(name)} then
    update ${fromItem(map, catalogue, held)} set ${owner} = p_successor::${typeOf(ownerColumn)}
      where ${own.on(`t.${quoteIdentifier(key)}`)} = p_row_key::${own.type} and ${subjectKeyIn(map, catalogue, held, [held.shared.owner], 't')} = v_key and ${erasing.holding.spared(name)};`,
    ];
  });
  const leaving = Object.entries(map.collections).flatMap(([name, held]) => {
    if (held.shared?.anonymise === undefined) return [];
    const [key = ''] = catalogue.primaryKeys.get(held.table) ?? [];
    const owner = `t.${quoteIdentifier(held.shared.owner)}`;
    const own = sameColumn(columnOf(catalogue, held, key));
    const ownerColumn = columnOf(catalogue, held, held.shared.owner);
    const successor = sameColumn(ownerColumn);
    const [next, isNext] = ownerColumn.notNull
      ? [`p_successor::${typeOf(ownerColumn)}`, `${successor.on(owner)} = p_successor::${successor.type}`]
      : [`null::${typeOf(ownerColumn)}`, `${owner} is null`];
    const set = `${quoteIdentifier(held.shared.owner)} = ${next}, ${assignments(catalogue, held, held.shared.anonymise.set)}`;
    // Once more where the platform wrote over what was set already.
    const update = `update ${fromItem(map, catalogue, held)} set ${set}
      where ${own.on(`t.${quoteIdentifier(key)}`)} = p_row_key::${own.type} and (${subjectKeyIn(map, catalogue, held, [held.shared.owner], 't')} = v_key or ${isNext}) and ${erasing.holding.spared(name)};
    get diagnostics v_rows = row_count;`;
    return [`when ${quoteLiteral(name)} then\n    ${again(update)}`];
  });
  const reading = readingScope(map, catalogue);
  const actions = Object.entries(map.collections).flatMap(([name, held]) =>
    Object.entries(held.actions).map(([action, what]) => {
      const conditions = subjectConditions(reading, name);
      const once = fitting(what)
        .map((each) => ` and ${each}`)
        .join('');
      return {
        variables: conditions.variables,
        branch: `when ${quoteLiteral(`${name}.${action}`)} then
    update ${fromItem(map, catalogue, held)} set ${assignments(catalogue, held, what.set)} where ${isRow(catalogue, held)} and ${anyOf(conditions)}${once} and ${erasing.holding.spared(name)};`,
      };
    }),
  );
  const actionVariables = unique(actions.flatMap((each) => each.variables));
  const counted = `
  get diagnostics v_rows = row_count;`;
  const speak = `
  -- Deferred constraints and triggers of the platform speak now, with this owner's rights.
  set constraints all immediate;`;
  const finish = `${speak}
  return v_rows;`;
  return [
    definer(
      // Deletes what is open of one step, `p_limit` rows at most; tells how many, whether there is more, and where to go on.
      `erase_rows$${map.kind}(p_collection text, p_action text, p_key text, p_scope jsonb, p_reference text, p_limit int, p_after jsonb, p_held jsonb)`,
      'jsonb',
      branches.length === 0
        ? "  raise exception 'The map erases nothing.' using errcode = 'PC005';"
        : `${assignKey(map, catalogue, 'p_key')}
${erasing.holding.assign('p_held')}
${assignFrozen(variables)}
  case p_collection || '.' || p_action
${branches.join('\n  ')}
  end case;${speak}
  return jsonb_build_object('rows', v_rows, 'more', coalesce(v_more, v_rows >= p_limit), 'after', v_after);`,
      {
        declare: `${declareVariables(map, catalogue, variables)}\n${erasing.holding.declare}\n  v_rows bigint; v_beyond boolean;\n${rangeVariables}`,
        pins,
        overPlatform: true,
      },
    ),
    definer(
      `hand_over$${map.kind}(p_collection text, p_key text, p_row_key text, p_successor text, p_held jsonb)`,
      'bigint',
      sharing.length === 0
        ? "  raise exception 'Nothing in the map is shared.' using errcode = 'PC005';"
        : `${assignKey(map, catalogue, 'p_key')}
${erasing.holding.assign('p_held')}
  case p_collection
${sharing.join('\n  ')}
  end case;${counted}${finish}`,
      {
        declare: `${declareVariables(map, catalogue, [])}\n${erasing.holding.declare}\n  v_rows bigint;`,
        pins,
        overPlatform: true,
      },
    ),
    definer(
      `anonymise_shared$${map.kind}(p_collection text, p_key text, p_row_key text, p_successor text, p_reference text, p_held jsonb)`,
      'bigint',
      leaving.length === 0
        ? "  raise exception 'The map anonymises nothing that is shared.' using errcode = 'PC005';"
        : `${assignKey(map, catalogue, 'p_key')}
${erasing.holding.assign('p_held')}
  case p_collection
${leaving.join('\n  ')}
  end case;${finish}`,
      {
        declare: `${declareVariables(map, catalogue, [])}\n${erasing.holding.declare}\n  v_rows bigint;`,
        pins,
        overPlatform: true,
      },
    ),
    definer(
      `act_on_row$${map.kind}(p_collection text, p_action text, p_key text, p_row_key text, p_reference text, p_held jsonb)`,
      'bigint',
      actions.length === 0
        ? "  raise exception 'The map allows nothing to be done to a row.' using errcode = 'PC005';"
        : `${assignKey(map, catalogue, 'p_key')}
${assignLive(actionVariables)}
${erasing.holding.assign('p_held')}
  case p_collection || '.' || p_action
${actions.map((each) => each.branch).join('\n  ')}
  else
    raise exception 'The map allows no such thing.' using errcode = 'PC005';
  end case;${counted}${finish}`,
      {
        declare: `${declareVariables(map, catalogue, actionVariables)}\n${erasing.holding.declare}\n  v_rows bigint;`,
        pins,
        overPlatform: true,
      },
    ),
  ].join('\n');
}

/** Foreign keys that a deletion looks at before it happens: those that would carry it on, and those that keep a row. */
function lookedAt({ map, links }: Erasing): readonly Link[] {
  return links.filter((link) => {
    const { erasure } = collectionNamed(map, link.to);
    return (
      erasure.action === 'delete' &&
      (erasure.unlessReferenced === true || link.reference.onDelete !== 'refuse')
    );
  });
}

/** Foreign keys that a deletion sets to null in rows that go later. */
function setToNull(
  map: KindMap,
  catalogue: Catalogue,
  links: readonly Link[],
  order: ErasureOrder,
): readonly Link[] {
  return [
    ...order.loosened,
    ...links.filter(
      (link) =>
        link.from === link.to &&
        collectionNamed(map, link.to).erasure.action === 'delete' &&
        canBeLoosened(map, catalogue, link),
    ),
  ];
}

/** Columns the reader needs to see besides those it shows: of tables whose rows keep a row they refer to. */
export function readerRights(map: KindMap, catalogue: Catalogue): ReadonlyMap<string, readonly string[]> {
  const rights = new Map<string, Set<string>>();
  for (const link of lookedAt(erasingOf(map, catalogue))) {
    const { erasure } = collectionNamed(map, link.to);
    if (erasure.action !== 'delete' || erasure.unlessReferenced !== true) continue;
    const known = rights.get(link.fromTable) ?? new Set<string>();
    for (const column of link.reference.fromColumns) known.add(column);
    rights.set(link.fromTable, known);
  }
  // What a held row refers to stays with it, also by columns that are never shown.
  for (const { from, fromTable, to, reference } of erasingOf(map, catalogue).links) {
    if (from === null) continue;
    for (const [table, name, columns] of [
      [fromTable, from, reference.fromColumns],
      [collectionNamed(map, to).table, to, reference.toColumns],
    ] as const) {
      const never = columns.filter((column) => collectionNamed(map, name).columns[column]?.never === true);
      if (never.length > 0) rights.set(table, new Set([...(rights.get(table) ?? []), ...never]));
    }
  }
  return new Map([...rights].map(([table, columns]) => [table, [...columns]]));
}

/** Columns the writer's rights cover, by table. */
export function writerRights(
  map: KindMap,
  catalogue: Catalogue,
): ReadonlyMap<
  string,
  { readonly select: readonly string[]; readonly update: readonly string[]; readonly delete: boolean }
> {
  const rights = new Map<string, { select: Set<string>; update: Set<string>; delete: boolean }>();
  const of = (table: string): { select: Set<string>; update: Set<string>; delete: boolean } => {
    const known = rights.get(table) ?? {
      select: new Set<string>(),
      update: new Set<string>(),
      delete: false,
    };
    rights.set(table, known);
    return known;
  };
  for (const [, held] of Object.entries(map.collections)) {
    const right = of(held.table);
    for (const column of catalogue.primaryKeys.get(held.table) ?? []) right.select.add(column);
    const detached = held.detach.filter((each) => typeof each !== 'string');
    for (const path of [...held.subject, ...detached]) {
      for (const column of path.columns) right.select.add(column);
      if (path.of === undefined) continue;
      for (const key of path.keys) of(collectionNamed(map, path.of).table).select.add(key);
    }
    for (const column of [...detachedColumns(held), ...detached.flatMap((path) => path.columns)]) {
      right.select.add(column);
      if (!columnOf(catalogue, held, column).notNull) right.update.add(column);
    }
    const sets = [
      ...(held.erasure.action === 'anonymise' ? [held.erasure.set] : []),
      ...(held.erasure.action === 'delete' && held.erasure.whenReferenced !== undefined
        ? [held.erasure.whenReferenced.set]
        : []),
      ...(held.shared?.anonymise === undefined ? [] : [held.shared.anonymise.set]),
      ...Object.values(held.actions).map((action) => action.set),
    ];
    for (const set of sets) {
      for (const column of Object.keys(set)) {
        right.select.add(column);
        right.update.add(column);
      }
    }
    for (const action of Object.values(held.actions)) {
      if (action.onlyIfNull !== undefined) right.select.add(action.onlyIfNull);
      for (const column of Object.keys(action.where ?? {})) right.select.add(column);
    }
    if (held.erasure.action === 'delete') {
      right.delete = true;
      for (const by of held.erasure.whenReferenced?.by ?? [])
        for (const column of by.column) of(collectionNamed(map, by.collection).table).select.add(column);
    }
    if (held.shared !== undefined) {
      right.select.add(held.shared.owner);
      right.update.add(held.shared.owner);
    }
  }
  const erasing = erasingOf(map, catalogue);
  for (const link of lookedAt(erasing)) {
    for (const column of link.reference.fromColumns) of(link.fromTable).select.add(column);
    for (const column of link.reference.toColumns) of(collectionNamed(map, link.to).table).select.add(column);
  }
  for (const link of erasing.setToNull) {
    for (const column of link.reference.toColumns) of(collectionNamed(map, link.to).table).select.add(column);
    for (const column of link.reference.fromColumns) of(link.fromTable).select.add(column);
    for (const column of looseColumns(catalogue, link)) of(link.fromTable).update.add(column);
  }
  return new Map(
    [...rights].map(([table, right]) => [
      table,
      { select: [...right.select], update: [...right.update], delete: right.delete },
    ]),
  );
}
