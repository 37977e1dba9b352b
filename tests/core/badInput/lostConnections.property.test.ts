/**
 * An export of which the connection to the database is lost at any moment ends
 * as a package that verifies and that the trail knows by its hash, or as none,
 * and the trail never calls one done that was thrown away. The same moments
 * each time; others: FAULT_SEED; more: FAULT_POINTS.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Console } from '#core/console.ts';
import { verifyPackage } from '#core/exports/verify.ts';
import type { ExportRow } from '#shared/contract/exports.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { findPerson, otherWorkstation, putObjects, requestFor } from '#tests/core/erasure/approvedPlan.ts';
import { openCuttingProxy, type Cut } from '#tests/helpers/cuttingProxy.ts';
import { lots } from '#tests/helpers/lots.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { plainFailure } from './plain.ts';

const points = Number(process.env['FAULT_POINTS'] ?? 12);
const seed = Number(process.env['FAULT_SEED'] ?? 20_261_128);

vi.setConfig({ testTimeout: 60_000 + points * 30_000 });

interface Ended {
  readonly job: Job;
  readonly row: ExportRow;
  /** Of the request's newest entry about exports. */
  readonly entry: string;
  readonly packages: readonly string[];
}

test('a connection lost at any moment leaves a package the trail knows, or none', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk), 'export');
  await putObjects(desk, victim, 3);
  await desk.superuser(({ query }) =>
    query(
      `insert into page_views (user_id, path, occurred_at) select $1, repeat('/x', 50) || n, now() from generate_series(1, 3000) n`,
      [victim.id],
    ),
  );
  const proxy = await openCuttingProxy(desk);
  const station = await otherWorkstation(desk, { host: '127.0.0.1', port: proxy.port });
  const console_ = await station.signIn({ exportPace: { windowRows: 500, patienceMs: 4_000 } });
  const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
  const work = { console: console_, folder, request: victim.request };
  try {
    // One that nothing happens to tells how many bytes there are, and what the end is called.
    proxy.mend();
    expect((await endOf(desk, work, await start(work))).job.state).toBe('done');
    const bytes = proxy.passed;
    const told = proxy.learn(/(privacy_console_\d+)\0select privacy_console\.end_export/) ?? 'end_export';
    await empty(folder);

    const random = lots(seed);
    const outcomes = new Map<string, number>();
    for (let point = 1; point <= points; point += 1) {
      const cut = cutBy(point, random, bytes, told);
      const where = `point ${String(point)} of seed ${String(seed)}: ${JSON.stringify(cut)}`;
      proxy.arm(cut);
      const jobId = await start(work);
      const ended =
        jobId === null
          ? null
          : await endOf(desk, work, jobId, () => {
              proxy.mend();
            });
      proxy.mend();
      const outcome = ended === null ? 'not begun' : await judged(desk, work, ended, where);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      await noTraceOf(victim.email, station.folder, where);
      await empty(folder);
    }
    console.log(
      `${String(points)} moments: ${[...outcomes].map(([outcome, times]) => `${outcome} ${String(times)}`).join(', ')}`,
    );
  } finally {
    await console_.close();
    await proxy.close();
  }
});

/** Every third cut is at the very end, when the trail is told of the package: the server hears it or it doesn't. */
function cutBy(point: number, random: () => number, bytes: number, told: string): Cut {
  const lot = random();
  const how = lot < 0.5 ? 'ended' : lot < 0.75 ? 'silent' : 'gone';
  if (point % 3 === 0) {
    const heard = point % 2 === 0;
    // Lost for good just then, nobody can know; the console says so, and the trail can't.
    return { at: { text: told, heard }, how: how === 'gone' && heard ? 'ended' : how };
  }
  return { at: Math.floor(random() * bytes), how };
}

interface Work {
  readonly console: Console;
  readonly folder: string;
  readonly request: number;
}

/** The number of the job; null when the connection was lost before there was one. */
async function start({ console, request, folder }: Work): Promise<string | null> {
  const started = await console.dispatch('exports.start', { requestId: request, folder });
  if (started.ok) return started.value.jobId;
  plainFailure(started);
  return null;
}

async function endOf(
  desk: TestDesk,
  { console, folder, request }: Work,
  jobId: string | null,
  mend: () => void = () => undefined,
): Promise<Ended> {
  if (jobId === null) throw new Error('It did not begin.');
  const { job } = await expectDone(console, 'jobs.wait', { id: jobId });
  mend();
  const listed = await vi.waitFor(
    async () => (await expectDone(console, 'exports.list', { requestId: request })).exports,
    { timeout: 20_000 },
  );
  const [row] = listed;
  if (row === undefined) throw new Error('The export is not in the list.');
  const entry = await desk.superuser(async ({ query }) => {
    const { rows } = await query<{ action: string }>(
      `select action from privacy_console.entry where request = $1 and action like 'export.%' order by number desc limit 1`,
      [request],
    );
    return rows[0]?.action ?? '';
  });
  return { job, row, entry, packages: await readdir(folder) };
}

/** Holds what is there against what is told; gives the outcome in a word. */
async function judged(desk: TestDesk, work: Work, ended: Ended, where: string): Promise<string> {
  const { job, row, entry, packages } = ended;
  if (job.state === 'done') {
    expect(packages, where).toHaveLength(1);
    const verdict = await verifyPackage(path.join(work.folder, packages[0] ?? ''));
    expect(verdict.faults, where).toEqual([]);
    expect([row.state, row.sha256, entry], where).toEqual(['done', verdict.sha256, 'export.finished']);
    expect(job.result?.['sha256'], where).toBe(verdict.sha256);
    return 'done';
  }
  plainFailure(job);
  expect(packages, where).toEqual([]);
  expect(['export.begun', 'export.resumed', 'export.failed'], where).toContain(entry);
  expect(['running', 'interrupted', 'failed'], where).toContain(row.state);
  expect(row.state === 'failed', where).toBe(entry === 'export.failed');
  if (row.kept === null) return row.state === 'failed' ? 'failed' : 'ended, known by silence';
  const { jobId } = await expectDone(work.console, 'exports.resume', { exportId: row.id });
  const again = await endOf(desk, work, jobId);
  expect(await judged(desk, work, again, `${where}, resumed`)).toBe('done');
  return 'interrupted and resumed';
}

/** What waits on the disk for a resumption must not be readable. */
async function noTraceOf(email: string, home: string, where: string): Promise<void> {
  for (const each of await readdir(home, { recursive: true, withFileTypes: true })) {
    if (!each.isFile() || !each.parentPath.includes('exports')) continue;
    const bytes = await readFile(path.join(each.parentPath, each.name));
    expect(bytes.includes(email), `${where}: ${each.name}`).toBe(false);
  }
}

async function empty(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(path.join(folder, name), { recursive: true });
}
