/**
 * An export whose database part lasts longer than the guard lets one
 * transaction live is read from several snapshots: no row may be lost or
 * doubled where one ends, each must pass the gate anew, and the package has to
 * say so. Judged by SQL written by hand, as superuser, and by unzip.
 */
import { mkdtemp, readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Console } from '#core/console.ts';
import { openPool } from '#core/database/pool.ts';
import { readerOver } from '#core/database/database.ts';
import { readCollection } from '#core/exports/reading.ts';
import { openSnapshots } from '#core/exports/snapshots.ts';
import { kindInForce, mapInForce } from '#core/subjects/index.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { drawPeople, held, rowsHeld, unpack } from '#tests/acceptance/judge.ts';
import { findPerson, putObjects, requestFor } from '#tests/core/erasure/approvedPlan.ts';
import { entriesOf, plainFailure } from '#tests/core/badInput/plain.ts';
import { alterFunction, effect } from '#tests/helpers/psql.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { verdictOn } from '#tests/helpers/verdictOn.ts';

vi.setConfig({ testTimeout: 120_000 });

interface Processing {
  readonly snapshots: readonly { number: number; began: string; collections: readonly string[] }[];
  readonly collections: readonly {
    name: string;
    rows: number;
    rowsCounted: number;
    rowsAtEnd: number;
    parts: readonly { snapshot: number; rows: number }[];
  }[];
  readonly filesFrom: number;
  readonly note?: string;
}

async function target(desk: TestDesk): Promise<string> {
  return mkdtemp(path.join(desk.folder, 'packages-'));
}

async function exportInto(console: Console, request: number, folder: string): Promise<Job> {
  const { jobId } = await expectDone(console, 'exports.start', {
    requestId: request,
    folder,
    profile: 'access',
    showOthers: true,
    reason: 'every value is compared',
  });
  return (await expectDone(console, 'jobs.wait', { id: jobId })).job;
}

async function processingOf(zip: string, desk: TestDesk): Promise<{ processing: Processing; bag: string }> {
  const unpacked = await unpack(zip, await mkdtemp(path.join(desk.folder, 'unpacked-')));
  const text = async (name: string): Promise<string> => {
    const found = (await unpacked.files()).find((each) => each.path.endsWith(name));
    return found?.bytes.toString('utf8') ?? '';
  };
  return {
    processing: JSON.parse(await text('data/processing.json')) as Processing,
    bag: await text('bag-info.txt'),
  };
}

/** Gives somebody so many more visits of pages, some at the very same moment. */
async function visits(desk: TestDesk, person: string, count: number): Promise<void> {
  await desk.superuser(({ query }) =>
    query(
      `insert into page_views (user_id, path, occurred_at)
       select $1, '/n/' || n, timestamptz '2026-09-01 00:00+00' + (n / 40) * interval '1 minute' from generate_series(1, $2::int) n`,
      [person, count],
    ),
  );
}

test('read from many snapshots, a package holds every row once, and says when each was taken and what it gave', async () => {
  await using desk = await openDesk({ withBucket: true });
  const people = await desk.superuser((session) => drawPeople(session, 'snapshots'));
  for (const [place, windowRows] of [
    [0, 3],
    [1, 1],
    [3, 500],
  ] as const) {
    const person = people[place];
    if (person === undefined) throw new Error('Nobody was drawn.');
    if (place === 0) await visits(desk, person.id, 200);
    const operator = await desk.signIn('operator', { exportPace: { snapshotMs: 0, windowRows } });
    const { request } = await requestFor(
      operator,
      { id: person.id, email: person.email, workspace: person.workspaces[0] ?? '' },
      'export',
    );
    const job = await exportInto(operator, request, await target(desk));
    expect(job).toMatchObject({ state: 'done', failure: null });
    const zip = String(job.result?.['file']);
    const unpacked = await unpack(zip, await mkdtemp(path.join(desk.folder, 'unpacked-')));
    await desk.superuser(async (session) => {
      for (const name of Object.keys(held))
        expect([name, unpacked.records.get(name)]).toEqual([name, await rowsHeld(session, name, person.id)]);
    });
    const { processing, bag } = await processingOf(zip, desk);
    const { snapshots, collections } = processing;
    expect(snapshots.map(({ number }) => number)).toEqual(snapshots.map((_each, at) => at + 1));
    expect(snapshots.length).toBeGreaterThan(collections.length);
    expect(bag).toContain(`Snapshot-Count: ${String(snapshots.length)}\n`);
    expect(processing.note).toContain(`at ${String(snapshots.length)} moments`);
    const times = snapshots.map(({ began }) => began);
    expect(times).toEqual([...times].sort());
    for (const { name, rows, rowsCounted, rowsAtEnd, parts } of collections) {
      expect([name, rowsCounted, rowsAtEnd]).toEqual([name, rows, rows]);
      expect(parts.reduce((sum, part) => sum + part.rows, 0)).toBe(rows);
      expect(snapshots.filter((each) => each.collections.includes(name)).map(({ number }) => number)).toEqual(
        parts.map(({ snapshot }) => snapshot),
      );
    }
    expect(processing.filesFrom).toBe(snapshots.length);
    expect((await verdictOn(operator, { file: zip })).intact).toBe(true);
    console.log(`${String(snapshots.length)} snapshots, ${String(job.result?.['rows'])} rows`);
  }
});

test('what is read quickly is read from one snapshot, and the package says that', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const { request } = await requestFor(operator, await findPerson(desk), 'export');
  const job = await exportInto(operator, request, await target(desk));
  const { processing, bag } = await processingOf(String(job.result?.['file']), desk);
  expect(processing.snapshots).toHaveLength(1);
  expect(processing.note).toBeUndefined();
  expect(bag).toContain('Snapshot-Count: 1\n');
});

test('an export carries on past the limit of one transaction, and is refused at it where it may not renew', async () => {
  await using desk = await openDesk({ withBucket: true });
  const person = await findPerson(desk);
  await visits(desk, person.id, 60_000);
  await alterFunction(desk, 'subject_of', (source) =>
    source.replace(`interval '15 minutes'`, `interval '1 second'`),
  );
  const stubborn = await desk.signIn('operator', { exportPace: { windowRows: 20 } });
  const { request } = await requestFor(stubborn, person, 'export');
  const folder = await target(desk);
  const refused = await exportInto(stubborn, request, folder);
  expect(plainFailure(refused)[0]).toBe('access_closed');
  expect(await readdir(folder)).toEqual([]);
  const patient = await desk.signIn('operator', { exportPace: { windowRows: 200, snapshotMs: 300 } });
  const job = await exportInto(patient, request, folder);
  expect(job).toMatchObject({ state: 'done', failure: null });
  expect(await entriesOf(desk, request, 'export.%')).toEqual([
    ['export.begun_with_others', 'intent'],
    ['export.resumed', 'done'],
    ['export.failed', 'failed'],
    ['export.begun_with_others', 'intent'],
    ['export.finished', 'done'],
  ]);
  const { processing } = await processingOf(String(job.result?.['file']), desk);
  const views = processing.collections.find(({ name }) => name === 'page_views');
  expect(views?.parts.length).toBeGreaterThan(1);
  await desk.superuser(async ({ query }) => {
    const { rows } = await query<{ count: number }>(
      'select count(*)::int as count from page_views where user_id = $1',
      [person.id],
    );
    expect(views?.rows).toBe(rows[0]?.count);
  });
});

test.each([
  ['loses the row where a window begins', 'rows_page_views', 'limit v_ask', 'offset 1 limit v_ask'],
  ['gives the row where a window ends twice', 'rows_page_views', ') > (v_after', ') >= (v_after'],
  ['does not count what was read', 'part_page_views', 'return v_given;', 'return v_given - 1;'],
])('a reading that %s over a renewal is refused, and nothing is left', async (_name, where, right, wrong) => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator', { exportPace: { snapshotMs: 0, windowRows: 50 } });
  const person = await findPerson(desk);
  await visits(desk, person.id, 400);
  const { request } = await requestFor(operator, person, 'export');
  const folder = await target(desk);
  await alterFunction(desk, where, (source) => source.replaceAll(right, wrong));
  const job = await exportInto(operator, request, folder);
  expect(plainFailure(job)[0]).toBe('conflict');
  expect(await readdir(folder)).toEqual([]);
  expect((await entriesOf(desk, request, 'export.%')).at(-1)).toEqual(['export.failed', 'failed']);
});

test('what the platform changes between two snapshots is counted where it was read, and told', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const person = await findPerson(desk);
  await desk.superuser(({ query }) => query('delete from page_views where user_id = $1', [person.id]));
  await visits(desk, person.id, 10);
  const { request } = await requestFor(operator, person, 'export');
  const session = await desk.bare('operator');
  const begun = await effect(session, 'begin_export($1)', [request]);
  const access = begun['access'] as number;
  const pool = openPool(
    {
      host: desk.host,
      port: desk.port,
      database: desk.database,
      ...desk.secrets.logins.operator,
      workstation: 'test',
      tls: { mode: 'loopback' },
    },
    { version: '0.0.0', environment: 'demo' },
  );
  const snapshots = await openSnapshots(pool, { lastsMs: 0 });
  try {
    const map = await mapInForce(readerOver(snapshots.current.client));
    const { subject, collections } = kindInForce(map, 'account');
    const collection = collections.find(({ name }) => name === 'page_views');
    if (collection === undefined) throw new Error('The map lost a collection.');
    const source = readCollection(snapshots, () => access, subject, collection, 4);
    const { signal } = new AbortController();
    let text = '';
    let changed = false;
    for await (const chunk of source.rows(signal)) {
      text += Buffer.from(chunk as Uint8Array).toString('utf8');
      if (changed) continue;
      changed = true;
      // Two of the four that were read go; one comes before the place that was reached, two after it.
      await desk.superuser(async ({ query }) => {
        await query(`delete from page_views where user_id = $1 and path in ('/n/1', '/n/2')`, [person.id]);
        await query(
          `insert into page_views (user_id, path, occurred_at) select $1, '/late/' || at, at::timestamptz
           from unnest(array['2026-08-01 00:00+00', '2026-10-01 00:00+00', '2026-10-02 00:00+00']) at`,
          [person.id],
        );
      });
    }
    const paths = text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { path: string }).path);
    expect(paths).toHaveLength(12);
    expect(new Set(paths).size).toBe(12);
    expect(paths.filter((each) => each.startsWith('/late/')).map((each) => each.slice(6, 13))).toEqual([
      '2026-10',
      '2026-10',
    ]);
    expect(await source.expectedRows?.(signal)).toBe(12);
    const reading = source.reading?.();
    expect(reading?.rowsAtEnd).toBe(11);
    expect(reading?.parts.map(({ rows }) => rows)).toEqual([4, 4, 4, 0]);
  } finally {
    await snapshots.letGo();
    await pool.close();
  }
});

test('each snapshot passes the gate anew: closed in the middle, an export ends and nothing is kept', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator', { exportPace: { snapshotMs: 0, windowRows: 20 } });
  const administrator = await desk.signIn('administrator');
  const person = await findPerson(desk);
  await visits(desk, person.id, 60_000);
  const { request } = await requestFor(operator, person, 'export');
  const folder = await target(desk);
  const { jobId, exportId } = await expectDone(operator, 'exports.start', { requestId: request, folder });
  await vi.waitUntil(async () => {
    const { jobs } = await expectDone(operator, 'jobs.list', {});
    return jobs.some((job) => job.id === jobId && job.progress.says.startsWith('reading page_views'));
  }, 30_000);
  await expectDone(administrator, 'exports.abandon', { exportId });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  expect(job.state).toBe('failed');
  expect(['access_closed', 'conflict']).toContain(plainFailure(job)[0]);
  expect(await readdir(folder)).toEqual([]);
  expect(await entriesOf(desk, request, 'export.%')).toEqual([
    ['export.begun', 'intent'],
    ['export.abandoned', 'failed'],
  ]);
});

test('an export begun by another data map than the one in force is not carried on', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator', { exportPace: { snapshotMs: 0, windowRows: 20 } });
  const person = await findPerson(desk);
  await visits(desk, person.id, 60_000);
  const { request } = await requestFor(operator, person, 'export');
  const folder = await target(desk);
  const { jobId } = await expectDone(operator, 'exports.start', { requestId: request, folder });
  await vi.waitUntil(async () => (await readdir(folder)).length > 0);
  await desk.superuser(({ query }) =>
    query(`update privacy_console.data_map set hash = repeat('0', 64) where current`),
  );
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  expect(plainFailure(job)[0]).toBe('conflict');
  expect(await readdir(folder)).toEqual([]);
});

test('signs of life keep an export’s access open while its files are fetched', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator', { exportPace: { signOfLifeMs: 10 } });
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  await putObjects(desk, victim, 40);
  const job = await exportInto(operator, victim.request, await target(desk));
  expect(job.state).toBe('done');
  const [row] = await desk.superuser(
    async ({ query }) =>
      (
        await query<{ longer: boolean }>(
          `select a.expires_at > a.opened_at + interval '5 minutes' + interval '10 milliseconds' as longer
           from privacy_console.export x join privacy_console.access a on a.id = x.access where x.request = $1`,
          [victim.request],
        )
      ).rows,
  );
  expect(row?.longer).toBe(true);
});
