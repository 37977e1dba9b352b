import { readdir, mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { anotherOperator, findPerson, requestFor, run } from '#tests/core/erasure/approvedPlan.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';
import { plainFailure } from './plain.ts';
import { verdictOn } from '#tests/helpers/verdictOn.ts';

vi.setConfig({ testTimeout: 120_000 });

test('take, link, plan, export and close one request at once: one of them counts, the other is told', async () => {
  await using desk = await openDesk({ withBucket: true });
  const one = await desk.signIn('operator');
  const second = await anotherOperator(desk);
  const other = await second.signIn();
  try {
    // Two people, each opened by both operators, so that either could be named.
    const first = await requestFor(one, await findPerson(desk));
    const shared = await requestFor(other, await findPerson(desk, true));
    for (const console of [one, other])
      for (const subject of [first.reference, shared.reference])
        await expectDone(console, 'subjects.open', { subject, reason: 'both look' });

    const { request } = await expectDone(one, 'requests.open', {
      kind: 'deletion',
      receivedOn: '2026-10-01',
    });
    const taken = await Promise.all(
      [one, other].map((each) => each.dispatch('requests.assign', { id: request.id })),
    );
    expect(taken.map(({ ok }) => ok)).toEqual([true, true]);
    const owner = await expectDone(one, 'requests.show', { id: request.id });
    expect(owner.request.assignee).not.toBeNull();

    const linked = await Promise.all([
      one.dispatch('requests.link', { id: request.id, subject: first.reference }),
      other.dispatch('requests.link', { id: request.id, subject: shared.reference }),
    ]);
    expect(linked.filter(({ ok }) => ok)).toHaveLength(1);
    const [code, message] = plainFailure(linked.find(({ ok }) => !ok) ?? { failure: null });
    expect([code, message]).toEqual([
      'conflict',
      `Request ${String(request.id)} is already about another person; close it and open a new one.`,
    ]);

    const planned = await Promise.all(
      [one, other].map((each) => each.dispatch('erasure.plan', { requestId: first.request })),
    );
    expect(planned.some(({ ok }) => ok)).toBe(true);
    for (const result of planned) if (!result.ok) plainFailure(result);
    const { plans } = await expectDone(one, 'erasure.list', { requestId: first.request });
    expect(plans.filter(({ state }) => state === 'awaiting')).toHaveLength(1);
    const plan = plans.find(({ state }) => state === 'awaiting');
    const closing = await other.dispatch('requests.close', { id: first.request, outcome: 'done' });
    expect(plainFailure(closing)).toEqual([
      'refused',
      'A deletion plan of this request is still open; finish it, or plan again and have that denied.',
    ]);

    // Approved and denied at once: one of the two counts.
    const approver = await desk.signIn('approver');
    const decide = (decision: 'approve' | 'deny') =>
      approver.dispatch('erasure.decide', {
        planId: plan?.id ?? 0,
        sha256: plan?.sha256 ?? '',
        decision,
        reason: 'both at once',
      });
    const decided = await Promise.all([decide('approve'), decide('deny')]);
    expect(decided.filter(({ ok }) => ok)).toHaveLength(1);
    expect(plainFailure(decided.find(({ ok }) => !ok) ?? { failure: null })[0]).toBe('conflict');

    // Planned anew while the other has it approved and begins to run it.
    const { plan: wanted } = await expectDone(one, 'erasure.plan', { requestId: first.request });
    await expectDone(approver, 'erasure.decide', {
      planId: wanted.id,
      sha256: wanted.sha256,
      decision: 'approve',
      reason: 'identity proved',
    });
    const [ran, replanned] = await Promise.all([
      other.dispatch('erasure.run', { planId: wanted.id }),
      one.dispatch('erasure.plan', { requestId: first.request }),
    ]);
    if (ran.ok) {
      const { job } = await expectDone(other, 'jobs.wait', { id: ran.value.jobId });
      expect(job).toMatchObject({ state: 'done', result: { complete: true } });
      plainFailure(replanned);
    } else {
      expect(replanned.ok).toBe(true);
      plainFailure(ran);
    }
  } finally {
    await other.close();
  }
});

test('export one person at once: two whole packages of two names', async () => {
  await using desk = await openDesk({ withBucket: true });
  const one = await desk.signIn('operator');
  const second = await anotherOperator(desk);
  const other = await second.signIn();
  try {
    const victim = await requestFor(one, await findPerson(desk), 'export');
    const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
    const jobs = await Promise.all(
      [one, other].map(async (console) => {
        const { jobId } = await expectDone(console, 'exports.start', { requestId: victim.request, folder });
        return (await expectDone(console, 'jobs.wait', { id: jobId })).job;
      }),
    );
    expect(jobs.map(({ state }) => state)).toEqual(['done', 'done']);
    expect(await readdir(folder)).toHaveLength(2);
    for (const job of jobs) {
      const verified = await verdictOn(one, { file: String(job.result?.['file']) });
      expect(verified.intact).toBe(true);
    }
  } finally {
    await other.close();
  }
});

test('export and delete one person at once: whichever ends, nothing is half done', async () => {
  await using desk = await openDesk({ withBucket: true });
  const one = await desk.signIn('operator');
  const second = await anotherOperator(desk);
  const other = await second.signIn();
  try {
    const person = await findPerson(desk);
    const victim = await requestFor(one, person);
    const copy = await requestFor(other, person, 'export');
    const { plan } = await expectDone(one, 'erasure.plan', { requestId: victim.request });
    await expectDone(await desk.signIn('approver'), 'erasure.decide', {
      planId: plan.id,
      sha256: plan.sha256,
      decision: 'approve',
      reason: 'identity proved',
    });
    const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
    const started = await other.dispatch('exports.start', { requestId: copy.request, folder });
    const [erased, exported] = await Promise.all([
      run(one, plan.id),
      started.ok ? expectDone(other, 'jobs.wait', { id: started.value.jobId }) : null,
    ]);
    expect(erased).toMatchObject({ state: 'done', result: { complete: true } });
    if (exported?.job.state === 'done') {
      const verified = await verdictOn(one, {
        file: String(exported.job.result?.['file']),
      });
      expect(verified.intact).toBe(true);
    } else {
      plainFailure(exported?.job ?? started);
      expect(await readdir(folder)).toEqual([]);
    }
  } finally {
    await other.close();
  }
});
