/** Closed accounts and a list of identifiers by the command line alone: matched, planned, approved by another person, run, reported. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

vi.setConfig({ testTimeout: 120_000 });

const root = path.join(import.meta.dirname, '../..');
let desk: TestDesk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk[Symbol.asyncDispose]());

interface Answer<Value> {
  readonly code: number;
  readonly value: Value;
}

async function cli<Value>(role: string, ...argv: readonly string[]): Promise<Answer<Value>> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      ['electron/cli/cli.ts', ...argv, '--json', '--profile', `demo:${role}`],
      { cwd: root, env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home } },
      (error, stdout, stderr) => {
        try {
          resolve({
            code: typeof error?.code === 'number' ? error.code : 0,
            value: JSON.parse(stdout) as Value,
          });
        } catch {
          reject(new Error(`${argv.join(' ')}: ${stdout}${stderr}`));
        }
      },
    );
  });
}

interface Planned {
  readonly batch: number;
  readonly sha256: string;
  readonly planned: number;
}

test('late accounts are listed, planned as a batch, approved by another person and erased with one report', async () => {
  const listed = await cli<{ subject: string; daysLeft: number }[]>(
    'operator',
    'closed',
    'list',
    '--limit',
    '3',
  );
  expect(listed.code).toBe(1);
  expect(listed.value[0]?.daysLeft).toBeLessThan(0);
  const { value: batch } = await cli<Planned>(
    'operator',
    ...['closed', 'plan', ...listed.value.map(({ subject }) => subject), '--reason', 'closed accounts'],
  );
  const id = String(batch.batch);
  const why = ['--sha256', batch.sha256, '--reason', 'by the policy'];
  expect((await cli('operator', 'bulk', 'approve', id, ...why)).code).not.toBe(0);
  expect((await cli<{ state: string }>('approver', 'bulk', 'approve', id, ...why)).value.state).toBe(
    'approved',
  );
  const ran = await cli<{ state: string; report: string }>('operator', 'bulk', 'run', id);
  expect(ran).toMatchObject({ code: 0, value: { state: 'done', states: { done: batch.planned } } });
  const report = await cli<{ sha256: string; says: { states: object } }>('viewer', 'bulk', 'report', id);
  expect(report.value).toMatchObject({ sha256: ran.value.report, says: { states: { done: batch.planned } } });
});

test('a list is matched line by line; what nobody has is told, and the batch can be called off', async () => {
  const [email] = await desk.superuser(async ({ query }) =>
    (
      await query<{ email: string }>(
        'select email::text from users where closed_at is null order by id limit 1',
      )
    ).rows.map((row) => row.email),
  );
  const file = path.join(desk.folder, 'list.csv');
  await writeFile(file, `mail,name\n${email ?? ''},A\nnobody@person.example,B\n`);
  const { value } = await cli<{ batch: { id: number; states: object } }>(
    'operator',
    ...['bulk', 'match', file, '--by', 'email', '--reason', 'a list'],
  );
  expect(value.batch.states).toEqual({ matched: 1, not_found: 1 });
  const id = String(value.batch.id);
  expect(
    (await cli<{ state: string }>('operator', 'bulk', 'call-off', id, '--reason', 'only looked')).value.state,
  ).toBe('cancelled');
  const { value: shown } = await cli<{ items: unknown[] }>('auditor', 'bulk', 'show', id, '--aside');
  expect(shown.items).toHaveLength(2);
});
