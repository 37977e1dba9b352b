import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Console } from '#core/console.ts';
import { unpack } from '#tests/acceptance/judge.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { findPerson, requestFor } from '../erasure/approvedPlan.ts';
import { verdictOn } from '#tests/helpers/verdictOn.ts';

let desk: TestDesk;
let operator: Console;
let request: number;
let key: string;
beforeAll(async () => {
  desk = await openDesk({ withBucket: true });
  operator = await desk.signIn('operator');
  const person = await findPerson(desk);
  request = (await requestFor(operator, person, 'export')).request;
  key = `workspaces/${person.workspace}/messages/2026-10/neighbour-asha.txt`;
  await desk.bucket?.put([{ key, bytes: Buffer.from('the neighbour’s'), contentType: 'text/plain' }]);
});
afterAll(() => desk[Symbol.asyncDispose]());

test('what is redacted in a review is not in the package, which says where and why', async () => {
  const { exportId } = await expectDone(operator, 'reviews.open', { requestId: request, profile: 'access' });
  const { collections } = await expectDone(operator, 'reviews.show', { exportId });
  const messages = collections.find(({ name }) => name === 'messages');
  expect(messages?.rows).toBeGreaterThan(2);
  const page = await expectDone(operator, 'reviews.page', { exportId, collection: 'messages', limit: 2 });
  const next = await expectDone(operator, 'reviews.page', {
    exportId,
    collection: 'messages',
    limit: 2,
    cursor: page.cursor,
  });
  const [record, field] = page.rows;
  expect(page.rows).toHaveLength(2);
  expect(next.rows[0]?.row).not.toBe(record?.row);
  expect(Object.keys(record?.values ?? {})).toEqual(messages?.columns.map((column) => column.name));
  const { files } = await expectDone(operator, 'reviews.files', { exportId });
  expect(files.map((file) => file.key)).toContain(key);

  const why = { ground: 'others', reason: 'a neighbour is told of' } as const;
  const redact = (what: object): Promise<unknown> =>
    expectDone(operator, 'reviews.redact', { requestId: request, what, ...why } as never);
  await redact({ kind: 'record', collection: 'messages', row: record?.row });
  await redact({ kind: 'field', collection: 'messages', row: field?.row, column: 'content' });
  await redact({ kind: 'file', key });

  // A package of a review is of that review.
  const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
  expect(
    await operator.dispatch('exports.start', {
      requestId: request,
      folder,
      reviewed: exportId,
      profile: 'case',
    }),
  ).toMatchObject({ ok: false, failure: { code: 'invalid_input' } });
  const { jobId } = await expectDone(operator, 'exports.start', {
    requestId: request,
    folder,
    reviewed: exportId,
  });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  expect(job.failure).toBeNull();
  expect(job.result?.['exportId']).toBe(exportId);
  const file = String(job.result?.['file']);
  expect(await verdictOn(operator, { file })).toMatchObject({ intact: true, faults: [] });

  const unpacked = await unpack(file, await mkdtemp(path.join(folder, 'unpacked-')));
  const all = await unpacked.files();
  const text = (name: string): string => all.find((each) => each.path === name)?.bytes.toString('utf8') ?? '';
  const lines = (unpacked.records.get('messages') ?? []).map(
    (line) => JSON.parse(line) as Record<string, unknown>,
  );
  expect(lines).toHaveLength((messages?.rows ?? 0) - 1);
  expect(lines.some((line) => line['id'] === record?.values['id'])).toBe(false);
  expect(lines.find((line) => line['id'] === field?.values['id'])?.['content']).toBeNull();
  expect(
    text('data/redactions.jsonl')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toMatchObject([
    { what: 'record', row: { collection: 'messages', id: record?.row }, column: null, ground: 'others' },
    { what: 'field', row: { collection: 'messages', id: field?.row }, column: 'content', ground: 'others' },
    { what: 'file', row: null, column: null, ground: 'others' },
  ]);
  expect(JSON.parse(text('data/processing.json'))).toMatchObject({
    redacted: { records: 1, fields: 1, files: 1 },
    files: { redacted: 1 },
  });
  expect(text('bag-info.txt')).toContain('Redaction-Count: 3\n');
  expect(text('data/index.html')).toContain('it would harm the rights of other people');
  // Neither the file nor its name.
  for (const each of all) {
    expect(each.bytes.includes('neighbour-asha'), each.path).toBe(false);
    expect(each.bytes.includes('the neighbour’s'), each.path).toBe(false);
  }
  expect(await operator.dispatch('reviews.page', { exportId, collection: 'messages' })).toMatchObject({
    ok: false,
    failure: { code: 'conflict' },
  });
});

test('what is taken back goes out again, and the list keeps both', async () => {
  const { redactions } = await expectDone(operator, 'reviews.redactions', { requestId: request });
  expect(redactions).toHaveLength(3);
  for (const { id } of redactions)
    await expectDone(operator, 'reviews.withdraw', { redactionId: id, reason: 'the neighbour agreed' });
  const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
  const { jobId } = await expectDone(operator, 'exports.start', {
    requestId: request,
    folder,
    profile: 'access',
  });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  const unpacked = await unpack(String(job.result?.['file']), await mkdtemp(path.join(folder, 'unpacked-')));
  const paths = (await unpacked.files()).map((each) => each.path);
  expect(paths).not.toContain('data/redactions.jsonl');
  expect(unpacked.index.map((each) => each.key)).toContain(key);
  const { redactions: after } = await expectDone(operator, 'reviews.redactions', { requestId: request });
  expect(after.every((each) => each.withdrawn)).toBe(true);
});
