import { expect, test, vi } from 'vitest';
import type { Console } from '#core/console.ts';
import type { ErasurePlan } from '#shared/contract/erasure.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { approve, findPerson, requestFor, run, type Victim } from './approvedPlan.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Somebody with a name and a number that nobody else has, and a workspace of somebody else's. */
async function stage(desk: TestDesk): Promise<{ operator: Console; victim: Victim; elsewhere: string }> {
  const operator = await desk.signIn('operator');
  const person = await findPerson(desk);
  const elsewhere = await desk.superuser(async ({ query }) => {
    await query(`update users set name = 'Zubeida Quaintrelle', phone = '+919812345670' where id = $1`, [
      person.id,
    ]);
    const { rows } = await query<{ id: string }>(
      'select id from workspaces where owner_id <> $1 order by id limit 1',
      [person.id],
    );
    return rows[0]?.id ?? '';
  });
  return { operator, victim: await requestFor(operator, person), elsewhere };
}

async function planOf(console: Console, planId: number): Promise<ErasurePlan> {
  return (await expectDone(console, 'erasure.show', { planId })).plan;
}

const findsOf = (plan: ErasurePlan): readonly (readonly [string, number, number])[] =>
  (plan.run?.finds ?? []).map(({ name, rows, kept }) => [name, rows, kept] as const);

test('what others wrote about who was erased is found again wherever the map says so, keeps the request open until another person has said why it stays, and stands on the certificate', async () => {
  await using desk = await openDesk();
  const { operator, victim, elsewhere } = await stage(desk);
  await desk.superuser(({ query }) =>
    query(`
      insert into support_messages (user_id, from_email, subject, body) values
        (null, 'a@example.net', 'About', E'Write to\\n${victim.email.toUpperCase()}.'),
        (null, 'b@example.net', 'zubeida  QUAINTRELLE owes me', ''),
        (null, 'c@example.net', 'not ${victim.email}.au, nor x${victim.email}', 'Zubeida Quaintrelles'),
        (null, '${victim.email.toUpperCase()}x', 'another address', '');
      update workspaces set settings = '{"note": "line\\n${victim.email}"}' where id = '${elsewhere}';
      insert into campaigns (workspace_id, name, template, status) values ('${elsewhere}', 'Diwali', 'Call 098123-45670 now', 'draft');
      insert into whatsapp_sessions (workspace_id, phone, status, session_identifier) values ('${elsewhere}', '0091 98123 45670', 'pairing', 'wa-x');
      insert into contacts (workspace_id, phone, name) values ('${elsewhere}', '+919812345670', 'Zubeida Quaintrelle');`),
  );
  const { id } = await approve(desk, operator, victim);
  expect(await run(operator, id)).toMatchObject({
    state: 'done',
    result: { complete: false, left: 0, finds: 5 },
  });
  const plan = await planOf(operator, id);
  expect(plan).toMatchObject({ state: 'running', run: { state: 'incomplete', unlooked: 0 } });
  // A contact of another tenant is that tenant's: told, and no reason to wait. Names are looked for in texts alone.
  expect(findsOf(plan)).toEqual([
    ['campaigns.template', 1, 0],
    ['contacts.phone', 0, 1],
    ['support_messages.body', 1, 0],
    ['support_messages.subject', 1, 0],
    ['whatsapp_sessions.phone', 1, 0],
    ['workspaces.settings', 1, 0],
  ]);
  const outcomes = (plan.run?.outcomes ?? []).filter((each) => each.outcome === 'failed');
  expect(outcomes.map(({ title, rows }) => [title, rows])).toEqual([
    ['Workspaces', 1],
    ['Campaigns', 1],
    ['WhatsApp sessions', 1],
    ['Support messages', 1],
    ['Support messages', 1],
  ]);
  const closing = await operator.dispatch('requests.close', { id: victim.request, outcome: 'deleted' });
  expect(closing).toMatchObject({ ok: false });
  // Two are mended on the platform, the others stay.
  await desk.superuser(({ query }) =>
    query(`update workspaces set settings = '{}' where id = '${elsewhere}';
      delete from support_messages where from_email = 'b@example.net';
      delete from whatsapp_sessions where session_identifier = 'wa-x'`),
  );
  const approver = await desk.signIn('approver');
  for (const find of ['campaigns.template', 'support_messages.body'])
    await expectDone(approver, 'erasure.judge', { planId: id, find, because: 'The tenant decides about it' });
  expect(await run(operator, id)).toMatchObject({ state: 'done', result: { complete: true, finds: 0 } });
  const { text, says } = await expectDone(operator, 'erasure.certificate', { planId: id });
  expect(says.finds.map(({ name, rows, kept, because }) => [name, rows, kept, because])).toEqual([
    ['campaigns.template', 1, 0, 'The tenant decides about it'],
    ['contacts.phone', 0, 1, null],
    ['support_messages.body', 1, 0, 'The tenant decides about it'],
  ]);
  expect(says.outcomes).toContainEqual({
    ...{ title: 'Contacts', group: 'Messages', outcome: 'kept', rows: 1, until: null },
    because: 'The tenant (workspace owner) is the controller; CloudSingh is the processor.',
  });
  expect(says.outcomes.some((each) => each.outcome === 'failed')).toBe(false);
  expect(says.outcomes.find((each) => each.title === 'Account')).toMatchObject({
    outcome: 'erased',
    rows: 1,
  });
  expect(says.remains).toMatchObject({ backupDays: 35, autovacuum: expect.any(Boolean) as boolean });
  for (const each of [victim.email, '9812345670', 'Quaintrelle'])
    expect(text.toLowerCase()).not.toContain(each.toLowerCase());
  // What it was looked for by is forgotten with the rest.
  const { rows } = await desk.superuser(({ query }) =>
    query<{ scope: object; carried: object }>(
      'select scope, carried from privacy_console.plan where id = $1',
      [id],
    ),
  );
  expect(rows).toEqual([{ scope: {}, carried: {} }]);
});

test('more of what was judged has to be judged anew, and what the platform writes in between is found', async () => {
  await using desk = await openDesk();
  const { operator, victim } = await stage(desk);
  const mention = (from: string): Promise<unknown> =>
    desk.superuser(({ query }) =>
      query('insert into support_messages (from_email, subject, body) values ($1, $2, $3)', [
        from,
        'About',
        victim.email,
      ]),
    );
  await mention('a@example.net');
  const { id } = await approve(desk, operator, victim);
  expect((await run(operator, id)).result).toMatchObject({ complete: false, finds: 1 });
  const approver = await desk.signIn('approver');
  const judge = (): Promise<unknown> =>
    expectDone(approver, 'erasure.judge', {
      planId: id,
      find: 'support_messages.body',
      because: 'Proof of a dispute',
    });
  await judge();
  await mention('b@example.net');
  expect((await run(operator, id)).result).toMatchObject({ complete: false, finds: 1 });
  expect((await planOf(operator, id)).run?.finds).toMatchObject([{ rows: 2, because: null }]);
  await judge();
  expect((await run(operator, id)).result).toMatchObject({ complete: true });
});

test('a plan made anew goes on looking for what the rows that have gone told', async () => {
  await using desk = await openDesk();
  const { operator, victim } = await stage(desk);
  await desk.superuser(({ query }) =>
    query(`insert into support_messages (from_email, subject, body) values ('a@example.net', 'About', $1)`, [
      victim.email,
    ]),
  );
  const { id } = await approve(desk, operator, victim);
  expect((await run(operator, id)).result).toMatchObject({ complete: false, finds: 1 });
  const again = await approve(desk, operator, victim);
  expect(again.lines.filter((line) => line.collection === 'users')).toEqual([]);
  expect((await run(operator, again.id)).result).toMatchObject({ complete: false, finds: 1 });
});
