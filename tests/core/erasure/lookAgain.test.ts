import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { Console } from '#core/console.ts';
import type { ErasurePlan } from '#shared/contract/erasure.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { approve, findPerson, requestFor, run, type Victim } from './approvedPlan.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Somebody with a name and a number that nobody else has, and a workspace of somebody else's. */
async function stage(desk: TestDesk): Promise<{ operator: Console; victim: Victim; elsewhere: string }> {
  const operator = await desk.signIn('operator');
  const person = await findPerson(desk);
  const elsewhere = await desk.superuser(async ({ query }) => {
    await query(`update users set name = 'Zubeida Quaintrelle', phone = '+919812345670' where id = $1`, [
      person.id,
    ]);
    const { rows } = await query<{ id: string }>(
      'select id from workspaces where owner_id <> $1 order by id limit 1',
      [person.id],
    );
    return rows[0]?.id ?? '';
  });
  return { operator, victim: await requestFor(operator, person), elsewhere };
}

async function planOf(console: Console, planId: number): Promise<ErasurePlan> {
  return (await expectDone(console, 'erasure.show', { planId })).plan;
}

const findsOf = (plan: ErasurePlan): readonly (readonly [string, number, number])[] =>
  (plan.run?.finds ?? []).map(({ name, rows, kept }) => [name, rows, kept] as const);

test('what others wrote about who was erased is found again wherever the map says so, keeps the request open until another person has said why it stays, and stands on the certificate', async () => {
  await using desk = await openDesk();
  const { operator, victim, elsewhere } = await stage(desk);
  await desk.superuser(({ query }) =>
    query(`
      insert into support_messages (user_id, from_email, subject, body) values
        (null, 'a@example.net', 'About', E'Write to\\n${victim.email.toUpperCase()}.'),
        (null, 'b@example.net', 'zubeida  QUAINTRELLE owes me', ''),
        (null, 'c@example.net', 'not ${victim.email}.au, nor x${victim.email}', 'Zubeida Quaintrelles'),
        (null, '${victim.email.toUpperCase()}x', 'another address', '');
      update workspaces set settings = '{"note": "line\\n${victim.email}"}' where id = '${elsewhere}';
      insert into campaigns (workspace_id, name, template, status) values ('${elsewhere}', 'Diwali', 'Call 098123-45670 now', 'draft');
      insert into whatsapp_sessions (workspace_id, phone, status, session_identifier) values ('${elsewhere}', '0091 98123 45670', 'pairing', 'wa-x');
      insert into contacts (workspace_id, phone, name) values ('${elsewhere}', '+919812345670', 'Zubeida Quaintrelle');`),
  );
  const { id } = await approve(desk, operator, victim);
  expect(await run(operator, id)).toMatchObject({
    state: 'done',
    result: { complete: false, left: 0, finds: 5 },
  });
  const plan = await planOf(operator, id);
  expect(plan).toMatchObject({ state: 'running', run: { state: 'incomplete', unlooked: 0 } });
  // A contact of another tenant is that tenant's: told, and no reason to wait. Names are looked for in texts alone.
  expect(findsOf(plan)).toEqual([
    ['campaigns.template', 1, 0],
    ['contacts.phone', 0, 1],
    ['support_messages.body', 1, 0],
    ['support_messages.subject', 1, 0],
    ['whatsapp_sessions.phone', 1, 0],
    ['workspaces.settings', 1, 0],
  ]);
  const outcomes = (plan.run?.outcomes ?? []).filter((each) => each.outcome === 'failed');
  expect(outcomes.map(({ title, rows }) => [title, rows])).toEqual([
    ['Workspaces', 1],
    ['Campaigns', 1],
    ['WhatsApp sessions', 1],
    ['Support messages', 1],
    ['Support messages', 1],
  ]);
  const closing = await operator.dispatch('requests.close', { id: victim.request, outcome: 'deleted' });
  expect(closing).toMatchObject({ ok: false });
  // Two are mended on the platform, the others stay.
  await desk.superuser(({ query }) =>
    query(`update workspaces set settings = '{}' where id = '${elsewhere}';
      delete from support_messages where from_email = 'b@example.net';
      delete from whatsapp_sessions where session_identifier = 'wa-x'`),
  );
  const approver = await desk.signIn('approver');
  for (const find of ['campaigns.template', 'support_messages.body'])
    await expectDone(approver, 'erasure.judge', { planId: id, find, because: 'The tenant decides about it' });
  expect(await run(operator, id)).toMatchObject({ state: 'done', result: { complete: true, finds: 0 } });
  const { text, says } = await expectDone(operator, 'erasure.certificate', { planId: id });
  expect(says.finds.map(({ name, rows, kept, because }) => [name, rows, kept, because])).toEqual([
    ['campaigns.template', 1, 0, 'The tenant decides about it'],
    ['contacts.phone', 0, 1, null],
    ['support_messages.body', 1, 0, 'The tenant decides about it'],
  ]);
  expect(says.outcomes).toContainEqual({
    ...{ title: 'Contacts', where: 'public.contacts', outcome: 'kept', rows: 1, until: null },
    because: 'The tenant (workspace owner) is the controller; CloudSingh is the processor.',
  });
  expect(says.outcomes.some((each) => each.outcome === 'failed')).toBe(false);
  expect(says.outcomes.find((each) => each.title === 'Account')).toMatchObject({
    outcome: 'erased',
    rows: 1,
  });
  expect(says.remains).toMatchObject({ backupDays: 35, autovacuum: expect.any(Boolean) as boolean });
  for (const each of [victim.email, '9812345670', 'Quaintrelle'])
    expect(text.toLowerCase()).not.toContain(each.toLowerCase());
  // What it was looked for by is forgotten with the rest.
  const { rows } = await desk.superuser(({ query }) =>
    query<{ scope: object; carried: object }>(
      'select scope, carried from privacy_console.plan where id = $1',
      [id],
    ),
  );
  expect(rows).toEqual([{ scope: {}, carried: {} }]);
});

test('the names of all objects are looked through, wherever they lie', async () => {
  await using desk = await openDesk({ withBucket: true });
  const { operator, victim, elsewhere } = await stage(desk);
  const put = (...names: readonly string[]): Promise<unknown> =>
    Promise.resolve(
      desk.bucket?.put(
        names.map((name) => ({
          key: `workspaces/${elsewhere}/${name}`,
          bytes: Buffer.from('x'),
          contentType: 'text/plain',
        })),
      ),
    );
  await put(
    `scan of ${victim.email.toUpperCase()}.pdf`,
    `${victim.email.replace('@', '%40')}/1.txt`,
    'calls/+91 98123 45670.ogg',
    'calls/919812345671.ogg',
    `${victim.email.slice(1)}.pdf`,
  );
  const { id } = await approve(desk, operator, victim);
  expect((await run(operator, id)).result).toMatchObject({ complete: false, left: 0, finds: 1 });
  expect((await planOf(operator, id)).run?.finds).toMatchObject([
    { name: 'objects.key', title: 'Objects in R2', column: 'Name', rows: 3, because: null },
  ]);
  const approver = await desk.signIn('approver');
  const judge = (): Promise<unknown> =>
    expectDone(approver, 'erasure.judge', {
      planId: id,
      find: 'objects.key',
      because: 'The tenant decides about it',
    });
  await judge();
  // One more than was judged.
  await put(`again-${victim.email}`);
  expect((await run(operator, id)).result).toMatchObject({ complete: false, finds: 1 });
  await judge();
  expect((await run(operator, id)).result).toMatchObject({ complete: true });
  const { says, text } = await expectDone(operator, 'erasure.certificate', { planId: id });
  expect(says.finds).toMatchObject([{ name: 'objects.key', title: 'Objects in R2', rows: 4 }]);
  expect(text.toLowerCase()).not.toContain(victim.email.toLowerCase());
});

test('more of what was judged has to be judged anew, and what the platform writes in between is found', async () => {
  await using desk = await openDesk();
  const { operator, victim } = await stage(desk);
  const mention = (from: string): Promise<unknown> =>
    desk.superuser(({ query }) =>
      query('insert into support_messages (from_email, subject, body) values ($1, $2, $3)', [
        from,
        'About',
        victim.email,
      ]),
    );
  await mention('a@example.net');
  const { id } = await approve(desk, operator, victim);
  expect((await run(operator, id)).result).toMatchObject({ complete: false, finds: 1 });
  const approver = await desk.signIn('approver');
  const judge = (): Promise<unknown> =>
    expectDone(approver, 'erasure.judge', {
      planId: id,
      find: 'support_messages.body',
      because: 'Proof of a dispute',
    });
  await judge();
  await mention('b@example.net');
  expect((await run(operator, id)).result).toMatchObject({ complete: false, finds: 1 });
  expect((await planOf(operator, id)).run?.finds).toMatchObject([{ rows: 2, because: null }]);
  await judge();
  expect((await run(operator, id)).result).toMatchObject({ complete: true });
});

test('a plan made anew goes on looking for what the rows that have gone told', async () => {
  await using desk = await openDesk();
  const { operator, victim } = await stage(desk);
  await desk.superuser(({ query }) =>
    query(`insert into support_messages (from_email, subject, body) values ('a@example.net', 'About', $1)`, [
      victim.email,
    ]),
  );
  const { id } = await approve(desk, operator, victim);
  expect((await run(operator, id)).result).toMatchObject({ complete: false, finds: 1 });
  const again = await approve(desk, operator, victim);
  expect(again.lines.filter((line) => line.collection === 'users')).toEqual([]);
  expect((await run(operator, again.id)).result).toMatchObject({ complete: false, finds: 1 });
});

/** Letters that mean something in a pattern, an address, a number or a document. */
const letters = [...'abAB01@.+-_%()[]{}*?^$|\\/"\' \n'];
const isWord = (letter: string | undefined): boolean => letter !== undefined && /[a-z0-9]/i.test(letter);

/** Whether an address stands in a text as a word of its own, told without a pattern. */
function standsIn(text: string, address: string): boolean {
  const [low, sought] = [text.toLowerCase(), address.toLowerCase()];
  for (let at = low.indexOf(sought); at !== -1; at = low.indexOf(sought, at + 1)) {
    const [before, after, next] = [low[at - 1], low[at + sought.length], low[at + sought.length + 1]];
    const inAnother = isWord(before) || (before !== undefined && '._%+-'.includes(before));
    if (!inAnother && !isWord(after) && after !== '-' && !(after === '.' && isWord(next))) return true;
  }
  return false;
}

/** Whether a number stands in a text with at most two signs between its digits, told without a pattern. */
function numberIn(text: string, digits: string): boolean {
  const from = (at: number, left: string): boolean => {
    if (left === '') return !/[0-9]/.test(text[at] ?? '');
    for (let signs = 0; signs <= 2; signs += 1) {
      if (text[at + signs] === left[0] && from(at + signs + 1, left.slice(1))) return true;
      const sign = text[at + signs];
      if (sign === undefined || isWord(sign) || sign === '@') return false;
    }
    return false;
  };
  return [...text].some((letter, at) => letter === digits[0] && from(at + 1, digits.slice(1)));
}

test('addresses and numbers of any letters are found in texts of any letters as a walk through them finds them', async () => {
  await using desk = await openDesk();
  const letter = fc.constantFrom(...letters);
  const some = (most: number): fc.Arbitrary<string> =>
    fc.array(letter, { maxLength: most }).map((each) => each.join(''));
  const address = fc
    .tuple(some(4), some(4))
    .map(([name, domain]) => `a${name}@${domain}b`)
    .filter((each) => !/\s/.test(each));
  const digits = fc
    .array(fc.constantFrom('0', '1'), { minLength: 7, maxLength: 10 })
    .map((all) => all.join(''));
  const cases = fc.sample(
    fc.record({ address, digits, before: some(3), after: some(3), between: some(2), cut: fc.nat(3) }),
    { numRuns: 1_500, seed: 20_261_128 },
  );
  const texts = cases.map(({ before, after, between, cut, ...each }, n) => ({
    n,
    ...each,
    text: before + each.address.slice(0, each.address.length - (cut === 3 ? 1 : 0)) + after,
    number: before + [...each.digits].join(between) + after,
  }));
  const { rows } = await desk.superuser(({ query }) =>
    query<{ stands: boolean; numbered: boolean }>(
      `select t.text ~* privacy_console.loose_pattern(array[lower(t.address)], '{}', '{}')
           and t.text ~* privacy_console.identifier_pattern(array[lower(t.address)], '{}', '{}') as stands,
         t.number ~* privacy_console.loose_pattern('{}', array[t.digits], '{}')
           and t.number ~* privacy_console.identifier_pattern('{}', array[t.digits], '{}') as numbered
       from jsonb_to_recordset($1) t(address text, digits text, text text, number text, n int) order by t.n`,
      [JSON.stringify(texts)],
    ),
  );
  const expected = texts.map((each) => ({
    stands: standsIn(each.text, each.address),
    numbered: numberIn(each.number, each.digits),
  }));
  for (const [index, row] of rows.entries())
    expect({ ...texts[index], ...row }).toEqual({ ...texts[index], ...expected[index] });
  for (const each of ['stands', 'numbered'] as const)
    for (const said of [true, false]) expect(expected.some((one) => one[each] === said)).toBe(true);
});
