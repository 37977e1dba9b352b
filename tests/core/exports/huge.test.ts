/**
 * Values of a size nobody foresaw: exported to their last byte where the
 * database can write them at all, and refused in one sentence where it can't.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test, vi } from 'vitest';
import { findPerson, requestFor } from '#tests/core/erasure/approvedPlan.ts';
import { plainFailure } from '#tests/core/badInput/plain.ts';
import { alterFunction } from '#tests/helpers/psql.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { verdictOn } from '#tests/helpers/verdictOn.ts';

vi.setConfig({ testTimeout: 180_000 });

/** Gives the messages of a workspace contents of these lengths, the n-th to the n-th; a text of quotes, line ends and letters. */
async function messagesOf(desk: TestDesk, workspace: string, lengths: readonly number[]): Promise<void> {
  await desk.superuser(async ({ query }) => {
    await query('delete from messages where workspace_id = $1', [workspace]);
    await query(
      `insert into messages (workspace_id, recipient_phone, status, content, created_at)
       select $1, '+919999999999', 'failed', left(repeat(e'he said "no",\n\\\\ and नमस्ते ' || n, 1 + l / 24), l), timestamptz '2026-09-01 00:00+00' + n * interval '1 second'
       from unnest($2::int[]) with ordinality x(l, n)`,
      [workspace, [...lengths]],
    );
  });
}

/** What the package has of the messages: how many characters each content has, and all hashed. */
async function contentsIn(zip: string, workspace: string): Promise<readonly string[]> {
  const child = execFile('unzip', ['-p', zip, '*/data/records/messages.jsonl'], { maxBuffer: Infinity });
  const found: string[] = [];
  if (child.stdout === null) throw new Error('unzip gives nothing');
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
    const { workspace_id, content } = JSON.parse(line) as { workspace_id: string; content: string };
    if (workspace_id !== workspace) continue;
    found.push(createHash('sha256').update(content).digest('hex'));
  }
  return found;
}

async function contentsHeld(desk: TestDesk, workspace: string): Promise<readonly string[]> {
  const { rows } = await desk.superuser(({ query }) =>
    query<{ sha256: string }>(
      `select encode(sha256(convert_to(content, 'UTF8')), 'hex') as sha256 from messages where workspace_id = $1 order by created_at, id`,
      [workspace],
    ),
  );
  return rows.map(({ sha256 }) => sha256);
}

test('a value of 60 MB between others of every size is exported to its end, the table too, and verified', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const person = await findPerson(desk);
  const sizes = [
    200_000,
    3,
    5_000_000,
    ...Array.from({ length: 300 }, (_, n) => (n % 50 === 0 ? 40_000 : 300)),
    60_000_000,
    10,
  ];
  await messagesOf(desk, person.workspace, sizes);
  const { request } = await requestFor(operator, person, 'export');
  const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
  const { jobId } = await expectDone(operator, 'exports.start', {
    requestId: request,
    folder,
    showOthers: true,
    reason: 'every value is compared',
  });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  expect(job).toMatchObject({ state: 'done', failure: null });
  const zip = String(job.result?.['file']);
  expect(await contentsIn(zip, person.workspace)).toEqual(await contentsHeld(desk, person.workspace));
  expect((await verdictOn(operator, { file: zip })).intact).toBe(true);
});

test('a row the database can not write ends the export in one sentence that says which it is, and nothing is left', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const person = await findPerson(desk);
  await messagesOf(desk, person.workspace, [10, 20, 90_000, 30]);
  const { request } = await requestFor(operator, person, 'export');
  const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
  // As if the server's limit of 1 GB were smaller: such a row would take several.
  await alterFunction(desk, 'rows_messages', (source) =>
    source.replaceAll('> 1000000000', '> 80000').replaceAll('v_most := 1000', 'v_most := 2'),
  );
  const { jobId } = await expectDone(operator, 'exports.start', { requestId: request, folder });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  const [code, message] = plainFailure(job);
  expect(code).toBe('refused');
  expect(message).toContain('Row 3 of the collection messages');
  expect(await readdir(folder)).toEqual([]);
});
