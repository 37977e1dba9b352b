/** Retention by the command line alone: counted, approved by another person, run; then under a standing approval, as a timer does. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

vi.setConfig({ testTimeout: 120_000 });

const root = path.join(import.meta.dirname, '../..');

/** Exit code and what was printed. */
function cli(
  desk: TestDesk,
  role: string,
  ...argv: readonly string[]
): Promise<{ readonly code: number; readonly said: Record<string, unknown>; readonly text: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['electron/cli/cli.ts', 'retention', ...argv, '--json', '--profile', `demo:${role}`],
      { cwd: root, env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home } },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : Number(error.code);
        const said = stdout.trim() === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>);
        resolve({ code, said, text: `${stdout}${stderr}` });
      },
    );
  });
}

test('what is due is counted, approved and run; a standing approval lets a timer do it, and a floor set since stops that', async () => {
  await using desk = await openDesk();
  const old = (rows: number): Promise<unknown> =>
    desk.superuser(({ query }) =>
      query(
        `insert into public.page_views (user_id, path, occurred_at)
         select (select id from public.users order by id limit 1), '/old', now() - interval '2 years' from generate_series(1, $1)`,
        [rows],
      ),
    );
  await old(10);
  const { said: plan } = await cli(desk, 'operator', 'plan');
  const decision = ['--sha256', String(plan['sha256']), '--reason', 'as counted'];
  expect((await cli(desk, 'approver', 'approve', String(plan['id']), ...decision)).code).toBe(0);
  expect(await cli(desk, 'operator', 'run', String(plan['id']))).toMatchObject({
    code: 0,
    said: { complete: true, left: 0 },
  });
  await old(10);
  const limits = ['--rows-per-run', '10000', '--rows-per-rule', '10000', '--days', '90'];
  const { said: asked } = await cli(desk, 'operator', 'standing', 'ask', ...limits, '--reason', 'each night');
  const { said: standings } = await cli(desk, 'approver', 'standing');
  const { sha256 } = (standings as unknown as { sha256: string }[])[0] ?? { sha256: '' };
  const standing = String(asked['id']);
  expect(
    (await cli(desk, 'approver', 'standing', 'approve', standing, '--sha256', sha256, '--reason', 'yes'))
      .code,
  ).toBe(0);
  expect(await cli(desk, 'operator', 'run', '--standing')).toMatchObject({
    code: 0,
    said: { complete: true, rows: 10 },
  });
  const law = [
    'IN',
    '--days',
    '365',
    '--ground',
    'DPDP Rules 2025, rule 8(3)',
    '--reason',
    'counsel says so',
  ];
  expect((await cli(desk, 'approver', 'floor', 'on', ...law)).code).toBe(0);
  const stopped = await cli(desk, 'operator', 'run', '--standing');
  expect(stopped.code).not.toBe(0);
  expect(stopped.text).toContain('No standing approval is in force');
  const file = path.join(desk.folder, 'report.json');
  expect((await cli(desk, 'auditor', 'report', file)).code).toBe(0);
  const report = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  expect(report).toMatchObject({
    floorDays: 365,
    floors: [{ jurisdiction: 'IN', inForce: true }],
    standings: [{ state: 'void' }],
  });
});
