import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { kindInForce, mapInForce } from '#core/subjects/index.ts';
import type { MappedCollection } from '#shared/contract/dataMap.ts';
import type { InputOf } from '#shared/contract/index.ts';
import { leftOutOf, profileFor, type ExportProfile, type LeftOut } from '#shared/domain/exportProfiles.ts';
import type { LeftOutInWords } from './page/page.ts';

/** What of a person an export holds. */
export interface ExportScope {
  readonly profile: ExportProfile;
  readonly leftOut: readonly LeftOut[];
  /** Whether what is about other people comes as it is. */
  readonly showOthers: boolean;
  readonly reason: string | null;
  /** ISO 8601; null where the range is open. */
  readonly since: string | null;
  readonly until: string | null;
}

type Wanted = Pick<InputOf<'exports.start'>, 'profile' | 'choice' | 'reason'> & {
  readonly showOthers: boolean;
};

/**
 * What a request's export holds by its profile and what was chosen.
 * @throws ExpectedError `not_found`, `invalid_input` for a choice without a custom package, of what the map lacks, or without a reason
 */
export async function scopeOf(at: Desk, requestId: number, wanted: Wanted): Promise<ExportScope> {
  const [request] = await at.database.rows(
    sql`select kind, subject_kind as "subjectKind" from privacy_console.requests('all', null, ${requestId}::bigint, 1)`,
    z.object({ kind: z.string(), subjectKind: z.string().nullable() }),
  );
  if (request === undefined) throw new ExpectedError('not_found', `There is no request ${requestId}.`);
  const profile = wanted.profile ?? profileFor(request.kind);
  const { without = [], withoutColumns = [], since = null, until = null } = wanted.choice ?? {};
  if (wanted.choice !== undefined && profile !== 'custom')
    throw new ExpectedError(
      'invalid_input',
      'Only a custom package leaves out what is chosen; make it one, or choose nothing.',
    );
  const scope = { profile, showOthers: wanted.showOthers, reason: wanted.reason ?? null, since, until };
  // The database refuses a request that names nobody, with the reason.
  if (request.subjectKind === null) return { ...scope, leftOut: [] };
  const { collections } = kindInForce(await mapInForce(at.database), request.subjectKind);
  const known = new Set(
    collections.flatMap(({ name, columns }) => [name, ...columns.map((column) => `${name}.${column.name}`)]),
  );
  const unknown = [...without, ...withoutColumns].filter((each) => !known.has(each));
  if (unknown.length > 0)
    throw new ExpectedError(
      'invalid_input',
      `The data map holds no ${unknown.slice(0, 5).join(', ')} for such a person; write a collection, or collection.column.`,
    );
  return {
    ...scope,
    leftOut: leftOutOf(profile, request.subjectKind, collections, { without, withoutColumns }),
  };
}

/** As the database keeps it: by collection the columns that stay out, null for all of it. */
export function withoutOf(leftOut: readonly LeftOut[]): Readonly<Record<string, readonly string[] | null>> {
  return Object.fromEntries(
    [...Map.groupBy(leftOut, (each) => each.collection)].map(([collection, parts]) => [
      collection,
      parts.some((each) => each.column === null) ? null : parts.flatMap((each) => each.column ?? []),
    ]),
  );
}

/** The collections that are in, with the columns that are in. */
export function within(scope: ExportScope, held: readonly MappedCollection[]): readonly MappedCollection[] {
  const without = withoutOf(scope.leftOut);
  return held.flatMap((collection) => {
    const out = without[collection.name];
    if (out === null) return [];
    return [
      out === undefined
        ? collection
        : { ...collection, columns: collection.columns.filter((column) => !out.includes(column.name)) },
    ];
  });
}

/** What of a package is about other people, and how it comes. */
export function thirdPartiesOf(
  scope: ExportScope,
  kind: string,
  collections: readonly MappedCollection[],
): object {
  return {
    shown: scope.showOthers,
    ...(scope.showOthers ? { because: scope.reason } : {}),
    columns: collections.flatMap((collection) =>
      collection.columns
        .filter((column) => column.thirdParty.includes(kind))
        .map((column) => ({
          collection: collection.name,
          column: column.name,
          how: scope.showOthers ? 'as it is' : 'masked, but where it is the person’s own',
        })),
    ),
  };
}

/** By which column each collection was cut to the range; null for one that has no time, which is in whole. */
export function rangeOf(scope: ExportScope, collections: readonly MappedCollection[]): object {
  if (scope.since === null && scope.until === null) return {};
  return {
    range: {
      since: scope.since,
      until: scope.until,
      by: Object.fromEntries(collections.map(({ name, timeColumn }) => [name, timeColumn])),
    },
  };
}

/**
 * Whether objects that no row names go in too: only where every row that names one does, since of an object alone
 * nothing tells to what that was left out it belongs.
 */
export function namesEveryObject({ leftOut, since, until }: ExportScope): boolean {
  return since === null && until === null && leftOut.every((each) => each.column !== null);
}

const leftOutWords: Readonly<Record<LeftOut['because'], string>> = {
  derived: 'worked out from other data, so not part of portability',
  third_party: 'about other people',
  chosen: 'left out by choice',
};

/** What isn't in the package though it is held, and why. */
export function leftOutInWords(
  scope: ExportScope,
  collections: readonly MappedCollection[],
): readonly LeftOutInWords[] {
  return [
    ...scope.leftOut.map(({ collection, column, because }) => ({
      collection,
      column,
      because: leftOutWords[because],
    })),
    ...(namesEveryObject(scope)
      ? []
      : [{ collection: null, column: null, because: 'objects of R2 that no row of this package names' }]),
    ...collections.flatMap(({ name, never, columns }) =>
      [
        ...never,
        ...columns.flatMap((column) =>
          column.paths.filter((inner) => inner.never).map((inner) => `${column.name}: ${inner.path}`),
        ),
      ].map((column) => ({ collection: name, column, because: 'a secret of the platform' })),
    ),
  ];
}
