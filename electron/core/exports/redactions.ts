import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Reader } from '#core/database/database.ts';
import { sql } from '#core/database/sql.ts';
import { redactionGrounds, type RedactionGround } from '#shared/domain/redaction.ts';

/** What a reviewer kept out of a package: a record, a field of one, or a file. */
export interface Redaction {
  readonly id: number;
  readonly ground: RedactionGround;
  /** Null for a file. */
  readonly row: { readonly collection: string; readonly id: string } | null;
  /** Null for the whole record, or a file. */
  readonly column: string | null;
  /** SHA-256 of the file's key, hex; null for a record. */
  readonly object: string | null;
}

const redactionRow = z.object({
  id: z.coerce.number(),
  collection: z.string().nullable(),
  rowKey: z.string().nullable(),
  column: z.string().nullable(),
  object: z.string().nullable(),
  ground: z.enum(redactionGrounds),
});

/** What stays out of the package that is written, or reviewed, with an access. */
export async function redactionsOf(reader: Reader, access: number): Promise<readonly Redaction[]> {
  const rows = await reader.rows(
    sql`select id, collection, row_key as "rowKey", column_name as "column", object, ground from privacy_console.export_redactions(${access}::bigint)`,
    redactionRow,
  );
  return rows.map(({ id, collection, rowKey, column, object, ground }) => ({
    id,
    ground,
    row: collection === null || rowKey === null ? null : { collection, id: rowKey },
    column,
    object,
  }));
}

/** As the database names a file: SHA-256 of its key, hex. */
export function objectHash(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex');
}

/** Which redaction keeps an object back: of itself, or of the record that names it; null where none does. */
export function redactedObjects(
  redactions: readonly Redaction[],
): (key: string, row: Redaction['row']) => Redaction | null {
  const nameOf = (row: NonNullable<Redaction['row']>): string => JSON.stringify([row.collection, row.id]);
  const byObject = new Map<string, Redaction>();
  const byRow = new Map<string, Redaction>();
  for (const each of redactions) {
    if (each.object !== null) byObject.set(each.object, each);
    else if (each.row !== null && each.column === null) byRow.set(nameOf(each.row), each);
  }
  return (key, row) =>
    (row === null ? undefined : byRow.get(nameOf(row))) ??
    (byObject.size === 0 ? undefined : byObject.get(objectHash(key))) ??
    null;
}

export type RedactionOf = 'record' | 'field' | 'file';

export function redactionOf({ object, column }: Pick<Redaction, 'object' | 'column'>): RedactionOf {
  if (object !== null) return 'file';
  return column === null ? 'record' : 'field';
}

/** `data/redactions.jsonl`: a line each, and no more of what is kept back than where it was. */
export function redactionsText(redactions: readonly Redaction[]): string {
  return redactions
    .map((each) => {
      const { id, ground, row, column } = each;
      return `${JSON.stringify({ redaction: id, what: redactionOf(each), row, column, ground })}\n`;
    })
    .join('');
}

/** How many of each kind there are. */
export function redactionCounts(
  redactions: readonly Redaction[],
): Readonly<Record<`${RedactionOf}s`, number>> {
  const counts = { records: 0, fields: 0, files: 0 };
  for (const each of redactions) counts[`${redactionOf(each)}s`] += 1;
  return counts;
}
