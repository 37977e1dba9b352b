/** Batches of deletions as the console runs them: closed accounts and lists, set aside, interrupted, resumed, reported. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Console } from '#core/console.ts';
import type { Batch, BatchReport } from '#shared/contract/batches.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { anotherOperator } from '../erasure/approvedPlan.ts';

vi.setConfig({ testTimeout: 120_000 });

let desk: TestDesk;
let operator: Console;
let approver: Console;
interface Person {
  readonly id: string;
  readonly email: string;
  readonly phone: string | null;
}
/** Open accounts in whose workspaces nobody else works, with few messages. */
let people: readonly Person[] = [];
/** One in whose workspace others work. */
let sharing: Person;

beforeAll(async () => {
  desk = await openDesk({ withBucket: true });
  operator = await desk.signIn('operator');
  approver = await desk.signIn('approver');
  await desk.superuser(async ({ query }) => {
    const shares = `exists (select from workspaces w join workspace_members m on m.workspace_id = w.id where w.owner_id = u.id and m.user_id <> u.id)`;
    people = (
      await query<Person>(
        `select u.id::text, u.email::text, u.phone from users u where u.closed_at is null and not ${shares}
           and (select count(*) from messages m join workspaces w on w.id = m.workspace_id where w.owner_id = u.id) < 500
         order by u.id limit 20`,
      )
    ).rows;
    [sharing] = (
      await query<Person>(
        `select u.id::text, u.email::text, u.phone from users u where u.closed_at is null and ${shares} order by u.id limit 1`,
      )
    ).rows as [Person];
  });
});
afterAll(() => desk[Symbol.asyncDispose]());

const ended = async (console: Console, jobId: string): Promise<string> =>
  (await expectDone(console, 'jobs.wait', { id: jobId })).job.state;
const there = (of: readonly Person[]): Promise<number> =>
  desk.superuser(async ({ query }) => {
    const { rows } = await query('select from users where id::text = any ($1) and name <> $2', [
      of.map(({ id }) => id),
      'Erased',
    ]);
    return rows.length;
  });
const show = async (id: number): Promise<Batch> => (await expectDone(operator, 'batches.show', { id })).batch;

async function planned(id: number): Promise<Batch> {
  const { jobId } = await expectDone(operator, 'batches.plan', { id });
  expect(await ended(operator, jobId)).toBe('done');
  return show(id);
}

async function approved(id: number): Promise<void> {
  const { sha256 } = await show(id);
  await expectDone(approver, 'batches.decide', {
    ...{ id, sha256: sha256 ?? '', decision: 'approve', reason: 'as the policy says' },
  });
}

async function run(console: Console, id: number): Promise<string> {
  const { jobId } = await expectDone(console, 'batches.run', { id });
  return ended(console, jobId);
}

async function expectIntact(): Promise<void> {
  const auditor = await desk.signIn('auditor');
  const { jobId } = await expectDone(auditor, 'audit.verify', {});
  expect((await expectDone(auditor, 'jobs.wait', { id: jobId })).job.result).toMatchObject({ intact: true });
}

test('closed accounts come in the order in which they are due, and are erased as a batch with a certificate each', async () => {
  const { accounts } = await expectDone(operator, 'batches.closed', { limit: 100 });
  expect(accounts.length).toBeGreaterThan(2);
  expect(accounts.map(({ daysLeft }) => daysLeft)).toEqual(
    accounts.map(({ daysLeft }) => daysLeft).toSorted((a, b) => a - b),
  );
  expect(accounts[0]?.daysLeft).toBeLessThan(0);
  // By pages it is the same.
  const first = await expectDone(operator, 'batches.closed', { limit: 2 });
  const rest = await expectDone(operator, 'batches.closed', { limit: 100, after: first.next ?? '' });
  expect([...first.accounts, ...rest.accounts].map(({ subject }) => subject)).toEqual(
    accounts.map(({ subject }) => subject),
  );
  const before = await expectDone(operator, 'batches.closedCounts', {});
  expect(before).toMatchObject({ closed: accounts.length, days: 30 });
  const chosen = accounts.slice(0, 3).map(({ subject }) => subject);
  const { batch } = await expectDone(operator, 'batches.begin', {
    reason: 'closed accounts',
    from: { source: 'closed', subjects: chosen },
  });
  expect(batch).toMatchObject({ state: 'planning', states: { matched: 3 } });
  const { states } = await planned(batch.id);
  const going = states.planned ?? 0;
  expect(going).toBeGreaterThan(0);
  expect(
    await operator.dispatch('batches.begin', {
      reason: 'again',
      from: { source: 'closed', subjects: chosen },
    }),
  ).toMatchObject({ ok: true, value: { batch: { states: { set_aside: going } } } });
  await approved(batch.id);
  expect(await run(operator, batch.id)).toBe('done');
  const { items } = await expectDone(operator, 'batches.items', { id: batch.id });
  expect(items.filter(({ state }) => state === 'done')).toHaveLength(going);
  for (const item of items.filter(({ state }) => state === 'done')) {
    const certificate = await expectDone(operator, 'erasure.certificate', { planId: item.planId ?? 0 });
    expect(certificate.says).toMatchObject({ subject: item.subject, requestId: item.request });
    expect((await expectDone(operator, 'requests.show', { id: item.request ?? 0 })).request).toMatchObject({
      state: 'closed',
      outcome: 'done',
    });
  }
  const after = await expectDone(operator, 'batches.closedCounts', {});
  expect(after.closed).toBe(before.closed - going);
  await expectIntact();
});

test('a list is matched exactly, and what can’t be done is set aside with its reason and stops nobody', async () => {
  const [plain, twice, byPhone] = people as [Person, Person, Person];
  const file = path.join(desk.folder, 'people.csv');
  await writeFile(
    file,
    `\ufeffname;E-mail\r\n"Rao; A.";${plain.email.toUpperCase()}\r\nB;${twice.email}\r\nC;${twice.email}\r\nD;nobody@person.example\r\nE;${sharing.email}\r\nF;${plain.email.slice(1)}\r\n`,
  );
  const { batch } = await expectDone(operator, 'batches.begin', {
    reason: 'a list from the desk',
    from: { source: 'csv', form: 'email', file },
  });
  expect(batch.states).toEqual({ matched: 3, duplicate: 1, not_found: 2 });
  const made = await planned(batch.id);
  expect(made.states).toEqual({ planned: 2, set_aside: 1, duplicate: 1, not_found: 2 });
  expect(made.lines.length).toBeGreaterThan(0);
  await approved(batch.id);
  expect(await run(operator, batch.id)).toBe('done');
  expect(await there([plain, twice])).toBe(0);
  expect(await there([sharing])).toBe(1);
  const { says, sha256, text } = await expectDone(operator, 'batches.report', { id: batch.id });
  expect(says).toMatchObject({
    state: 'done',
    states: { done: 2, set_aside: 1, duplicate: 1, not_found: 2 },
  });
  expect(says.items.map(({ state }) => state)).toEqual([
    'done',
    'done',
    'duplicate',
    'not_found',
    'set_aside',
    'not_found',
  ]);
  expect(says.items[4]?.because).toContain('Other people work in what this person owns');
  for (const person of [plain, twice, sharing])
    for (const told of [person.email, person.id]) expect(text).not.toContain(told);
  const entry = await desk.superuser(async ({ query }) => {
    const { rows } = await query<{ text: string }>(
      `select d.text from privacy_console.entry e join privacy_console.detail d on d.entry = e.number where e.action = 'batch.ended' order by e.number desc limit 1`,
    );
    return JSON.parse(rows[0]?.text ?? '{}') as unknown;
  });
  expect(entry).toMatchObject({ report: sha256 });
  for (const name of ['report.html', 'report.csv', 'report.json'])
    await expectDone(operator, 'batches.saveReport', { id: batch.id, file: path.join(desk.folder, name) });
  expect(JSON.parse(await readFile(path.join(desk.folder, 'report.json'), 'utf8')) as BatchReport).toEqual(
    says,
  );
  expect((await readFile(path.join(desk.folder, 'report.csv'), 'utf8')).split('\r\n')).toHaveLength(8);
  expect(await readFile(path.join(desk.folder, 'report.html'), 'utf8')).toContain('nobody found');
  // A number is told by all of its digits; one without its country's code is nobody's.
  const { batch: numbers } = await expectDone(operator, 'batches.begin', {
    reason: 'numbers',
    from: {
      source: 'csv',
      form: 'phone',
      text: `${byPhone.phone ?? ''}\n${(byPhone.phone ?? '').replace('+91', '0')}\n`,
    },
  });
  const { batch: keys } = await expectDone(operator, 'batches.begin', {
    reason: 'keys',
    from: { source: 'csv', form: 'id', text: `id\n${byPhone.id.toUpperCase()}\n` },
  });
  expect([numbers.states, keys.states]).toEqual([{ matched: 1, not_found: 1 }, { set_aside: 1 }]);
  await expectDone(operator, 'batches.callOff', { id: numbers.id, reason: 'only looked' });
});

test('a batch that dies in the middle is gone on with from another computer: nothing twice, and the report is right', async () => {
  const five = people.slice(5, 10);
  const { batch } = await expectDone(operator, 'batches.begin', {
    reason: 'interrupted',
    from: { source: 'csv', form: 'id', text: five.map(({ id }) => id).join('\n') },
  });
  await planned(batch.id);
  await approved(batch.id);
  // It stops between two steps of somebody's deletion, and again.
  const second = await (await anotherOperator(desk)).signIn();
  try {
    for (const console of [operator, second]) {
      const { jobId } = await expectDone(console, 'batches.run', { id: batch.id });
      await vi.waitFor(
        async () => {
          const { jobs } = await expectDone(console, 'jobs.list', {});
          expect(jobs.find(({ id }) => id === jobId)?.progress.says).toBe('deleting');
        },
        { interval: 5 },
      );
      await expectDone(console, 'jobs.cancel', { id: jobId });
      await ended(console, jobId);
    }
    // Or dies without a word: whoever comes within a minute is told who is at work.
    await desk.superuser(({ query }) =>
      query(
        `update privacy_console.batch set turn_until = clock_timestamp() + interval '1 minute' where id = $1 and state in ('approved', 'running')`,
        [batch.id],
      ),
    );
    if ((await show(batch.id)).state !== 'done') {
      expect(await second.dispatch('batches.run', { id: batch.id })).toMatchObject({
        ok: false,
        failure: { code: 'conflict' },
      });
      await desk.superuser(({ query }) =>
        query('update privacy_console.batch set turn_until = clock_timestamp() where id = $1', [batch.id]),
      );
      expect(await run(second, batch.id)).toBe('done');
    }
  } finally {
    await second.close();
  }
  expect(await there(five)).toBe(0);
  const { says } = await expectDone(operator, 'batches.report', { id: batch.id });
  expect(says).toMatchObject({ state: 'done', states: { done: 5 } });
  await desk.superuser(async ({ query }) => {
    const { rows } = await query<{ told: number; done: number }>(
      `select coalesce(sum((d.text::json ->> 'rows')::int), 0)::int as told,
         (select sum(t.done)::int from privacy_console.run_step t join privacy_console.run r on r.id = t.run join privacy_console.batch_item i on i.plan = r.plan
           join privacy_console.plan_line l on l.plan = r.plan and l.step = t.step where i.batch = $1 and l.action <> 'objects') as done
       from privacy_console.entry e join privacy_console.detail d on d.entry = e.number join privacy_console.batch_item i on i.request = e.request
       where e.action = 'erasure.batch' and e.outcome = 'done' and i.batch = $1`,
      [batch.id],
    );
    expect(rows[0]?.told).toBe(rows[0]?.done);
  });
  await expectIntact();
});

test('somebody known by a number alone is matched by it however it is typed, and erased as their kind is', async () => {
  const [phone] = await desk.superuser(async ({ query }) =>
    (
      await query<{ phone: string }>(
        `select c.phone from public.contacts c where c.phone like '+91%' and not exists (select from public.users u where u.phone = c.phone)
           and not exists (select from public.contacts o where o.phone in (ltrim(c.phone, '+'), '00' || ltrim(c.phone, '+'))) order by c.phone limit 1`,
      )
    ).rows.map((row) => row.phone),
  );
  const typed = (phone ?? '').replace(/^\+91(.{5})/, '00 91 $1-');
  const { batch } = await expectDone(operator, 'batches.begin', {
    reason: 'they wrote to us',
    from: { source: 'csv', kind: 'recipient', form: 'phone', text: `${typed}\n+91 00000 00000\n` },
  });
  expect(batch).toMatchObject({ kind: 'recipient', states: { matched: 1, not_found: 1 } });
  await planned(batch.id);
  await approved(batch.id);
  expect(await run(operator, batch.id)).toBe('done');
  expect((await show(batch.id)).states).toEqual({ done: 1, not_found: 1 });
  const left = await desk.superuser(({ query }) =>
    query('select from public.contacts where phone = $1', [phone]),
  );
  expect(left.rows).toEqual([]);
});

test('who waits, is found again or is under a hold keeps the batch open alone, and it ends when that is settled', async () => {
  const [waits, named, held] = people.slice(10, 13) as [Person, Person, Person];
  const setting = (minutes: number): Promise<unknown> =>
    desk.superuser(({ query }) =>
      query(
        `insert into privacy_console.setting values ('grace_minutes', $1) on conflict (name) do update set value = excluded.value`,
        [minutes],
      ),
    );
  await desk.superuser(({ query }) =>
    query(
      `insert into public.support_messages (user_id, from_email, subject, body) select id, email::text, 'About a friend', $1 from public.users where id = $2`,
      [`Please write to ${named.email} instead.`, people[15]?.id],
    ),
  );
  const { batch } = await expectDone(operator, 'batches.begin', {
    reason: 'settled later',
    from: { source: 'csv', form: 'email', text: [waits, named, held].map(({ email }) => email).join('\n') },
  });
  await desk.superuser(({ query }) =>
    query(
      `insert into privacy_console.map_task values ('account', 'tell', 'Tell the mailing list', 'Support', 'after')`,
    ),
  );
  await planned(batch.id);
  await approved(batch.id);
  await setting(60);
  expect(await run(operator, batch.id)).toBe('done');
  expect(await show(batch.id)).toMatchObject({
    state: 'running',
    waiting: 3,
    unfinished: 0,
    tasks: [{ name: 'tell', when: 'after', open: 3 }],
  });
  expect(await there([waits, named, held])).toBe(3);
  // What waits is called off by the hold; the others come when their time has.
  const { items } = await expectDone(operator, 'batches.items', { id: batch.id });
  await expectDone(operator, 'holds.place', {
    on: { subject: items[2]?.subject ?? '' },
    ...{ ground: 'a claim', authority: 'a court', owner: 'operator', reviewOn: '2027-10-01' },
  });
  await desk.superuser(({ query }) =>
    query(`update privacy_console.run set due_at = clock_timestamp() where state = 'waiting'`),
  );
  await setting(0);
  expect(
    await operator.dispatch('batches.doTask', { id: batch.id, task: 'other', evidence: 'a letter' }),
  ).toMatchObject({ ok: false, failure: { code: 'not_found' } });
  const { batch: told } = await expectDone(operator, 'batches.doTask', {
    ...{ id: batch.id, task: 'tell', evidence: 'their answer of today' },
  });
  expect(told.tasks).toMatchObject([{ name: 'tell', open: 1 }]);
  expect(await run(operator, batch.id)).toBe('done');
  expect(await show(batch.id)).toMatchObject({
    state: 'running',
    states: { done: 1, planned: 1, set_aside: 1 },
    unfinished: 1,
  });
  expect([await there([waits]), await there([held])]).toEqual([0, 1]);
  const found = (await expectDone(operator, 'erasure.show', { planId: items[1]?.planId ?? 0 })).plan;
  expect(found.run?.finds.filter(({ rows }) => rows > 0)).toMatchObject([
    { name: 'support_messages.body', rows: 1 },
  ]);
  await expectDone(approver, 'erasure.judge', {
    ...{ planId: found.id, find: 'support_messages.body', because: 'somebody else wrote it' },
  });
  expect(await run(operator, batch.id)).toBe('done');
  expect((await expectDone(operator, 'batches.report', { id: batch.id })).says).toMatchObject({
    state: 'done',
    states: { done: 2, set_aside: 1 },
  });
});
