/** Makes one package as told on the input, and tells how long it took and this process's own peak memory. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { Console } from '#core/console.ts';
import { readerOver } from '#core/database/database.ts';
import { openPool } from '#core/database/pool.ts';
import { writePackage } from '#core/exports/package.ts';
import { newKey, openStaging } from '#core/exports/staging.ts';
import type { PackageOptions } from '#core/exports/package.ts';
import { readCollection } from '#core/exports/reading.ts';
import { openSigner } from '#core/signing/signingKey.ts';
import { openSnapshots } from '#core/exports/snapshots.ts';
import { memoryKeychain } from '#core/keychain/index.ts';
import { openObjectStore } from '#core/objectStore/r2.ts';
import { kindInForce, mapInForce } from '#core/subjects/index.ts';
import { expectDone, plainConsole } from '#demo/staff.ts';
import { openBareClient } from '#tests/helpers/bareClient.ts';
import { effect } from '#tests/helpers/psql.ts';
import type { MeasuredExport, Work } from './export.ts';

const login = z.object({ user: z.string(), password: z.string() });
const server = { host: z.string(), port: z.number(), database: z.string() };
const places = z.object({ profileFolder: z.string(), demoFolder: z.string() });

const wanted = z
  .discriminatedUnion('work', [
    z.object({
      work: z.enum(['whole', 'encrypted']),
      folder: z.string(),
      places,
      requestId: z.number(),
      since: z.string().nullable(),
    }),
    z.object({ work: z.literal('records'), folder: z.string(), ...server, login, requestId: z.number() }),
    z.object({
      work: z.literal('cancelled'),
      folder: z.string(),
      places,
      requestId: z.number(),
      ...server,
      superuser: login,
    }),
    z.object({
      work: z.literal('media'),
      folder: z.string(),
      store: z.object({
        endpoint: z.string(),
        bucket: z.string(),
        accessKeyId: z.string(),
        secretAccessKey: z.string(),
      }),
      keys: z.array(z.string()),
    }),
  ])
  .parse(JSON.parse(await text(process.stdin)));

type Wanted = typeof wanted;
type Of<Name extends Work> = Extract<Wanted, { work: Name }>;

const reason = 'a benchmark of the same rows';

console.log(JSON.stringify(await measured()));
process.exit();

async function measured(): Promise<MeasuredExport> {
  switch (wanted.work) {
    case 'records':
      return records(wanted);
    case 'cancelled':
      return cancelled(wanted);
    case 'media':
      return media(wanted);
    default:
      return whole(wanted as Of<'whole'>);
  }
}

/** What a run took, and its peak of memory above what was held before it. */
async function watched(
  work: () => Promise<{ readonly rows: number; readonly bytes: number }>,
): Promise<MeasuredExport> {
  globalThis.gc?.();
  const idle = process.memoryUsage.rss();
  let peak = idle;
  let firstByte: number | null = null;
  const cpu = process.cpuUsage();
  const start = performance.now();
  const watching = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
    if (firstByte === null)
      void sizeOfPartial(wanted.folder, stagingOf(wanted)).then((bytes) => {
        if (bytes > 0) firstByte ??= performance.now() - start;
      });
  }, 10);
  const { rows, bytes } = await work();
  const took = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  clearInterval(watching);
  return { took, cpu: (user + system) / 1_000, rows, bytes, firstByte, overIdleMiB: (peak - idle) / 2 ** 20 };
}

function stagingOf(of: Wanted): string {
  return 'places' in of ? path.join(of.places.profileFolder, 'exports') : `${of.folder}.staging`;
}

/** The largest of what is in the making: what is read waits in the staging, objects go into the package itself. */
async function sizeOfPartial(folder: string, staging: string): Promise<number> {
  const named = async (within: string, pattern: RegExp): Promise<readonly number[]> => {
    const names = await readdir(within, { recursive: true }).catch(() => []);
    return Promise.all(
      names
        .filter((name) => pattern.test(path.basename(name)))
        .map((name) =>
          stat(path.join(within, name)).then(
            ({ size }) => size,
            () => 0,
          ),
        ),
    );
  };
  return Math.max(
    0,
    ...(await named(folder, /partial$/)),
    ...(await named(staging, /^[0-9a-f]{8}-[0-9a-f-]{27}$/)),
  );
}

async function signedIn(at: z.output<typeof places>): Promise<Console> {
  const console = plainConsole(at);
  await expectDone(console, 'session.signIn', { profile: 'demo:operator' });
  return console;
}

/** An export as the console makes it. */
async function whole({ work, folder, places, requestId, since }: Of<'whole'>): Promise<MeasuredExport> {
  const console = await signedIn(places);
  return watched(async () => {
    const { jobId } = await expectDone(console, 'exports.start', {
      requestId,
      folder,
      showOthers: true,
      reason,
      ...(since === null
        ? { profile: 'access' as const }
        : { profile: 'custom' as const, choice: { since } }),
      ...(work === 'encrypted' ? { protection: { kind: 'passphrase' as const } } : {}),
    });
    const { job } = await expectDone(console, 'jobs.wait', { id: jobId });
    if (job.state !== 'done')
      throw new Error(`The export ended as ${job.state}: ${job.failure?.message ?? ''}`);
    return z.object({ rows: z.number(), bytes: z.number() }).parse(job.result);
  });
}

/** The same rows without tables and objects: read, zipped, signed, and read back. */
async function records({
  folder,
  host,
  port,
  database,
  login,
  requestId,
}: Of<'records'>): Promise<MeasuredExport> {
  const session = await openBareClient({ host, port, database }, login);
  const begun = await effect(session, `begin_export($1, 'access', '{}'::jsonb, true, $2)`, [
    requestId,
    reason,
  ]);
  const pool = openPool(
    { host, port, database, ...login, workstation: 'bench', tls: { mode: 'loopback' } },
    { version: '0.0.0', environment: 'demo' },
  );
  const signer = await openSigner(memoryKeychain().signingKey(database, login.user), () =>
    Promise.resolve(true),
  );
  await pool.withClient((client) => client.query('select'));
  const measured = await watched(async () => {
    const snapshots = await openSnapshots(pool);
    const map = await mapInForce(readerOver(snapshots.current.client));
    const { subject, collections } = kindInForce(map, String(begun['kind']));
    const receipt = await writePackage({
      ...optionsOf(folder),
      signer,
      collections: collections.map((each) => {
        const { columns: _none, ...lines } = readCollection(
          snapshots,
          () => Number(begun['access']),
          subject,
          each,
        );
        return lines;
      }),
      files: [],
      snapshots: () => snapshots.taken,
    });
    await snapshots.letGo();
    return { rows: receipt.collections.reduce((sum, { rows }) => sum + rows, 0), bytes: receipt.bytes };
  });
  await pool.close();
  await effect(session, 'abandon_export($1)', [begun['export']]);
  await session.end();
  return measured;
}

/** How long after a cancellation the server still works or holds a transaction for the export. */
async function cancelled({ folder, places, requestId, ...at }: Of<'cancelled'>): Promise<MeasuredExport> {
  const console = await signedIn(places);
  const watcher = await openBareClient(at, at.superuser);
  const isBusy = async (): Promise<boolean> => {
    const { rows } = await watcher.query<{ busy: boolean }>(
      `select count(*) > 0 as busy from pg_stat_activity where usename = 'operator' and state <> 'idle'`,
    );
    return rows[0]?.busy === true;
  };
  const { jobId } = await expectDone(console, 'exports.start', {
    requestId,
    folder,
    showOthers: true,
    reason,
  });
  await wait(700);
  if (!(await isBusy())) throw new Error('Nothing was there to cancel.');
  const start = performance.now();
  await expectDone(console, 'jobs.cancel', { id: jobId });
  while (await isBusy());
  const took = performance.now() - start;
  await watcher.end();
  await expectDone(console, 'jobs.wait', { id: jobId });
  return { took, cpu: 0, rows: 0, bytes: 0, firstByte: null, overIdleMiB: 0 };
}

async function media({ folder, store, keys }: Of<'media'>): Promise<MeasuredExport> {
  const bucket = openObjectStore({ ...store, environment: 'demo' });
  return watched(async () => {
    const receipt = await writePackage({
      ...optionsOf(folder),
      collections: [],
      files: keys.map((key) => ({
        key,
        contentType: 'image/jpeg',
        open: (signal) => bucket.read(key, { signal }),
      })),
    });
    if (receipt.files.complete !== keys.length) throw new Error('Objects are missing.');
    return { rows: 0, bytes: receipt.bytes };
  });
}

function optionsOf(folder: string): Omit<PackageOptions, 'collections' | 'files'> {
  return {
    folder,
    name: 'bench',
    packageId: 'bench-1',
    requestNumber: '1',
    subjectReference: 's-1',
    program: 'CloudSingh Privacy Console 0.0.0',
    staging: openStaging({ folder: `${folder}.staging`, key: newKey(), about: () => null }),
  };
}
