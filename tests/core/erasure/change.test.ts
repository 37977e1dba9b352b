import { expect, test, vi } from 'vitest';
import { startBadNetwork } from '#tests/core/objectStore/localR2.ts';
import type { ErasurePlan } from '#shared/contract/erasure.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';
import {
  approve,
  expectEndedRight,
  findPerson,
  otherWorkstation,
  putObjects,
  requestFor,
  run,
} from './approvedPlan.ts';

vi.setConfig({ testTimeout: 120_000 });

test('an object that can not be deleted leaves the run unfinished, and its rows where they are', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  await putObjects(desk, victim, 5);
  const { id: planId } = await approve(desk, operator, victim);
  // The store refuses one key of the batch, as a locked object or a narrower token does.
  const network = await startBadNetwork(
    { ...desk.secrets.r2, environment: 'demo' },
    (incoming, outgoing, pass) => {
      if (incoming.method !== 'POST' || !(incoming.url ?? '').includes('delete')) {
        pass();
        return;
      }
      let body = '';
      incoming.setEncoding('utf8').on('data', (text: string) => (body += text));
      incoming.on('end', () => {
        const keys = [...body.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key ?? '');
        const answers = keys.map((key) =>
          key.endsWith('0002')
            ? `<Error><Key>${key}</Key><Code>AccessDenied</Code><Message>no</Message></Error>`
            : `<Deleted><Key>${key}</Key></Deleted>`,
        );
        outgoing.writeHead(200, { 'content-type': 'application/xml' });
        outgoing.end(`<?xml version="1.0"?><DeleteResult>${answers.join('')}</DeleteResult>`);
      });
    },
  );
  const station = await otherWorkstation(desk, {
    r2: { ...desk.secrets.r2, endpoint: network.config.endpoint },
  });
  const console = await station.signIn();
  const job = await run(console, planId);
  await console.close();
  await network.close();
  expect(job).toMatchObject({
    state: 'failed',
    failure: {
      code: 'object_store',
      message: 'Some objects could not be deleted; check the token and the bucket, then resume the run.',
    },
  });
  const { plan } = await expectDone(operator, 'erasure.show', { planId });
  expect(plan).toMatchObject({ state: 'running', run: { state: 'incomplete' } });
  expect(
    await desk.superuser(
      async ({ query }) => (await query('select from users where id = $1', [victim.id])).rowCount,
    ),
  ).toBe(1);
  expect(await run(operator, planId)).toMatchObject({ state: 'done', result: { complete: true } });
  await expectEndedRight(desk, victim, planId);
});

test('rows that the platform adds during the run go with it, objects are found by looking again, and a resume ends it', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  await putObjects(desk, victim, 3);
  const { id: planId } = await approve(desk, operator, victim);
  // When the account goes, the platform writes about it once more, in tables no key holds to the account.
  await desk.superuser(async ({ query }) => {
    await query('create schema platform_own');
    await query('create table platform_own.late (said boolean)');
    await query(`insert into privacy_console.ignored_table values ('platform_own', 'late', 'of this test')`);
    await query(`create function platform_own.late() returns trigger language plpgsql security definer as $$
      begin
        if not exists (select from platform_own.late) then
          insert into platform_own.late values (true);
          insert into public.page_views (user_id, path) values ('${victim.id}', '/late');
          insert into public.support_messages (user_id, from_email, subject, body) values (null, '${victim.email}', 'late', 'late');
        end if;
        return null;
      end $$`);
    await query(
      'create trigger late after delete on users for each statement execute function platform_own.late()',
    );
  });
  const network = await startBadNetwork(
    { ...desk.secrets.r2, environment: 'demo' },
    (incoming, outgoing, pass) => {
      if (incoming.method === 'POST' && (incoming.url ?? '').includes('delete')) {
        const end = outgoing.end.bind(outgoing);
        // Before the console hears that they are gone, they are there again, and one more.
        outgoing.end = () => {
          void putObjects(desk, victim, 4).then(() => end());
          return outgoing;
        };
      }
      pass();
    },
  );
  const station = await otherWorkstation(desk, {
    r2: { ...desk.secrets.r2, endpoint: network.config.endpoint },
  });
  const console = await station.signIn();
  const first = await run(console, planId);
  await console.close();
  await network.close();
  expect(first).toMatchObject({ state: 'done', result: { complete: false, objectsLeft: 4 } });
  const { plan } = await expectDone(operator, 'erasure.show', { planId });
  expect(plan).toMatchObject({ state: 'running', run: { state: 'incomplete' } });
  const left = Object.fromEntries((plan.run?.steps ?? []).map((step) => [step.name, step.left]));
  expect(left).toMatchObject({ 'objects.objects': 4, 'page_views.delete': 0, 'support_messages.delete': 0 });
  expect(await operator.dispatch('erasure.certificate', { planId })).toMatchObject({ ok: false });
  expect(await run(operator, planId)).toMatchObject({ state: 'done', result: { complete: true, left: 0 } });
  await expectEndedRight(desk, victim, planId);
});

test('a row that comes to hang on one that is about to go sends the run back to it', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  const { id: planId } = await approve(desk, operator, victim);
  await desk.superuser(async ({ query }) => {
    await query('create schema platform_own');
    await query('create table platform_own.late (said boolean)');
    await query(`insert into privacy_console.ignored_table values ('platform_own', 'late', 'of this test')`);
    // When the workspace goes, the person logs in: a session that refers to the account.
    await query(`create function platform_own.late() returns trigger language plpgsql security definer as $$
      begin
        if not exists (select from platform_own.late) then
          insert into platform_own.late values (true);
          insert into public.dashboard_sessions (user_id, token_hash, ip, user_agent, last_seen_at) values ('${victim.id}', 'late', '203.0.113.1', 'late', now());
        end if;
        return null;
      end $$`);
    await query(
      'create trigger late after delete on workspaces for each statement execute function platform_own.late()',
    );
  });
  expect(await run(operator, planId)).toMatchObject({ state: 'done', result: { complete: true, left: 0 } });
  await expectEndedRight(desk, victim, planId);
});

test('more rows than were approved are not deleted; the deletion is planned and approved anew', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  await putObjects(desk, victim, 3);
  const { id: planId } = await approve(desk, operator, victim);
  const views = (): Promise<number> =>
    desk.superuser(
      async ({ query }) =>
        (await query('select from page_views where user_id = $1', [victim.id])).rowCount ?? 0,
    );
  // They come when the run has begun, so that nobody who counts before it sees them.
  const job = await desk.superuser(async ({ query }) => {
    await query('begin');
    await query(
      `insert into page_views (user_id, path) select $1, '/' || n from generate_series(1, 3000) n`,
      [victim.id],
    );
    const { jobId } = await expectDone(operator, 'erasure.run', { planId });
    await query('commit');
    return (await expectDone(operator, 'jobs.wait', { id: jobId })).job;
  });
  const before = await views();
  expect(job).toMatchObject({
    state: 'failed',
    failure: {
      code: 'refused',
      message:
        'More rows would go than the approved plan allows; plan the deletion again and have it approved.',
    },
  });
  expect(before).toBeGreaterThanOrEqual(3000);
  const again = await approve(desk, operator, victim);
  expect(again.id).toBeGreaterThan(planId);
  expect(await operator.dispatch('erasure.run', { planId })).toMatchObject({
    ok: false,
    failure: { code: 'refused' },
  });
  expect(await run(operator, again.id)).toMatchObject({ state: 'done', result: { complete: true, left: 0 } });
  await expectEndedRight(desk, victim, again.id);
});

test('a plan older than its data is void: at approval, at the run, with less than it counted too', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const approver = await desk.signIn('approver');
  const victim = await requestFor(operator, await findPerson(desk));
  const change = (text: string): Promise<unknown> => desk.superuser(({ query }) => query(text, [victim.id]));
  const view = 'insert into page_views (user_id, path) select $1, n::text from generate_series(1, 200) n';
  const plan = async (): Promise<ErasurePlan> =>
    (await expectDone(operator, 'erasure.plan', { requestId: victim.request })).plan;
  const decide = ({ id, sha256 }: ErasurePlan): ReturnType<typeof approver.dispatch> =>
    approver.dispatch('erasure.decide', { planId: id, sha256, decision: 'approve', reason: 'proved' });
  const says = (counted: string, now: string, then = ''): object => ({
    ok: false,
    failure: {
      code: 'conflict',
      message: expect.stringMatching(
        new RegExp(
          `^The data has changed too much since it was counted \\(page_views: ${counted} counted, ${now} now\\); plan it again${then}\\.$`,
        ),
      ) as string,
    },
  });

  const first = await plan();
  await change(view);
  expect(await decide(first)).toMatchObject(says('\\d+', '\\d+'));
  expect((await expectDone(operator, 'erasure.show', { planId: first.id })).plan.state).toBe('expired');
  // An approval doesn't outlive its data either.
  const second = await plan();
  expect(await decide(second)).toMatchObject({ ok: true });
  await change('delete from page_views where user_id = $1');
  expect(await operator.dispatch('erasure.run', { planId: second.id })).toMatchObject(
    says('\\d+', '0', ' and have that approved'),
  );
  expect((await expectDone(operator, 'erasure.show', { planId: second.id })).plan.state).toBe('expired');
  // What comes within reason is part of it; what has changed since the last plan is shown.
  const third = await plan();
  expect((await expectDone(approver, 'erasure.show', { planId: third.id })).since).toMatchObject({
    plan: second.id,
    sameMap: true,
    lines: [{ title: 'Pages visited', action: 'delete', after: 0 }],
    objects: { before: 0, after: 0 },
    decisions: [],
  });
  expect((await expectDone(approver, 'erasure.show', { planId: first.id })).since).toBeNull();
  await change(view.replace('200', '90'));
  expect(await decide(third)).toMatchObject({ ok: true });
  expect(await run(operator, third.id)).toMatchObject({ state: 'done', result: { complete: true } });
  await expectEndedRight(desk, victim, third.id);
});

test('a plan that needs a decision can not be approved before it is made', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const approver = await desk.signIn('approver');
  const victim = await requestFor(operator, await findPerson(desk, true));
  const { plan } = await expectDone(operator, 'erasure.plan', { requestId: victim.request });
  expect(plan.decisions.length).toBeGreaterThan(0);
  expect(plan.state).toBe('draft');
  const decision = {
    planId: plan.id,
    sha256: plan.sha256,
    decision: 'approve',
    reason: 'too early',
  } as const;
  expect(await approver.dispatch('erasure.decide', decision)).toMatchObject({
    ok: false,
    failure: { code: 'conflict', message: 'This plan is not waiting for a decision; read it again.' },
  });
  expect(await operator.dispatch('erasure.run', { planId: plan.id })).toMatchObject({
    ok: false,
    failure: { code: 'refused', message: 'Only an approved plan can be run.' },
  });
  const decisions = Object.fromEntries(plan.decisions.map(({ key }) => [key, 'hand_over']));
  const decided = await expectDone(operator, 'erasure.plan', { requestId: victim.request, decisions });
  expect(decided.plan.state).toBe('awaiting');
  // Others work in the workspace, so two people approve.
  const exactly = { ...decision, planId: decided.plan.id, sha256: decided.plan.sha256 };
  const once = await expectDone(approver, 'erasure.decide', exactly);
  expect(once.plan).toMatchObject({ state: 'awaiting', approversNeeded: 2, approvals: [{ by: 'approver' }] });
  expect(await operator.dispatch('erasure.run', { planId: decided.plan.id })).toMatchObject({
    ok: false,
    failure: { code: 'refused' },
  });
  expect(await approver.dispatch('erasure.decide', exactly)).toMatchObject({
    ok: false,
    failure: {
      code: 'conflict',
      message: 'You have approved this plan already; it needs a second approver.',
    },
  });
  const twice = await expectDone(await desk.signIn('second-approver'), 'erasure.decide', exactly);
  expect(twice.plan).toMatchObject({
    state: 'approved',
    approvals: [{ by: 'approver' }, { by: 'second_approver' }],
  });
  expect(await run(operator, decided.plan.id)).toMatchObject({ state: 'done', result: { complete: true } });
});

test('with an R2 key that is refused nothing goes, and the run goes on with the right one', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  await putObjects(desk, victim, 2);
  const { id: planId } = await approve(desk, operator, victim);
  const wrong = await otherWorkstation(desk, { r2: { ...desk.secrets.r2, secretAccessKey: 'a'.repeat(64) } });
  const console = await wrong.signIn();
  expect(await console.dispatch('erasure.run', { planId })).toMatchObject({
    ok: false,
    failure: { code: 'object_store' },
  });
  await console.close();
  expect(await desk.bucket?.list()).toHaveLength(2);
  expect(await run(operator, planId)).toMatchObject({ state: 'done', result: { complete: true } });
  await expectEndedRight(desk, victim, planId);
});

test('a trigger of the platform that refuses, or quietly keeps a row, leaves the run unfinished without a word of what it said', async () => {
  await using desk = await openDesk();
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  const { id: planId } = await approve(desk, operator, victim);
  const answer = (body: string): Promise<unknown> =>
    desk.superuser(({ query }) =>
      query(`create schema if not exists platform_own; grant usage on schema platform_own to public;
        create or replace function platform_own.refuses() returns trigger language plpgsql as $$ begin ${body} end $$;
        create or replace trigger refuses before delete on page_views for each row execute function platform_own.refuses()`),
    );
  await answer(`raise exception 'the account ${victim.email} is not to be touched';`);
  expect(await run(operator, planId)).toMatchObject({
    state: 'failed',
    failure: {
      code: 'conflict',
      message: expect.stringContaining('page_views; ask who looks after') as string,
    },
  });
  const said = await desk.superuser(async ({ query }) => {
    const { rows } = await query<{ text: string }>(
      `select d.text from privacy_console.detail d join privacy_console.entry e on e.number = d.entry where e.action like 'erasure.%'`,
    );
    return rows.map(({ text }) => text).join();
  });
  expect(said).not.toContain(victim.email);
  expect(await expectDone(operator, 'erasure.show', { planId })).toMatchObject({
    plan: { run: { state: 'incomplete' } },
  });
  await answer('return null;');
  const { result } = await run(operator, planId);
  expect(result).toMatchObject({ complete: false });
  expect(Number(result?.['left'])).toBeGreaterThan(0);
  await desk.superuser(({ query }) => query('drop trigger refuses on page_views'));
  expect(await run(operator, planId)).toMatchObject({ state: 'done', result: { complete: true } });
  await expectEndedRight({ ...desk, bucket: null }, victim, planId);
});
