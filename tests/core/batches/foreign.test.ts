/** Batches on a platform of another shape: keys of two columns, addresses that two tenants have, days instead of times. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { parseMap } from '#core/dataMap/map.ts';
import { openForeignDatabase } from '#tests/helpers/foreignDatabase.ts';
import { expectDone } from '#tests/helpers/testDesk.ts';
import { answered } from '../dataMap/answered.ts';
import { tenanted } from '../dataMap/foreignSchemas.ts';

vi.setConfig({ testTimeout: 120_000 });

test('closed accounts and lists where keys have two columns and two people share an address', async () => {
  await using database = await openForeignDatabase(
    `${tenanted}
alter table customers add account_closed_on date;
update customers set account_closed_on = current_date - 40 where id = 4 and tenant_id = 1;
update customers set account_closed_on = current_date - 10 where id = 5 and tenant_id = 2;
update customers set email = 'both@mail.example' where id = 5;
`,
    { bucket: false },
  );
  const administrator = database.console();
  const { text } = await expectDone(administrator, 'map.draft', { profile: 'demo:administrator' });
  expect(parseMap(text).subjects['account']).toMatchObject({ closed: 'account_closed_on' });
  const map = path.join(database.folder, 'map.yaml');
  await writeFile(map, answered(text, []));
  await expectDone(administrator, 'database.install', { profile: 'demo:administrator', map });
  await expectDone(administrator, 'session.signIn', { profile: 'demo:administrator' });
  for (const [login, person] of [
    ['operator', 'Ravi Kumar'],
    ['approver', 'Meera Iyer'],
  ] as const)
    await expectDone(administrator, 'staff.add', { login, person, roles: [login] });
  const [operator, approver] = [database.console(), database.console()];
  await expectDone(operator, 'session.signIn', { profile: 'demo:operator' });
  await expectDone(approver, 'session.signIn', { profile: 'demo:approver' });

  const first = await expectDone(operator, 'batches.closed', { limit: 1 });
  const next = await expectDone(operator, 'batches.closed', { limit: 1, after: first.next ?? '' });
  const [late, due] = [first.accounts[0], next.accounts[0]];
  expect([late?.daysLeft ?? 0, due?.daysLeft ?? 0].map((days) => Math.sign(days))).toEqual([-1, 1]);
  expect(late?.subject).not.toBe(due?.subject);
  expect(await expectDone(operator, 'batches.closedCounts', {})).toEqual({
    closed: 2,
    late: 1,
    days: 30,
    floorDays: 0,
  });

  const match = async (form: 'email' | 'phone' | 'id', list: string): Promise<readonly string[]> => {
    const { batch } = await expectDone(operator, 'batches.begin', {
      reason: 'as asked',
      from: { source: 'csv', form, text: list },
    });
    const { items } = await expectDone(operator, 'batches.items', { id: batch.id });
    await expectDone(operator, 'batches.callOff', { id: batch.id, reason: 'only looked' });
    return items.map(({ state, because }) => (because === 'The batch was called off.' ? 'matched' : state));
  };
  expect(await match('email', 'BOTH@mail.example\ncustomer2@tenant1.example')).toEqual([
    'ambiguous',
    'matched',
  ]);
  expect(await match('id', '"[""1"", ""2""]"\n"[""1"", ""9""]"\n2')).toEqual([
    'matched',
    'not_found',
    'not_found',
  ]);
  expect(await match('phone', '+91 98765-43212\n98765-43212')).toEqual(['matched', 'not_found']);

  const { batch } = await expectDone(operator, 'batches.begin', {
    reason: 'closed',
    from: { source: 'closed', subjects: [late?.subject ?? ''] },
  });
  const planned = await expectDone(operator, 'batches.plan', { id: batch.id });
  expect((await expectDone(operator, 'jobs.wait', { id: planned.jobId })).job).toMatchObject({
    state: 'done',
  });
  const { sha256 } = (await expectDone(operator, 'batches.show', { id: batch.id })).batch;
  await expectDone(approver, 'batches.decide', {
    ...{ id: batch.id, sha256: sha256 ?? '', decision: 'approve', reason: 'read it' },
  });
  const { jobId } = await expectDone(operator, 'batches.run', { id: batch.id });
  expect((await expectDone(operator, 'jobs.wait', { id: jobId })).job).toMatchObject({
    state: 'done',
    result: { state: 'done' },
  });
  const { rows } = await database.superuser(({ query }) =>
    query<{ left: string }>(`select tenant_id || '.' || id as left from customers where id = 4 order by 1`),
  );
  expect(rows).toEqual([{ left: '2.4' }]);
});
