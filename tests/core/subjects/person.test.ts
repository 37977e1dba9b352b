import { expect, test } from 'vitest';
import type { Console } from '#core/console.ts';
import { find, someone, type Someone } from '#tests/helpers/psql.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

async function opened(
  desk: TestDesk,
  console: Console,
  person: Someone,
): Promise<{ readonly accessId: number; readonly subject: string }> {
  const subject = await find(await desk.bare('operator'), person);
  const { access } = await expectDone(console, 'subjects.open', { subject, reason: 'a test' });
  return { accessId: access.id, subject };
}

test('a dashboard session is ended once, by an operator with an access to that person, and it is in the trail', async () => {
  await using desk = await openDesk();
  const [person, other] = [await someone(desk), await someone(desk, 1)];
  // One that is still open.
  await desk.superuser(({ query }) =>
    query(
      `insert into public.dashboard_sessions (user_id, token_hash, ip, user_agent, last_seen_at)
       select unnest($1::uuid[]), 'secret', '203.0.113.9', 'a browser', now()`,
      [[person.id, other.id]],
    ),
  );
  const openOf = async (id: string): Promise<number> =>
    desk.superuser(
      async ({ query }) =>
        (await query('select 1 from public.dashboard_sessions where user_id = $1 and ended_at is null', [id]))
          .rowCount ?? 0,
    );
  const operator = await desk.signIn('operator');
  const { accessId, subject } = await opened(desk, operator, person);
  const { rows } = await expectDone(operator, 'subjects.page', {
    accessId,
    collection: 'dashboard_sessions',
    limit: 200,
  });
  const open = rows.filter(({ cells }) => cells['ended_at'] === null);
  expect(open).toHaveLength(await openOf(person.id));
  const [session] = open;
  const act = { accessId, collection: 'dashboard_sessions', row: session?.key ?? '', action: 'end' };

  const viewer = await desk.signIn('viewer');
  const looking = await expectDone(viewer, 'subjects.open', { subject, reason: 'a test' });
  expect(await viewer.dispatch('subjects.act', { ...act, accessId: looking.access.id })).toMatchObject({
    ok: false,
    failure: { code: 'not_permitted' },
  });
  // Another's access, another's row, another action, another collection.
  expect(await operator.dispatch('subjects.act', { ...act, accessId: looking.access.id })).toMatchObject({
    ok: false,
    failure: { code: 'access_closed' },
  });
  const elsewhere = await opened(desk, operator, other);
  expect(await operator.dispatch('subjects.act', { ...act, accessId: elsewhere.accessId })).toMatchObject({
    ok: false,
    failure: { code: 'conflict' },
  });
  for (const wrong of [{ action: 'delete' }, { collection: 'users' }])
    expect(await operator.dispatch('subjects.act', { ...act, ...wrong })).toMatchObject({
      ok: false,
      failure: { code: 'not_found' },
    });
  const [before, others] = [await openOf(person.id), await openOf(other.id)];

  const { entry } = await expectDone(operator, 'subjects.act', act);
  expect(await openOf(person.id)).toBe(before - 1);
  expect(await openOf(other.id)).toBe(others);
  const { entries } = await expectDone(operator, 'audit.list', { action: 'row.acted' });
  expect(entries).toMatchObject([{ number: entry, subject, outcome: 'done', actor: 'operator' }]);
  const again = await operator.dispatch('subjects.act', act);
  expect(again).toMatchObject({
    ok: false,
    failure: {
      code: 'conflict',
      message: 'That row is gone, has already been dealt with, or a legal hold covers it; read it again.',
    },
  });
  expect(await openOf(person.id)).toBe(before - 1);
});

test('the charts count what the database counts, by day, over the last ninety days there are', async () => {
  await using desk = await openDesk();
  const person = await desk.superuser(
    async ({ query }) =>
      (
        await query<Someone>(
          `select u.id::text, u.email::text, u.name, u.phone from public.users u
           where exists (select from public.workspaces w join public.api_usage_daily a on a.workspace_id = w.id where w.owner_id = u.id)
             and exists (select from public.workspaces w join public.messages m on m.workspace_id = w.id where w.owner_id = u.id)
             and exists (select from public.page_views v where v.user_id = u.id) order by u.id limit 1`,
        )
      ).rows[0],
  );
  if (person === undefined) throw new Error('nobody has all three');
  const operator = await desk.signIn('operator');
  const { accessId } = await opened(desk, operator, person);
  const mine = 'select id from public.workspaces where owner_id = $1';
  const byHand: Readonly<Record<string, string>> = {
    page_views: `select to_char(occurred_at at time zone 'Asia/Kolkata', 'YYYY-MM-DD') as day, count(*)::int as value from public.page_views where user_id = $1
      and occurred_at > (select max(occurred_at) - interval '90 days' from public.page_views where user_id = $1) group by 1`,
    api_usage_daily: `select to_char(day, 'YYYY-MM-DD') as day, sum(request_count)::int as value from public.api_usage_daily where workspace_id in (${mine})
      and day > (select max(day) - interval '90 days' from public.api_usage_daily where workspace_id in (${mine})) group by 1`,
    messages: `select to_char(created_at at time zone 'Asia/Kolkata', 'YYYY-MM-DD') as day, count(*)::int as value from public.messages where workspace_id in (${mine})
      and created_at > (select max(created_at) - interval '90 days' from public.messages where workspace_id in (${mine})) group by 1`,
  };
  for (const [collection, text] of Object.entries(byHand)) {
    const { points } = await expectDone(operator, 'subjects.series', { accessId, collection });
    const sums = new Map<string, number>();
    for (const { day, value } of points) sums.set(day, (sums.get(day) ?? 0) + value);
    const { rows } = await desk.superuser(({ query }) =>
      query<{ day: string; value: number }>(text, [person.id]),
    );
    expect(rows.length, collection).toBeGreaterThan(0);
    expect([...sums].sort(), collection).toEqual(rows.map(({ day, value }) => [day, value]).sort());
  }
  expect(await operator.dispatch('subjects.series', { accessId, collection: 'users' })).toMatchObject({
    ok: false,
    failure: { code: 'not_found' },
  });
  await expectDone(operator, 'subjects.close', { accessId });
  for (const call of [
    operator.dispatch('subjects.series', { accessId, collection: 'messages' }),
    operator.dispatch('subjects.page', { accessId, collection: 'messages' }),
    operator.dispatch('subjects.show', { accessId }),
  ])
    expect(await call).toMatchObject({ ok: false, failure: { code: 'access_closed' } });
});

test('page after page, each row comes once, in its order, masked; a page of another form is refused', async () => {
  await using desk = await openDesk();
  const heaviest = await desk.superuser(
    async ({ query }) =>
      (
        await query<Someone & { messages: number }>(
          `select u.id::text, u.email::text, u.name, u.phone, count(*)::int as messages from public.users u
           join public.workspaces w on w.owner_id = u.id join public.messages m on m.workspace_id = w.id
           group by u.id order by count(*) desc limit 1`,
        )
      ).rows[0],
  );
  if (heaviest === undefined) throw new Error('nobody has messages');
  const operator = await desk.signIn('operator');
  const { accessId } = await opened(desk, operator, heaviest);
  const seen = new Set<string>();
  let latest = '9999';
  let cursor: readonly string[] | null = null;
  do {
    const page: { rows: { key: string; cells: Record<string, string | null> }[]; next: string[] | null } =
      await expectDone(operator, 'subjects.page', {
        accessId,
        collection: 'messages',
        limit: 500,
        ...(cursor === null ? {} : { cursor: [...cursor] }),
      });
    for (const { key, cells } of page.rows) {
      expect(seen.has(key)).toBe(false);
      seen.add(key);
      expect((cells['created_at'] ?? '') <= latest).toBe(true);
      latest = cells['created_at'] ?? '';
      expect(cells['recipient_phone']).not.toMatch(/\d{7}/);
    }
    cursor = page.next;
  } while (cursor !== null);
  expect(seen.size).toBe(heaviest.messages);
  expect(
    await operator.dispatch('subjects.page', { accessId, collection: 'messages', cursor: ['x', 'y'] }),
  ).toMatchObject({ ok: false, failure: { code: 'invalid_input' } });
});
