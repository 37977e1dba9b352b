import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';
import { programFolder } from '#core/kernel/programFolder.ts';
import { jsonSteps, pathsClash } from './jsonPaths.ts';
import { openMapText, printable, type MapPlaces, type OpenedMap, type Place } from './mapText.ts';
import { tableParts } from './quote.ts';

/** How a value is shown until it is revealed; the expressions are in masks.ts. */
export const maskNames = ['email', 'name', 'phone', 'address', 'text', 'number'] as const;
export type MaskName = (typeof maskNames)[number];

/** How a column can be found by the search box. */
export const searchForms = ['exact', 'prefix', 'part', 'similar', 'digits', 'identifier'] as const;
export type SearchForm = (typeof searchForms)[number];

const identifier = z.string().min(1).max(63);
const collectionName = z.string().regex(/^[a-z][a-z0-9_]{0,40}$/);

/** Names that lead into a document, each with what is said of what lies there. */
function insideDocument<Value extends z.ZodType>(value: Value) {
  return z.preprocess(
    (given, context) => {
      // A record would lose this name without a word.
      if (typeof given === 'object' && given !== null && Object.hasOwn(given, '__proto__'))
        context.addIssue({
          code: 'custom',
          message: '“__proto__” alone can’t be named; name what lies in it, or leave it to “others”',
        });
      return given;
    },
    z.record(z.string(), value),
  );
}

const innerFields = z.strictObject({
  category: z.string(),
  title: z.string().optional(),
  mask: z.enum(maskNames).optional(),
  never: z.boolean().default(false),
});

const columnFields = z.strictObject({
  /** Category of the fideslang taxonomy, e.g. `user.contact.email`. */
  category: z.string(),
  title: z.string().optional(),
  mask: z.enum(maskNames).optional(),
  /** A secret of the platform: no function selects it, no export holds it, erasure still removes it. */
  never: z.boolean().default(false),
  correct: z.boolean().default(false),
  /** A whole number that is a time: what it counts since the beginning of 1970. */
  epoch: z.enum(['seconds', 'milliseconds']).optional(),
  /** Values inside a jsonb document, by their path as `jsonSteps` spells it; a bare text is the category. */
  paths: insideDocument(
    z.preprocess((given) => (typeof given === 'string' ? { category: given } : given), innerFields),
  ).optional(),
  /** What no path names is withheld where values are masked, unless it is said to be shown. */
  others: z.enum(['masked', 'shown']).optional(),
  search: z.array(z.enum(searchForms)).default([]),
});

/** A column; a bare text is its category. */
const column = z.preprocess(
  (given) => (typeof given === 'string' ? { category: given } : given),
  columnFields,
);

/** One column, or several that are only together a key. */
const oneOrMore = z
  .union([identifier, z.array(identifier).min(1).max(16)])
  .transform((given) => (typeof given === 'string' ? [given] : given));

const pathFields = z.strictObject({
  column: identifier.optional(),
  columns: z.array(identifier).min(1).max(16).optional(),
  of: collectionName.optional(),
  key: identifier.optional(),
  keys: z.array(identifier).max(16).optional(),
  /** Compares as text without regard to case, e.g. an e-mail address in another table. */
  ignoreCase: z.boolean().default(false),
});

/**
 * How a row belongs to a subject: `column` holds the subject's key; or, with
 * `of`, `column` holds the `key` of a row of another collection that belongs
 * to the subject. A key of several columns is written `columns` and `keys`,
 * in the same order.
 */
const subjectPath = pathFields.transform((given, context) => {
  const wrong = (message: string): never => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  const columns = given.columns ?? (given.column === undefined ? [] : [given.column]);
  const keys = given.keys ?? (given.key === undefined ? [] : [given.key]);
  if ((given.column === undefined) === (given.columns === undefined))
    return wrong('a path has either one “column” or several “columns”; write one of the two');
  if (given.key !== undefined && given.keys !== undefined)
    return wrong('a path has either one “key” or several “keys”; write one of the two');
  if (given.of === undefined && keys.length > 0)
    return wrong('a path that names a key names the collection it is of; add of: COLLECTION');
  if (given.of !== undefined && keys.length === 0)
    return wrong('a path through another collection names its key; add key: COLUMN');
  if (given.of !== undefined && keys.length !== columns.length)
    return wrong('a path has as many keys as columns; write them in the same order');
  return { columns, of: given.of, keys, ignoreCase: given.ignoreCase };
});

/**
 * What a column is set to: `now`, null, or a text in which `{reference}` stands for the subject's opaque reference;
 * or values inside its document, by their paths, the rest of which stays.
 */
const assignment = z.record(
  identifier,
  z.union([z.null(), z.string(), insideDocument(z.union([z.null(), z.string()]))]),
);
export type Assigned = z.output<typeof assignment>[string];

const erasure = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('delete'),
    /** Rows that kept rows refer to can't be deleted: they are anonymised in place instead. */
    whenReferenced: z
      .strictObject({
        /** `column`, or `columns` in the order of the key's, names the row. */
        by: z.array(z.strictObject({ collection: collectionName, column: oneOrMore })).min(1),
        set: assignment,
      })
      .optional(),
    /** A row that any row refers to which is not erased with it (other people's, kept ones) stays as it is. */
    unlessReferenced: z.literal(true).optional(),
  }),
  z.strictObject({ action: z.literal('anonymise'), set: assignment }),
  z.strictObject({
    action: z.literal('keep'),
    ground: z.string(),
    /** Years the law asks for, counted from the time column. */
    years: z.number().int().min(1).max(100),
    from: identifier,
  }),
  z.strictObject({ action: z.literal('none') }),
]);

const collection = z.strictObject({
  /** `schema.table`, spelt as `tableName` does. */
  table: z
    .string()
    .refine(
      (name) => tableParts(name) !== null,
      'write schema.table, e.g. public.users, as they are called in the database; a part that holds a dot or a double quote stands in double quotes, with those in it doubled, and no other part does',
    ),
  title: z.string(),
  group: z.string(),
  subject: z.array(subjectPath).min(1),
  /** Order of pages, newest first; columns that are not masked and, where a key tells the rows apart, never null. */
  order: z.array(identifier).min(1),
  columns: z.record(identifier, column),
  /**
   * Columns that refer to the subject, or by a path to a row of theirs, from
   * rows that stay (someone else's): set to null at erasure.
   */
  detach: z.array(z.union([identifier, subjectPath])).default([]),
  erasure,
  /** How a chart counts it by day. */
  series: z
    .strictObject({ day: identifier, value: identifier.optional(), by: identifier.optional() })
    .optional(),
  /** Column that holds an object's key in R2, and what is known of the object. */
  object: z
    .strictObject({
      key: identifier,
      contentType: identifier.optional(),
      bytes: identifier.optional(),
      sha256: identifier.optional(),
    })
    .optional(),
  /** Prefix in R2 that belongs to a row; `{column}` stands for its value. */
  objectPrefix: z.string().optional(),
  /** What staff may do to one row besides correcting it. */
  actions: z
    .record(
      collectionName,
      z.strictObject({ title: z.string(), set: assignment, onlyIfNull: identifier.optional() }),
    )
    .default({}),
  /**
   * Rows other people share (a workspace with other members): erasure needs a decision for each,
   * to hand it over or to close it.
   */
  shared: z
    .strictObject({
      /** The bridge that names the other people. */
      by: collectionName,
      column: identifier,
      person: identifier,
      /** Column of this collection that names the owner. */
      owner: identifier,
      about: identifier,
      since: identifier,
    })
    .optional(),
});

/** What a draft could not place: an install refuses as long as one is left. */
const undecided = z.strictObject({
  table: z.string(),
  column: z.string().optional(),
  /** What of it is open, when it is mapped and only a part of that is: `path`, `erasure`, `order` and so on. */
  about: z.string().optional(),
  reason: z.string(),
  /** What may be written instead of this entry. */
  write: z.string().optional(),
});
export type Undecided = z.output<typeof undecided>;

export const dataMapSchema = z.strictObject({
  version: z.literal(1),
  policy: z.string(),
  /** The collection whose rows are the subjects, its key, and the columns a hit shows. */
  subject: z.strictObject({
    collection: collectionName,
    /** One column, or several. */
    key: oneOrMore,
    name: identifier.optional(),
    email: identifier.optional(),
    phone: identifier.optional(),
    /** Collection and column of the workspaces a hit shows. */
    workspaces: z.strictObject({ collection: collectionName, name: identifier }).optional(),
  }),
  collections: z.record(collectionName, collection),
  /** Tables ruled out by name, each with the reason. */
  ignored: z.record(z.string(), z.string()).default({}),
  undecided: z.array(undecided).optional(),
});

export type DataMap = z.output<typeof dataMapSchema>;
export type Collection = DataMap['collections'][string];
export type MapColumn = Collection['columns'][string];
export type SubjectPath = Collection['subject'][number];

/** The fields that may be written at a place of the map, for the error that says what to write instead. */
function knownFields(place: Place): readonly string[] {
  const [top, , third, fourth, fifth] = place;
  const last = place.at(-1);
  if (top === undefined) return Object.keys(dataMapSchema.shape);
  if (top === 'undecided') return Object.keys(undecided.shape);
  if (top === 'subject')
    return Object.keys(place.length === 1 ? dataMapSchema.shape.subject.shape : { collection: 0, name: 0 });
  if (top !== 'collections') return [];
  if (place.length === 2) return Object.keys(collection.shape);
  if (third === 'columns' && fourth !== undefined && fifth === undefined)
    return Object.keys(columnFields.shape);
  if (third === 'columns' && fifth === 'paths' && place.length === 6) return Object.keys(innerFields.shape);
  if ((third === 'subject' || third === 'detach') && typeof last === 'number')
    return Object.keys(pathFields.shape);
  if (third === 'erasure' && fourth === undefined)
    return ['action', 'whenReferenced', 'unlessReferenced', 'set', 'ground', 'years', 'from'];
  return [];
}

/**
 * Reads a data map from YAML text.
 * @param file how errors name the text
 * @throws ExpectedError `invalid_input` naming the first place that is wrong and what to write instead
 */
export function parseMap(text: string, file = 'the data map'): DataMap {
  return openMap(text, file).map;
}

/** As {@link parseMap}, with the document that the map was read from, its comments included. */
export function openMap(
  text: string,
  file: string,
): { readonly map: DataMap; readonly document: OpenedMap['document'] } {
  const { value, document, places } = openMapText(text, file);
  const parsed = dataMapSchema.safeParse(value);
  if (!parsed.success) throw places.firstOf(parsed.error.issues, knownFields);
  checkReferences(parsed.data, places);
  return { map: parsed.data, document };
}

function checkReferences(map: DataMap, places: MapPlaces): void {
  const wrong = (place: Place, says: string): never => {
    throw places.wrong(place, says);
  };
  const among = (names: readonly string[]): string =>
    `write one of ${names.slice(0, 12).join(', ')}${names.length > 12 ? ` and so on (${names.length})` : ''}`;
  const collectionAt = (place: Place, name: string): Collection =>
    Object.hasOwn(map.collections, name)
      ? (map.collections[name] as Collection)
      : wrong(place, `there is no collection ${name}; ${among(Object.keys(map.collections))}`);
  const columnAt = (place: Place, name: string, column: string | undefined): void => {
    const held = collectionAt(place, name);
    if (column !== undefined && !Object.hasOwn(held.columns, column))
      wrong(place, `${name} has no column ${column}; ${among(Object.keys(held.columns))}`);
  };
  collectionAt(['subject', 'collection'], map.subject.collection);
  for (const [number, key] of map.subject.key.entries())
    columnAt(
      map.subject.key.length === 1 ? ['subject', 'key'] : ['subject', 'key', number],
      map.subject.collection,
      key,
    );
  for (const each of ['name', 'email', 'phone'] as const)
    columnAt(['subject', each], map.subject.collection, map.subject[each]);
  if (map.subject.workspaces !== undefined)
    columnAt(
      ['subject', 'workspaces', 'name'],
      map.subject.workspaces.collection,
      map.subject.workspaces.name,
    );
  for (const [name, held] of Object.entries(map.collections)) {
    const at = (...rest: readonly (string | number)[]): Place => ['collections', name, ...rest];
    const checkPath = (place: Place, path: SubjectPath): void => {
      for (const [number, column] of path.columns.entries()) {
        columnAt(
          path.columns.length === 1 ? [...place, 'column'] : [...place, 'columns', number],
          name,
          column,
        );
        if (held.columns[column]?.never)
          wrong(
            at('columns', column, 'never'),
            'no path can go over a column that is never read; remove “never”, or write another path',
          );
        if (held.columns[column]?.correct)
          wrong(
            at('columns', column, 'correct'),
            'a column on a path to the subject is never correctable; remove “correct”',
          );
      }
      if (path.of === undefined) {
        if (path.columns.length !== map.subject.key.length)
          wrong(
            place,
            `the subject’s key has ${map.subject.key.length} columns, the path ${path.columns.length}; write as many as the key has`,
          );
        return;
      }
      const parent = collectionAt([...place, 'of'], path.of);
      for (const [number, key] of path.keys.entries()) {
        columnAt(path.keys.length === 1 ? [...place, 'key'] : [...place, 'keys', number], path.of, key);
        if (parent.columns[key]?.never)
          wrong(
            ['collections', path.of, 'columns', key, 'never'],
            'no path can go over a column that is never read; remove “never”, or write another path',
          );
      }
    };
    for (const [place, path] of held.subject.entries()) checkPath(at('subject', place), path);
    for (const [place, each] of held.order.entries()) {
      columnAt(at('order', place), name, each);
      if (held.columns[each]?.mask !== undefined || held.columns[each]?.never)
        wrong(
          at('order', place),
          `${each} is masked, and pages would betray it; order by columns that are not`,
        );
    }
    for (const [place, each] of held.detach.entries()) {
      if (typeof each === 'string') columnAt(at('detach', place), name, each);
      else if (each.of === undefined)
        wrong(at('detach', place), 'a column of the subject’s key is written by its name alone; write that');
      else checkPath(at('detach', place), each);
    }
    checkErasure(name, held, at, columnAt, wrong);
    checkDocuments(held, at, wrong);
  }
  for (const [place, collection, column] of readAsWhole(map)) {
    if (column !== undefined && map.collections[collection]?.columns[column]?.paths !== undefined)
      wrong(
        place,
        `${column} has “paths”, and here all of it would be shown or compared; write a column that has none`,
      );
  }
}

const spelling =
  'a path is keys joined by dots, e.g. contact.email, at most 16 of them; * is any key or element; a key that is empty, * itself or holds a dot or a double quote stands in double quotes, with those in it doubled, and no other key does';

/** Whether the paths into a column's document can be walked and say one thing of each value. */
function checkDocuments(
  held: Collection,
  at: (...rest: readonly (string | number)[]) => Place,
  wrong: (place: Place, says: string) => never,
): void {
  const check = (place: Place, paths: readonly string[]): void => {
    for (const [number, path] of paths.entries()) {
      if (jsonSteps(path) === null) wrong([...place, path], spelling);
      for (const other of paths.slice(0, number)) {
        const clash = pathsClash(other, path);
        if (clash !== null) wrong([...place, path], `it doesn’t go with ${other}: ${clash}`);
      }
    }
  };
  for (const [column, mapped] of Object.entries(held.columns)) {
    const here = (...rest: readonly (string | number)[]): Place => at('columns', column, ...rest);
    if (mapped.paths === undefined) {
      if (mapped.others !== undefined)
        wrong(here('others'), '“others” speaks of what no path names; add “paths”, or remove it');
      continue;
    }
    if (Object.keys(mapped.paths).length === 0)
      wrong(here('paths'), 'it names nothing; name a path, or remove “paths” and mask the column');
    check(here('paths'), Object.keys(mapped.paths));
    for (const [path, inner] of Object.entries(mapped.paths))
      if (inner.never && inner.mask !== undefined)
        wrong(here('paths', path, 'mask'), 'what is never read is not masked; remove “mask” or “never”');
    for (const each of ['mask', 'never', 'correct', 'epoch'] as const)
      if (mapped[each] !== undefined && mapped[each] !== false)
        wrong(
          here(each),
          `a column with “paths” has no “${each}” of its own; remove it, and say it of the paths where they may have it`,
        );
    if (mapped.search.length > 0)
      wrong(here('search'), 'a search would look into all of the document; remove “search”');
  }
  for (const [place, set] of assignmentsOf(held, at))
    for (const [column, value] of Object.entries(set)) {
      if (value === null || typeof value === 'string') continue;
      check([...place, column], Object.keys(value));
      for (const [path, inner] of Object.entries(value))
        if (inner === 'now')
          wrong([...place, column, path], 'a value inside a document is null or a text, no time; write that');
    }
}

/** Where the map names a column whose whole value is shown or compared, outside its own entry. */
function readAsWhole(map: DataMap): readonly (readonly [Place, string, string | undefined])[] {
  const { subject } = map;
  const places: (readonly [Place, string, string | undefined])[] = [
    ...subject.key.map((column) => [['subject', 'key'], subject.collection, column] as const),
    ...(['name', 'email', 'phone'] as const).map(
      (each) => [['subject', each], subject.collection, subject[each]] as const,
    ),
    ...(subject.workspaces === undefined
      ? []
      : [
          [
            ['subject', 'workspaces', 'name'],
            subject.workspaces.collection,
            subject.workspaces.name,
          ] as const,
        ]),
  ];
  for (const [name, held] of Object.entries(map.collections)) {
    const here = (column: string | undefined, ...rest: readonly (string | number)[]): void => {
      places.push([['collections', name, ...rest], name, column]);
    };
    for (const [place, path] of held.subject.entries()) {
      for (const column of path.columns) here(column, 'subject', place);
      if (path.of !== undefined)
        for (const key of path.keys) places.push([['collections', name, 'subject', place], path.of, key]);
    }
    for (const [place, column] of held.order.entries()) here(column, 'order', place);
    for (const [place, each] of held.detach.entries())
      if (typeof each !== 'string') for (const column of each.columns) here(column, 'detach', place);
    for (const each of ['day', 'value', 'by'] as const) here(held.series?.[each], 'series', each);
    for (const each of ['key', 'contentType', 'bytes', 'sha256'] as const)
      here(held.object?.[each], 'object', each);
    for (const [, column] of (held.objectPrefix ?? '').matchAll(/\{([^}]+)\}/g)) here(column, 'objectPrefix');
    if (held.erasure.action === 'keep') here(held.erasure.from, 'erasure', 'from');
    if (held.shared !== undefined) {
      for (const each of ['owner', 'about'] as const) here(held.shared[each], 'shared', each);
      for (const each of ['column', 'person', 'since'] as const)
        places.push([['collections', name, 'shared', each], held.shared.by, held.shared[each]]);
    }
  }
  return places;
}

/** Everything a collection sets, with where it says so. */
function assignmentsOf(
  held: Collection,
  at: (...rest: readonly (string | number)[]) => Place,
): readonly (readonly [Place, Readonly<Record<string, Assigned>>])[] {
  const { erasure: does } = held;
  return [
    ...Object.entries(held.actions).map(
      ([action, what]) => [at('actions', action, 'set'), what.set] as const,
    ),
    ...(does.action === 'anonymise' ? [[at('erasure', 'set'), does.set] as const] : []),
    ...(does.action === 'delete' && does.whenReferenced !== undefined
      ? [[at('erasure', 'whenReferenced', 'set'), does.whenReferenced.set] as const]
      : []),
  ];
}

/** The columns that erasure, charts, objects, actions and sharing name. */
function checkErasure(
  name: string,
  held: Collection,
  at: (...rest: readonly (string | number)[]) => Place,
  columnAt: (place: Place, name: string, column: string | undefined) => void,
  wrong: (place: Place, says: string) => never,
): void {
  const { erasure: does, series, object, shared } = held;
  const sets = assignmentsOf(held, at);
  if (does.action === 'keep') columnAt(at('erasure', 'from'), name, does.from);
  if (does.action === 'delete' && does.whenReferenced !== undefined) {
    if (does.unlessReferenced !== undefined)
      wrong(
        at('erasure', 'unlessReferenced'),
        'a row that is referred to is either anonymised (“whenReferenced”) or stays (“unlessReferenced”); remove one of them',
      );
    for (const [place, by] of does.whenReferenced.by.entries())
      for (const column of by.column)
        columnAt(at('erasure', 'whenReferenced', 'by', place, 'column'), by.collection, column);
  }
  for (const [place, set] of sets)
    for (const column of Object.keys(set)) columnAt([...place, column], name, column);
  for (const [action, what] of Object.entries(held.actions))
    columnAt(at('actions', action, 'onlyIfNull'), name, what.onlyIfNull);
  for (const each of ['day', 'value', 'by'] as const) columnAt(at('series', each), name, series?.[each]);
  for (const each of ['key', 'contentType', 'bytes', 'sha256'] as const)
    columnAt(at('object', each), name, object?.[each]);
  if (shared !== undefined) {
    for (const each of ['owner', 'about'] as const) columnAt(at('shared', each), name, shared[each]);
    for (const each of ['column', 'person', 'since'] as const)
      columnAt(at('shared', each), shared.by, shared[each]);
  }
}

/**
 * Refuses a map that still has open questions.
 * @throws ExpectedError `refused` naming them
 */
export function refuseUndecided(map: DataMap): void {
  const open = map.undecided ?? [];
  if (open.length === 0) return;
  const named = open
    .slice(0, 20)
    .map(({ table, column, about }) =>
      printable(
        `${table}${column === undefined ? '' : `.${column}`}${about === undefined ? '' : ` (${about})`}`,
      ),
    );
  throw new ExpectedError(
    'refused',
    `The data map leaves ${open.length} ${open.length === 1 ? 'thing' : 'things'} undecided, so nothing is installed: ${named.join(', ')}${open.length > named.length ? ` and ${open.length - named.length} more` : ''}. Decide each as its “write” says, then remove it from “undecided”.`,
  );
}

/** The map in the canonical form that is hashed: keys sorted, defaults filled in. */
export function canonicalMap(map: DataMap): string {
  return JSON.stringify(map, (_key, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** SHA-256 of the canonical map, hex. */
export function mapHash(map: DataMap): string {
  return createHash('sha256').update(canonicalMap(map)).digest('hex');
}

/** The map that is shipped: CloudSingh's reference platform. */
export function referenceMapText(): string {
  return readFileSync(path.join(programFolder(), 'electron/core/dataMap/cloudsingh.yaml'), 'utf8');
}
