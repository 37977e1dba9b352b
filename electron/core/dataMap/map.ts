import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';
import { programFolder } from '#core/kernel/programFolder.ts';
import { tableParts } from './quote.ts';

/** How a value is shown until it is revealed; the expressions are in masks.ts. */
export const maskNames = ['email', 'name', 'phone', 'address', 'text', 'number'] as const;
export type MaskName = (typeof maskNames)[number];

/** How a column can be found by the search box. */
export const searchForms = ['exact', 'prefix', 'part', 'similar', 'digits', 'identifier'] as const;
export type SearchForm = (typeof searchForms)[number];

const identifier = z.string().min(1).max(63);
const collectionName = z.string().regex(/^[a-z][a-z0-9_]{0,40}$/);

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
    return wrong('a path has either one “column” or several “columns”');
  if (given.key !== undefined && given.keys !== undefined)
    return wrong('a path has either one “key” or several “keys”');
  if (given.of === undefined && keys.length > 0)
    return wrong('a path that names a key names the collection it is of');
  if (given.of !== undefined && keys.length === 0)
    return wrong('a path through another collection names its key');
  if (given.of !== undefined && keys.length !== columns.length)
    return wrong('a path has as many keys as columns');
  return { columns, of: given.of, keys, ignoreCase: given.ignoreCase };
});

/** What a column is set to: `now`, null, or a text in which `{reference}` stands for the subject's opaque reference. */
const assignment = z.record(identifier, z.union([z.null(), z.string()]));

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
      'write schema.table, as they are called in the database; a part that holds a dot or a double quote stands in double quotes, with those in it doubled, and no other part does',
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

export const dataMapSchema = z.strictObject({
  version: z.literal(1),
  policy: z.string(),
  /** The collection whose rows are the subjects, its key, and the columns a hit shows. */
  subject: z.strictObject({
    collection: collectionName,
    /** One column, or several. */
    key: oneOrMore,
    name: identifier,
    email: identifier,
    phone: identifier,
    /** Collection and column of the workspaces a hit shows. */
    workspaces: z.strictObject({ collection: collectionName, name: identifier }),
  }),
  collections: z.record(collectionName, collection),
  /** Tables ruled out by name, each with the reason. */
  ignored: z.record(z.string(), z.string()).default({}),
});

export type DataMap = z.output<typeof dataMapSchema>;
export type Collection = DataMap['collections'][string];
export type MapColumn = Collection['columns'][string];
export type SubjectPath = Collection['subject'][number];

/**
 * Reads a data map from YAML text.
 * @throws ExpectedError `invalid_input` naming the first place that is wrong
 */
export function parseMap(text: string): DataMap {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    throw new ExpectedError(
      'invalid_input',
      `The data map isn't valid YAML: ${(error as Error).message.split('\n')[0] ?? ''}`,
    );
  }
  const parsed = dataMapSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ExpectedError(
      'invalid_input',
      `The data map is wrong at ${issue?.path.join('.') ?? 'its top'}: ${issue?.message ?? ''}.`,
    );
  }
  checkReferences(parsed.data);
  return parsed.data;
}

function checkReferences(map: DataMap): void {
  const wrong = (where: string, says: string): never => {
    throw new ExpectedError('invalid_input', `The data map is wrong at ${where}: ${says}.`);
  };
  const columnOf = (where: string, name: string, columnName: string): void => {
    const target = map.collections[name] ?? wrong(where, `there is no collection ${name}`);
    if (!Object.hasOwn(target.columns, columnName)) wrong(where, `${name} has no column ${columnName}`);
  };
  for (const key of map.subject.key) columnOf('subject', map.subject.collection, key);
  for (const [name, held] of Object.entries(map.collections)) {
    const checkPath = (where: string, path: SubjectPath): void => {
      for (const column of path.columns) {
        columnOf(where, name, column);
        if (held.columns[column]?.never)
          wrong(`${name}.${column}`, 'no path can go over a column that is never read');
        if (held.columns[column]?.correct)
          wrong(`${name}.${column}`, 'a column on a path to the subject is never correctable');
      }
      if (path.of === undefined && path.columns.length !== map.subject.key.length)
        wrong(
          where,
          `the subject’s key has ${map.subject.key.length} columns, the path ${path.columns.length}`,
        );
      for (const key of path.keys) {
        columnOf(where, path.of ?? '', key);
        if (map.collections[path.of ?? '']?.columns[key]?.never)
          wrong(`${path.of ?? ''}.${key}`, 'no path can go over a column that is never read');
      }
    };
    for (const path of held.subject) checkPath(`${name}.subject`, path);
    for (const each of held.order) {
      columnOf(`${name}.order`, name, each);
      if (held.columns[each]?.mask !== undefined || held.columns[each]?.never)
        wrong(`${name}.order`, `${each} is masked, and pages would betray it`);
    }
    for (const each of held.detach) {
      if (typeof each === 'string') columnOf(`${name}.detach`, name, each);
      else if (each.of === undefined)
        wrong(`${name}.detach`, 'write a column of the subject’s key by its name alone');
      else checkPath(`${name}.detach`, each);
    }
    if (held.erasure.action === 'delete') {
      if (held.erasure.whenReferenced !== undefined && held.erasure.unlessReferenced !== undefined)
        wrong(
          `${name}.erasure`,
          'a row that is referred to is either anonymised (“whenReferenced”) or stays (“unlessReferenced”)',
        );
      for (const by of held.erasure.whenReferenced?.by ?? [])
        for (const column of by.column) columnOf(`${name}.erasure.whenReferenced`, by.collection, column);
    }
  }
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
