import { expect, inject, test, vi } from 'vitest';
import { openBareClient } from '#tests/helpers/bareClient.ts';
import { someone } from '#tests/helpers/psql.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';

test('a newer search ends the older one on the server', async () => {
  await using desk = await openDesk();
  const person = await someone(desk);
  const operator = await desk.signIn('operator');
  // Both would read this table, so both stay under way for as long as the test likes.
  const holder = await openBareClient(desk, inject('platform').superuser);
  await holder.query('begin');
  await holder.query('lock table public.users in access exclusive mode');
  const underWay = (): Promise<number[]> =>
    desk.superuser(async ({ query }) => {
      const { rows } = await query<{ pid: number }>(
        `select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%run_search%' and datname = current_database()`,
      );
      return rows.map(({ pid }) => pid);
    });
  const older = operator.dispatch('search.run', { text: 'somebody', reason: 'a test' });
  await vi.waitUntil(async () => (await underWay()).length === 1, { timeout: 30_000, interval: 20 });
  const [first] = await underWay();
  const newer = operator.dispatch('search.run', { text: person.email, reason: 'a test' });
  expect(await older).toMatchObject({ ok: false, failure: { code: 'cancelled' } });
  await vi.waitUntil(
    async () => {
      const now = await underWay();
      return now.length === 1 && !now.includes(first ?? 0);
    },
    { timeout: 30_000, interval: 20 },
  );
  await holder.query('rollback');
  await holder.end();
  const found = await newer;
  expect(found).toMatchObject({ ok: true });
  // Announced, and without an outcome: the trail shows both as what they were.
  const auditor = await desk.signIn('auditor');
  const { entries } = await expectDone(auditor, 'audit.list', { action: 'search.intended' });
  expect(entries.map(({ ended }) => ended)).toEqual([true, false]);
});

test('what is shown of a hit is masked, says why it matched, and the best match is first', async () => {
  await using desk = await openDesk();
  const person = await someone(desk);
  const operator = await desk.signIn('operator');
  const { hits } = await expectDone(operator, 'search.run', { text: person.email, reason: 'a test' });
  expect(hits[0]).toMatchObject({ score: 1, matched: [{ field: 'email', how: 'exact' }] });
  const shown = JSON.stringify(hits);
  for (const raw of [person.email, person.name, person.phone]) expect(shown).not.toContain(raw);
  expect(hits.map(({ score }) => score)).toEqual(
    hits.map(({ score }) => score).sort((one, other) => other - one),
  );
});
