import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Console } from '#core/console.ts';
import type { RetentionPlan } from '#shared/contract/retention.ts';
import { effect, value } from '#tests/helpers/psql.ts';
import {
  decideRetention,
  lineOf,
  planRetention,
  retentionPlan,
  runRetention,
} from '#tests/helpers/retention.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

vi.setConfig({ testTimeout: 120_000 });

let desk: TestDesk;
let operator: Console;
beforeAll(async () => {
  desk = await openDesk();
  operator = await desk.signIn('operator', { batchRows: 200 });
  // Whatever day it is, something is due in each plan of the platform: messages from a day within and one beyond its days.
  await desk.superuser(async ({ query }) => {
    await query(`alter table public.messages drop constraint messages_no_content_once_delivered`);
    await query(
      `insert into public.messages (workspace_id, recipient_phone, status, content, created_at)
       select w.id, '+919000000001', (array['delivered', 'queued', 'failed'])[1 + n % 3]::public.message_status, 'hello', now() - make_interval(days => p.message_metadata_retention_days + (array[-1, 1])[1 + n % 2])
       from public.plans p cross join lateral (select id from public.workspaces where plan_id = p.id order by id limit 1) w, generate_series(1, 600) n`,
    );
    await query(
      `insert into public.dashboard_sessions (user_id, token_hash, ip, user_agent, created_at, last_seen_at)
       select id, 'x', '10.0.0.1', 'test', now() - interval '400 days', now() - interval '181 days' from public.users order by id limit 500`,
    );
    await query(
      `insert into public.api_usage_daily select id, current_date - d, '/old', 'GET', 2, 1
       from (select id from public.workspaces order by id limit 1) w, unnest(array[364, 365, 366, 367]) d`,
    );
  });
});
afterAll(() => desk[Symbol.asyncDispose]());

/** What is due by the rules, worked out by queries that share nothing with the program's. */
const judged = {
  'messages.metadata': `select count(*)::int from public.messages m join public.workspaces w on w.id = m.workspace_id join public.plans p on p.id = w.plan_id
    where m.created_at < $1::timestamptz - make_interval(days => p.message_metadata_retention_days)`,
  'messages.content': `select count(*)::int from public.messages m where m.created_at < $1::timestamptz - interval '7 days' and m.content is not null and m.status in ('delivered', 'failed')`,
  'page_views.old': `select count(*)::int from public.page_views where occurred_at < $1::timestamptz - interval '180 days'`,
  'dashboard_sessions.unseen': `select count(*)::int from public.dashboard_sessions where last_seen_at < $1::timestamptz - interval '180 days'`,
  // A day is over when the next one begins.
  'api_usage_daily.old': `select count(*)::int from public.api_usage_daily where day + 1 <= ($1::timestamptz at time zone 'UTC')::date - 365`,
} as const;

async function due(at: string): Promise<Record<string, number>> {
  return desk.superuser(async ({ query }) => {
    const counts: Record<string, number> = {};
    for (const [rule, text] of Object.entries(judged))
      counts[rule] = (await query<{ count: number }>(text, [at])).rows[0]?.count ?? -1;
    return counts;
  });
}

async function total(): Promise<Record<string, number>> {
  return desk.superuser(async ({ query }) => {
    const counts: Record<string, number> = {};
    for (const table of ['messages', 'page_views', 'dashboard_sessions', 'api_usage_daily'])
      counts[table] =
        (await query<{ count: number }>(`select count(*)::int from public.${table}`)).rows[0]?.count ?? -1;
    return counts;
  });
}

async function plan(console: Console = operator): Promise<RetentionPlan> {
  const { jobId } = await expectDone(console, 'retention.plan', {});
  const { job } = await expectDone(console, 'jobs.wait', { id: jobId });
  expect(job.failure).toBeNull();
  return (await expectDone(console, 'retention.show', { planId: Number(job.result?.['planId']) })).plan;
}

async function approved(): Promise<RetentionPlan> {
  const made = await plan();
  const approver = await desk.signIn('approver');
  await expectDone(approver, 'retention.decide', {
    planId: made.id,
    sha256: made.sha256,
    decision: 'approve',
    reason: 'as counted',
  });
  await approver.close();
  return made;
}

test('a plan counts what an independent count finds, and its run takes exactly that: stopped, gone on with, by two consoles at once', async () => {
  const made = await approved();
  const wanted = await due(made.madeAt);
  expect(Math.min(...Object.values(wanted))).toBeGreaterThan(0);
  for (const [rule, count] of Object.entries(wanted)) {
    const [collection = '', name = ''] = rule.split('.');
    expect(lineOf(made, collection, name).planned, rule).toBe(count);
  }
  expect(lineOf(made, 'messages', 'metadata').periods.map(({ period, days }) => [period, days])).toEqual([
    ['free', 30],
    ['starter', 90],
    ['growth', 180],
    ['enterprise', 730],
  ]);
  const before = await total();
  const { jobId } = await expectDone(operator, 'retention.run', { planId: made.id });
  await vi.waitFor(
    async () => {
      const { plan: now } = await expectDone(operator, 'retention.show', { planId: made.id });
      expect(now.run?.steps.some((step) => step.done > 0)).toBe(true);
    },
    { timeout: 30_000, interval: 5 },
  );
  await expectDone(operator, 'jobs.cancel', { id: jobId });
  await expectDone(operator, 'jobs.wait', { id: jobId });
  const { plan: stopped } = await expectDone(operator, 'retention.show', { planId: made.id });
  expect(stopped.run?.state).toBe('incomplete');
  expect(Object.values(await due(made.madeAt)).some((count) => count > 0)).toBe(true);
  // Two consoles go on with it at once.
  const second = await desk.signIn('operator', { batchRows: 150 });
  const jobs = await Promise.all(
    [operator, second].map(async (console) => {
      const begun = await expectDone(console, 'retention.run', { planId: made.id });
      return (await expectDone(console, 'jobs.wait', { id: begun.jobId })).job;
    }),
  );
  expect(jobs.some((job) => job.state === 'done' && job.result?.['complete'] === true)).toBe(true);
  expect(Object.values(await due(made.madeAt))).toEqual(Object.values(wanted).map(() => 0));
  const after = await total();
  expect(after).toEqual({
    messages: (before['messages'] ?? 0) - (wanted['messages.metadata'] ?? 0),
    page_views: (before['page_views'] ?? 0) - (wanted['page_views.old'] ?? 0),
    dashboard_sessions: (before['dashboard_sessions'] ?? 0) - (wanted['dashboard_sessions.unseen'] ?? 0),
    api_usage_daily: (before['api_usage_daily'] ?? 0) - (wanted['api_usage_daily.old'] ?? 0),
  });
  const { plan: ended } = await expectDone(operator, 'retention.show', { planId: made.id });
  expect(ended).toMatchObject({ state: 'done', run: { state: 'done' } });
  for (const step of ended.run?.steps ?? []) {
    const line = ended.lines.find((each) => each.line === step.line);
    expect(step, line?.rule).toMatchObject({ left: 0 });
    // Content of messages that have gone meanwhile had nothing left to be overwritten.
    if (line?.overwrites === null) expect(step.done).toBe(line.planned);
  }
  await second.close();
});

test('a platform’s plan without days, or with none that count, lets nothing go', async () => {
  await desk.superuser(async ({ query }) => {
    await query(`update public.plans set message_metadata_retention_days = -1 where id = 'free'`);
    await query(
      `insert into public.messages (workspace_id, recipient_phone, status, created_at)
       select id, '+919000000002', 'queued', now() - interval '5 years' from public.workspaces where plan_id = 'free' order by id limit 1`,
    );
  });
  const made = await plan();
  expect(lineOf(made, 'messages', 'metadata').periods.map(({ period }) => period)).not.toContain('free');
  expect(lineOf(made, 'messages', 'metadata').planned).toBe(0);
  await desk.superuser(({ query }) =>
    query(`update public.plans set message_metadata_retention_days = 30 where id = 'free'`),
  );
});

test('a run under a standing approval counts anew and stays within its limits', async () => {
  const approver = await desk.signIn('approver');
  const ask = async (rows: number): Promise<void> => {
    const { id } = await expectDone(operator, 'retention.askStanding', {
      rowsPerRun: rows,
      rowsPerRule: rows,
      validUntil: new Date(Date.now() + 86_400_000).toISOString(),
      reason: 'each night',
    });
    const { standings } = await expectDone(approver, 'retention.rules', {});
    const sha256 = standings.find((each) => each.id === id)?.sha256 ?? '';
    await expectDone(approver, 'retention.decideStanding', {
      id,
      sha256,
      decision: 'approve',
      reason: 'yes',
    });
  };
  const run = async (): Promise<{ state: string; result: unknown; failure: unknown }> => {
    const { jobId } = await expectDone(operator, 'retention.runStanding', {});
    return (await expectDone(operator, 'jobs.wait', { id: jobId })).job;
  };
  await desk.superuser(({ query }) =>
    query(
      `insert into public.page_views (user_id, path, occurred_at) select id, '/old', now() - interval '1 year' from public.users order by id limit 20`,
    ),
  );
  await ask(10);
  expect(await run()).toMatchObject({ state: 'failed', failure: { code: 'refused' } });
  await ask(100_000);
  expect(await run()).toMatchObject({ state: 'done', result: { complete: true } });
  expect(Object.values(await due(new Date().toISOString()))).toEqual(Object.values(judged).map(() => 0));
});

test('a session that dies in a batch loses that batch alone, and another one goes on to the end', async () => {
  await desk.superuser(({ query }) =>
    query(
      `insert into public.page_views (user_id, path, occurred_at) select u.id, '/old', now() - interval '1 year' from (select id from public.users order by id limit 1) u, generate_series(1, 900)`,
    ),
  );
  const [dying, other, approver] = [
    await desk.bare('operator'),
    await desk.bare('operator'),
    await desk.bare('approver'),
  ];
  const made = await planRetention(dying);
  expect(await decideRetention(approver, made)).toBeNull();
  const { run } = await effect(dying, 'begin_retention($1, false)', [made.id]);
  const { line, planned } = lineOf(made, 'page_views', 'old');
  const batch = (): ReturnType<typeof effect> => effect(dying, 'retention_batch($1, $2, 100)', [run, line]);
  const first = Number((await batch())['rows']);
  await dying.query('begin');
  const lost = Number((await batch())['rows']);
  expect([first > 0, lost > 0]).toEqual([true, true]);
  const pid = await value(dying, 'select pg_backend_pid()');
  await desk.superuser(({ query }) => query('select pg_terminate_backend($1)', [pid]));
  const done = async (): Promise<number | undefined> =>
    (await retentionPlan(other, made.id)).run?.steps.find((step) => step.line === line)?.done;
  expect(await done()).toBe(first);
  expect(await runRetention(other, made.id, 500)).toMatchObject({ complete: true });
  expect(await done()).toBe(planned);
});

test('files are counted by age and by what became of their message, and the report holds all of it', async () => {
  const { ages } = await expectDone(operator, 'retention.media', {});
  const [counted] = await desk.superuser(
    async ({ query }) =>
      (
        await query<{ objects: number; bytes: number }>(
          'select count(*)::int as objects, sum(bytes)::float8 as bytes from public.media_files',
        )
      ).rows,
  );
  expect(ages.reduce((sum, each) => sum + each.objects, 0)).toBe(counted?.objects);
  expect(ages.reduce((sum, each) => sum + (each.bytes ?? 0), 0)).toBe(counted?.bytes);
  expect(new Set(ages.map((each) => each.fate)).has('gone')).toBe(true);
});
