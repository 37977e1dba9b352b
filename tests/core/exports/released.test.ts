import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { writePackage } from '#core/exports/package.ts';
import { verifyPackage } from '#core/exports/verify.ts';
import { someone } from '#tests/helpers/psql.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';
import { verdictOn } from '#tests/helpers/verdictOn.ts';
import { optionsOf } from './sources.ts';

test('an export two people released tells its gaps in the package, and the check of the package shows them', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const approver = await desk.signIn('approver');
  const person = await someone(desk);
  const { hits } = await expectDone(operator, 'search.run', { text: person.email, reason: 'a test' });
  const { request } = await expectDone(operator, 'requests.open', {
    kind: 'access',
    receivedOn: '2026-11-01',
    subject: hits[0]?.subject ?? '',
  });
  await desk.superuser(({ query }) => query('create table public."Di\nary" (text text)'));
  const input = { requestId: request.id, folder: desk.folder };
  expect(await operator.dispatch('exports.start', input)).toMatchObject({
    failure: { code: 'schema_drift' },
  });
  const { gaps } = await expectDone(operator, 'map.gaps', {});
  expect(gaps).toEqual(['unmapped table public."Di\nary"']);
  const { releaseId } = await expectDone(operator, 'exports.askRelease', {
    requestId: request.id,
    gaps,
    reason: 'the month is over',
  });
  const decision = { releaseId, decision: 'approve', reason: 'nothing of a person in it' } as const;
  expect(await operator.dispatch('exports.decideRelease', decision)).toMatchObject({
    failure: { code: 'not_permitted' },
  });
  await expectDone(approver, 'exports.decideRelease', decision);
  const { jobId } = await expectDone(operator, 'exports.start', input);
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  expect(job.failure).toBeNull();
  const file = String(job.result?.['file']);
  const verdict = await verdictOn(operator, { file });
  expect(verdict).toMatchObject({ intact: true, faults: [] });
  expect(verdict.gaps).toHaveLength(1);
  expect(verdict.gaps[0]).toMatch(/^unmapped table public\."Di.+ary"$/);
  expect(verdict.gaps[0]).not.toContain('\n');
  const { releases } = await expectDone(approver, 'exports.releases', { requestId: request.id });
  expect(releases).toMatchObject([{ state: 'approved', reason: 'the month is over', gaps }]);
  const { entries } = await expectDone(approver, 'audit.list', { requestId: request.id });
  expect(entries.map((each) => each.action)).toEqual(
    expect.arrayContaining(['release.asked', 'release.approved', 'export.finished']),
  );
}, 60_000);

test('a package that tells of gaps without two people who let it go, or without saying which, is none of ours', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'released-'));
  const gaps = ['unmapped table crm.leads'];
  const whole = { gaps, askedBy: 'privacy_ravi', approvedBy: 'privacy_meera' };
  const forged: readonly object[] = [
    { ...whole, approvedBy: undefined },
    { ...whole, askedBy: null },
    { ...whole, approvedBy: whole.askedBy },
    { ...whole, gaps: [] },
    { ...whole, gaps: undefined },
    { ...whole, gaps: [7] },
  ];
  try {
    for (const [number, released] of [whole, ...forged].entries()) {
      const { file } = await writePackage(
        optionsOf(folder, { name: String(number), processing: () => ({ released }) }),
      );
      const verdict = await verifyPackage(file);
      if (number === 0) expect(verdict).toMatchObject({ ok: true, gaps });
      else {
        expect(verdict.faults, String(number)).toEqual([
          {
            kind: 'malformed',
            path: 'data/processing.json',
            says: 'It was made in spite of gaps, and does not say which, or which two people let it go.',
          },
        ]);
        expect(verdict).toMatchObject({ ok: false, gaps: [] });
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
