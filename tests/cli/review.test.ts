/** What goes out is reviewed and kept back by the command line alone. */
import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unpack } from '#tests/acceptance/judge.ts';
import { openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { findPerson } from '../core/erasure/approvedPlan.ts';

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

type Rows = readonly Readonly<Record<string, unknown>>[];

async function done<Value>(role: string, ...argv: readonly string[]): Promise<Value> {
  const { code, value, said } = await run(role, ...argv);
  expect(code, `${argv.join(' ')}: ${said}`).toBe(0);
  return value as Value;
}

test('what is kept back by the command line is not in the package, and goes out when it is let out', async () => {
  const { email } = await findPerson(desk);
  const request = await done<{ id: number }>('operator', 'request', 'open', 'access');
  const number = String(request.id);
  const { hits } = await done<{ hits: readonly { subject: string }[] }>(
    'operator',
    'search',
    email,
    '--request',
    number,
  );
  await done('operator', 'show', hits[0]?.subject ?? '', '--request', number);
  await done('operator', 'request', 'link', number, hits[0]?.subject ?? '');

  const collections = await done<Rows>('operator', 'review', number);
  const messages = collections.find((each) => each['name'] === 'messages');
  expect(messages?.['rows']).toBeGreaterThan(2);
  const records = await done<Rows>('operator', 'review', number, '--collection', 'messages', '--limit', '2');
  expect(records).toHaveLength(2);
  const files = await done<Rows>('operator', 'review', number, '--files');
  const [record, field] = records.map((each) => String(each['record']));
  const why = ['--ground', 'others', '--reason', 'a neighbour is told of'];
  const of = ['--collection', 'messages', '--record'];

  const wrong = await run('operator', 'redact', number, '--collection', 'messages', ...why);
  expect(wrong).toMatchObject({ code: 2 });
  expect(wrong.said).toContain('--record');
  const foreign = await run('operator', 'redact', number, ...of, '["1", "2020-01-01"]', ...why);
  expect(foreign.code).not.toBe(0);
  expect(foreign.said).toContain('gone');

  await done('operator', 'redact', number, ...of, record ?? '', ...why);
  await done('operator', 'redact', number, ...of, field ?? '', '--column', 'status', ...why);
  const [file] = files;
  if (file !== undefined) await done('operator', 'redact', number, '--file', String(file['key']), ...why);
  const redactions = await done<Rows>('auditor', 'redactions', number);
  expect(redactions).toHaveLength(file === undefined ? 2 : 3);

  const exported = async (): Promise<Awaited<ReturnType<typeof unpack>>> => {
    const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
    const result = await done<{ file: string }>('operator', 'export', number, '--to', folder);
    return unpack(result.file, await mkdtemp(path.join(folder, 'unpacked-')));
  };
  const rows = ({ records: held }: Awaited<ReturnType<typeof exported>>): Rows =>
    (held.get('messages') ?? []).map((line) => JSON.parse(line) as Record<string, unknown>);
  const first = rows(await exported());
  expect(first).toHaveLength(Number(messages?.['rows']) - 1);
  expect(first.find((each) => each['id'] === records[1]?.['id'])?.['status']).toBeNull();

  for (const each of redactions)
    await done('operator', 'redactions', 'withdraw', String(each['id']), '--reason', 'they agreed');
  const after = await done<Rows>('operator', 'redactions', number);
  expect(after.every((each) => each['withdrawn'])).toBe(true);
}, 180_000);
