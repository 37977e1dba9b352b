import { expect, test } from 'vitest';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';

test('an untouched trail verifies, entry by entry', async () => {
  await using desk = await openDesk();
  const auditor = await desk.signIn('auditor');
  const { jobId } = await expectDone(auditor, 'audit.verify', {});
  const { job } = await expectDone(auditor, 'jobs.wait', { id: jobId });
  expect(job).toMatchObject({ state: 'done', result: { intact: true, fault: null } });
});
