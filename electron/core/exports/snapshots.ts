import { z } from 'zod';
import { readerOver } from '#core/database/database.ts';
import { copyTimeoutMs, type DatabaseClient, type Pool } from '#core/database/pool.ts';
import { sql } from '#core/database/sql.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { SnapshotSummary } from './format.ts';

/** The gate refuses a transaction older than 15 minutes; an export goes on in a new one well before. */
export const snapshotMs = 10 * 60_000;
/** The gate's limit, which no statement of an export may outlast. */
const guardMs = copyTimeoutMs;

/** One moment of the database: a read-only transaction that sees nothing that was committed later. */
export interface Snapshot {
  /** From 1. */
  readonly number: number;
  /** When it began by the database's clock, ISO 8601. */
  readonly began: string;
  readonly client: DatabaseClient;
  /** How long a statement may take before the guard's limit is reached, in milliseconds; at most `wanted`. */
  timeLeft(wanted: number): number;
}

/** The snapshots an export is read from, one after another. */
export interface Snapshots {
  /** The one to read from now. */
  readonly current: Snapshot;
  /** Whether it has lasted so long that reading should go on in another. */
  readonly isOld: boolean;
  /** Ends it and begins the next; throws `conflict` when the data map has been changed since the first. */
  renew(): Promise<Snapshot>;
  /** All that were begun, also those of before an interruption. */
  readonly taken: readonly SnapshotSummary[];
  /** Of the data map in force in all of them. */
  readonly mapHash: string;
  /** Ends the last; the objects are fetched without holding the database's past. */
  letGo(): Promise<void>;
}

/**
 * Begins the first, or the next after those of before an interruption. `lastsMs` is how old one may grow before
 * reading goes on in the next. Throws `conflict` when the data map is not that of before.
 */
export async function openSnapshots(
  pool: Pool,
  options: {
    readonly lastsMs?: number;
    readonly signal?: AbortSignal;
    readonly before?: { readonly taken: readonly SnapshotSummary[]; readonly mapHash: string };
  } = {},
): Promise<Snapshots> {
  const { lastsMs = snapshotMs, signal, before } = options;
  const taken = [...(before?.taken ?? [])];
  const next = async (mapHash: string | undefined): Promise<OpenSnapshot> => {
    const begun = await begin(pool, taken.length + 1, signal);
    if (mapHash !== undefined && begun.mapHash !== mapHash) {
      await begun.end();
      throw new ExpectedError(
        'conflict',
        'The data map was changed while the export was read, so nothing was kept; start the export again.',
      );
    }
    const { number, began } = begun.snapshot;
    taken.push({ number, began });
    return begun;
  };
  let open = await next(before?.mapHash);
  const { mapHash } = open;
  return {
    get current() {
      return open.snapshot;
    },
    get isOld() {
      return performance.now() - open.since >= lastsMs;
    },
    async renew() {
      await open.end();
      open = await next(mapHash);
      return open.snapshot;
    },
    taken,
    mapHash,
    letGo: () => open.end(),
  };
}

interface OpenSnapshot {
  readonly snapshot: Snapshot;
  readonly mapHash: string;
  /** Before it began, by this machine's clock that never goes back. */
  readonly since: number;
  end(): Promise<void>;
}

async function begin(pool: Pool, number: number, signal: AbortSignal | undefined): Promise<OpenSnapshot> {
  const { promise: wanted, resolve: letGo } = Promise.withResolvers<void>();
  const { promise: opened, resolve, reject } = Promise.withResolvers<DatabaseClient>();
  const since = performance.now();
  const over = pool
    .transaction(
      async (client) => {
        resolve(client);
        await wanted;
      },
      { isolation: 'repeatable read', readOnly: true, signal },
    )
    .catch((error: unknown) => {
      // Once its rows are there, how a transaction that only read has ended matters to nobody.
      reject(error);
    });
  const end = async (): Promise<void> => {
    letGo();
    await over;
  };
  const client = await opened;
  try {
    const { began, hash } = await readerOver(client).row(
      sql`select to_json(transaction_timestamp()) #>> '{}' as began, hash from privacy_console.current_map()`,
      z.object({ began: z.string(), hash: z.string() }),
    );
    const timeLeft = (atMost: number): number =>
      Math.max(1_000, Math.min(atMost, guardMs - (performance.now() - since)));
    return { snapshot: { number, began, client, timeLeft }, mapHash: hash, since, end };
  } catch (error) {
    await end();
    throw error;
  }
}
