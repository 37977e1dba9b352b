/** A stranger with the document of the format alone, Python’s standard library and openssl reads a package and finds what is wrong. */
import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findPerson, requestFor } from '#tests/core/erasure/approvedPlan.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { need } from '../prerequisites.ts';

let desk: TestDesk;
let zip: string;
let folder: string;
let volume: string;
let signer: string;
let messages: number;

beforeAll(async () => {
  desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const person = await findPerson(desk);
  const { request } = await requestFor(operator, person, 'export');
  const made = async (form: 'zip' | 'folder'): Promise<Readonly<Record<string, unknown>>> => {
    const into = await mkdtemp(path.join(desk.folder, 'to-'));
    const { jobId } = await expectDone(operator, 'exports.start', { requestId: request, folder: into, form });
    const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
    return job.result ?? {};
  };
  const packed = await made('zip');
  zip = String(packed['file']);
  signer = String(packed['signer']);
  folder = String((await made('folder'))['file']);
  const medium = await mkdtemp(path.join(desk.folder, 'medium-'));
  const { jobId } = await expectDone(operator, 'delivery.write', {
    exportId: Number(packed['exportId']),
    file: zip,
    folder: medium,
    medium: 'USB-1',
    volumeBytes: 1024 * 1024,
  });
  await expectDone(operator, 'jobs.wait', { id: jobId });
  volume = path.join(medium, (await readdir(medium)).find((name) => name.endsWith('.001')) ?? '');
  const { rows } = await desk.superuser(({ query }) =>
    query<{ count: string }>(
      `select count(*) from messages m join workspaces w on w.id = m.workspace_id where w.owner_id = $1`,
      [person.id],
    ),
  );
  messages = Number(rows[0]?.count);
}, 120_000);
afterAll(() => desk[Symbol.asyncDispose]());

function reader(
  ...argv: readonly string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      'python3',
      [path.join(import.meta.dirname, 'reader.py'), ...argv],
      { maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

test('it lists every record of a zip, a folder and volumes, with the key it was told', async (context) => {
  need(context, 'python', 'openssl');
  for (const file of [zip, folder, volume]) {
    const { code, stdout, stderr } = await reader(file, signer);
    expect({ code, stderr }, file).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    const summary = JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>;
    expect(summary).toMatchObject({ records: lines.length - 1, signer });
    expect(lines.filter((line) => line.startsWith('messages\t'))).toHaveLength(messages);
  }
});

test('it refuses another key, and names what was changed, added or taken away', async (context) => {
  need(context, 'python', 'openssl');
  const other = await reader(zip, `SHA256:${'A'.repeat(43)}`);
  expect(other).toMatchObject({ code: 1, stdout: '', stderr: `wrong: signed by ${signer}\n` });
  const records = path.join(folder, 'data/records/users.jsonl');
  const before = await readFile(records);
  await appendFile(records, '{}\n');
  expect((await reader(folder)).stderr).toBe('wrong: data/records/users.jsonl was changed\n');
  await writeFile(records, before);
  await writeFile(path.join(folder, 'data/added.txt'), 'x');
  expect((await reader(folder)).stderr).toContain('data/added.txt');
  await rm(path.join(folder, 'data/added.txt'));
  expect((await reader(folder)).code).toBe(0);
  const signature = path.join(folder, 'tagmanifest-sha256.txt.sig');
  await writeFile(signature, Buffer.alloc(64));
  expect((await reader(folder)).stderr).toBe('wrong: the signature is not one of this tag manifest\n');
});
