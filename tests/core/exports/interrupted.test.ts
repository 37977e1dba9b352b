/**
 * An export whose console is killed must not leave a person's full data open
 * to whoever has the login, nor an intent that nobody can end; and nobody but
 * who began it, an approver or an administrator may end it.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import type { ExportRow } from '#shared/contract/exports.ts';
import {
  anotherOperator,
  findPerson,
  otherWorkstation,
  requestFor,
  type Victim,
} from '#tests/core/erasure/approvedPlan.ts';
import { entriesOf, plainFailure } from '#tests/core/badInput/plain.ts';
import { effect, refusal } from '#tests/helpers/psql.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

vi.setConfig({ testTimeout: 120_000 });

const run = promisify(execFile);
const child = path.join(import.meta.dirname, '../badInput/exportingProcess.ts');

interface Killed {
  readonly victim: Victim;
  readonly folder: string;
  readonly row: ExportRow;
}

/** A request whose export was killed while it wrote. */
async function killedExport(desk: TestDesk): Promise<Killed> {
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  await desk.superuser(({ query }) =>
    query(
      `insert into page_views (user_id, path, occurred_at) select $1, repeat('/x', 50) || n, now() from generate_series(1, 100000) n`,
      [victim.id],
    ),
  );
  const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
  const { folder: home } = await otherWorkstation(desk, {});
  const exporter = spawn(process.execPath, [child, home, String(victim.request), folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const closed = once(exporter, 'close');
  await vi.waitUntil(async () => (await readdir(folder)).length > 0, { timeout: 60_000, interval: 5 });
  exporter.kill('SIGKILL');
  await closed;
  const [name] = await readdir(folder);
  expect(name).toMatch(/\.partial$/);
  const { exports } = await expectDone(operator, 'exports.list', { requestId: victim.request });
  const [row] = exports;
  if (row === undefined) throw new Error('The export is not in the list.');
  expect(row.state).toBe('running');
  return { victim, folder, row };
}

/** As if no sign of life had come for as long as the database waits for one. */
async function fallSilent(desk: TestDesk, id: number): Promise<void> {
  await desk.superuser(({ query }) =>
    query(
      `update privacy_console.access set expires_at = clock_timestamp() where id = (select access from privacy_console.export where id = $1)`,
      [id],
    ),
  );
}

async function accessOf(
  desk: TestDesk,
  id: number,
): Promise<{ id: number; minutes: number; closed: boolean }> {
  return desk.superuser(async ({ query }) => {
    const { rows } = await query<{ id: number; minutes: number; closed: boolean }>(
      `select a.id::int as id, extract(epoch from a.expires_at - clock_timestamp())::float8 / 60 as minutes, a.closed_at is not null as closed
       from privacy_console.export x join privacy_console.access a on a.id = x.access where x.id = $1`,
      [id],
    );
    const [found] = rows;
    if (found === undefined) throw new Error('The export has no access.');
    return found;
  });
}

test('a killed export has access for minutes, is shown as interrupted, and is closed by those who may', async () => {
  await using desk = await openDesk({ withBucket: true });
  const { victim, row } = await killedExport(desk);
  const access = await accessOf(desk, row.id);
  expect(access.minutes).toBeLessThanOrEqual(5);
  const session = await desk.bare('operator');
  const read = (): Promise<unknown> =>
    session.query('select count(*) from privacy_console.rows_users($1, null, 10)', [access.id]);
  await read();
  await fallSilent(desk, row.id);
  expect(await refusal(read())).toBe('PC001');
  // A sign of life that comes too late does not open it again.
  expect(await effect(session, 'export_lives($1)', [row.id])).toMatchObject({ ok: true, open: false });
  expect(await refusal(read())).toBe('PC001');

  const auditor = await desk.signIn('auditor');
  const listed = await expectDone(auditor, 'exports.list', { requestId: victim.request });
  expect(listed.exports.map(({ state }) => state)).toEqual(['interrupted']);

  for (const role of ['viewer', 'auditor'] as const) {
    const console = await desk.signIn(role);
    expect(plainFailure(await console.dispatch('exports.abandon', { exportId: row.id }))[0]).toBe(
      'not_permitted',
    );
    const bare = await desk.bare(role);
    expect(await refusal(effect(bare, 'abandon_export($1)', [row.id]))).toBe('42501');
    expect(await refusal(effect(bare, 'export_lives($1)', [row.id]))).toBe('42501');
  }
  const second = await (await anotherOperator(desk)).signIn();
  try {
    expect(plainFailure(await second.dispatch('exports.abandon', { exportId: row.id }))[0]).toBe(
      'not_permitted',
    );
  } finally {
    await second.close();
  }
  // What was refused is in the trail, and the intent still has no outcome.
  expect(await entriesOf(desk, victim.request, 'export.%')).toEqual([
    ['export.begun', 'intent'],
    ['export.abandoned', 'refused'],
  ]);

  const approver = await desk.signIn('approver');
  const { entry } = await expectDone(approver, 'exports.abandon', { exportId: row.id });
  expect((await accessOf(desk, row.id)).closed).toBe(true);
  const after = await expectDone(auditor, 'exports.list', { requestId: victim.request });
  expect(after.exports.map(({ state }) => state)).toEqual(['abandoned']);
  const { entries } = await expectDone(auditor, 'audit.list', { requestId: victim.request });
  expect(entries.find(({ number }) => number === entry)).toMatchObject({
    action: 'export.abandoned',
    outcome: 'failed',
    actor: 'approver',
  });
  await desk.superuser(async ({ query }) => {
    const { rows } = await query(
      `select from privacy_console.entry e where e.request = $1 and e.outcome = 'intent'
         and not exists (select from privacy_console.entry f where f.intent = e.number)`,
      [victim.request],
    );
    expect(rows).toHaveLength(0);
  });
  expect(plainFailure(await approver.dispatch('exports.abandon', { exportId: row.id }))[0]).toBe('conflict');
  expect(plainFailure(await approver.dispatch('exports.abandon', { exportId: 999_999 }))[0]).toBe(
    'not_found',
  );
});

test('who began it closes it at once, without waiting for it to count as interrupted', async () => {
  await using desk = await openDesk({ withBucket: true });
  const { row } = await killedExport(desk);
  const { id } = await accessOf(desk, row.id);
  const command = ['electron/cli/cli.ts', 'exports', 'abandon', String(row.id), '--profile', 'demo:operator'];
  await run(process.execPath, command, {
    cwd: path.join(import.meta.dirname, '../../..'),
    env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home },
  });
  const session = await desk.bare('operator');
  expect(
    await refusal(session.query('select count(*) from privacy_console.rows_users($1, null, 10)', [id])),
  ).toBe('PC001');
  expect(await refusal(effect(session, 'export_lives($1)', [row.id]))).toBe('PC006');
  expect(await refusal(effect(session, `end_export($1, repeat('a', 64), 1, 1, 1, '')`, [row.id]))).toBe(
    'PC006',
  );
});

test('begun again by the same operator, the killed export is closed and what it left on the disk is gone', async () => {
  await using desk = await openDesk({ withBucket: true });
  const { victim, folder, row } = await killedExport(desk);
  const operator = await desk.signIn('operator');
  const { jobId } = await expectDone(operator, 'exports.start', { requestId: victim.request, folder });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  expect(job).toMatchObject({ state: 'done', failure: null });
  expect((await accessOf(desk, row.id)).closed).toBe(true);
  expect(await entriesOf(desk, victim.request, 'export.%')).toEqual([
    ['export.begun', 'intent'],
    ['export.abandoned', 'failed'],
    ['export.begun', 'intent'],
    ['export.finished', 'done'],
  ]);
  expect((await readdir(folder)).map((name) => path.extname(name))).toEqual(['.zip']);
});

test('begun under the same request by another operator, the first is left to its own', async () => {
  await using desk = await openDesk({ withBucket: true });
  const { victim, row } = await killedExport(desk);
  const second = await (await anotherOperator(desk)).signIn();
  try {
    const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
    const { jobId } = await expectDone(second, 'exports.start', { requestId: victim.request, folder });
    expect((await expectDone(second, 'jobs.wait', { id: jobId })).job.state).toBe('done');
    const { exports } = await expectDone(second, 'exports.list', { requestId: victim.request });
    expect(exports.find(({ id }) => id === row.id)?.state).toBe('running');
  } finally {
    await second.close();
  }
});

test('signs of life open no access for longer than a day, nor another’s', async () => {
  await using desk = await openDesk();
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  const session = await desk.bare('operator');
  const begun = await effect(session, 'begin_export($1)', [victim.request]);
  const id = begun['export'] as number;
  expect(await effect(session, 'export_lives($1)', [id])).toMatchObject({ open: true });
  await desk.superuser(({ query }) =>
    query(
      `update privacy_console.export set started_at = clock_timestamp() - interval '23 hours 58 minutes' where id = $1`,
      [id],
    ),
  );
  await effect(session, 'export_lives($1)', [id]);
  expect((await accessOf(desk, id)).minutes).toBeLessThanOrEqual(2);
  await desk.superuser(({ query }) =>
    query(
      `update privacy_console.export set started_at = clock_timestamp() - interval '24 hours' where id = $1`,
      [id],
    ),
  );
  await effect(session, 'export_lives($1)', [id]);
  expect((await accessOf(desk, id)).minutes).toBeLessThanOrEqual(0);
  expect(
    await refusal(
      session.query('select count(*) from privacy_console.rows_users($1, null, 10)', [begun['access']]),
    ),
  ).toBe('PC001');
  await desk.superuser(({ query }) =>
    query(
      `update privacy_console.export set staff = (select id from privacy_console.staff where login = 'approver') where id = $1`,
      [id],
    ),
  );
  expect(await refusal(effect(session, 'export_lives($1)', [id]))).toBe('PC006');
});
