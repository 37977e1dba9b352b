/**
 * A deletion is ended at any moment: the console killed, a process of the
 * server's killed, the server killed as by a power cut, the network cut. At
 * each such moment what is gone is what the trail tells, row for row; resumed,
 * it ends right, and nothing beyond the plan is gone or changed. The same
 * moments each time; others: FAULT_SEED; more: FAULT_POINTS.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Console } from '#core/console.ts';
import { expectDone } from '#demo/staff.ts';
import { takeOver, type CrashingServer } from '#tests/helpers/crashingServer.ts';
import { openCuttingProxy, type CuttingProxy } from '#tests/helpers/cuttingProxy.ts';
import { lots } from '#tests/helpers/lots.ts';
import { openCluster, type OwnCluster } from '#tests/helpers/ownCluster.ts';
import {
  approve,
  expectEndedRight,
  findPerson,
  otherWorkstation,
  putObjects,
  requestFor,
  type Victim,
} from './approvedPlan.ts';

const kinds = ['console', 'backend', 'server', 'network'] as const;
type Kind = (typeof kinds)[number];

const points = Number(process.env['FAULT_POINTS'] ?? kinds.length);
const seed = Number(process.env['FAULT_SEED'] ?? 20_261_128);
/** Each is interrupted so often, then lets be. */
const faultsEach = 4;
const objectsEach = 12;

vi.setConfig({ testTimeout: 120_000 + points * 30_000 });

const child = path.join(import.meta.dirname, 'erasingProcess.ts');

interface Stage {
  readonly cluster: OwnCluster;
  readonly server: CrashingServer;
  readonly proxy: CuttingProxy;
  /** Of a workstation that reaches the database through the proxy. */
  readonly folder: string;
}

interface Deletion {
  readonly victim: Victim;
  readonly planId: number;
  /** Every key of the bucket, of this person and of others, before. */
  readonly keys: readonly string[];
  /** All rows of each table, before. */
  readonly rows: Rows;
}

/** By table, the digests of its rows. */
type Rows = ReadonlyMap<string, readonly string[]>;

test('ended at any moment, what is gone is what the trail tells, and resumed it ends right', async () => {
  await using cluster = await openCluster({});
  await using server = await takeOver(cluster.platform.postgres.dataFolder);
  const proxy = await openCuttingProxy(cluster);
  const { folder } = await otherWorkstation(cluster, { host: '127.0.0.1', port: proxy.port });
  const stage = { cluster, server, proxy, folder };
  try {
    // Hundreds of moments are more people than somebody looks up in an hour.
    await cluster.superuser(({ query }) =>
      query(`update privacy_console.setting set value = 100000 where name = 'people_per_hour'`),
    );
    // One that nothing happens to tells how many bytes there are, and with which it begins.
    let deletion = await prepare(stage);
    proxy.mend();
    const first = erase(stage, deletion);
    await first.begun;
    const begins = proxy.passed;
    expect(await first.end).toContain('"complete":true');
    const bytes = proxy.passed - begins;
    await expectRight(stage, deletion);

    const random = lots(seed);
    const happened = new Map<string, number>();
    let point = 0;
    while (point < points) {
      deletion = await prepare(stage);
      let state = '';
      for (let fault = 0; fault < faultsEach && point < points && state !== 'done'; fault += 1) {
        const kind = kinds[point % kinds.length] ?? 'console';
        const at = begins + Math.floor(random() * bytes);
        const where = `point ${String(point + 1)} of seed ${String(seed)}: ${kind} at byte ${String(at)}`;
        if (!(await interrupt(stage, deletion, kind, at))) break;
        point += 1;
        state = await expectTold(stage, deletion, where);
        happened.set(`${kind} ${state}`, (happened.get(`${kind} ${state}`) ?? 0) + 1);
      }
      proxy.mend();
      // Ended by itself before it was to be ended, or by the last of what it did.
      if ((await stateOf(stage, deletion)) !== 'done') await finish(stage, deletion);
      await expectRight(stage, deletion);
    }
    console.log(
      `${String(point)} moments: ${[...happened]
        .map(([what, times]) => `${what} ${String(times)}`)
        .toSorted()
        .join(', ')}`,
    );
  } finally {
    await proxy.close();
  }
});

/** An approved deletion of somebody with rows and objects, and all rows as they are before it. */
async function prepare({ cluster }: Stage): Promise<Deletion> {
  const operator = await cluster.signIn('operator');
  const approver = await cluster.signIn('approver');
  try {
    const victim = await requestFor(operator, await findPerson(cluster));
    const bucket = cluster.platform.objectStore;
    await putObjects({ bucket }, victim, objectsEach);
    const signedIn = (role: string): Promise<Console> =>
      Promise.resolve(role === 'approver' ? approver : operator);
    const plan = await approve({ signIn: signedIn }, operator, victim);
    expect(plan).toMatchObject({ state: 'approved' });
    const keys = (await bucket.list()).map(({ key }) => key);
    return { victim, planId: plan.id, keys, rows: await rowsOf(cluster) };
  } finally {
    await operator.close();
    await approver.close();
  }
}

async function rowsOf(cluster: OwnCluster): Promise<Rows> {
  return cluster.superuser(async ({ query }) => {
    const { rows: tables } = await query<{ name: string }>(
      `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`,
    );
    const found = new Map<string, readonly string[]>();
    for (const { name } of tables) {
      const { rows } = await query<{ digest: string }>(
        `select md5(t::text) as digest from public."${name}" t`,
      );
      found.set(
        name,
        rows.map(({ digest }) => digest),
      );
    }
    return found;
  });
}

/** A console of its own begins or goes on with the deletion. */
function erase(
  { folder }: Stage,
  { planId }: Deletion,
): { readonly begun: Promise<unknown>; readonly end: Promise<string>; readonly kill: () => void } {
  const process_ = spawn(process.execPath, [child, folder, String(planId), '20'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let told = '';
  for (const output of [process_.stdout, process_.stderr])
    output.setEncoding('utf8').on('data', (piece: string) => (told += piece));
  return {
    begun: once(process_.stdout, 'data'),
    end: once(process_, 'close').then(() => told),
    kill: () => process_.kill('SIGKILL'),
  };
}

/** Lets it go on until so many bytes have passed, and then ends what is to be ended; false where it was at its end before. */
async function interrupt(stage: Stage, deletion: Deletion, kind: Kind, at: number): Promise<boolean> {
  const { cluster, server, proxy } = stage;
  const running = erase(stage, deletion);
  let ended: Promise<unknown> = Promise.resolve();
  const how = {
    console: () => {
      running.kill();
    },
    backend: () => {
      ended = killBackend(cluster);
    },
    server: () => {
      server.kill();
    },
    network: 'ended' as const,
  }[kind];
  proxy.arm({ at, how });
  await running.end;
  if (!proxy.hasCut) return false;
  await ended;
  if (kind === 'server') await server.startAgain();
  // What the server still does for who is gone ends by itself; after a crash nobody is let in for a moment.
  await vi.waitUntil(
    () =>
      cluster
        .superuser(async ({ query }) => (await query(`select ${activeOnes}`)).rowCount === 0)
        .catch(() => false),
    { timeout: 60_000, interval: 30 },
  );
  return true;
}

const activeOnes = `pid from pg_stat_activity where datname = current_database() and usename = 'operator'`;

async function killBackend(cluster: OwnCluster): Promise<void> {
  const { rows } = await cluster.superuser(({ query }) =>
    query<{ pid: number }>(`select ${activeOnes} order by state = 'active' desc, state_change desc limit 1`),
  );
  const [backend] = rows;
  if (backend === undefined) return;
  try {
    process.kill(backend.pid, 'SIGKILL');
  } catch (error) {
    // It had ended by then.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Goes on to the end. What somebody else wrote of the person stays, as an approver says. */
async function finish(stage: Stage, deletion: Deletion): Promise<void> {
  const told = await erase(stage, deletion).end;
  if (told.includes('"complete":true')) return;
  expect(told).toMatch(/"left":0,"objectsLeft":0.*"finds":[1-9]/);
  const approver = await stage.cluster.signIn('approver');
  try {
    const { planId } = deletion;
    const { plan } = await expectDone(approver, 'erasure.show', { planId });
    for (const { name, rows } of plan.run?.finds ?? [])
      if (rows > 0)
        await expectDone(approver, 'erasure.judge', { planId, find: name, because: 'not theirs' });
  } finally {
    await approver.close();
  }
  expect(await erase(stage, deletion).end).toContain('"complete":true');
}

async function stateOf({ cluster }: Stage, { planId }: Deletion): Promise<string> {
  const { rows } = await cluster.superuser(({ query }) =>
    query<{ state: string }>('select state from privacy_console.run where plan = $1', [planId]),
  );
  return rows[0]?.state ?? 'not begun';
}

/** What is gone is what committed entries tell, and no object is that nobody announced. Gives how far the run is. */
async function expectTold({ cluster }: Stage, deletion: Deletion, where: string): Promise<string> {
  const state = await cluster.superuser(async ({ query }) => {
    const { rows: told } = await query<{ collection: string; rows: string }>(
      `select l.collection, coalesce(sum((d.text::json ->> 'rows')::bigint), 0) as rows
       from privacy_console.plan_line l left join privacy_console.run r on r.plan = l.plan
       left join privacy_console.entry e on e.action = 'erasure.batch' and e.outcome = 'done'
       left join privacy_console.detail d on d.entry = e.number and (d.text::json ->> 'run')::bigint = r.id and (d.text::json ->> 'step')::int = l.step
       where l.plan = $1 and l.action = 'delete' group by l.collection order by l.collection collate "C"`,
      [deletion.planId],
    );
    const gone: typeof told = [];
    for (const { collection } of told) {
      const { rows } = await query<{ rows: string }>(
        `select $1::bigint - count(*) as rows from public."${collection}"`,
        [deletion.rows.get(collection)?.length],
      );
      gone.push({ collection, rows: rows[0]?.rows ?? '' });
    }
    expect(gone, where).toEqual(told);
    const { rows } = await query<{ state: string; announced: string[] }>(
      `select coalesce(r.state, 'not begun') as state, array(select o.key from privacy_console.plan_object o where o.plan = p.id and (o.key is null or exists (
         select from privacy_console.plan_announcement a where a.plan = o.plan and a.number = o.number))) as announced
       from privacy_console.plan p left join privacy_console.run r on r.plan = p.id where p.id = $1`,
      [deletion.planId],
    );
    const stored = new Set((await cluster.platform.objectStore.list()).map(({ key }) => key));
    const lost = deletion.keys.filter((key) => !stored.has(key) && !(rows[0]?.announced ?? []).includes(key));
    // Their names are forgotten with the person, at the very end.
    if (rows[0]?.state !== 'done') expect(lost, where).toEqual([]);
    return rows[0]?.state ?? '';
  });
  return state;
}

/** It is complete, and of everybody else nothing is gone and nothing is changed that the plan does not say. */
async function expectRight({ cluster }: Stage, deletion: Deletion): Promise<void> {
  const { victim, planId, keys } = deletion;
  const bucket = cluster.platform.objectStore;
  await expectEndedRight({ ...cluster, bucket }, victim, planId);
  const stored = (await bucket.list()).map(({ key }) => key);
  expect(stored.toSorted()).toEqual(keys.filter((key) => !key.includes(victim.workspace)).toSorted());
  const { rows: done } = await cluster.superuser(({ query }) =>
    query<{ collection: string; deleted: string; changed: string }>(
      `select l.collection, coalesce(sum(t.done) filter (where l.action = 'delete'), 0) as deleted,
         coalesce(sum(t.done) filter (where l.action not in ('delete', 'quiesce', 'objects')), 0) as changed
       from privacy_console.plan_line l join privacy_console.run r on r.plan = l.plan
       join privacy_console.run_step t on t.run = r.id and t.step = l.step where l.plan = $1 group by l.collection`,
      [planId],
    ),
  );
  for (const [table, now] of await rowsOf(cluster)) {
    const { deleted, changed } = done.find(({ collection }) => collection === table) ?? {
      deleted: '0',
      changed: '0',
    };
    const earlier = deletion.rows.get(table) ?? [];
    expect([table, beyond(earlier, now), beyond(now, earlier)]).toEqual([
      table,
      Number(deleted) + Number(changed),
      Number(changed),
    ]);
  }
}

/** How many of these are not among those, each counted as often as it is there. */
function beyond(these: readonly string[], those: readonly string[]): number {
  const left = new Map<string, number>();
  for (const each of those) left.set(each, (left.get(each) ?? 0) + 1);
  let count = 0;
  for (const each of these) {
    const times = left.get(each) ?? 0;
    if (times === 0) count += 1;
    else left.set(each, times - 1);
  }
  return count;
}
