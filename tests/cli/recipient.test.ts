import { execFile } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

const root = path.join(import.meta.dirname, '../..');
const controller = 'The tenant (workspace owner) is the controller; CloudSingh is the processor.';

/** Runs the command line in a process of its own; what a person reads there. */
async function run(desk: TestDesk, role: string, ...argv: readonly string[]): Promise<string> {
  const { code, text } = await new Promise<{ code: number; text: string }>((resolve) => {
    execFile(
      process.execPath,
      ['electron/cli/cli.ts', ...argv, '--profile', `demo:${role}`],
      { cwd: root, env: { ...process.env, PRIVACY_CONSOLE_HOME: desk.home } },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), text: `${stdout}${stderr}` });
      },
    );
  });
  expect(code, `${argv.join(' ')}: ${text}`).toBe(0);
  return text;
}

test('search, show, export, plan, run and certificate of a recipient say the kind and who the controller is', async () => {
  await using desk = await openDesk({ withBucket: true });
  const phone = await desk.superuser(async ({ query }) => {
    const { rows } = await query<{ phone: string }>(
      `select recipient_phone as phone from messages m where exists (select from contacts c where c.phone = m.recipient_phone)
       group by 1 order by count(distinct workspace_id) desc, 1 limit 1`,
    );
    return rows[0]?.phone ?? '';
  });
  const requestOf = (text: string): string => /^id +(\d+)$/m.exec(text)?.[1] ?? '';
  const deletion = requestOf(await run(desk, 'operator', 'request', 'open', 'deletion'));
  const copy = requestOf(await run(desk, 'operator', 'request', 'open', 'export'));
  const found = await run(desk, 'operator', 'search', phone, '--request', deletion);
  const [line = ''] = found.split('\n').filter((each) => each.includes('Message recipient'));
  expect(line).toContain(controller);
  expect(line).toMatch(/\d+ · /);
  expect(found).not.toContain(phone.slice(3));
  const subject = /S-[0-9A-F]{12}/.exec(line)?.[0] ?? '';

  const says: Record<string, string> = {
    show: await run(desk, 'operator', 'show', subject, '--request', deletion),
    page: await run(desk, 'operator', 'show', subject, '--request', deletion, '--collection', 'messages'),
    link: await run(desk, 'operator', 'request', 'link', deletion, subject),
  };
  await run(desk, 'operator', 'request', 'link', copy, subject);
  says['export'] = await run(desk, 'operator', 'export', copy, '--to', desk.folder);
  says['plan'] = await run(desk, 'operator', 'erase', 'plan', deletion);
  const plan = requestOf(says['plan']);
  const sha256 = /^sha256 +([0-9a-f]{64})$/m.exec(says['plan'])?.[1] ?? '';
  await run(desk, 'approver', 'erase', 'approve', plan, '--sha256', sha256, '--reason', 'the tenants know');
  says['run'] = await run(desk, 'operator', 'erase', 'run', plan);
  says['certificate'] = await run(desk, 'operator', 'erase', 'certificate', plan);
  for (const [name, text] of Object.entries(says)) {
    expect(text, name).toContain(controller);
    expect(text, name).toMatch(/recipient/);
    expect(text, name).not.toContain(phone.slice(3));
  }
}, 180_000);
