/**
 * An export that was killed goes on in another process: what was finished is
 * not read again, nothing readable lies on the disk meanwhile, and what was
 * changed there is noticed.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import type { Console } from '#core/console.ts';
import type { ExportRow } from '#shared/contract/exports.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { plainConsole } from '#demo/staff.ts';
import {
  findPerson,
  otherWorkstation,
  putObjects,
  requestFor,
  type Victim,
} from '#tests/core/erasure/approvedPlan.ts';
import { entriesOf, plainFailure } from '#tests/core/badInput/plain.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { verdictOn } from '#tests/helpers/verdictOn.ts';
import { fileKeychain } from './exportingWithKeychain.ts';

vi.setConfig({ testTimeout: 120_000 });

const run = promisify(execFile);
const child = path.join(import.meta.dirname, 'exportingWithKeychain.ts');

interface Killed {
  readonly victim: Victim;
  /** Where the package was to go. */
  readonly folder: string;
  /** The computer it was killed on. */
  readonly home: string;
}

/** An export that was killed when it said that it does this. */
async function killedAt(desk: TestDesk, says: string): Promise<Killed> {
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  await putObjects(desk, victim, 60);
  await desk.superuser(async ({ query }) => {
    await query(`alter database ${desk.database} set track_functions = 'all'`);
    await query(
      `insert into page_views (user_id, path, occurred_at) select $1, repeat('/x', 50) || n, now() from generate_series(1, 30000) n`,
      [victim.id],
    );
  });
  const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
  const { folder: home } = await otherWorkstation(desk, {});
  const exporter = spawn(process.execPath, [child, home, String(victim.request), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(exporter, 'close');
  let told = '';
  exporter.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text;
    if (told.includes(says)) exporter.kill('SIGKILL');
  });
  await closed;
  expect(told).toContain(says);
  return { victim, folder, home };
}

/** A console started on that computer after the crash. */
async function consoleAt({ home }: Killed, withKey = true): Promise<Console> {
  const console = withKey
    ? plainConsole(
        { profileFolder: home, demoFolder: home },
        {},
        fileKeychain(path.join(home, 'keychain.json')),
      )
    : plainConsole({ profileFolder: home, demoFolder: home });
  await expectDone(console, 'session.signIn', { profile: 'demo:operator' });
  return console;
}

async function exportOf(console: Console, { victim }: Killed): Promise<ExportRow> {
  const { exports } = await expectDone(console, 'exports.list', { requestId: victim.request });
  const [row] = exports;
  if (row === undefined) throw new Error('The export is not in the list.');
  return row;
}

async function resume(console: Console, exportId: number): Promise<Job> {
  const { jobId } = await expectDone(console, 'exports.resume', { exportId });
  return (await expectDone(console, 'jobs.wait', { id: jobId })).job;
}

/** How often each reading function was called, by collection. */
async function readings(desk: TestDesk): Promise<ReadonlyMap<string, number>> {
  return desk.superuser(async ({ query }) => {
    const { rows } = await query<{ name: string; calls: number }>(
      `select substr(funcname, 6) as name, calls::int from pg_stat_user_functions where schemaname = 'privacy_console' and funcname like 'rows_%'`,
    );
    return new Map(rows.map(({ name, calls }) => [name, calls]));
  });
}

/** Where that computer keeps what its exports have read. */
async function stagingOf({ home }: Killed): Promise<string | null> {
  const [database] = await readdir(path.join(home, 'exports')).catch(() => []);
  if (database === undefined) return null;
  const [one] = await readdir(path.join(home, 'exports', database));
  return one === undefined ? null : path.join(home, 'exports', database, one);
}

interface Processing {
  readonly collections: readonly {
    readonly name: string;
    readonly rows: number;
    readonly parts: readonly { readonly snapshot: number }[];
  }[];
  readonly snapshots: readonly { readonly number: number }[];
  readonly resumed?: readonly { readonly snapshot: number }[];
}

async function processingOf(file: string): Promise<Processing> {
  const { stdout } = await run('unzip', ['-p', file, '*/data/processing.json']);
  return JSON.parse(stdout) as Processing;
}

test('killed while it reads, it goes on where it was: what was finished is not read again, what comes is as it is now', async () => {
  await using desk = await openDesk({ withBucket: true });
  const killed = await killedAt(desk, 'reading page_views');
  const { victim, folder } = killed;
  // Nothing of the person can be read where it lies, and nobody else may look.
  const staging = await stagingOf(killed);
  expect(staging).not.toBeNull();
  const names = await readdir(String(staging));
  for (const name of names) {
    const file = path.join(String(staging), name);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const bytes = await readFile(file);
    for (const text of [victim.email, victim.id, victim.reference, 'page_views', folder])
      expect(bytes.includes(text)).toBe(false);
  }
  expect((await stat(String(staging))).mode & 0o777).toBe(0o700);

  const console = await consoleAt(killed);
  const row = await exportOf(console, killed);
  expect(row).toMatchObject({ state: 'interrupted', kept: { folder, form: 'zip' } });
  const finished = row.kept?.finished ?? 0;
  expect(finished).toBeGreaterThan(2);
  // Sessions tell what they have called when they have ended.
  await vi.waitUntil(async () => ((await readings(desk)).get('page_views') ?? 0) > 0, { timeout: 20_000 });
  const before = await readings(desk);
  await desk.superuser(({ query }) =>
    query(`insert into page_views (user_id, path, occurred_at) values ($1, '/later', now())`, [victim.id]),
  );
  const job = await resume(console, row.id);
  expect(job).toMatchObject({ state: 'done', failure: null, result: { files: 60 } });
  const file = String(job.result?.['file']);
  expect((await verdictOn(console, { file })).intact).toBe(true);
  const processing = await processingOf(file);
  const [early = [], late = []] = [1, 2].map((number) =>
    processing.collections.filter(({ parts }) => parts.every(({ snapshot }) => snapshot === number)),
  );
  expect(early).toHaveLength(finished);
  expect(late.map(({ name }) => name)).toContain('page_views');
  const { stdout: views } = await run('unzip', ['-p', file, '*/records/page_views.jsonl'], {
    maxBuffer: 100_000_000,
  });
  expect(views.split('\n').filter((line) => line.includes('"/later"'))).toHaveLength(1);
  expect(processing.snapshots).toHaveLength(2);
  expect(processing.resumed).toMatchObject([{ snapshot: 2 }]);
  await console.close();
  await vi.waitUntil(
    async () => ((await readings(desk)).get('page_views') ?? 0) > (before.get('page_views') ?? 0),
    { timeout: 20_000 },
  );
  const after = await readings(desk);
  for (const { name } of early) expect([name, after.get(name)]).toEqual([name, before.get(name)]);
  for (const { name } of late) expect(after.get(name) ?? 0).toBeGreaterThan(before.get(name) ?? 0);
  expect(await entriesOf(desk, victim.request, 'export.%')).toEqual([
    ['export.begun', 'intent'],
    ['export.resumed', 'done'],
    ['export.finished', 'done'],
  ]);
  // Of what was read nothing is left, nor the key, nor the half package.
  expect(await stagingOf(killed)).toBeNull();
  expect(await readFile(path.join(killed.home, 'keychain.json'), 'utf8')).not.toContain('export-key');
  expect(await readdir(folder)).toHaveLength(1);
});

test('killed while it fetches files, it reads nothing again; what was changed or cut off on the disk is read anew', async () => {
  await using desk = await openDesk({ withBucket: true });
  const killed = await killedAt(desk, 'fetching files');
  const staging = String(await stagingOf(killed));
  // The largest is page_views; another loses its end.
  const files = await Promise.all(
    (await readdir(staging)).map(async (name) => ({
      name,
      size: (await stat(path.join(staging, name))).size,
    })),
  );
  const [largest, second] = files
    .filter(({ name, size }) => /^[0-9a-f-]{36}$/.test(name) && size > 0)
    .sort((one, other) => other.size - one.size);
  const changed = path.join(staging, largest?.name ?? '');
  const bytes = await readFile(changed);
  bytes.writeUInt8(bytes.readUInt8(1_000) ^ 1, 1_000);
  await writeFile(changed, bytes);
  await truncate(path.join(staging, second?.name ?? ''), (second?.size ?? 0) - 1);
  const console = await consoleAt(killed);
  const row = await exportOf(console, killed);
  expect(row.kept?.finished).toBe(row.kept?.of);
  const job = await resume(console, row.id);
  expect(job).toMatchObject({ state: 'done', failure: null });
  const file = String(job.result?.['file']);
  expect((await verdictOn(console, { file })).intact).toBe(true);
  const processing = await processingOf(file);
  const again = processing.collections.filter(({ parts }) => parts.some(({ snapshot }) => snapshot === 2));
  expect(again.map(({ name }) => name)).toContain('page_views');
  expect(again.length).toBeLessThanOrEqual(2);
  await console.close();
});

test('what a crash left is gone at the next start where it can not go on, and kept where it can', async () => {
  await using desk = await openDesk({ withBucket: true });
  const killed = await killedAt(desk, 'reading page_views');
  const { victim, folder } = killed;
  const tidied = async (withKey = true): Promise<void> => {
    await (await consoleAt(killed, withKey)).close();
  };
  await tidied();
  expect(await stagingOf(killed)).not.toBeNull();
  // The half package is of no use.
  expect(await readdir(folder)).toEqual([]);
  // No export goes on for longer than a day, so nothing lies here for longer, whatever the database says.
  const staging = (await stagingOf(killed)) ?? '';
  const aside = path.join(desk.folder, 'aside');
  await cp(staging, aside, { recursive: true });
  for (const [hours, isKept] of [
    [23, true],
    [25, false],
  ] as const) {
    const then = new Date(Date.now() - hours * 3_600_000);
    await utimes(staging, then, then);
    await tidied();
    expect((await stagingOf(killed)) !== null, `${String(hours)} hours`).toBe(isKept);
  }
  await cp(aside, staging, { recursive: true });
  const approver = await desk.signIn('approver');
  const row = await exportOf(approver, killed);
  expect(row.kept).toBeNull();
  await expectDone(approver, 'exports.abandon', { exportId: row.id });
  await tidied();
  expect(await stagingOf(killed)).toBeNull();
  const console = await consoleAt(killed);
  const [code] = plainFailure(await console.dispatch('exports.resume', { exportId: row.id }));
  expect(code).toBe('not_found');
  await console.close();
  expect(await entriesOf(desk, victim.request, 'export.%')).toEqual([
    ['export.begun', 'intent'],
    ['export.abandoned', 'failed'],
  ]);
});
