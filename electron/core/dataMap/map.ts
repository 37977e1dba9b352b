import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';
import { programFolder } from '#core/kernel/programFolder.ts';

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
  search: z.array(z.enum(searchForms)).default([]),
});

/** A column; a bare text is its category. */
const column = z.preprocess(
  (given) => (typeof given === 'string' ? { category: given } : given),
  columnFields,
);

/**
 * How a row belongs to a subject: `column` holds the subject's key; or, with `of`,
 * `column` holds the `key` of a row of another collection that belongs to the subject.
 */
const subjectPath = z.strictObject({
  column: identifier,
  of: collectionName.optional(),
  key: identifier.optional(),
  /** Compares as text without regard to case, e.g. an e-mail address in another table. */
  ignoreCase: z.boolean().default(false),
});

/** What a column is set to: `now`, null, or a text in which `{reference}` stands for the subject's opaque reference. */
const assignment = z.record(identifier, z.union([z.null(), z.string()]));

const erasure = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('delete'),
    /** Rows that kept rows refer to can't be deleted: they are anonymised in place instead. */
    whenReferenced: z
      .strictObject({
        by: z.array(z.strictObject({ collection: collectionName, column: identifier })).min(1),
        set: assignment,
      })
      .optional(),
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
  table: z.string().regex(/^[^.]+\.[^.]+$/, 'schema.table'),
  title: z.string(),
  group: z.string(),
  subject: z.array(subjectPath).min(1),
  /** Order of pages, newest first; columns that are never null, together unique, and not masked. */
  order: z.array(identifier).min(1),
  columns: z.record(identifier, column),
  /** Columns that refer to the subject from rows that stay (someone else's): set to null at erasure. */
  detach: z.array(identifier).default([]),
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
    key: identifier,
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
    if (!(columnName in target.columns)) wrong(where, `${name} has no column ${columnName}`);
  };
  columnOf('subject', map.subject.collection, map.subject.key);
  for (const [name, held] of Object.entries(map.collections)) {
    for (const step of held.subject) {
      columnOf(`${name}.subject`, name, step.column);
      if (held.columns[step.column]?.correct)
        wrong(`${name}.${step.column}`, 'a column on a path to the subject is never correctable');
      if (step.of !== undefined)
        columnOf(
          `${name}.subject`,
          step.of,
          step.key ?? wrong(`${name}.subject`, 'a path through another collection names its key'),
        );
    }
    for (const each of held.order) {
      columnOf(`${name}.order`, name, each);
      if (held.columns[each]?.mask !== undefined || held.columns[each]?.never)
        wrong(`${name}.order`, `${each} is masked, and pages would betray it`);
    }
    for (const each of held.detach) columnOf(`${name}.detach`, name, each);
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
