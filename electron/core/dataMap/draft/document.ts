import {
  Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  visit,
  YAMLSeq,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml';
import { openMap, type DataMap, type Undecided } from '../map.ts';
import { printable } from '../mapText.ts';
import type { Because, Draft, DraftCollection, DraftColumn } from './draftMap.ts';

/** Long lines are never folded, so that a comment stays beside its proposal. */
const written = { lineWidth: 0 } as const;

/** Characters that can't be seen, or turn the direction of what follows; yaml escapes only some of them. */
const hidden = /[\p{Cf}\u0080-\u009f\p{Zl}\p{Zp}]/gu;

/**
 * The document's text with such characters of names escaped. They stand in
 * double quotes; those that were in an earlier text stay, a comment may have them.
 */
export function textOf(document: Document, earlier = ''): string {
  visit(document, {
    Scalar(_key, scalar) {
      if (typeof scalar.value === 'string' && scalar.value.search(hidden) !== -1)
        scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return document
    .toString(written)
    .replaceAll(hidden, (each) =>
      earlier.includes(each) ? each : `\\U${(each.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`,
    );
}

function because({ confidence, reason }: Because): string {
  return ` ${confidence}: ${printable(reason)}`;
}

/** A node with a comment at its end; lists and fields of one proposal stay on one line. */
function node(document: Document, value: unknown, comment?: string): Node {
  const made = document.createNode(value, { aliasDuplicateObjects: false });
  if (isMap(made) || isSeq(made)) made.flow = true;
  if (comment !== undefined) made.comment = comment;
  return made;
}

function pair(document: Document, name: string, value: Node, before?: string): Pair {
  const key = document.createNode(name);
  if (before !== undefined) key.commentBefore = before;
  return document.createPair(key, value);
}

function emptyMap(document: Document): YAMLMap {
  return document.createNode({}, { flow: false });
}

function emptyList(): YAMLSeq<Node> {
  const made = new YAMLSeq<Node>();
  made.flow = false;
  return made;
}

function columnPair(document: Document, column: DraftColumn, before?: string): Pair {
  const { category, ...others } = column.fields;
  return pair(
    document,
    column.name,
    node(document, Object.keys(others).length === 0 ? category : column.fields, because(column)),
    before,
  );
}

function collectionNode(document: Document, drafted: DraftCollection): YAMLMap {
  const made = emptyMap(document);
  const set = (name: string, value: Node): void => {
    made.items.push(pair(document, name, value));
  };
  set('table', node(document, drafted.table));
  set('title', node(document, drafted.title));
  set('group', node(document, drafted.group));
  const paths = emptyList();
  for (const each of drafted.subject) paths.items.push(node(document, each.fields, because(each)));
  set('subject', paths);
  set('order', node(document, drafted.order));
  const columns = emptyMap(document);
  for (const each of drafted.columns) columns.items.push(columnPair(document, each));
  set('columns', columns);
  for (const each of drafted.rest) set(each.field, node(document, each.value, because(each)));
  return made;
}

function undecidedNode(document: Document, each: Undecided): Node {
  const made = document.createNode(each);
  if (isMap(made)) {
    made.flow = false;
    for (const item of made.items)
      if (isScalar(item.value) && typeof item.value.value === 'string' && item.value.value.includes('\n'))
        item.value.type = 'BLOCK_LITERAL';
  }
  return made;
}

const heading = ` A draft of the data map. Each proposal stands beside its confidence and its reason; read them all.
 What the draft could not place is under “undecided” at the end: an install refuses until that is empty.
 Comments and decisions in this file survive “map draft --merge”.`;

/** The draft as the text of a map. */
export function draftText(draft: Omit<Draft, 'schema'>): string {
  const document = new Document({});
  const top = emptyMap(document);
  document.contents = top;
  document.commentBefore = heading;
  const push = (name: string, value: Node, before?: string): Pair => {
    const made = pair(document, name, value, before);
    top.items.push(made);
    return made;
  };
  push('version', node(document, 1));
  push('policy', node(document, 'Privacy policy'), ' name and date of the policy the map serves');
  const subject = emptyMap(document);
  for (const [field, value] of Object.entries(draft.subject.fields))
    subject.items.push(pair(document, field, node(document, value)));
  const subjects = emptyMap(document);
  subjects.items.push(pair(document, 'account', subject));
  apart(push('subjects', subjects, because(draft.subject)));
  const collections = emptyMap(document);
  for (const each of draft.collections)
    collections.items.push(apart(collectionPair(document, each), collections.items.length > 0));
  apart(push('collections', collections));
  const ignored = emptyMap(document);
  for (const each of draft.ignored)
    ignored.items.push(
      pair(document, each.table, node(document, printable(each.reason), ` ${each.confidence}`)),
    );
  apart(push('ignored', ignored));
  const open = emptyList();
  for (const each of draft.undecided) open.items.push(undecidedNode(document, each));
  apart(push('undecided', open));
  if (draft.reported.length > 0)
    document.comment = [' Seen and left alone:', ...draft.reported.map((each) => ` ${printable(each)}`)].join(
      '\n',
    );
  return textOf(document);
}

function collectionPair(document: Document, drafted: DraftCollection): Pair {
  return pair(
    document,
    drafted.name,
    collectionNode(document, drafted),
    drafted.about === null ? undefined : ` ${printable(drafted.about)}`,
  );
}

function apart(made: Pair, wanted = true): Pair {
  if (wanted && isNode(made.key)) made.key.spaceBefore = true;
  return made;
}

/** What a merge changed. */
export interface Merged {
  readonly text: string;
  readonly added: readonly string[];
  readonly gone: readonly string[];
  readonly undecided: readonly Undecided[];
}

const newMark = ' new since the last draft';
const goneMark = ' gone from the database: remove it, or correct its name';

/**
 * Adds to an existing map what the database has and the map lacks, marks what
 * the map has and the database lost, and leaves everything else as written,
 * comments included.
 * @throws ExpectedError `invalid_input` when the existing map is wrong
 */
export function mergeText(draft: Draft, text: string, file: string): Merged {
  const { map, document } = openMap(text, file);
  const added: string[] = [];
  const gone: string[] = [];
  const byTable = new Map(Object.entries(map.collections).map(([name, held]) => [held.table, name]));
  const ignored = new Set(Object.keys(map.ignored));
  const collections = mapAt(document, 'collections');
  // A drafted name may be another table's in the file; paths are written with the names that are in it.
  const names = namesFor(draft, map, byTable);
  const openPaths: Undecided[] = [];
  for (const drafted of draft.collections) {
    const known = byTable.get(drafted.table);
    if (known === undefined) {
      if (ignored.has(drafted.table)) continue;
      const renamed = rename(drafted, names);
      collections.items.push(apart(collectionPair(document, renamed)));
      mark(collections, renamed.name, newMark);
      added.push(drafted.table);
      continue;
    }
    const columns = collections.getIn([known, 'columns'], true);
    const held = map.collections[known];
    if (!isMap(columns) || held === undefined) continue;
    for (const { fields } of rename(drafted, names).subject) {
      const along = [fields['column'] ?? fields['columns']].flat().map(String);
      const column = along.find((each) => !Object.hasOwn(held.columns, each));
      if (column === undefined) continue;
      openPaths.push({
        table: drafted.table,
        column,
        about: 'path',
        reason: 'new, and says whose row it is',
        write: `in collections.${known}.subject: - ${JSON.stringify(fields)}; or nothing, if it doesn’t`,
      });
    }
    for (const column of drafted.columns) {
      if (Object.hasOwn(held.columns, column.name)) continue;
      columns.items.push(columnPair(document, column, newMark));
      added.push(`${drafted.table}.${column.name}`);
    }
  }
  for (const [name, held] of Object.entries(map.collections)) {
    const live = draft.schema.tables.get(held.table);
    setMark(collections, name, live === undefined);
    if (live === undefined) {
      gone.push(held.table);
      continue;
    }
    const columns = collections.getIn([name, 'columns'], true);
    if (!isMap(columns)) continue;
    for (const column of Object.keys(held.columns)) {
      setMark(columns, column, !live.columns.has(column));
      if (!live.columns.has(column)) gone.push(`${held.table}.${column}`);
    }
  }
  const ruledOut = mapAt(document, 'ignored');
  for (const table of ignored) {
    setMark(ruledOut, table, !draft.schema.tables.has(table));
    if (!draft.schema.tables.has(table)) gone.push(table);
  }
  for (const each of draft.ignored) {
    if (ignored.has(each.table) || byTable.has(each.table)) continue;
    ruledOut.items.push(
      pair(document, each.table, node(document, printable(each.reason), ` ${each.confidence}`), newMark),
    );
    added.push(each.table);
  }
  const undecided = mergeUndecided(draft, map, byTable, document, openPaths);
  return { text: textOf(document, text), added, gone, undecided };
}

/** What is open now: what was and still is, and what the draft finds open in what is new. */
function mergeUndecided(
  draft: Draft,
  map: DataMap,
  byTable: ReadonlyMap<string, string>,
  document: Document,
  openPaths: readonly Undecided[],
): readonly Undecided[] {
  const columnIn = (table: string, column: string): boolean => {
    const held = map.collections[byTable.get(table) ?? ''];
    return held !== undefined && Object.hasOwn(held.columns, column);
  };
  const settled = (each: Undecided): boolean => {
    if (Object.hasOwn(map.ignored, each.table)) return true;
    if (each.table !== '*' && !draft.schema.tables.has(each.table)) return true;
    if (each.about !== undefined) return false;
    if (each.column === undefined) return byTable.has(each.table);
    return (
      columnIn(each.table, each.column) ||
      draft.schema.tables.get(each.table)?.columns.has(each.column) !== true
    );
  };
  const same = (a: Undecided, b: Undecided): boolean =>
    a.table === b.table && a.column === b.column && a.about === b.about;
  const before = map.undecided ?? [];
  const list = document.get('undecided', true);
  const open = isSeq(list) ? list : emptyList();
  if (!isSeq(list)) document.set('undecided', open);
  const kept = before.filter((each) => !settled(each));
  open.items = open.items.filter((_item, place) => {
    const each = before[place];
    return each !== undefined && !settled(each);
  });
  const found = draft.undecided.filter((each) => {
    if (settled(each) || before.some((other) => same(other, each))) return false;
    // What is open about a part of something mapped was answered when its entry was taken out.
    if (each.about !== undefined) return each.table === '*' || !byTable.has(each.table);
    return true;
  });
  const fresh = [...found, ...openPaths];
  for (const each of fresh) open.items.push(undecidedNode(document, each));
  open.flow = open.items.length === 0;
  return [...kept, ...fresh];
}

/** Drafted collections' names in the file: those of tables it has, and free ones for the rest. */
function namesFor(
  draft: Draft,
  map: DataMap,
  byTable: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set(Object.keys(map.collections));
  for (const { name, table } of draft.collections) {
    const known = byTable.get(table);
    if (known !== undefined) {
      names.set(name, known);
      continue;
    }
    let free = name;
    for (let place = 2; taken.has(free); place++) free = `${name.slice(0, 37)}_${place}`;
    taken.add(free);
    names.set(name, free);
  }
  return names;
}

function rename(drafted: DraftCollection, names: ReadonlyMap<string, string>): DraftCollection {
  const of = (name: unknown): unknown => (typeof name === 'string' ? (names.get(name) ?? name) : name);
  return {
    ...drafted,
    name: names.get(drafted.name) ?? drafted.name,
    subject: drafted.subject.map((each) => ({
      ...each,
      fields: 'of' in each.fields ? { ...each.fields, of: of(each.fields['of']) } : each.fields,
    })),
    rest: drafted.rest.map((each) => {
      if (each.field === 'shared') {
        const value = each.value as Readonly<Record<string, unknown>>;
        return { ...each, value: { ...value, by: of(value['by']) } };
      }
      if (each.field === 'detach') {
        const value = each.value as readonly (string | Readonly<Record<string, unknown>>)[];
        return {
          ...each,
          value: value.map((one) => (typeof one === 'string' ? one : { ...one, of: of(one['of']) })),
        };
      }
      const value = each.value as {
        readonly whenReferenced?: { readonly by: readonly { readonly collection: string }[] };
      };
      if (each.field !== 'erasure' || value.whenReferenced === undefined) return each;
      const by = value.whenReferenced.by.map((one) => ({ ...one, collection: of(one.collection) }));
      return { ...each, value: { ...value, whenReferenced: { ...value.whenReferenced, by } } };
    }),
  };
}

/** A map at the top of the document, made when it isn't there. */
function mapAt(document: Document, name: string): YAMLMap {
  const found = document.get(name, true);
  if (isMap(found)) {
    if (found.items.length === 0) found.flow = false;
    return found;
  }
  const made = emptyMap(document);
  document.set(name, made);
  return made;
}

function keyNode(map: YAMLMap, name: string): Node | null {
  const found = map.items.find((each) => String(isScalar(each.key) ? each.key.value : each.key) === name);
  return isNode(found?.key) ? found.key : null;
}

/** What holds the comment before a name: the key, or for the first one the map itself, where the parser puts it. */
function commented(map: YAMLMap, name: string): Node | null {
  const key = keyNode(map, name);
  const first = map.items[0];
  const isFirst = key !== null && isNode(first?.key) && first.key === key;
  return isFirst && (key.commentBefore ?? '') === '' && (map.commentBefore ?? '') !== '' ? map : key;
}

function mark(map: YAMLMap, name: string, says: string): void {
  const holder = commented(map, name);
  if (holder === null) return;
  const lines = (holder.commentBefore ?? '').split('\n').filter((line) => line !== '' && line !== says);
  holder.commentBefore = [...lines, says].join('\n');
}

/** Puts the mark of what is gone beside a name, or takes it away when it is back. */
function setMark(map: YAMLMap, name: string, gone: boolean): void {
  const holder = commented(map, name);
  if (holder === null) return;
  const lines = (holder.commentBefore ?? '').split('\n');
  if (gone && !lines.includes(goneMark)) mark(map, name, goneMark);
  if (gone || !lines.includes(goneMark)) return;
  const rest = lines.filter((line) => line !== goneMark);
  holder.commentBefore = rest.length === 0 ? null : rest.join('\n');
}
