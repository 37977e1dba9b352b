import { unlink } from 'node:fs/promises';
import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import type { DatabaseClient } from '#core/database/pool.ts';
import { readerOver } from '#core/database/database.ts';
import { sql } from '#core/database/sql.ts';
import { cancelled, ExpectedError } from '#core/kernel/errors.ts';
import type { Call, SomeHandlers } from '#core/kernel/dispatch.ts';
import type { Jobs, Progress } from '#core/kernel/jobs.ts';
import type { ObjectStore } from '#core/objectStore/objectStore.ts';
import { compiled, mapInForce } from '#core/subjects/index.ts';
import type { MappedCollection } from '#shared/contract/dataMap.ts';
import type { ExportRow } from '#shared/contract/exports.ts';
import { writePackage, type PackageCollection, type PackageFile, type PackageProgress } from './package.ts';
import { monthsOf } from './rules.ts';
import { verifyPackage } from './verify.ts';

type Names = 'exports.start' | 'exports.list' | 'packages.verify';

const exportRow = z.object({
  id: z.coerce.number(),
  requestId: z.coerce.number(),
  subject: z.string(),
  state: z.enum(['running', 'done', 'failed']),
  startedAt: z.string(),
  startedBy: z.string(),
  finishedAt: z.string().nullable(),
  sha256: z.string().nullable(),
  bytes: z.coerce.number().nullable(),
  rows: z.coerce.number().nullable(),
  files: z.coerce.number().nullable(),
});

const begun = z.object({ export: z.number(), access: z.number(), subject: z.string(), entry: z.number() });

export interface ExportOptions {
  readonly desk: () => Desk;
  readonly jobs: Jobs;
  readonly version: string;
}

export function exportOperations({ desk, jobs, version }: ExportOptions): SomeHandlers<Names> {
  return {
    'exports.start': async ({ requestId, folder }, call) => {
      const at = desk();
      const started = await at.database.effect(
        sql`select privacy_console.begin_export(${requestId}::bigint) as result`,
        begun,
        call.note,
      );
      const jobId = jobs.start('export', requestId, (progress, signal) =>
        runExport(at, started, requestId, folder, version, progress, signal),
      );
      return { exportId: started.export, jobId, entry: started.entry };
    },
    'exports.list': async ({ requestId }) => ({
      exports: (await desk().database.rows(
        sql`select id, request as "requestId", subject, state, to_json(started_at) #>> '{}' as "startedAt", started_by as "startedBy",
              to_json(finished_at) #>> '{}' as "finishedAt", sha256, bytes, rows, files
            from privacy_console.list_exports(${requestId ?? null}::bigint)`,
        exportRow,
      )) as ExportRow[],
    }),
    'packages.verify': async ({ file }, { signal }) => {
      const verdict = await verifyPackage(file, { signal });
      return {
        intact: verdict.ok,
        packageId: verdict.packageId,
        files: verdict.files,
        bytes: verdict.bytes,
        faults: verdict.faults.map((each) => ({ path: each.path ?? 'the package', fault: each.says })),
      };
    },
  };
}

const noNote: Call['note'] = () => undefined;

/** Writes the package and tells the trail how it ended, whichever way it does. */
async function runExport(
  at: Desk,
  started: z.output<typeof begun>,
  requestId: number,
  folder: string,
  version: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const end = (
    sha256: string | null,
    bytes: number,
    rows: number,
    files: number,
    detail: string,
  ): Promise<unknown> =>
    at.database.effect(
      sql`select privacy_console.end_export(${started.export}::bigint, ${sha256}::text, ${bytes}::bigint, ${rows}::bigint, ${files}::bigint, ${detail}::text) as result`,
      z.object({}),
      noNote,
    );
  let bucket: ObjectStore | null = null;
  try {
    bucket = at.profile.r2 === null ? null : await at.openBucket('read');
    const receipt = await writeFromSnapshot(
      at,
      bucket,
      started,
      requestId,
      folder,
      version,
      progress,
      signal,
    );
    const rows = receipt.collections.reduce((sum, each) => sum + each.rows, 0);
    const { complete, differing, incomplete, missing } = receipt.files;
    const files = complete + differing;
    try {
      await end(
        receipt.sha256,
        receipt.bytes,
        rows,
        files,
        `missing ${missing}, incomplete ${incomplete}, differing ${differing}`,
      );
    } catch (error) {
      // A package of which the trail knows no hash must not be handed out.
      await unlink(receipt.file);
      throw error;
    }
    return {
      file: receipt.file,
      sha256: receipt.sha256,
      bytes: receipt.bytes,
      rows,
      files,
      missing,
      incomplete,
      differing,
      exportId: started.export,
    };
  } catch (error) {
    await end(null, 0, 0, 0, error instanceof ExpectedError ? error.code : 'internal').catch(() => undefined);
    throw error;
  } finally {
    bucket?.close();
  }
}

/** A read-only transaction that others use and that ends when it is let go: one moment in time for all collections. */
interface Snapshot {
  readonly client: DatabaseClient;
  /** Ends the transaction; the objects are fetched without holding the database's past. */
  letGo(): Promise<void>;
}

async function openSnapshot(at: Desk, signal: AbortSignal): Promise<Snapshot> {
  const { promise: wanted, resolve: letGo } = Promise.withResolvers<void>();
  const { promise: opened, resolve, reject } = Promise.withResolvers<DatabaseClient>();
  const over = at.pool
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
  return {
    client: await opened,
    async letGo() {
      letGo();
      await over;
    },
  };
}

async function writeFromSnapshot(
  at: Desk,
  store: ObjectStore | null,
  started: z.output<typeof begun>,
  requestId: number,
  folder: string,
  version: string,
  progress: Progress,
  signal: AbortSignal,
): ReturnType<typeof writePackage> {
  const snapshot = await openSnapshot(at, signal);
  try {
    const reader = readerOver(snapshot.client);
    const { taken } = await reader.row(
      sql`select to_json(transaction_timestamp()) #>> '{}' as taken`,
      z.object({ taken: z.string() }),
    );
    const map = await mapInForce(reader);
    return await writePackage(
      {
        folder,
        name: `CloudSingh-${started.subject}-request-${requestId}-export-${started.export}`,
        packageId: `${started.subject}-${started.export}`,
        requestNumber: String(requestId),
        subjectReference: started.subject,
        program: `CloudSingh Privacy Console ${version}`,
        collections: map.collections.map((each) => collectionSource(snapshot.client, started.access, each)),
        files: store === null ? [] : fileSources(snapshot, store, started.access, signal),
        processing: () => ({
          mapHash: map.hash,
          snapshot: taken,
          snapshots: 1,
          leftOut: map.collections.flatMap((each) =>
            each.never.map((column) => ({
              collection: each.name,
              column,
              because: 'a secret of the platform',
            })),
          ),
          database: at.info.database,
        }),
      },
      { signal, progress: (now) => progress(describeProgress(now), now.bytes, null) },
    );
  } finally {
    await snapshot.letGo();
  }
}

function describeProgress(now: PackageProgress): string {
  switch (now.phase) {
    case 'records':
      return `reading ${now.collection ?? ''}, ${now.rows} rows`;
    case 'files':
      return `fetching files, ${now.files}`;
    case 'sealing':
      return 'sealing the package';
    case 'reading_back':
      return 'reading the package back';
  }
}

/** JSON has no raw control characters, so with these two as quote and delimiter the lines come as they are. */
const rawLines = "(format csv, quote e'\\x01', delimiter e'\\x02')";

function collectionSource(
  client: DatabaseClient,
  access: number,
  collection: MappedCollection,
): PackageCollection {
  const reader = readerOver(client);
  return {
    name: collection.name,
    rows: async function* (signal) {
      const { low, high } = await reader.row(
        {
          text: `select to_json(low) #>> '{}' as low, to_json(high) #>> '{}' as high from ${compiled('span', collection)}($1::bigint)`,
          values: [access],
        },
        z.object({ low: z.string().nullable(), high: z.string().nullable() }),
        { signal },
      );
      // Month by month: one call over everything would first be written to a temporary file on the server.
      for (const [from, to] of monthsOf(low, high)) {
        const stream = await client.copyOut(
          `copy (select * from ${compiled('rows', collection)}(${access}::bigint, '${from}', '${to}')) to stdout with ${rawLines}`,
          { signal },
        );
        yield* stream as AsyncIterable<Uint8Array>;
      }
    },
    expectedRows: async (signal) => {
      const { count } = await reader.row(
        { text: `select ${compiled('count', collection)}($1::bigint, null) as count`, values: [access] },
        z.object({ count: z.coerce.number() }),
        { signal },
      );
      return count;
    },
  };
}

const objectRow = z.object({
  collection: z.string(),
  rowKey: z.string(),
  key: z.string(),
  contentType: z.string().nullable(),
  bytes: z.coerce.number().nullable(),
  sha256: z.string().nullable(),
});

/** First the objects that rows name, then those that lie under the person's prefixes without a row. */
async function* fileSources(
  snapshot: Snapshot,
  store: ObjectStore,
  access: number,
  signal: AbortSignal,
): AsyncGenerator<PackageFile> {
  const reader = readerOver(snapshot.client);
  const prefixes = await reader.rows(
    sql`select p as prefix from privacy_console.object_prefixes(${access}::bigint) p`,
    z.object({ prefix: z.string() }),
    { signal },
  );
  const named = await reader.rows(
    sql`select collection, row_key as "rowKey", key, content_type as "contentType", bytes, sha256 from privacy_console.object_rows(${access}::bigint)`,
    objectRow,
    { signal },
  );
  await snapshot.letGo();
  const listed = new Map<string, string>();
  for (const { prefix } of prefixes) {
    for await (const object of store.list(prefix, { signal })) listed.set(object.key, object.etag);
  }
  for (const row of named) {
    if (signal.aborted) throw cancelled('The export');
    const listedEtag = listed.get(row.key) ?? null;
    listed.delete(row.key);
    yield {
      key: row.key,
      contentType: row.contentType ?? 'application/octet-stream',
      row: { collection: row.collection, id: row.rowKey },
      rowBytes: row.bytes,
      rowSha256: row.sha256,
      listedEtag,
      open: (waiting) => store.read(row.key, { signal: waiting }),
    };
  }
  for (const [key, etag] of listed) {
    yield {
      key,
      contentType: 'application/octet-stream',
      row: null,
      listedEtag: etag,
      open: (waiting) => store.read(key, { signal: waiting }),
    };
  }
}
