import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql, type Sql } from '#core/database/sql.ts';
import type { Call } from '#core/kernel/dispatch.ts';
import { restrictionExceptions, restrictionGrounds } from '#shared/domain/restriction.ts';
import { withoutOf, type ExportScope } from './scope.ts';

/** The gaps two people let an export go in spite of, as the package tells them. */
const released = z.object({
  release: z.number(),
  gaps: z.array(z.string()),
  reason: z.string().nullable(),
  askedBy: z.string(),
  approvedBy: z.string(),
  approvedAt: z.string(),
  expiresAt: z.string(),
});

/** The restriction of processing in spite of which the package is made, and the exception that was stated for its request. */
const restricted = z.object({
  restriction: z.number(),
  ground: z.enum(restrictionGrounds),
  since: z.string(),
  exception: z.enum(restrictionExceptions),
});

const begun = z.object({
  export: z.number(),
  access: z.number(),
  subject: z.string(),
  kind: z.string(),
  controller: z.string().nullable(),
  entry: z.number(),
  released: released.nullable(),
  restricted: restricted.nullable(),
});

/** An export as the database began it: its access is open from now, and the entry that says so is there. */
export type Begun = z.output<typeof begun>;

function beginBy(at: Desk, query: Sql, call: Call): Promise<Begun> {
  return at.database.effect(query, begun, call.note);
}

/** Begins an export, or the review before it. */
export function beginExport(
  at: Desk,
  wanted: { readonly requestId: number; readonly scope: ExportScope; readonly review: boolean },
  call: Call,
): Promise<Begun> {
  const { requestId, scope, review } = wanted;
  const { profile, leftOut, showOthers, reason, since, until } = scope;
  return beginBy(
    at,
    sql`select privacy_console.begin_export(${requestId}::bigint, ${profile}::text, ${JSON.stringify(withoutOf(leftOut))}::jsonb,
          ${showOthers}::boolean, ${reason}::text, ${since}::timestamptz, ${until}::timestamptz, ${review}::boolean) as result`,
    call,
  );
}

/** Ends a review and begins the writing of what it saw, without what was redacted. */
export function beginReviewed(at: Desk, exportId: number, call: Call): Promise<Begun> {
  return beginBy(at, sql`select privacy_console.write_reviewed(${exportId}::bigint) as result`, call);
}

/** Opens an interrupted export again, to who began it. */
export function resumeExport(at: Desk, exportId: number, note: Call['note']): Promise<Begun> {
  return at.database.effect(
    sql`select privacy_console.resume_export(${exportId}::bigint) as result`,
    begun,
    note,
  );
}
