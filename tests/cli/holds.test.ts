/** Legal holds and restrictions of processing by the command line alone. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findPerson, requestFor } from '#tests/core/erasure/approvedPlan.ts';
import { openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

vi.setConfig({ testTimeout: 180_000 });

const root = path.join(import.meta.dirname, '../..');
let desk: TestDesk;
beforeAll(async () => {
  desk = await openDesk({ withBucket: true });
});
afterAll(() => desk[Symbol.asyncDispose]());

interface Ran {
  readonly code: number;
  readonly value: unknown;
  readonly said: string;
}

async function run(role: string, ...argv: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['electron/cli/cli.ts', ...argv, '--json', '--profile', `demo:${role}`],
      { cwd: root, env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home } },
      (error, stdout, stderr) => {
        resolve({
          code: error === null ? 0 : Number(error.code),
          value: stdout === '' ? null : (JSON.parse(stdout) as unknown),
          said: `${stdout}${stderr}`,
        });
      },
    );
  });
}

async function done<Value>(role: string, ...argv: readonly string[]): Promise<Value> {
  const { code, value, said } = await run(role, ...argv);
  expect(code, `${argv.join(' ')}: ${said}`).toBe(0);
  return value as Value;
}

const terms = ['--ground', 'Suit 12 of 2026', '--authority', 'High Court', '--owner', 'approver'];

test('a hold is placed, stops a deletion, is reviewed, and is lifted by another person', async () => {
  const { workspace } = await findPerson(desk);
  const record = `workspaces:${JSON.stringify([workspace])}`;
  expect(await run('operator', 'holds', 'place', ...terms, '--review', '2099-01-31')).toMatchObject({
    code: 2,
    said: expect.stringContaining('--person, --table and --record') as string,
  });
  const nowhere = await run(
    'operator',
    ...['holds', 'place', '--record', 'workspaces:["00000000-0000-4000-8000-000000000000"]', ...terms],
    ...['--review', '2099-01-31'],
  );
  expect(nowhere.said).toContain('There is no such record');
  const { hold } = await done<{ hold: number }>(
    'operator',
    ...['holds', 'place', '--record', record, ...terms, '--review', '2099-01-31'],
  );
  const number = String(hold);
  await desk.superuser(({ query }) =>
    query(`update privacy_console.hold set review_on = current_date - 1 where id = ${number}`),
  );
  expect(await done('operator', 'holds')).toMatchObject([{ hold, on: record, state: 'review is due' }]);
  // Whose record it is isn't told to whoever asks.
  expect(await done('viewer', 'holds')).toMatchObject([{ hold, on: 'workspaces:one record' }]);
  await done('operator', 'holds', 'review', number, '--until', '2099-06-30', '--reason', 'the suit goes on');
  expect(await done('viewer', 'holds')).toMatchObject([{ state: 'in force', review: '2099-06-30' }]);
  const { lift } = await done<{ lift: number }>(
    'operator',
    'holds',
    'lift',
    'propose',
    number,
    '--reason',
    'settled',
  );
  expect(await done('viewer', 'holds')).toMatchObject([
    { state: `lift ${String(lift)} waits for a second person` },
  ]);
  expect(
    (await run('operator', 'holds', 'lift', 'approve', String(lift), '--reason', 'settled')).code,
  ).not.toBe(0);
  await done('approver', 'holds', 'lift', 'approve', String(lift), '--reason', 'settled');
  expect(await done('viewer', 'holds')).toMatchObject([
    { hold, state: 'lifted', on: 'workspaces:one record' },
  ]);
});

test('a restriction keeps a person from being looked at, but under a request it is excepted for, and is lifted once they were told', async () => {
  const operator = await desk.signIn('operator');
  const { reference, request } = await requestFor(operator, await findPerson(desk), 'export');
  await operator.close();
  const wrong = await run(
    'operator',
    'restrictions',
    'place',
    reference,
    '--ground',
    'mood',
    '--reason',
    'no',
  );
  expect(wrong).toMatchObject({ code: 2, said: expect.stringContaining('accuracy_contested') as string });
  const { restriction } = await done<{ restriction: number }>(
    'operator',
    ...['restrictions', 'place', reference, '--ground', 'objection', '--reason', 'it is being weighed'],
  );
  const number = String(restriction);
  const looking = ['show', reference, '--request', String(request)] as const;
  const refused = await run('operator', ...looking);
  expect(refused.code).not.toBe(0);
  expect(refused.said).toContain(`restriction ${number}`);
  await done(
    'operator',
    ...['restrictions', 'except', number, '--request', String(request)],
    ...['--exception', 'consent', '--reason', 'they ask for a copy'],
  );
  await done('operator', ...looking);
  const lift = ['restrictions', 'lift', number, '--reason', 'weighed'] as const;
  expect((await run('approver', ...lift)).said).toContain('told before a restriction is lifted');
  await done('operator', 'restrictions', 'told', number, '--how', 'by e-mail today');
  await done('approver', ...lift);
  expect(await done('viewer', 'restrictions')).toMatchObject([
    { restriction, state: 'lifted', exceptions: `${String(request)}: consent` },
  ]);
});
