/** A correction by the command line alone: proposed, approved by another person, carried out, taken back. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { someone } from '#tests/helpers/psql.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

vi.setConfig({ testTimeout: 120_000 });

const root = path.join(import.meta.dirname, '../..');
let desk: TestDesk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk[Symbol.asyncDispose]());

async function done<Value>(role: string, ...argv: readonly string[]): Promise<Value> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      ['electron/cli/cli.ts', 'correct', ...argv, '--json', '--profile', `demo:${role}`],
      { cwd: root, env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home } },
      (error, stdout, stderr) => {
        if (error === null) resolve(JSON.parse(stdout) as Value);
        else reject(new Error(`${argv.join(' ')}: ${stdout}${stderr}`));
      },
    );
  });
}

interface Proposed {
  readonly correction: number;
  readonly sha256: string;
  readonly state: string;
  readonly values: readonly unknown[];
  readonly follows: readonly unknown[];
}

test('an address is proposed, approved by another person, corrected, and taken back', async () => {
  const person = await someone(desk);
  const byTwo = (needed: 0 | 1): Promise<unknown> =>
    desk.superuser(({ query }) =>
      query(
        `insert into privacy_console.setting values ('identity_by_two', $1) on conflict (name) do update set value = excluded.value`,
        [needed],
      ),
    );
  const stands = (): Promise<unknown> =>
    desk.superuser(async ({ query }) => {
      const { rows } = await query('select email::text, phone from public.users where id = $1', [person.id]);
      return rows[0];
    });
  await byTwo(1);
  const operator = await desk.signIn('operator');
  const { request } = await expectDone(operator, 'requests.open', {
    kind: 'correction',
    receivedOn: '2026-10-01',
  });
  const { hits } = await expectDone(operator, 'search.run', { text: person.email, requestId: request.id });
  const subject = hits.find(({ score }) => score === 1)?.subject ?? '';
  await expectDone(operator, 'subjects.open', { subject, requestId: request.id });
  await expectDone(operator, 'requests.link', { id: request.id, subject });
  const of = [
    'propose',
    String(request.id),
    '--collection',
    'users',
    '--record',
    JSON.stringify([person.id]),
  ];
  const why = ['--reason', 'they wrote so'];
  const proposed = await done<Proposed>(
    'operator',
    ...[...of, '--set', 'email=new=address@person.example', '--empty', 'phone', ...why],
  );
  expect(proposed).toMatchObject({
    state: 'waiting',
    values: [
      {
        column: 'email',
        before: person.email,
        after: 'new=address@person.example',
        comesTo: 'can be written',
      },
      { column: 'phone', before: person.phone, after: null },
    ],
  });
  const { correction, sha256 } = proposed;
  const number = String(correction);
  const looked = await done<Proposed>('approver', 'look', number);
  expect(looked).toMatchObject({ sha256, values: proposed.values, follows: proposed.follows });
  await done('approver', 'approve', number, '--sha256', sha256, ...why);
  expect(await done('operator', 'run', number)).toMatchObject({ copies: 0, left: 0 });
  expect(await stands()).toEqual({ email: 'new=address@person.example', phone: null });
  // Where nobody asks for a second person it is taken back at once.
  await byTwo(0);
  const undo = await done<{ id: number }>('operator', 'undo', number, ...why);
  expect(undo).toMatchObject({ waits: false, left: 0 });
  expect(await done('viewer', 'list', String(request.id))).toMatchObject([
    { correction: undo.id, takesBack: correction, state: 'done' },
    { correction, state: 'undone', what: 'users: email phone', undoDays: null },
  ]);
  expect(await stands()).toEqual({ email: person.email, phone: person.phone });
});
