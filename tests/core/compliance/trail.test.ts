import { expect, test } from 'vitest';
import { describeEntry } from '#shared/strings/en.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';

test('an untouched trail verifies, entry by entry', async () => {
  await using desk = await openDesk();
  const auditor = await desk.signIn('auditor');
  const { jobId } = await expectDone(auditor, 'audit.verify', {});
  const { job } = await expectDone(auditor, 'jobs.wait', { id: jobId });
  expect(job).toMatchObject({ state: 'done', result: { intact: true, fault: null } });
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
