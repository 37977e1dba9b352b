import { expect, test, vi } from 'vitest';
import { begin, decide, effect, planDeletion, someone, type Someone } from '#tests/helpers/psql.ts';
import { openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

vi.setConfig({ testTimeout: 60_000 });

/** Owner of two workspaces at least, each with messages; the first in the order of keys has more than some. */
async function ownerOfTwo(desk: TestDesk): Promise<Someone> {
  const { rows } = await desk.superuser(({ query }) =>
    query<Someone>(`select u.id::text, u.email::text, u.name, u.phone from users u
      where (select count(*) from workspaces w where w.owner_id = u.id and (select count(*) from messages m where m.workspace_id = w.id) > 8) > 1
        and not exists (select from workspaces w join workspace_members m on m.workspace_id = w.id where w.owner_id = u.id and m.user_id <> u.id)
        and (select count(*) from page_views v where v.user_id = u.id) > 16
      order by (select count(*) from messages m join workspaces w on w.id = m.workspace_id where w.owner_id = u.id), u.id limit 1`),
  );
  return rows[0] ?? (await someone(desk));
}

test.each(['messages', 'page_views'])(
  'a batch of %s goes on where the last one ended, and what came behind it goes all the same',
  async (collection) => {
    await using desk = await openDesk();
    const person = await ownerOfTwo(desk);
    const operator = await desk.bare('operator');
    const planned = await planDeletion(operator, person);
    expect(await decide(await desk.bare('approver'), planned)).toBeNull();
    const begun = await begin(operator, planned);
    if (typeof begun === 'string') throw new Error(begun);
    const { step = 0, planned: counted = 0 } =
      begun.steps.find((each) => each.collection === collection && each.action === 'delete') ?? {};
    const late = 3;
    const atMost = Math.ceil(counted / 6);
    const writeBehind = (): Promise<unknown> =>
      desk.superuser(({ query }) =>
        collection === 'messages'
          ? query(
              `insert into messages (workspace_id, recipient_phone, created_at) select w.id, '+919000000001', (select min(created_at) from messages)
               from workspaces w cross join generate_series(1, $2) where w.id = (select min(id::text)::uuid from workspaces where owner_id = $1)`,
              [person.id, late],
            )
          : query(
              `insert into page_views (user_id, path, occurred_at) select $1, '/', (select min(occurred_at) from page_views) from generate_series(1, $2)`,
              [person.id, late],
            ),
      );
    const batches: number[] = [];
    const places: unknown[] = [];
    let reopened = false;
    for (let finished = false; !finished;) {
      const said = await effect(operator, 'erase_batch($1, $2, $3)', [begun.run, step, atMost]);
      batches.push(Number(said['rows']));
      finished = said['finished'] === true;
      // What came behind the place is found when the run's rows are counted, and the step goes on from the start.
      if (finished && !reopened) {
        expect(await effect(operator, 'reopen_run($1)', [begun.run])).toMatchObject({ again: true });
        [reopened, finished] = [true, false];
      }
      if (batches.length === 2) await writeBehind();
      await desk.superuser(async ({ query }) => {
        const { rows } = await query<{ after: unknown }>(
          'select after from privacy_console.run_step where run = $1 and step = $2',
          [begun.run, step],
        );
        places.push(rows[0]?.after);
      });
    }
    expect(await effect(operator, 'reopen_run($1)', [begun.run])).toMatchObject({ again: false });
    expect(counted).toBeGreaterThan(16);
    expect(Math.max(...batches)).toBe(atMost);
    expect(batches.reduce((sum, each) => sum + each, 0)).toBe(counted + late);
    // It does go by the index: each batch ended somewhere else, and the place is forgotten with the last.
    const told = places.filter((each) => each !== null).map((each) => JSON.stringify(each));
    expect(told.length).toBeGreaterThan(2);
    expect(new Set(told).size).toBe(told.length);
    expect(places.at(-1)).toBeNull();
    await desk.superuser(async ({ query }) => {
      const { rows } = await query<{ n: number }>(
        collection === 'messages'
          ? 'select count(*)::int as n from messages m join workspaces w on w.id = m.workspace_id where w.owner_id = $1'
          : 'select count(*)::int as n from page_views where user_id = $1',
        [person.id],
      );
      expect(rows[0]?.n).toBe(0);
    });
  },
);

test('ends of batches are looked up ahead, anew where batches become smaller, and none deletes more than it may', async () => {
  await using desk = await openDesk();
  const operator = await desk.bare('operator');
  const person = await someone(desk);
  const added = 260;
  await desk.superuser(({ query }) =>
    query(
      `insert into page_views (user_id, path, occurred_at)
       select $1, '/', timestamptz '2026-08-01 00:00+00' + n * interval '6 hours' from generate_series(1, $2) n`,
      [person.id, added],
    ),
  );
  const planned = await planDeletion(operator, person);
  expect(await decide(await desk.bare('approver'), planned)).toBeNull();
  const begun = await begin(operator, planned);
  if (typeof begun === 'string') throw new Error(begun);
  const { step = 0, planned: counted = 0 } =
    begun.steps.find((each) => each.collection === 'page_views' && each.action === 'delete') ?? {};
  expect(counted).toBeGreaterThanOrEqual(added);
  let [deleted, empty] = [0, 0];
  for (let batch = 0, finished = false; !finished; batch += 1) {
    const atMost = [2, 2, 2, 1, 7][batch % 5] ?? 1;
    const said = await effect(operator, 'erase_batch($1, $2, $3)', [begun.run, step, atMost]);
    expect(Number(said['rows'])).toBeLessThanOrEqual(atMost);
    deleted += Number(said['rows']);
    if (said['rows'] === 0) empty += 1;
    finished = said['finished'] === true;
  }
  expect(deleted).toBe(counted);
  // Where more than a few ends were looked up, nothing was deleted in the same call.
  expect(empty).toBeGreaterThan(1);
  expect(await effect(operator, 'reopen_run($1)', [begun.run])).toMatchObject({ again: false });
});
