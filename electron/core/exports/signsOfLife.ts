import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { ExpectedError } from '#core/kernel/errors.ts';

/** The database closes an export's access when it hears nothing for five minutes. */
const everyMs = 60_000;

export interface SignsOfLife {
  /** Hears that the export no longer goes on, as it was closed or begun again. */
  readonly closed: (error: ExpectedError) => void;
  /** Asked before each; no sign is given where it says no. */
  readonly goesOn?: () => boolean;
  /** Milliseconds between two. */
  readonly everyMs?: number;
}

/**
 * Tells the database again and again that an export, or its review, goes on.
 * @returns what ends the signs
 */
export function giveSignsOfLife(at: Desk, exportId: number, signs: SignsOfLife): () => void {
  const life = setInterval(() => {
    if (signs.goesOn?.() === false) return;
    at.database
      .effect(
        sql`select privacy_console.export_lives(${exportId}::bigint) as result`,
        z.object({ open: z.boolean() }),
        () => undefined,
      )
      // Without the database the next sign may arrive; what needs the access is refused by the gate.
      .catch((error: unknown) => {
        if (error instanceof ExpectedError && error.code === 'conflict') signs.closed(error);
      });
  }, signs.everyMs ?? everyMs);
  life.unref();
  return () => {
    clearInterval(life);
  };
}
