import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Console } from '#core/console.ts';
import type { DemoRole } from '#core/connections/index.ts';
import type { Replay } from '#shared/contract/erasure.ts';
import { takeBackup, type Backup } from '#tests/helpers/backup.ts';
import { begin, decide, effect, planDeletion, someone } from '#tests/helpers/psql.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { approve, findPerson, otherWorkstation, requestFor, run, type Victim } from './approvedPlan.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

let desk: TestDesk;
let backup: Backup;
let elsewhere: Awaited<ReturnType<typeof otherWorkstation>>;
let file: string;
let signer: string;
/** When the backup was taken. */
let asOf: string;
/** Erased after the backup was taken, in this order. */
let gone: readonly Victim[];
let recipient: string;
let partly: string;

/** Signs in, works, and signs out, so that nobody is connected afterwards. */
async function as<Value>(role: DemoRole, work: (console: Console) => Promise<Value>): Promise<Value> {
  const console = await desk.signIn(role);
  try {
    return await work(console);
  } finally {
    await console.close();
  }
}

async function erase(operator: Console): Promise<Victim> {
  const victim = await requestFor(operator, await findPerson(desk));
  const plan = await approve(desk, operator, victim);
  expect(await run(operator, plan.id)).toMatchObject({ state: 'done', result: { complete: true } });
  return victim;
}

/** A message recipient, who has no account; gives their reference. */
async function eraseRecipient(operator: Console): Promise<string> {
  const number = await desk.superuser(async ({ query }) => {
    const { rows } = await query<{ phone: string }>(
      `select c.phone from contacts c where length(c.phone) > 9 and not exists (select from users u where right(u.phone, 10) = right(c.phone, 10))
       order by (select count(*) from messages m where m.recipient_phone = c.phone), c.id limit 1`,
    );
    return rows[0]?.phone ?? '';
  });
  const { request } = await expectDone(operator, 'requests.open', {
    kind: 'deletion',
    receivedOn: '2026-10-01',
  });
  const { hits } = await expectDone(operator, 'search.run', { text: number, requestId: request.id });
  const subject = hits.find(({ kind }) => kind === 'recipient')?.subject ?? '';
  await expectDone(operator, 'subjects.open', { subject, requestId: request.id });
  await expectDone(operator, 'requests.link', { id: request.id, subject });
  const plan = await approve(desk, operator, { request: request.id } as Victim);
  expect(await run(operator, plan.id)).toMatchObject({ state: 'done', result: { complete: true } });
  return subject;
}

/** Begins a deletion that removes something and does not end; gives the reference. */
async function eraseInPart(): Promise<string> {
  const [operator, approver] = [await desk.bare('operator'), await desk.bare('approver')];
  const planned = await planDeletion(operator, await someone(desk));
  expect(await decide(approver, planned)).toBeNull();
  const begun = await begin(operator, planned);
  if (typeof begun === 'string') throw new Error(begun);
  const step = begun.steps.find(({ action, planned: rows }) => action === 'delete' && rows > 0)?.step;
  expect(await effect(operator, 'erase_batch($1, $2)', [begun.run, step])).toMatchObject({ ok: true });
  return planned.subject;
}

async function replay(operator: Console, input: { file: string; signer?: string }): Promise<Replay> {
  const { jobId, replay: number } = await expectDone(operator, 'erasure.replayLedger', input);
  expect((await expectDone(operator, 'jobs.wait', { id: jobId })).job).toMatchObject({ state: 'done' });
  const { replays } = await expectDone(operator, 'erasure.replays', { replay: number });
  const [found] = replays;
  if (found === undefined) throw new Error('no replay');
  return found;
}

async function isThere({ id }: Victim): Promise<boolean> {
  return desk.superuser(
    async ({ query }) => (await query('select from users where id = $1', [id])).rows.length > 0,
  );
}

beforeAll(async () => {
  desk = await openDesk({ withBucket: true });
  file = path.join(desk.folder, 'deletions.ledger');
  await as('auditor', (auditor) => expectDone(auditor, 'audit.list', {}));
  backup = await takeBackup(desk);
  asOf = new Date().toISOString();
  elsewhere = await otherWorkstation(desk, {});
});

afterAll(async () => {
  await backup[Symbol.asyncDispose]();
  await desk[Symbol.asyncDispose]();
});

test('the ledger has each deletion once, holds hashes alone, and says what is not in it', async () => {
  const operator = await desk.signIn('operator');
  const one = await erase(operator);
  // This console sees a part of what will be lost.
  await (await elsewhere.signIn()).close();
  gone = [one, await erase(operator), await erase(operator)];
  recipient = await eraseRecipient(operator);
  partly = await eraseInPart();
  expect(await expectDone(operator, 'erasure.ledger', {})).toMatchObject({ savedAt: null, since: 5 });

  const saved = await expectDone(operator, 'erasure.saveLedger', { file });
  expect(saved).toMatchObject({ count: 5, added: 5 });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await expectDone(operator, 'erasure.ledger', {})).toMatchObject({
    savedBy: 'operator',
    sha256: saved.sha256,
    count: 5,
    since: 0,
  });
  const text = await readFile(file, 'utf8');
  const states = text.split('\n').flatMap((line) => /"state":"(\w+)"/.exec(line)?.[1] ?? []);
  expect(states).toEqual(['done', 'done', 'done', 'done', 'partial']);
  for (const { id, email, workspace } of gone)
    for (const tells of [id, email, workspace]) expect(text).not.toContain(tells);

  // Not over another file; and adding what there is not leaves it as it is.
  expect(await operator.dispatch('erasure.saveLedger', { file })).toMatchObject({
    ok: false,
    failure: { code: 'disk' },
  });
  expect(await expectDone(operator, 'erasure.saveLedger', { file, append: true })).toMatchObject({
    count: 5,
    added: 0,
    sha256: saved.sha256,
  });
  expect(await readFile(file, 'utf8')).toBe(text);
  const { keys } = await expectDone(operator, 'keys.list', {});
  signer = keys[0]?.fingerprint ?? '';
  await operator.close();
});

test('a restore that nobody has said stops everybody; said by two it is accepted once, and told', async () => {
  await backup.restore();
  for (const victim of gone) expect(await isThere(victim)).toBe(true);
  const stopped = { ok: false, failure: { code: 'trail_contradiction' } };
  await as('operator', async (operator) => {
    expect(await operator.dispatch('requests.list', {})).toMatchObject(stopped);
    expect(await operator.dispatch('erasure.replayLedger', { file })).toMatchObject(stopped);
  });

  const { restore, lost } = await as('administrator', async (administrator) => {
    const declared = await expectDone(administrator, 'audit.declareRestore', {
      asOf,
      reason: 'Disk failed; backup of last night',
    });
    expect(await administrator.dispatch('requests.list', {})).toMatchObject(stopped);
    return declared;
  });
  // One person's word changes nothing.
  await as('operator', async (operator) => {
    expect(await operator.dispatch('requests.list', {})).toMatchObject(stopped);
  });
  await as('auditor', async (auditor) => {
    await expectDone(auditor, 'audit.decideRestore', { restore, decision: 'approve' });
    const { restores } = await expectDone(auditor, 'audit.restores', {});
    expect(restores).toMatchObject([
      { lost, state: 'confirmed', declaredBy: 'administrator', decidedBy: 'auditor' },
    ]);
  });
  const said = { lost, declaredBy: 'administrator', confirmedBy: 'auditor' };
  for (const role of ['operator', 'approver', 'administrator'] as const)
    await as(role, async (console) => {
      expect(await expectDone(console, 'session.current', {})).toMatchObject({
        session: { trailFault: null, restored: said },
      });
      await expectDone(console, 'requests.list', {});
    });
  const other = await elsewhere.signIn();
  expect(await expectDone(other, 'session.current', {})).toMatchObject({
    session: { trailFault: null, restored: said },
  });
  await other.close();
});

test('who came back is found, gets a request, and is gone again after plan, approval and run; who is new stays', async () => {
  const [back, newSince, address] = gone as [Victim, Victim, Victim];
  // Of the second the row went with the restore and they signed up anew; the third's address is another account's.
  await desk.superuser(async ({ query }) => {
    await query('set session_replication_role = replica');
    await query('delete from users where id = any ($1)', [[newSince.id, address.id]]);
    await query(
      `insert into users (id, email, name, password_hash, locale, created_at) values ($1, $2, 'New Account', 'x', 'en', clock_timestamp())`,
      [randomUUID(), newSince.email],
    );
    await query(
      `update users set email = $1 where id = (select id from users where id <> $2 and created_at < now() - interval '1 month' order by id limit 1)`,
      [address.email, back.id],
    );
  });
  const operator = await desk.signIn('operator');
  // The key it is signed with was registered after the backup was taken.
  expect(await operator.dispatch('erasure.replayLedger', { file })).toMatchObject({
    ok: false,
    failure: { code: 'refused' },
  });
  const found = await replay(operator, { file, signer });
  expect(found).toMatchObject({
    state: 'done',
    named: true,
    behind: 0,
    count: 5,
    cameBack: 3,
    newSince: 1,
    address: 1,
  });
  expect(
    found.found.map(({ was, kind, outcome, request }) => [was, kind, outcome, request !== null]),
  ).toEqual([
    [back.reference, 'account', 'came_back', true],
    [newSince.reference, 'account', 'new_since', false],
    [address.reference, 'account', 'address', false],
    [recipient, 'recipient', 'came_back', true],
    [partly, 'account', 'came_back', true],
  ]);
  expect(await isThere(back)).toBe(true);

  const [line] = found.found;
  const { request } = await expectDone(operator, 'requests.show', { id: line?.request ?? 0 });
  expect(request).toMatchObject({ kind: 'deletion', subject: line?.subject });
  expect(request.message).toContain('Came back with a restored backup');
  const again = { ...back, reference: line?.subject ?? '', request: request.id };
  const plan = await approve(desk, operator, again);
  expect(await run(operator, plan.id)).toMatchObject({ state: 'done', result: { complete: true } });
  expect(await isThere(back)).toBe(false);

  // Those who are still there keep their requests; and the ledger keeps what the database has forgotten.
  const later = await replay(operator, { file, signer });
  expect(later).toMatchObject({ cameBack: 2, newSince: 1, address: 1 });
  expect(later.found.flatMap((each) => each.request ?? [])).toEqual(
    found.found.flatMap((each) => (each.was === back.reference ? [] : (each.request ?? []))),
  );
  expect(await expectDone(operator, 'erasure.saveLedger', { file, append: true, signer })).toMatchObject({
    count: 6,
    added: 1,
  });
  await operator.close();
});
