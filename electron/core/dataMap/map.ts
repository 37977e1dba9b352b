import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { dataOrigins } from '#shared/domain/exportProfiles.ts';
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

/** Name of a kind of subject; names of functions and views end in it. */
const kindName = z.string().regex(/^[a-z][a-z0-9_]{0,14}$/);

/**
 * Where data come from: given by the person, seen of what they do, or worked out from it. Portability is of the first
 * two alone (GDPR Art. 20(1); WP 242 rev.01, p. 10).
 */
const origin = z.enum(dataOrigins);

/** What a corrected value may be by its category, or what the map says instead. */
const declaredFormats = ['email', 'phone', 'name', 'language', 'text'] as const;

const correctionFields = z.strictObject({
  /** What a text is checked for; by its category where it isn't said. */
  format: z.enum(declaredFormats).optional(),
  /** It tells who somebody is: where the installation asks for it a second person approves. */
  identity: z.boolean().default(false),
  /** Where the same value stands too and is corrected with it, as `collection.column`. */
  copies: z
    .array(
      z
        .string()
        .refine(
          (name) => /^[a-z][a-z0-9_]{0,40}[.]./.test(name),
          'write collection.column, as the map calls them',
        ),
    )
    .default([]),
});
type CorrectionFields = z.output<typeof correctionFields>;

/** Whether staff may correct a column, and how. */
const correctable = z.unknown().transform((given, context): boolean | CorrectionFields => {
  const parsed = typeof given === 'object' ? correctionFields.safeParse(given) : z.boolean().safeParse(given);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues)
    context.issues.push({ ...issue, input: given } as z.core.$ZodRawIssue);
  return z.NEVER;
});

const columnFields = z.strictObject({
  /** Category of the fideslang taxonomy, e.g. `user.contact.email`. */
  category: z.string(),
  title: z.string().optional(),
  mask: z.enum(maskNames).optional(),
  /** A secret of the platform: no function selects it, no export holds it, erasure still removes it. */
  never: z.boolean().default(false),
  correct: correctable.default(false),
  /** A whole number that is a time: what it counts since the beginning of 1970. */
  epoch: z.enum(['seconds', 'milliseconds']).optional(),
  /** Values inside a jsonb document, by their path as `jsonSteps` spells it; a bare text is the category. */
  paths: insideDocument(
    z.preprocess((given) => (typeof given === 'string' ? { category: given } : given), innerFields),
  ).optional(),
  /** What no path names is withheld where values are masked, unless it is said to be shown. */
  others: z.enum(['masked', 'shown']).optional(),
  search: z.array(z.enum(searchForms)).default([]),
  /** Free text or a document in which people may be named: a deletion looks there again, for names too. */
  mayName: z.boolean().optional(),
  /** Where it comes from, when not from where its collection does. */
  origin: origin.optional(),
  /** For which kinds of people the value is about somebody else; true for all. Masked or left out in packages for them. */
  thirdParty: z.union([z.literal(true), kindName, z.array(kindName).min(1)]).optional(),
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
  /** The kind of subject the row belongs to; the first one of the map when it isn't said. */
  kind: kindName.optional(),
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
  return { kind: given.kind, columns, of: given.of, keys, ignoreCase: given.ignoreCase };
});

/**
 * What a column is set to: `now`, null, or a text in which `{reference}` stands for the subject's opaque reference;
 * or values inside its document, by their paths, the rest of which stays.
 */
const assigned = z.union([z.null(), z.string(), insideDocument(z.union([z.null(), z.string()]))]);
const assignment = z.record(
  identifier,
  assigned.superRefine((value, context) => {
    if (typeof value === 'object' && value !== null && Object.hasOwn(value, 'replace'))
      context.addIssue({ code: 'custom', message: 'only erasure replaces; write a text, null or now' });
  }),
);

/** In what a value of a row that stays is replaced; what each becomes is in replacements.ts. */
export const replacementKinds = [
  'email',
  'phone',
  'name',
  'text',
  'uuid',
  'number',
  'day',
  'month',
  'year',
  'boolean',
  'enum',
  'json',
  'bytes',
  'empty',
] as const;
export type ReplacementKind = (typeof replacementKinds)[number];

/** Kinds whose values are random, so that two alike can be replaced alike. */
const randomKinds: readonly ReplacementKind[] = ['email', 'phone', 'name', 'text', 'uuid'];

const replacement = z
  .strictObject({
    replace: z.enum(replacementKinds),
    /** The same value gets the same new one wherever a run of the person's deletion meets it. */
    consistent: z.boolean().default(false),
  })
  .superRefine(({ replace, consistent }, context) => {
    if (consistent && !randomKinds.includes(replace))
      context.addIssue({
        code: 'custom',
        path: ['consistent'],
        message: `only what is random can be consistent (${randomKinds.join(', ')}); remove this`,
      });
  });
export type Replacement = z.output<typeof replacement>;

/** As {@link assignment}, and `{replace: KIND}` for a value of that kind which tells nothing of the old one. */
const anonymisation = z.record(
  identifier,
  z.unknown().transform((given, context): z.output<typeof assigned> | Replacement => {
    const parsed =
      isNames(given) && Object.hasOwn(given, 'replace')
        ? replacement.safeParse(given)
        : assigned.safeParse(given);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues)
      context.issues.push({ ...issue, input: given } as z.core.$ZodRawIssue);
    return z.NEVER;
  }),
);
export type Assigned = z.output<typeof anonymisation>[string];

export function isReplacement(value: Assigned): value is Replacement {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'replace');
}

/** What is set at paths inside a document. */
export type Inside = Exclude<z.output<typeof assigned>, null | string>;

/** What happens to rows whose time is over: they go, or stay with some columns overwritten. */
const disposal = z.unknown().transform((given, context): 'delete' | { set: Record<string, Assigned> } => {
  const parsed = isNames(given)
    ? z.strictObject({ set: anonymisation }).safeParse(given)
    : z.literal('delete').safeParse(given);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues)
    context.issues.push({ ...issue, input: given } as z.core.$ZodRawIssue);
  return z.NEVER;
});
export type Disposal = z.output<typeof disposal>;

const erasureAction = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('delete'),
    /** Rows that kept rows refer to can't be deleted: they are anonymised in place instead. */
    whenReferenced: z
      .strictObject({
        /** `column`, or `columns` in the order of the key's, names the row. */
        by: z.array(z.strictObject({ collection: collectionName, column: oneOrMore })).min(1),
        set: anonymisation,
      })
      .optional(),
    /** A row that any row refers to which is not erased with it (other people's, kept ones) stays as it is. */
    unlessReferenced: z.literal(true).optional(),
  }),
  z.strictObject({ action: z.literal('anonymise'), set: anonymisation }),
  z.strictObject({
    action: z.literal('keep'),
    ground: z.string(),
    /** Years the law asks for, counted from the time column. */
    years: z.number().int().min(1).max(100),
    from: identifier,
    /** What a retention run does once they are over; without it the rows stay. */
    then: disposal.optional(),
  }),
  z.strictObject({ action: z.literal('none') }),
]);
export type ErasureAction = z.output<typeof erasureAction>;

const erasureByKind = z.record(kindName, erasureAction);

/** What erasure does to the rows: the same whoever is erased, or for each kind of subject its own. */
const erasure = z.unknown().transform((given, context): ErasureAction | Record<string, ErasureAction> => {
  // A kind may be called “action” too; what it does is never a text then.
  const values = isNames(given) ? Object.values(given) : [];
  const byKind = values.length > 0 && values.every(isNames);
  const parsed = byKind ? erasureByKind.safeParse(given) : erasureAction.safeParse(given);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues)
    context.issues.push({ ...issue, input: given } as z.core.$ZodRawIssue);
  return z.NEVER;
});

function isNames(given: unknown): given is Readonly<Record<string, unknown>> {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

/** A sentence of the record of processing. */
const sentence = z.string().trim().min(1).max(2_000);

/** Whole days; a century at most. */
const wholeDays = z.number().int().min(0).max(36_500);

/** A number of days, or the column that holds it: `by` leads to its row, one collection after the other. */
const period = z.unknown().transform((given, context) => {
  const parsed = isNames(given)
    ? z.strictObject({ column: identifier, by: z.array(subjectPath).min(1).max(8) }).safeParse(given)
    : wholeDays.safeParse(given);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues)
    context.issues.push({ ...issue, input: given } as z.core.$ZodRawIssue);
  return z.NEVER;
});

const expiryRule = z.strictObject({
  title: sentence,
  /** The time, or the day, that the days are counted from. */
  from: identifier,
  days: period,
  /** Only where each of these columns has one of these values. */
  where: z.record(identifier, z.array(z.string()).min(1)).optional(),
  then: disposal,
});
export type ExpiryRule = z.output<typeof expiryRule>;

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
  /** For the record of processing: what its rows are used for. What isn't said there is listed as not stated. */
  purpose: sentence.optional(),
  /** For the record of processing: whom its rows are about besides the subject, e.g. message recipients. */
  people: sentence.optional(),
  /** For the record of processing: how long its rows are kept while nobody asks for erasure. */
  retention: sentence.optional(),
  /** For the record of processing: to whom its rows are disclosed, a processor included; an empty list says nobody. */
  recipients: z.array(sentence).optional(),
  /** Rules by which rows, or what they hold, are over after some days; carried out by retention runs. */
  expiry: z.record(collectionName, expiryRule).default({}),
  /** Where its data come from; observed when it isn't said. */
  origin: origin.optional(),
  subject: z.array(subjectPath).min(1),
  /** Order of pages, newest first; columns that are not masked and, where a key tells the rows apart, never null. */
  order: z.array(identifier).min(1),
  /** Column with the time a row came to be, which never changes: tells who came back with a backup from who is new. */
  created: identifier.optional(),
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
  /** The column that a correction sets to the time at which it was; not where a trigger of the platform does. */
  updatedAt: identifier.optional(),
  /** What staff may do to one row besides correcting it. */
  actions: z
    .record(
      collectionName,
      z.strictObject({
        title: z.string(),
        set: assignment,
        /** Only where this column is null. */
        onlyIfNull: identifier.optional(),
        /** Only where each of these columns has one of these values. */
        where: z.record(identifier, z.array(z.string()).min(1)).optional(),
      }),
    )
    .default({}),
  /** The action by which what still writes for the person comes to rest before anything of theirs is deleted. */
  quiesce: collectionName.optional(),
  /**
   * Rows other people share (a workspace with other members): erasure needs a decision for each,
   * to hand it over, to close it or to anonymise it.
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
      /** A third decision: it stays with its members, without its owner and what tells of them. */
      anonymise: z.strictObject({ set: anonymisation }).optional(),
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

/**
 * A kind of subject: the rows of a collection, told by its key; or, where people
 * have no table of their own, whoever a value such as a phone number stands for.
 */
const subjectFields = z.strictObject({
  title: z.string().optional(),
  /** Said on each page and package of such a person where somebody else decides about the data, e.g. the tenant. */
  controller: z.string().min(3).max(300).optional(),
  /** The collection whose rows are the subjects, its key (one column, or several), and the columns a hit shows. */
  collection: collectionName.optional(),
  key: oneOrMore.optional(),
  name: identifier.optional(),
  email: identifier.optional(),
  phone: identifier.optional(),
  /** The column that tells since when an account is closed; null while it is open. */
  closed: identifier.optional(),
  /** Instead of a collection: the key is a value, compared exactly as the platform stores it. */
  value: z.strictObject({ title: z.string(), mask: z.enum(maskNames).default('text') }).optional(),
  /** Of a value: where a name of the person stands. */
  named: z.strictObject({ collection: collectionName, column: identifier }).optional(),
  /** Collection and column of the workspaces a hit shows: the person's own, or of a value those its rows lie in. */
  workspaces: z.strictObject({ collection: collectionName, name: identifier }).optional(),
});

/** What the record of processing (GDPR Art. 30(1)) says of all collections. */
const record = z.strictObject({
  /** Name and address of the controller. */
  controller: sentence.optional(),
  /** How the controller is reached. */
  contact: sentence.optional(),
  /** Whom the subjects are to the controller, e.g. account holders. */
  subjects: sentence.optional(),
  /** Transfers to third countries, and their safeguards. */
  transfers: sentence.optional(),
  /** Technical and organisational measures in general. */
  security: sentence.optional(),
});

export const dataMapSchema = z.strictObject({
  version: z.literal(1),
  policy: z.string(),
  record: record.optional(),
  /** The kinds of people the map is about; what doesn't say which is about the first. */
  subjects: z.record(kindName, subjectFields),
  collections: z.record(collectionName, collection),
  /** By language (ISO 639): what the map's own texts and categories are in it, each under the text itself. */
  translations: z.record(z.string().regex(/^[a-z]{2,3}$/), z.record(z.string(), sentence)).optional(),
  /** What a deletion asks of people, since no statement can do it: before anything goes, or before it counts as done. */
  tasks: z
    .record(
      collectionName,
      z.strictObject({
        title: sentence,
        /** Who does it. */
        owner: sentence,
        when: z.enum(['before', 'after']).default('after'),
        /** Whose deletion asks it; that of the first kind where it isn't said. */
        kinds: z.array(kindName).min(1).optional(),
      }),
    )
    .optional(),
  /** Tables ruled out by name, each with the reason. */
  ignored: z.record(z.string(), z.string()).default({}),
  undecided: z.array(undecided).optional(),
});

type Written = z.output<typeof dataMapSchema>;
type WrittenCollection = Written['collections'][string];
export type MapColumn = WrittenCollection['columns'][string];
export type SubjectPath = Omit<WrittenCollection['subject'][number], 'kind'> & { readonly kind: string };

/** A collection as the whole map has it: paths of all kinds, and what erasure does for each. */
export type Collection = Omit<WrittenCollection, 'subject' | 'detach' | 'erasure'> & {
  readonly subject: readonly SubjectPath[];
  readonly detach: readonly (string | SubjectPath)[];
  /** By kind of subject; each kind that has a path has an entry. */
  readonly erasure: Readonly<Record<string, ErasureAction>>;
};
export type DataMap = Omit<Written, 'collections'> & {
  readonly collections: Readonly<Record<string, Collection>>;
};

/** A collection as one kind of subject sees it. */
export type KindCollection = Omit<Collection, 'erasure'> & { readonly erasure: ErasureAction };

/** What of a map is about one kind of subject; everything that is compiled is compiled from these. */
export interface KindMap {
  readonly kind: string;
  /** What names of functions and views end in: nothing for the first kind. */
  readonly suffix: string;
  readonly whole: DataMap;
  readonly subject: {
    readonly title: string;
    readonly controller: string | null;
    /** Null where the key is a value. */
    readonly collection: string | null;
    readonly key: readonly string[];
    readonly value: { readonly title: string; readonly mask: MaskName } | null;
    readonly name: string | undefined;
    readonly email: string | undefined;
    readonly phone: string | undefined;
    readonly closed: string | undefined;
    readonly named: { readonly collection: string; readonly column: string } | undefined;
    readonly workspaces: { readonly collection: string; readonly name: string } | undefined;
  };
  /** The collections with rows of such people. */
  readonly collections: Readonly<Record<string, KindCollection>>;
}

const kindMaps = new WeakMap<DataMap, readonly KindMap[]>();

/** The map by kinds of subject, the first one first; the same objects each time. */
export function kindsOf(map: DataMap): readonly KindMap[] {
  const known = kindMaps.get(map);
  if (known !== undefined) return known;
  const made = Object.entries(map.subjects).map(([kind, subject], place): KindMap => {
    const collections: Record<string, KindCollection> = {};
    for (const [name, { shared, ...held }] of Object.entries(map.collections)) {
      const erasure = Object.hasOwn(held.erasure, kind) ? held.erasure[kind] : undefined;
      if (erasure === undefined) continue;
      collections[name] = {
        ...held,
        subject: held.subject.filter((path) => path.kind === kind),
        detach: held.detach.filter((each) => (typeof each === 'string' ? place === 0 : each.kind === kind)),
        erasure,
        // Only the first kind owns what others share, and works on the platform by itself.
        shared: place === 0 ? shared : undefined,
        quiesce: place === 0 ? held.quiesce : undefined,
      };
    }
    return {
      kind,
      suffix: place === 0 ? '' : `$${kind}`,
      whole: map,
      subject: {
        title: subject.title ?? `${kind.charAt(0).toUpperCase()}${kind.slice(1).replaceAll('_', ' ')}`,
        controller: subject.controller ?? null,
        collection: subject.collection ?? null,
        key: subject.key ?? ['value'],
        value: subject.value ?? null,
        name: subject.name,
        email: subject.email,
        phone: subject.phone,
        closed: subject.closed,
        named: subject.named,
        workspaces: subject.workspaces,
      },
      collections,
    };
  });
  kindMaps.set(map, made);
  return made;
}

/** Whether staff may correct a column's values. */
export function isCorrectable(mapped: MapColumn | undefined): boolean {
  return mapped !== undefined && mapped.correct !== false;
}

/** What the map says of correcting a column, beyond that it may be. */
export function correctionOf({ correct }: MapColumn): CorrectionFields {
  return typeof correct === 'object' ? correct : { format: undefined, identity: false, copies: [] };
}

/** Where a column's value stands too and is corrected with it. */
export function copiesOf(
  mapped: MapColumn,
): readonly { readonly collection: string; readonly column: string }[] {
  return correctionOf(mapped).copies.map((written) => {
    const dot = written.indexOf('.');
    return { collection: written.slice(0, dot), column: written.slice(dot + 1) };
  });
}

/** Whether a column's values are about somebody else when it is a person of that kind who asks. */
export function isThirdParty(mapped: MapColumn, kind: string): boolean {
  const { thirdParty } = mapped;
  return (
    thirdParty === true || thirdParty === kind || (Array.isArray(thirdParty) && thirdParty.includes(kind))
  );
}

/** The first kind of subject, which a map is about where it doesn't say otherwise. */
export function firstKind(map: DataMap): KindMap {
  const [first] = kindsOf(map);
  if (first === undefined) throw new Error('unchecked map: no subjects');
  return first;
}

/** Fills in of which kind paths and erasure are. */
function withKinds(written: Written): DataMap {
  const [first = ''] = Object.keys(written.subjects);
  const path = (each: WrittenCollection['subject'][number]): SubjectPath => ({
    ...each,
    kind: each.kind ?? first,
  });
  return {
    ...written,
    collections: Object.fromEntries(
      Object.entries(written.collections).map(([name, held]): [string, Collection] => {
        const subject = held.subject.map(path);
        const does = held.erasure;
        return [
          name,
          {
            ...held,
            subject,
            detach: held.detach.map((each) => (typeof each === 'string' ? each : path(each))),
            erasure: isOneErasure(does)
              ? Object.fromEntries([...new Set(subject.map((each) => each.kind))].map((kind) => [kind, does]))
              : does,
          },
        ];
      }),
    ),
  };
}

function isOneErasure(does: WrittenCollection['erasure']): does is ErasureAction {
  return typeof does.action === 'string';
}

/** The fields that may be written at a place of the map, for the error that says what to write instead. */
function knownFields(place: Place): readonly string[] {
  const [top, , third, fourth, fifth] = place;
  const last = place.at(-1);
  if (top === undefined) return Object.keys(dataMapSchema.shape);
  if (top === 'undecided') return Object.keys(undecided.shape);
  if (top === 'subjects') return subjectsFields(place);
  if (top === 'record') return Object.keys(record.shape);
  if (top !== 'collections') return [];
  if (place.length === 2) return Object.keys(collection.shape);
  if (third === 'columns' && fourth !== undefined && fifth === undefined)
    return Object.keys(columnFields.shape);
  if (third === 'columns' && fifth === 'paths' && place.length === 6) return Object.keys(innerFields.shape);
  if (third === 'columns' && fifth === 'correct' && place.length === 5)
    return Object.keys(correctionFields.shape);
  if ((third === 'subject' || third === 'detach' || third === 'expiry') && typeof last === 'number')
    return Object.keys(pathFields.shape);
  if (third === 'expiry' && place.length === 4) return Object.keys(expiryRule.shape);
  if (third === 'expiry' && fifth === 'days' && place.length === 5) return ['column', 'by'];
  if (third === 'erasure' && last !== 'whenReferenced' && place.length <= 4)
    return ['action', 'whenReferenced', 'unlessReferenced', 'set', 'ground', 'years', 'from', 'then'];
  return [];
}

function subjectsFields(place: Place): readonly string[] {
  const shape = subjectFields.shape;
  if (place.length === 2) return Object.keys(shape);
  switch (place[2]) {
    case 'value':
      return ['title', 'mask'];
    case 'named':
      return ['collection', 'column'];
    case 'workspaces':
      return ['collection', 'name'];
    default:
      return [];
  }
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
  const map = withKinds(parsed.data);
  checkReferences(map, parsed.data, places);
  return { map, document };
}

function checkReferences(map: DataMap, written: Written, places: MapPlaces): void {
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
  const kinds = Object.keys(map.subjects);
  const kindAt = (place: Place, kind: string): void => {
    if (!kinds.includes(kind)) wrong(place, `there is no kind of subject ${kind}; ${among(kinds)}`);
  };
  const [first] = kinds;
  if (first === undefined)
    wrong(['subjects'], 'the map is about nobody; name a kind of subject with its collection and key');
  const keyOf = (kind: string): readonly string[] => map.subjects[kind]?.key ?? ['value'];
  // A misspelt kind first: what is missing because of it says less.
  for (const [name, held] of Object.entries(map.collections)) {
    for (const part of ['subject', 'detach'] as const)
      for (const [place, each] of held[part].entries())
        if (typeof each !== 'string') kindAt(['collections', name, part, place, 'kind'], each.kind);
    for (const kind of Object.keys(held.erasure)) kindAt(['collections', name, 'erasure', kind], kind);
  }
  checkSubjects(map, collectionAt, columnAt, wrong);
  checkTasks(map, wrong);
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
        if (isCorrectable(held.columns[column]))
          wrong(
            at('columns', column, 'correct'),
            'a column on a path to the subject is never correctable; remove “correct”',
          );
      }
      if (path.of === undefined) {
        const key = keyOf(path.kind);
        if (path.columns.length !== key.length)
          wrong(
            place,
            `the subject’s key has ${key.length} columns, the path ${path.columns.length}; write as many as the key has`,
          );
        return;
      }
      const parent = collectionAt([...place, 'of'], path.of);
      if (!parent.subject.some((each) => each.kind === path.kind))
        wrong(
          [...place, 'of'],
          `no row of ${path.of} belongs to a subject of the kind ${path.kind}; give it a path of that kind, or write another collection`,
        );
      for (const [number, key] of path.keys.entries()) {
        columnAt(path.keys.length === 1 ? [...place, 'key'] : [...place, 'keys', number], path.of, key);
        if (parent.columns[key]?.never)
          wrong(
            ['collections', path.of, 'columns', key, 'never'],
            'no path can go over a column that is never read; remove “never”, or write another path',
          );
        if (path.keys.length > 1 && isCorrectable(parent.columns[key]))
          wrong(
            ['collections', path.of, 'columns', key, 'correct'],
            `rows of ${name} are found by it together with other columns, so that nobody could say which ones a correction loses; remove “correct”`,
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
    const own = [...new Set(held.subject.map((path) => path.kind))];
    const does = written.collections[name]?.erasure;
    const byKind = does !== undefined && !isOneErasure(does);
    for (const kind of own) {
      if (!Object.hasOwn(held.erasure, kind))
        wrong(
          at('erasure'),
          `it doesn’t say what is done to the rows of the kind ${kind}; add ${kind}: { action: … }`,
        );
    }
    for (const [kind, action] of Object.entries(held.erasure)) {
      if (!own.includes(kind))
        wrong(
          at('erasure', kind),
          `no path says which rows belong to the kind ${kind}; add one, or remove this`,
        );
      checkErasure(
        map,
        name,
        kind,
        action,
        (...rest) => at('erasure', ...(byKind ? [kind] : []), ...rest),
        columnAt,
        wrong,
      );
    }
    for (const [column, { mayName, never }] of Object.entries(held.columns))
      if (mayName === true && never)
        wrong(
          at('columns', column, 'mayName'),
          'nobody looks into what is never read; remove “mayName”, or “never”',
        );
    for (const [column, { thirdParty }] of Object.entries(held.columns))
      for (const kind of thirdParty === undefined || thirdParty === true ? [] : [thirdParty].flat())
        if (!Object.hasOwn(held.erasure, kind))
          wrong(
            at('columns', column, 'thirdParty'),
            `no people of the kind ${kind} have rows here; write ${Object.keys(held.erasure).join(' or ')}`,
          );
    checkUses(name, held, at, columnAt, wrong);
    checkCorrections(map, name, held, at, columnAt, wrong);
    checkExpiry(map, name, held, at, columnAt, wrong);
    checkQuiescing(held, at, wrong);
    checkDocuments(held, at, wrong, byKind);
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
  byKind: boolean,
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
  for (const [place, set] of assignmentsOf(held, at, byKind))
    for (const [column, value] of Object.entries(set)) {
      if (value === null || typeof value === 'string' || isReplacement(value)) continue;
      check([...place, column], Object.keys(value));
      for (const [path, inner] of Object.entries(value))
        if (inner === 'now')
          wrong([...place, column, path], 'a value inside a document is null or a text, no time; write that');
    }
}

/** Where the map names a column whose whole value is shown or compared, outside its own entry. */
function readAsWhole(map: DataMap): readonly (readonly [Place, string, string | undefined])[] {
  const places: (readonly [Place, string, string | undefined])[] = [];
  for (const [kind, subject] of Object.entries(map.subjects)) {
    const { collection, named, workspaces } = subject;
    if (collection !== undefined) {
      for (const column of subject.key ?? []) places.push([['subjects', kind, 'key'], collection, column]);
      for (const each of ['name', 'email', 'phone', 'closed'] as const)
        places.push([['subjects', kind, each], collection, subject[each]]);
    }
    if (named !== undefined)
      places.push([['subjects', kind, 'named', 'column'], named.collection, named.column]);
    if (workspaces !== undefined)
      places.push([['subjects', kind, 'workspaces', 'name'], workspaces.collection, workspaces.name]);
  }
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
    here(held.created, 'created');
    for (const each of ['day', 'value', 'by'] as const) here(held.series?.[each], 'series', each);
    for (const each of ['key', 'contentType', 'bytes', 'sha256'] as const)
      here(held.object?.[each], 'object', each);
    for (const [, column] of (held.objectPrefix ?? '').matchAll(/\{([^}]+)\}/g)) here(column, 'objectPrefix');
    for (const does of Object.values(held.erasure))
      if (does.action === 'keep') here(does.from, 'erasure', 'from');
    for (const [rule, { from, days, where }] of Object.entries(held.expiry)) {
      here(from, 'expiry', rule, 'from');
      for (const column of Object.keys(where ?? {})) here(column, 'expiry', rule, 'where', column);
      if (typeof days === 'number') continue;
      for (const hop of hopsOf(name, days))
        for (const [place, collection, column] of hop.columns)
          places.push([['collections', name, 'expiry', rule, 'days', ...place], collection, column]);
    }
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
  byKind: boolean,
): readonly (readonly [Place, Readonly<Record<string, Assigned>>])[] {
  const erased = Object.entries(held.erasure).slice(0, byKind ? undefined : 1);
  return [
    ...Object.entries(held.actions).map(
      ([action, what]) => [at('actions', action, 'set'), what.set] as const,
    ),
    ...(held.shared?.anonymise === undefined
      ? []
      : [[at('shared', 'anonymise', 'set'), held.shared.anonymise.set] as const]),
    ...Object.entries(held.expiry).flatMap(([rule, { then }]) =>
      then === 'delete' ? [] : [[at('expiry', rule, 'then', 'set'), then.set] as const],
    ),
    ...erased.flatMap(([kind, does]) => {
      const place = byKind ? ['erasure', kind] : ['erasure'];
      if (does.action === 'anonymise') return [[at(...place, 'set'), does.set] as const];
      if (does.action === 'keep' && does.then !== undefined && does.then !== 'delete')
        return [[at(...place, 'then', 'set'), does.then.set] as const];
      return does.action === 'delete' && does.whenReferenced !== undefined
        ? [[at(...place, 'whenReferenced', 'set'), does.whenReferenced.set] as const]
        : [];
    }),
  ];
}

type Wrong = (place: Place, says: string) => never;
type ColumnAt = (place: Place, name: string, column: string | undefined) => void;

/** The kinds of subjects, each either a collection with its key or a value. */
function checkSubjects(
  map: DataMap,
  collectionAt: (place: Place, name: string) => Collection,
  columnAt: ColumnAt,
  wrong: Wrong,
): void {
  for (const [kind, subject] of Object.entries(map.subjects)) {
    const at = (...rest: readonly (string | number)[]): Place => ['subjects', kind, ...rest];
    if (subject.workspaces !== undefined)
      columnAt(at('workspaces', 'name'), subject.workspaces.collection, subject.workspaces.name);
    if (subject.value !== undefined) {
      for (const each of ['collection', 'key', 'name', 'email', 'phone', 'closed'] as const)
        if (subject[each] !== undefined)
          wrong(at(each), 'a subject told by a value has no table of its own; remove this, or “value”');
      if (
        !Object.values(map.collections).some((held) =>
          held.subject.some((path) => path.kind === kind && path.of === undefined),
        )
      )
        wrong(
          at('value'),
          `no collection says which rows belong to the kind ${kind}; add { column: COLUMN, kind: ${kind} } to a “subject”`,
        );
      if (subject.named !== undefined) {
        const { collection, column } = subject.named;
        columnAt(at('named', 'column'), collection, column);
        if (
          !collectionAt(at('named', 'collection'), collection).subject.some(
            (path) => path.kind === kind && path.of === undefined,
          )
        )
          wrong(
            at('named', 'collection'),
            `${collection} has no path of the kind ${kind} by a column of its own; write a collection that has`,
          );
      }
      continue;
    }
    const { collection, key, named } = subject;
    if (named !== undefined)
      wrong(at('named'), 'only a subject told by a value is named elsewhere; write “name”');
    if (collection === undefined)
      return wrong(
        at('collection'),
        '“collection” is missing; add it (a text), or “value” where these people have no table of their own',
      );
    const holder = collectionAt(at('collection'), collection);
    if (key === undefined)
      return wrong(at('key'), '“key” is missing; add it (a column of the collection, or a list of several)');
    for (const [number, each] of key.entries())
      columnAt(key.length === 1 ? at('key') : at('key', number), collection, each);
    for (const each of ['name', 'email', 'phone', 'closed'] as const)
      columnAt(at(each), collection, subject[each]);
    if (subject.closed !== undefined && holder.columns[subject.closed]?.never === true)
      wrong(at('closed'), 'a column that is never read can’t tell when an account was closed; write another');
    for (const [place, wanted] of [
      ['collection', holder],
      [
        'workspaces',
        subject.workspaces === undefined ? undefined : map.collections[subject.workspaces.collection],
      ],
    ] as const)
      if (wanted !== undefined && !wanted.subject.some((path) => path.kind === kind))
        wrong(at(place), `no path of that collection is of the kind ${kind}; add one to its “subject”`);
  }
}

/** What erasure of one kind of subject names. */
function checkErasure(
  map: DataMap,
  name: string,
  kind: string,
  does: ErasureAction,
  at: (...rest: readonly (string | number)[]) => Place,
  columnAt: ColumnAt,
  wrong: Wrong,
): void {
  const held = map.collections[name];
  const checkSet = (place: Place, set: Readonly<Record<string, unknown>>): void => {
    for (const column of Object.keys(set)) columnAt([...place, column], name, column);
  };
  if (does.action === 'anonymise') checkSet(at('set'), does.set);
  if (does.action === 'keep') {
    columnAt(at('from'), name, does.from);
    if (does.then !== undefined && does.then !== 'delete') {
      checkSet(at('then', 'set'), does.then.set);
      checkReplaced(does.then.set, (...rest) => at('then', 'set', ...rest), wrong);
    }
    if (does.then === 'delete' && (held?.object !== undefined || held?.objectPrefix !== undefined))
      wrong(at('then'), 'its rows name objects in R2, which would stay there; overwrite columns instead');
  }
  if (does.action !== 'delete' || does.whenReferenced === undefined) return;
  checkSet(at('whenReferenced', 'set'), does.whenReferenced.set);
  if (does.unlessReferenced !== undefined)
    wrong(
      at('unlessReferenced'),
      'a row that is referred to is either anonymised (“whenReferenced”) or stays (“unlessReferenced”); remove one of them',
    );
  for (const [place, by] of does.whenReferenced.by.entries()) {
    for (const column of by.column)
      columnAt(at('whenReferenced', 'by', place, 'column'), by.collection, column);
    if (!map.collections[by.collection]?.subject.some((path) => path.kind === kind))
      wrong(
        at('whenReferenced', 'by', place, 'collection'),
        `no row of ${by.collection} belongs to a subject of the kind ${kind}; write a collection that has such rows`,
      );
  }
}

/** That what is corrected with a column is the same people's, and no column that says whose a row is. */
function checkCorrections(
  map: DataMap,
  name: string,
  held: Collection,
  at: (...rest: readonly (string | number)[]) => Place,
  columnAt: ColumnAt,
  wrong: Wrong,
): void {
  columnAt(at('updatedAt'), name, held.updatedAt);
  for (const [column, mapped] of Object.entries(held.columns)) {
    if (!isCorrectable(mapped)) continue;
    if (mapped.never)
      wrong(at('columns', column, 'correct'), 'what is never read can’t be corrected; remove “correct”');
    for (const [place, { collection, column: copied }] of copiesOf(mapped).entries()) {
      const here = at('columns', column, 'correct', 'copies', place);
      columnAt(here, collection, copied);
      const other = map.collections[collection];
      const copy = other?.columns[copied];
      if (other === undefined || copy === undefined) continue;
      if (collection === name && copied === column)
        wrong(here, 'this is the column itself; name another one, or remove it');
      if (copy.never || copy.paths !== undefined)
        wrong(here, 'what is never read, or only in parts, is no copy of a value; remove it');
      if (
        [...other.subject, ...other.detach].some((path) =>
          typeof path === 'string' ? path === copied : path.columns.includes(copied),
        )
      )
        wrong(here, 'a column on a path to the subject is never correctable, as a copy neither; remove it');
      const missing = Object.keys(held.erasure).find((kind) => !Object.hasOwn(other.erasure, kind));
      if (missing !== undefined)
        wrong(here, `no row of ${collection} belongs to people of the kind ${missing}; remove it`);
    }
  }
}

/** The columns by which a row is led to the one that holds its days, each with its place in the map. */
function hopsOf(
  name: string,
  { column, by }: Exclude<ExpiryRule['days'], number>,
): readonly { readonly columns: readonly (readonly [Place, string, string])[] }[] {
  let at = name;
  const hops = by.map((hop, number) => {
    const from = at;
    at = hop.of ?? '';
    return {
      columns: [
        ...hop.columns.map((each) => [['by', number], from, each] as const),
        ...hop.keys.map((each) => [['by', number], at, each] as const),
      ],
    };
  });
  return [...hops, { columns: [[['column'], at, column] as const] }];
}

/** That what retention runs go by can be read and counted, and leaves nothing behind that nobody finds again. */
function checkExpiry(
  map: DataMap,
  name: string,
  held: Collection,
  at: (...rest: readonly (string | number)[]) => Place,
  columnAt: ColumnAt,
  wrong: Wrong,
): void {
  const read = (place: Place, collection: string, column: string): void => {
    columnAt(place, collection, column);
    if (map.collections[collection]?.columns[column]?.never === true)
      wrong(place, `${column} is never read, so nothing can go by it; write another column`);
  };
  for (const [rule, { from, days, where, then }] of Object.entries(held.expiry)) {
    const here = (...rest: readonly (string | number)[]): Place => at('expiry', rule, ...rest);
    if (held.object !== undefined)
      wrong(
        here(),
        'its rows name objects in R2, which would stay there without a name; files go with their person, and their ages are shown',
      );
    read(here('from'), name, from);
    for (const column of Object.keys(where ?? {})) read(here('where', column), name, column);
    if (typeof days !== 'number') {
      for (const [number, hop] of days.by.entries()) {
        const place = here('days', 'by', number);
        if (hop.of === undefined || hop.kind !== undefined || hop.ignoreCase)
          wrong(
            place,
            'write the next collection here, as { column: …, of: COLLECTION, key: … } and nothing more',
          );
        if (!Object.hasOwn(map.collections, hop.of ?? ''))
          wrong([...place, 'of'], `there is no collection ${hop.of ?? ''}; write one of the map’s`);
      }
      for (const { columns } of hopsOf(name, days))
        for (const [place, collection, column] of columns) read(here('days', ...place), collection, column);
    }
    if (then === 'delete') {
      if (held.objectPrefix !== undefined)
        wrong(here('then'), 'its rows own objects in R2, which would stay there; overwrite columns instead');
      if (Object.values(map.subjects).some((subject) => subject.collection === name))
        wrong(here('then'), 'people themselves go by a deletion of their own; remove this rule');
      const kept = Object.values(held.erasure).find((does) => does.action === 'keep');
      if (kept?.action === 'keep')
        wrong(here('then'), `the law keeps its rows (${kept.ground}); remove this rule`);
      continue;
    }
    for (const column of Object.keys(then.set)) columnAt(here('then', 'set', column), name, column);
    checkReplaced(then.set, (...rest) => here('then', 'set', ...rest), wrong);
  }
}

/** That what is set when the time is over names nobody, and shows afterwards that it was done. */
function checkReplaced(
  set: Readonly<Record<string, Assigned>>,
  at: (...rest: readonly (string | number)[]) => Place,
  wrong: Wrong,
): void {
  for (const [column, value] of Object.entries(set)) {
    if (typeof value === 'string' && value.includes('{reference}'))
      wrong(at(column), 'nobody’s reference is known here; write a text without it');
    if (isReplacement(value) && value.consistent)
      wrong(at(column), 'only a deletion replaces the same value alike; remove “consistent”');
  }
  if (Object.values(set).every((value) => value === 'now'))
    wrong(at(), 'it would be done again and again; set a column to null, a text or a replacement');
}

/** That what comes to rest is an action of the collection, and one that is over with a row once it was done. */
function checkQuiescing(
  held: Collection,
  at: (...rest: readonly (string | number)[]) => Place,
  wrong: Wrong,
): void {
  if (held.quiesce === undefined) return;
  const action = Object.hasOwn(held.actions, held.quiesce) ? held.actions[held.quiesce] : undefined;
  if (action === undefined) return wrong(at('quiesce'), 'name one of the actions of this collection');
  const ends =
    (action.onlyIfNull !== undefined && (action.set[action.onlyIfNull] ?? null) !== null) ||
    Object.entries(action.where ?? {}).some(([column, values]) => {
      const set = action.set[column];
      return typeof set === 'string' && !values.includes(set);
    });
  if (!ends)
    wrong(
      at('quiesce'),
      'the action has to fit a row no longer once it was done: set the column of “onlyIfNull”, or a column of “where” to another value',
    );
}

/** That tasks are asked of kinds there are. */
function checkTasks(map: DataMap, wrong: Wrong): void {
  for (const [name, { kinds = [] }] of Object.entries(map.tasks ?? {}))
    kinds.forEach((kind, place) => {
      if (!Object.hasOwn(map.subjects, kind))
        wrong(['tasks', name, 'kinds', place], 'name a kind of “subjects”');
    });
}

/** The columns that charts, objects, actions and sharing name. */
function checkUses(
  name: string,
  held: Collection,
  at: (...rest: readonly (string | number)[]) => Place,
  columnAt: ColumnAt,
  wrong: Wrong,
): void {
  const { series, object, shared } = held;
  for (const [action, what] of Object.entries(held.actions)) {
    for (const column of Object.keys(what.set)) columnAt(at('actions', action, 'set', column), name, column);
    columnAt(at('actions', action, 'onlyIfNull'), name, what.onlyIfNull);
    for (const column of Object.keys(what.where ?? {}))
      columnAt(at('actions', action, 'where', column), name, column);
  }
  columnAt(at('created'), name, held.created);
  if (held.created !== undefined && held.columns[held.created]?.never === true)
    wrong(at('created'), 'a column that is never read can’t tell when a row came to be; write another');
  for (const each of ['day', 'value', 'by'] as const) columnAt(at('series', each), name, series?.[each]);
  for (const each of ['key', 'contentType', 'bytes', 'sha256'] as const)
    columnAt(at('object', each), name, object?.[each]);
  if (shared === undefined) return;
  for (const each of ['owner', 'about'] as const) columnAt(at('shared', each), name, shared[each]);
  for (const column of Object.keys(shared.anonymise?.set ?? {})) {
    const place = at('shared', 'anonymise', 'set', column);
    columnAt(place, name, column);
    if (column === shared.owner) wrong(place, 'the owner is changed by itself; remove this');
  }
  for (const each of ['column', 'person', 'since'] as const)
    columnAt(at('shared', each), shared.by, shared[each]);
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

/** The map in the canonical form that is hashed: keys sorted, defaults filled in; which kind of subject is the first stays. */
export function canonicalMap(map: DataMap): string {
  return JSON.stringify(map, (_key, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value) && value !== map.subjects
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/**
 * Reads back what {@link canonicalMap} wrote.
 * @throws ExpectedError `schema_drift` when another version of the program wrote it
 */
export function mapFromCanonical(text: string): DataMap {
  const parsed = dataMapSchema.safeParse(JSON.parse(text));
  if (parsed.success) return withKinds(parsed.data);
  throw new ExpectedError(
    'schema_drift',
    'The map in force was installed by another version of the program, which this one can’t read; install it again.',
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
