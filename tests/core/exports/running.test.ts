/**
 * Exports in the background: how far they are, never beyond the whole; two at
 * a time, the others in their order; and a database that stays out of reach.
 */
import { mkdtemp, readdir } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { PackageProgress } from '#core/exports/package.ts';
import { newShare, whole, wordsOf } from '#core/exports/progress.ts';
import { createJobs } from '#core/kernel/jobs.ts';
import { openLog } from '#core/kernel/log.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { findPerson, putObjects, requestFor, type Victim } from '#tests/core/erasure/approvedPlan.ts';
import { entriesOf, plainFailure } from '#tests/core/badInput/plain.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { verdictOn } from '#tests/helpers/verdictOn.ts';

vi.setConfig({ testTimeout: 120_000 });

test('whatever an export tells, how far it is never goes back, and never comes to the whole before the end', () => {
  const figure = fc.nat({ max: 1_000_000 });
  const told: fc.Arbitrary<PackageProgress> = fc.record({
    phase: fc.constantFrom('records', 'files', 'sealing', 'reading_back'),
    collection: fc.option(fc.string()),
    rows: figure,
    files: figure,
    bytes: figure,
    collections: figure,
    inAll: fc.record({
      collections: fc.option(figure),
      rows: fc.option(figure),
      files: fc.option(figure),
      bytes: fc.option(figure),
    }),
  });
  fc.assert(
    fc.property(fc.array(told), (story) => {
      const share = newShare();
      let before = 0;
      for (const now of story) {
        const done = share(now);
        expect(done).toBeGreaterThanOrEqual(before);
        expect(done).toBeLessThan(whole);
        expect(Number.isInteger(done)).toBe(true);
        expect(wordsOf(now)).not.toMatch(/NaN|Infinity|undefined|null/);
        before = done;
      }
    }),
  );
});

test('of jobs of a kind with a limit as many work at once, the others in their order; one that waits can be cancelled', async () => {
  const jobs = createJobs(
    openLog(null),
    () => undefined,
    () => '',
    { export: 2 },
  );
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<undefined>>();
  const start = (name: string): string =>
    jobs.start('export', null, async (_progress, _signal, turn) => {
      await turn();
      begun.push(name);
      const end = Promise.withResolvers<undefined>();
      ends.set(name, end);
      await end.promise;
      return {};
    });
  const [first, second, third, fourth, fifth] = ['a', 'b', 'c', 'd', 'e'].map(start);
  const states = (): readonly string[] => jobs.list().map(({ state }) => state);
  await vi.waitUntil(() => begun.length === 2, { timeout: 10_000 });
  expect(states()).toEqual(['waiting', 'waiting', 'waiting', 'running', 'running']);
  expect(jobs.running()).toBe(5);
  // Another kind has no limit.
  const other = jobs.start('erasure', null, async (_progress, _signal, turn) => {
    await turn();
    return {};
  });
  expect((await jobs.wait(other)).state).toBe('done');
  jobs.cancel(third ?? '');
  expect((await jobs.wait(third ?? '')).state).toBe('cancelled');
  ends.get('b')?.resolve(undefined);
  expect((await jobs.wait(second ?? '')).state).toBe('done');
  await vi.waitUntil(() => begun.length === 3, { timeout: 10_000 });
  expect(begun).toEqual(['a', 'b', 'd']);
  ends.get('a')?.resolve(undefined);
  await jobs.wait(first ?? '');
  await vi.waitUntil(() => begun.length === 4, { timeout: 10_000 });
  expect(begun).toEqual(['a', 'b', 'd', 'e']);
  for (const name of ['d', 'e']) ends.get(name)?.resolve(undefined);
  for (const id of [fourth, fifth]) expect((await jobs.wait(id ?? '')).state).toBe('done');
});

async function manyViews(desk: TestDesk, { id }: Victim, count: number): Promise<void> {
  await desk.superuser(({ query }) =>
    query(
      `insert into page_views (user_id, path, occurred_at) select $1, repeat('/x', 50) || n, now() from generate_series(1, $2::int) n`,
      [id, count],
    ),
  );
}

test('three exports: two work, the third waits for its turn, and one that is cancelled while it waits has its outcome', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const person = await findPerson(desk);
  const victims = [];
  for (let number = 0; number < 4; number += 1) victims.push(await requestFor(operator, person, 'export'));
  const [victim] = victims;
  if (victim === undefined) throw new Error('There is no request.');
  await putObjects(desk, victim, 5);
  await manyViews(desk, victim, 30_000);
  const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
  const told: Job[] = [];
  operator.onEvent((event) => {
    if (event.type === 'job') told.push(event.job);
  });
  const ids: string[] = [];
  for (const { request } of victims)
    ids.push((await expectDone(operator, 'exports.start', { requestId: request, folder })).jobId);
  const { jobs } = await expectDone(operator, 'jobs.list', {});
  expect(jobs.map(({ state }) => state)).toEqual(['waiting', 'waiting', 'running', 'running']);
  await expectDone(operator, 'jobs.cancel', { id: ids[2] ?? '' });
  expect((await expectDone(operator, 'jobs.wait', { id: ids[2] ?? '' })).job.state).toBe('cancelled');
  expect(await entriesOf(desk, victims[2]?.request ?? 0, 'export.%')).toEqual([
    ['export.begun', 'intent'],
    ['export.failed', 'failed'],
  ]);
  for (const id of [ids[0], ids[1], ids[3]]) {
    const { job } = await expectDone(operator, 'jobs.wait', { id: id ?? '' });
    expect(job).toMatchObject({ state: 'done', progress: { done: whole, total: whole } });
    let before = 0;
    for (const { progress } of told.filter((each) => each.id === id && each.progress.total !== null)) {
      expect(progress.done).toBeGreaterThanOrEqual(before);
      expect(progress.done).toBeLessThanOrEqual(progress.total ?? 0);
      before = progress.done;
    }
  }
  const numbers = told.flatMap(({ progress }) => {
    const [, rows, inAll] =
      /^reading \w+, ([\d,]+) of ([\d,]+) rows, collection \d+ of \d+, /.exec(progress.says) ?? [];
    return rows === undefined || inAll === undefined
      ? []
      : [[rows, inAll].map((each) => Number(each.replaceAll(',', '')))];
  });
  expect(numbers.some(([rows = 0]) => rows > 0)).toBe(true);
  for (const [rows = 0, inAll = 0] of numbers) expect(rows).toBeLessThanOrEqual(inAll);
  expect(await readdir(folder)).toHaveLength(3);
});

test('a database that stays out of reach interrupts the export in one sentence, what it has read is kept, and it goes on later', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator', { exportPace: { patienceMs: 2_000 } });
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  await manyViews(desk, victim, 50_000);
  const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
  const says: string[] = [];
  operator.onEvent((event) => {
    if (event.type === 'job') says.push(event.job.progress.says);
  });
  const { jobId, exportId } = await expectDone(operator, 'exports.start', {
    requestId: victim.request,
    folder,
  });
  await vi.waitUntil(() => says.some((each) => each.startsWith('reading page_views')), {
    timeout: 30_000,
    interval: 5,
  });
  const outOfReach = (limit: number): Promise<unknown> =>
    desk.superuser(async ({ query }) => {
      await query(`alter database ${desk.database} connection limit ${limit}`);
      if (limit !== 0) return;
      await query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'operator'`,
      );
    });
  await outOfReach(0);
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  expect(job.state).toBe('failed');
  const [code, message] = plainFailure(job, victim.email, victim.id);
  expect(code).toBe('unreachable');
  expect(message).toMatch(/kept on this computer for a day/);
  expect(says.some((each) => each.startsWith('waiting for the database'))).toBe(true);
  expect(await readdir(folder)).toEqual([]);
  await outOfReach(-1);
  const { exports } = await expectDone(operator, 'exports.list', { requestId: victim.request });
  expect(exports).toMatchObject([{ id: exportId, state: 'interrupted', kept: { folder } }]);
  expect(exports[0]?.kept?.finished).toBeGreaterThan(0);
  const resumed = await expectDone(operator, 'exports.resume', { exportId });
  const { job: next } = await expectDone(operator, 'jobs.wait', { id: resumed.jobId });
  expect(next).toMatchObject({ state: 'done', failure: null });
  expect((await verdictOn(operator, { file: String(next.result?.['file']) })).intact).toBe(true);
  expect(await entriesOf(desk, victim.request, 'export.%')).toEqual([
    ['export.begun', 'intent'],
    ['export.resumed', 'done'],
    ['export.finished', 'done'],
  ]);
});
