/** What a timer of the operating system goes on with is due by the database's clock, whatever this computer's says. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { approve, expectEndedRight, findPerson, requestFor, run } from '#tests/core/erasure/approvedPlan.ts';
import { openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

vi.setConfig({ testTimeout: 120_000 });

const root = path.join(import.meta.dirname, '../..');

/** `erase due` on a computer whose clock is wrong by so many days. */
async function due(desk: TestDesk, days: number): Promise<unknown> {
  const clock = `const now = Date.now; Date.now = () => now() + ${String(days * 86_400_000)};`;
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [
        ...['--import', `data:text/javascript,${encodeURIComponent(clock)}`, 'electron/cli/cli.ts'],
        ...['erase', 'due', '--json', '--profile', 'demo:operator'],
      ],
      { cwd: root, env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home } },
      (error, stdout, stderr) => {
        if (error === null) resolve(JSON.parse(stdout));
        else reject(new Error(`${stdout}${stderr}`));
      },
    );
  });
}

test('a deletion that waits is gone on with once its time has come by the database’s clock; R2’s refusal of a clock that is days wrong loses nothing', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  await desk.superuser(({ query }) =>
    query(
      `insert into privacy_console.setting values ('grace_minutes', 60) on conflict (name) do update set value = excluded.value`,
    ),
  );
  const { id } = await approve(desk, operator, victim);
  expect((await run(operator, id)).result).toMatchObject({ waiting: true });
  expect(await due(desk, 3)).toEqual([]);
  await desk.superuser(({ query }) =>
    query('update privacy_console.run set due_at = clock_timestamp() where plan = $1', [id]),
  );
  // It is due; R2 takes no request that is signed with such a time, and nothing is lost by that.
  await expect(due(desk, -3)).rejects.toThrow('object_store');
  expect((await run(operator, id)).result).toMatchObject({ complete: true });
  await expectEndedRight(desk, victim, id);
});
