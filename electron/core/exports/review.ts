import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { readerOver } from '#core/database/database.ts';
import { sql } from '#core/database/sql.ts';
import { tellBeginnings } from '#core/installation/index.ts';
import type { Call, SomeHandlers } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { collectionOf, compiled, kindInForce, mapInForce } from '#core/subjects/index.ts';
import type { MappedCollection, MappedSubject } from '#shared/contract/dataMap.ts';
import type { ReviewedFile } from '#shared/contract/review.ts';
import { redactionGrounds } from '#shared/domain/redaction.ts';
import { beginExport, beginReviewed, type Begun } from './begin.ts';
import { heldObjects } from './objects.ts';
import { partsOf, shownOf } from './recordText.ts';
import { objectHash } from './redactions.ts';
import { scopeOf, within, type ExportScope } from './scope.ts';
import { giveSignsOfLife } from './signsOfLife.ts';

export type ReviewNames =
  | 'reviews.open'
  | 'reviews.show'
  | 'reviews.page'
  | 'reviews.files'
  | 'reviews.redact'
  | 'reviews.withdraw'
  | 'reviews.redactions';

/** A review that nobody looks at for so long is no longer kept open. */
const unattendedMs = 30 * 60_000;
/** Characters of one value that are shown. */
const mostCharacters = 2_000;
const countTimeoutMs = 3_000;

interface Review {
  readonly at: Desk;
  readonly requestId: number;
  readonly started: Begun;
  readonly scope: ExportScope;
  readonly subject: MappedSubject;
  /** What the package would hold, with the columns that are in. */
  readonly collections: readonly MappedCollection[];
  /** The files that would go out, as they were found when the first page of them was asked for; null before. */
  files: readonly ReviewedFile[] | null;
  lookedAt: number;
  readonly end: () => void;
}

/** The reviews that are open at this console. */
export interface Reviews {
  readonly handlers: SomeHandlers<ReviewNames>;
  /** Ends the review of a request, and begins its writing. */
  write(exportId: number, requestId: number, call: Call): Promise<{ started: Begun; scope: ExportScope }>;
}

const reviewRow = z.object({
  row: z.string(),
  line: z.string(),
  cursor: z.array(z.string()),
});

const redactionRow = z.object({
  id: z.coerce.number(),
  requestId: z.coerce.number(),
  ground: z.enum(redactionGrounds),
  collection: z.string().nullable(),
  rowKey: z.string().nullable(),
  column: z.string().nullable(),
  object: z.string().nullable(),
  redactedBy: z.string(),
  redactedAt: z.string(),
  withdrawn: z.boolean(),
});

export function openReviews(desk: () => Desk): Reviews {
  const open = new Map<number, Review>();

  function reviewOf(exportId: number): Review {
    const review = open.get(exportId);
    // Who signs in anew, perhaps as somebody else, goes on with nothing of before.
    if (review?.at !== desk())
      throw new ExpectedError('conflict', 'This review is over; open it again to see what would go out.');
    review.lookedAt = performance.now();
    return review;
  }

  function keep(exportId: number, review: Omit<Review, 'end' | 'files' | 'lookedAt'>): void {
    for (const earlier of open.values()) if (earlier.at !== review.at) earlier.end();
    const end = (): void => {
      open.delete(exportId);
      stop();
    };
    const kept: Review = { ...review, files: null, lookedAt: performance.now(), end };
    const isAttended = (): boolean => performance.now() - kept.lookedAt < unattendedMs;
    const stop = giveSignsOfLife(review.at, exportId, { closed: end, goesOn: isAttended });
    open.set(exportId, kept);
  }

  return {
    async write(exportId, requestId, call) {
      const { scope, requestId: reviewed, end } = reviewOf(exportId);
      if (reviewed !== requestId)
        throw new ExpectedError('invalid_input', `That review is of request ${reviewed}; export that one.`);
      const started = await beginReviewed(desk(), exportId, call);
      end();
      return { started, scope };
    },
    handlers: {
      'reviews.open': async ({ requestId, ...wanted }, call) => {
        const at = desk();
        const scope = await scopeOf(at, requestId, wanted);
        await tellBeginnings(at, call);
        const started = await beginExport(at, { requestId, scope, review: true }, call);
        const { subject, collections } = kindInForce(await mapInForce(at.database), started.kind);
        keep(started.export, {
          at,
          requestId,
          started,
          scope,
          subject,
          collections: within(scope, collections),
        });
        return { exportId: started.export, entry: started.entry };
      },
      'reviews.show': async ({ exportId }, { signal }) => {
        const { at, started, subject, collections } = reviewOf(exportId);
        const count = async (collection: MappedCollection): Promise<number | null> => {
          try {
            const { rows } = await at.database.row(
              {
                text: `select ${compiled('part', subject, collection)}($1::bigint, null, null) as rows`,
                values: [started.access],
              },
              z.object({ rows: z.coerce.number() }),
              { signal, timeoutMs: countTimeoutMs },
            );
            return rows;
          } catch (error) {
            if (error instanceof ExpectedError && error.code === 'cancelled' && !signal.aborted) return null;
            throw error;
          }
        };
        const told = [];
        for (const collection of collections) {
          const { name, title } = collection;
          const columns = collection.columns.map((column) => ({ name: column.name, title: column.title }));
          told.push({ name, title, columns, rows: await count(collection) });
        }
        return { collections: told };
      },
      'reviews.page': async ({ exportId, collection, cursor, limit }, { signal }) => {
        const { at, started, subject, collections } = reviewOf(exportId);
        const rows = await at.database.rows(
          {
            text: `select row_key as "row", line, cursor from ${compiled('review', subject, collectionOf({ collections }, collection))}($1::bigint, $2::text[], $3)`,
            values: [started.access, cursor, limit + 1],
          },
          reviewRow,
          { signal },
        );
        const page = rows.slice(0, limit);
        return {
          rows: page.map(({ row, line }) => ({ row, values: cut(line) })),
          cursor: rows.length > limit ? (page.at(-1)?.cursor ?? null) : null,
        };
      },
      'reviews.files': async ({ exportId, offset, limit }, { signal }) => {
        const review = reviewOf(exportId);
        // Found once for all pages: each page costs what it shows, and none skips or repeats a file that comes or goes meanwhile.
        if (offset === 0 || review.files === null) review.files = await filesOf(review, signal);
        return {
          files: review.files.slice(offset, offset + limit),
          more: offset + limit < review.files.length,
        };
      },
      'reviews.redact': async ({ requestId, what, ground, reason }, call) => {
        const at = what.kind === 'file' ? null : what;
        const { redaction, entry } = await desk().database.effect(
          sql`select privacy_console.redact(${requestId}::bigint, ${at?.collection ?? null}::text, ${at?.row ?? null}::text,
                ${what.kind === 'field' ? what.column : null}::text, ${what.kind === 'file' ? what.key : null}::text, ${ground}::text, ${reason}::text) as result`,
          z.object({ redaction: z.number(), entry: z.number() }),
          call.note,
        );
        return { redactionId: redaction, entry };
      },
      'reviews.withdraw': async ({ redactionId, reason }, call) => {
        const { entry } = await desk().database.effect(
          sql`select privacy_console.withdraw_redaction(${redactionId}::bigint, ${reason}::text) as result`,
          z.object({ entry: z.number() }),
          call.note,
        );
        return { entry };
      },
      'reviews.redactions': async ({ requestId }) => {
        const rows = await desk().database.rows(
          sql`select id, request as "requestId", ground, collection, row_key as "rowKey", column_name as "column", object,
                redacted_by as "redactedBy", to_json(redacted_at) #>> '{}' as "redactedAt", withdrawn
              from privacy_console.redactions(${requestId}::bigint)`,
          redactionRow,
        );
        return {
          redactions: rows.map(({ collection, rowKey, ...told }) => ({
            ...told,
            row: collection === null || rowKey === null ? null : { collection, id: rowKey },
          })),
        };
      },
    },
  };
}

async function filesOf(
  { at, started, subject, scope }: Review,
  signal: AbortSignal,
): Promise<readonly ReviewedFile[]> {
  if (at.profile.r2 === null) return [];
  const store = await at.openBucket('read');
  try {
    const objects = heldObjects(
      { reader: readerOver(at.pool), store, subject, access: started.access, scope, redactions: [] },
      () => Promise.resolve(),
      signal,
    );
    const files: ReviewedFile[] = [];
    for await (const { key, contentType, row, rowBytes } of objects)
      files.push({ key, object: objectHash(key), contentType, bytes: rowBytes, row });
    return files;
  } finally {
    store.close();
  }
}

/** A record as it is shown: what is very long is cut. */
function cut(line: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(partsOf(line).map(([name, written]) => [name, shownOf(written, mostCharacters)]));
}
