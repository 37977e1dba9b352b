import type { MapDifference } from '#shared/contract/dataMap.ts';
import { canonicalMap, type Collection, type DataMap, type MapColumn } from './map.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What a field of a column comes to for who looks at it, where that isn't plain. */
const columnExposure: Readonly<Record<string, (from: unknown, to: unknown) => MapDifference['exposure']>> = {
  mask: (from, to) => (to === undefined ? 'more' : from === undefined ? 'less' : 'same'),
  never: (_from, to) => (to === true ? 'less' : 'more'),
  search: (from, to) => (forms(to).some((form) => !forms(from).includes(form)) ? 'more' : 'less'),
  // Whom it is still about somebody else for: in packages for anybody else it isn't masked.
  thirdParty: (from, to) =>
    to === true || (from !== true && kindsIn(from).every((kind) => kindsIn(to).includes(kind)))
      ? 'less'
      : 'more',
};

/** What is worked out is in no package for portability; where it comes from otherwise makes no difference there. */
function originExposure(from: unknown, to: unknown): MapDifference['exposure'] {
  if ((from === 'derived') === (to === 'derived')) return 'same';
  return to === 'derived' ? 'less' : 'more';
}

/** Fields of a collection that decide whose rows, or which objects, are shown and erased. */
const reaching = new Set(['subject', 'object', 'objectPrefix']);

const forms = (given: unknown): readonly unknown[] => (Array.isArray(given) ? given : []);
const kindsIn = (given: unknown): readonly unknown[] => (given === undefined ? [] : [given].flat());

/**
 * What changes from one data map to another, one line for each field that
 * differs, in the order of the new map. Two maps with different hashes differ
 * in at least one line: fields are compared by what is written, not by a list
 * of the fields known here.
 */
export function differencesOf(before: DataMap, after: DataMap): readonly MapDifference[] {
  const { collections: oldCollections, ignored: oldIgnored, translations: was = {}, ...oldRest } = before;
  const { collections, ignored, translations: is = {}, ...rest } = after;
  return [
    ...wholeFields(oldRest, rest).map(([field, from, to]): MapDifference => ({
      table: null,
      collection: null,
      column: null,
      what: 'changed',
      field,
      from: written(from),
      to: written(to),
      exposure: field === 'subjects' ? 'more' : 'same',
    })),
    ...union(was, is).flatMap((language) => ofTranslations(language, own(was, language), own(is, language))),
    ...union(oldCollections, collections).flatMap((name) =>
      ofCollection(name, own(oldCollections, name), own(collections, name)),
    ),
    ...fieldsOf(oldIgnored, ignored).map(([table, from, to]): MapDifference => ({
      table,
      collection: null,
      column: null,
      what: from === undefined ? 'ruled out' : to === undefined ? 'no longer ruled out' : 'changed',
      field: 'ignored',
      from: written(from),
      to: written(to),
      exposure: 'same',
    })),
  ];
}

/** A line for each text; a language that holds none yet is one as well. */
function ofTranslations(
  language: string,
  before: Fields | undefined,
  after: Fields | undefined,
): readonly MapDifference[] {
  const line = (field: string, from: unknown, to: unknown): MapDifference => ({
    table: null,
    collection: null,
    column: null,
    what: 'changed',
    field,
    from: written(from),
    to: written(to),
    exposure: 'same',
  });
  const texts = fieldsOf(before ?? {}, after ?? {});
  if (texts.length === 0 && (before === undefined) !== (after === undefined))
    return [line(`translations into ${language}`, before, after)];
  return texts.map(([text, from, to]) => line(`translation into ${language} of “${text}”`, from, to));
}

function ofCollection(
  collection: string,
  before: Collection | undefined,
  after: Collection | undefined,
): readonly MapDifference[] {
  const table = (after ?? before)?.table ?? null;
  const line = (
    difference: Pick<MapDifference, 'what' | 'exposure'> & Partial<MapDifference>,
  ): MapDifference => ({ table, collection, column: null, field: null, from: null, to: null, ...difference });
  if (after === undefined) return [line({ what: 'removed', exposure: 'less' })];
  const { columns, erasure, ...rest } = after;
  if (before === undefined)
    return [
      line({ what: 'added', exposure: 'more' }),
      ...Object.entries(columns).map(([column, mapped]) =>
        line({ column, what: 'added', to: mapped.category, exposure: mapped.never ? 'same' : 'more' }),
      ),
    ];
  const { columns: oldColumns, erasure: oldErasure, ...oldRest } = before;
  return [
    ...fieldsOf(oldRest, rest).map(([field, from, to]) =>
      line({
        what: 'changed',
        field,
        from: written(from),
        to: written(to),
        exposure:
          field === 'origin'
            ? originExposure(from, to)
            : reaching.has(field) || field === 'table'
              ? 'more'
              : 'same',
      }),
    ),
    ...fieldsOf(oldErasure, erasure).map(([kind, from, to]) =>
      line({
        what: 'changed',
        field: `erasure of ${kind}`,
        from: erasureInWords(from),
        to: erasureInWords(to),
        exposure: 'same',
      }),
    ),
    ...union(oldColumns, columns).flatMap((column) =>
      ofColumn(own(oldColumns, column), own(columns, column), [before.origin, after.origin]).map((each) =>
        line({ ...each, column }),
      ),
    ),
  ];
}

function ofColumn(
  before: MapColumn | undefined,
  after: MapColumn | undefined,
  /** Where their collection's data come from, which holds where a column doesn't say. */
  [was, is]: readonly [unknown, unknown],
): readonly (Pick<MapDifference, 'what' | 'exposure'> & Partial<MapDifference>)[] {
  if (after === undefined) return [{ what: 'removed', exposure: 'less' }];
  if (before === undefined)
    return [{ what: 'added', to: after.category, exposure: after.never ? 'same' : 'more' }];
  return fieldsOf(before, after).map(([field, from, to]) => ({
    what: 'changed' as const,
    field,
    from: written(from),
    to: written(to),
    exposure:
      field === 'origin'
        ? originExposure(from ?? was, to ?? is)
        : (columnExposure[field]?.(from, to) ?? 'same'),
  }));
}

/** The fields that differ, each with what it was and what it becomes. */
function fieldsOf(before: Fields, after: Fields): readonly (readonly [string, unknown, unknown])[] {
  return union(before, after)
    .map((field) => [field, own(before, field), own(after, field)] as const)
    .filter(([, from, to]) => canonical(from) !== canonical(to));
}

/** As {@link fieldsOf}; which kind of subject is the first one is a difference too. */
function wholeFields(before: Fields, after: Fields): readonly (readonly [string, unknown, unknown])[] {
  const differing = fieldsOf(before, after);
  const [was, is] = [before, after].map((each) => JSON.stringify(Object.keys(each['subjects'] ?? {})));
  return was === is || differing.some(([field]) => field === 'subjects')
    ? differing
    : [['subjects', was, is], ...differing];
}

function union(before: object, after: object): readonly string[] {
  return [...new Set([...Object.keys(after), ...Object.keys(before)])];
}

function own<Value>(of: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(of, name) ? of[name] : undefined;
}

/** As the hash sees it: the order of keys says nothing, that of a list does. */
function canonical(value: unknown): string {
  return value === undefined || value === null ? String(value) : canonicalMap(value as DataMap);
}

function written(value: unknown): string | null {
  return value === undefined ? null : typeof value === 'string' ? value : canonical(value);
}

/** What erasure does to the rows of a kind of people, e.g. `keep, ground: Tax act, years: 8, from: issued_at`. */
function erasureInWords(erasure: unknown): string | null {
  if (typeof erasure !== 'object' || erasure === null) return written(erasure);
  const { action, ...rest } = erasure as Fields;
  const told = Object.entries(rest).map(([field, value]) =>
    field === 'set' && typeof value === 'object' && value !== null
      ? Object.entries(value)
          .map(([column, to]) => `${column} becomes ${written(to) ?? 'null'}`)
          .join(', ')
      : `${field}: ${written(value) ?? 'null'}`,
  );
  return [written(action), ...told].join(', ');
}
