import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { namedPeople } from '#demo/people.ts';
import { approve, findPerson, requestFor } from '#tests/core/erasure/approvedPlan.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';
import { plainFailure } from './plain.ts';

vi.setConfig({ testTimeout: 120_000 });

const run = promisify(execFile);

test('names that are markup, formulas or other scripts are found by themselves and exported as they are', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const odd = namedPeople.filter(
    ({ name }) => /^[=<+@-]|['"<&]|[^\u0020-\u024f]/.test(name) && name.length <= 200,
  );
  expect(odd.some(({ name }) => name.startsWith('=HYPERLINK'))).toBe(true);
  expect(odd.some(({ name }) => name.startsWith('<img'))).toBe(true);
  for (const { name } of odd) {
    const { rows } = await desk.superuser(({ query }) =>
      query<{ id: string; email: string }>('select id, email::text as email from users where name = $1', [
        name,
      ]),
    );
    const { hits } = await expectDone(operator, 'search.run', {
      text: name,
      limit: 200,
      reason: 'odd names',
    });
    const references = await desk.superuser(({ query }) =>
      query<{ reference: string }>('select reference from privacy_console.subject where key = any ($1)', [
        rows.map(({ id }) => id),
      ]),
    );
    const found = hits.filter((hit) => references.rows.some(({ reference }) => reference === hit.subject));
    expect(found.length, name).toBeGreaterThan(0);
    // A search is one line: a tab in a name is a space in the search, so that name is similar rather than the same.
    if (!/[^\S ]/.test(name)) expect(found[0]?.score, name).toBe(1);
  }
  for (const start of ['=HYPERLINK', '<img']) {
    const name = odd.find((each) => each.name.startsWith(start))?.name ?? '';
    const { rows } = await desk.superuser(({ query }) =>
      query<{ id: string; email: string }>('select id, email::text as email from users where name = $1', [
        name,
      ]),
    );
    const victim = await requestFor(
      operator,
      { id: rows[0]?.id ?? '', email: rows[0]?.email ?? '', workspace: '' },
      'export',
    );
    const { jobId } = await expectDone(operator, 'exports.start', {
      requestId: victim.request,
      folder: desk.folder,
    });
    const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
    const { stdout } = await run('unzip', ['-p', String(job.result?.['file']), '*/data/records/users.jsonl']);
    expect((JSON.parse(stdout) as { name: string }).name).toBe(name);
  }
});

test('a search of 10 kB, of 100 kB or of two letters is refused in one sentence and asks the database nothing', async () => {
  await using desk = await openDesk();
  const operator = await desk.signIn('operator');
  const count = (): Promise<unknown> =>
    desk.superuser(async ({ query }) => (await query('select count(*) from privacy_console.entry')).rows);
  const before = await count();
  for (const text of ['x'.repeat(10_000), 'é'.repeat(100_000), 'ab', '🙏🙏', '\0\0\0\0', '   ']) {
    const [code] = plainFailure(await operator.dispatch('search.run', { text, reason: 'odd texts' }));
    expect(code).toBe('invalid_input');
  }
  expect(await count()).toEqual(before);
});

test('NUL bytes and lone surrogates do no harm wherever a text is taken', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const approver = await desk.signIn('approver');
  const bad = 'a\0b\ud800c\udfff🙏\u202e';
  await expectDone(operator, 'search.run', { text: `name ${bad}`, reason: 'odd texts' });
  const { request } = await expectDone(operator, 'requests.open', {
    kind: 'access',
    receivedOn: '2026-10-01',
    message: bad,
  });
  expect(request.message).not.toContain('\0');
  const victim = await requestFor(operator, await findPerson(desk));
  const { access } = await expectDone(operator, 'subjects.open', {
    subject: victim.reference,
    requestId: victim.request,
  });
  const { rows } = await expectDone(operator, 'subjects.page', { accessId: access.id, collection: 'users' });
  const row = rows[0]?.key ?? '';
  const { plan } = await expectDone(operator, 'erasure.plan', { requestId: victim.request });
  const results = await Promise.all([
    operator.dispatch('search.run', { text: 'somebody', reason: bad }),
    operator.dispatch('subjects.open', { subject: victim.reference, reason: bad }),
    operator.dispatch('subjects.reveal', {
      accessId: access.id,
      collection: 'users',
      row,
      column: 'email',
      reason: bad,
    }),
    operator.dispatch('subjects.reveal', {
      accessId: access.id,
      collection: 'users',
      row: `["${bad}"]`,
      column: 'email',
    }),
    operator.dispatch('subjects.reveal', { accessId: access.id, collection: bad, row, column: 'email' }),
    operator.dispatch('subjects.reveal', {
      accessId: access.id,
      collection: 'users',
      row: 'no key',
      column: 'email',
    }),
    operator.dispatch('subjects.reveal', {
      accessId: access.id,
      collection: 'users',
      row: '["x"]',
      column: 'email',
    }),
    operator.dispatch('subjects.act', {
      accessId: access.id,
      collection: 'dashboard_sessions',
      row: '["x"]',
      action: 'end',
    }),
    operator.dispatch('subjects.page', { accessId: access.id, collection: 'users', cursor: [bad, bad] }),
    operator.dispatch('subjects.page', {
      accessId: access.id,
      collection: 'messages',
      cursor: ['soon', 'x'],
    }),
    operator.dispatch('subjects.act', {
      accessId: access.id,
      collection: 'dashboard_sessions',
      row: bad,
      action: 'end',
    }),
    operator.dispatch('requests.assign', { id: victim.request, login: bad }),
    operator.dispatch('requests.link', { id: victim.request, subject: bad }),
    approver.dispatch('erasure.decide', {
      planId: plan.id,
      sha256: plan.sha256,
      decision: 'deny',
      reason: bad,
    }),
    operator.dispatch('erasure.plan', { requestId: request.id, decisions: { [bad]: bad } }),
  ]);
  // Done, or refused in one sentence; never a bug.
  for (const result of results) if (!result.ok) plainFailure(result, bad);
  const again = await approve(desk, operator, victim);
  expect(again.state).toBe('approved');
});
