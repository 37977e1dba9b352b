import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { describeEntry } from '#shared/strings/en.ts';
import { find, open, someone } from '#tests/helpers/psql.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';

test('an untouched trail verifies, entry by entry', async () => {
  await using desk = await openDesk();
  const auditor = await desk.signIn('auditor');
  const { jobId } = await expectDone(auditor, 'audit.verify', {});
  const { job } = await expectDone(auditor, 'jobs.wait', { id: jobId });
  expect(job).toMatchObject({ state: 'done', result: { intact: true, fault: null } });
});

test('entries are found by person of staff, subject, action, request, outcome and time, page by page', async () => {
  await using desk = await openDesk();
  const operator = await desk.signIn('operator');
  const bare = await desk.bare('operator');
  const [one, other] = [await find(bare, await someone(desk)), await find(bare, await someone(desk, 1))];
  const { request } = await expectDone(operator, 'requests.open', {
    kind: 'access',
    receivedOn: '2026-10-01',
  });
  await expectDone(operator, 'subjects.open', { subject: one, requestId: request.id });
  await open(bare, other);
  await desk.bare('viewer').then((viewer) => open(viewer, other));
  const auditor = await desk.signIn('auditor');
  const all = (await expectDone(auditor, 'audit.list', { limit: 500 })).entries;
  expect(all.length).toBeGreaterThan(10);
  const middle = all[Math.floor(all.length / 2)];
  if (middle === undefined) throw new Error('no entries');
  for (const [filter, holds] of [
    [{ actor: 'viewer' }, (each) => each.actor === 'viewer'],
    [{ subject: other }, (each) => each.subject === other],
    [{ action: 'access.opened' }, (each) => each.action === 'access.opened'],
    [{ requestId: request.id }, (each) => each.requestId === request.id],
    [{ outcome: 'intent' }, (each) => each.outcome === 'intent'],
    [{ since: middle.at }, (each) => Date.parse(each.at) >= Date.parse(middle.at)],
    [{ until: middle.at }, (each) => Date.parse(each.at) < Date.parse(middle.at)],
    [
      { subject: other, actor: 'operator', action: 'access.opened' },
      (each) => each.subject === other && each.actor === 'operator' && each.action === 'access.opened',
    ],
  ] as const satisfies readonly (readonly [object, (each: (typeof all)[number]) => boolean])[]) {
    const { entries } = await expectDone(auditor, 'audit.list', { ...filter, limit: 500 });
    expect(
      entries.map(({ number }) => number),
      JSON.stringify(filter),
    ).toEqual(all.filter(holds).map(({ number }) => number));
    expect(entries.length, JSON.stringify(filter)).toBeGreaterThan(0);
  }
  const read: number[] = [];
  let before: number | null = null;
  do {
    const page: { entries: { number: number }[]; next: number | null } = await expectDone(
      auditor,
      'audit.list',
      { limit: 3, ...(before === null ? {} : { before }) },
    );
    read.push(...page.entries.map(({ number }) => number));
    before = page.next;
  } while (before !== null);
  expect(read).toEqual(all.map(({ number }) => number));
});

test('a reason is read by the auditor alone, and that it was read is in the trail', async () => {
  await using desk = await openDesk();
  const operator = await desk.signIn('operator');
  const subject = await find(await desk.bare('operator'), await someone(desk));
  const opened = await expectDone(operator, 'subjects.open', { subject, reason: 'rang about an invoice' });
  expect(opened.access.withoutRequest).toBe(true);
  const auditor = await desk.signIn('auditor');
  const { detail, entry } = await expectDone(auditor, 'audit.detail', { number: opened.entry });
  expect(detail).toBe('rang about an invoice');
  const { entries } = await expectDone(auditor, 'audit.list', { action: 'trail.detail_read' });
  expect(entries).toMatchObject([{ number: entry, intent: opened.entry, actor: 'auditor', subject }]);
  for (const role of ['operator', 'approver', 'viewer', 'administrator'] as const)
    expect(
      await (await desk.signIn(role)).dispatch('audit.detail', { number: opened.entry }),
      role,
    ).toMatchObject({ ok: false, failure: { code: 'not_permitted' } });
});

test('the trail is exported whole, line by line, by who may', async () => {
  await using desk = await openDesk();
  const auditor = await desk.signIn('auditor');
  const file = path.join(desk.folder, 'trail.jsonl');
  const { jobId } = await expectDone(auditor, 'audit.export', { file });
  const { job } = await expectDone(auditor, 'jobs.wait', { id: jobId });
  expect(job).toMatchObject({ state: 'done' });
  const lines = (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  const { entries } = await expectDone(auditor, 'audit.list', { limit: 500 });
  expect(lines.length).toBeGreaterThanOrEqual(entries.length - 1);
  const operator = await desk.signIn('operator');
  expect(await operator.dispatch('audit.export', { file: `${file}.2` })).toMatchObject({
    ok: false,
    failure: { code: 'not_permitted' },
  });
});

test('a refused entry says why, in the console’s own words; no other entry shows its detail', async () => {
  await using desk = await openDesk();
  const operator = await desk.signIn('operator');
  const { request } = await expectDone(operator, 'requests.open', {
    kind: 'deletion',
    receivedOn: '2026-11-01',
    message: '',
  });
  const answer = await operator.dispatch('erasure.plan', { requestId: request.id });
  expect(answer).toMatchObject({ ok: false, failure: { code: 'refused' } });
  const { entries } = await expectDone(operator, 'audit.list', {});
  const refused = entries.filter((entry) => entry.outcome === 'refused');
  expect(refused.map((entry) => entry.refusal)).toEqual([answer.ok ? '' : answer.failure.message]);
  expect(refused.map(describeEntry)).toEqual([
    `operator tried to work out a deletion plan for a person under request ${request.id} and was refused: A deletion plan needs an open deletion request that names its person.`,
  ]);
  expect(entries.some((entry) => entry.detail && entry.outcome !== 'refused')).toBe(true);
  for (const entry of entries) if (entry.outcome !== 'refused') expect(entry.refusal).toBeNull();
});
