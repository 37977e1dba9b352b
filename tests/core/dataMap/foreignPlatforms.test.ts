import { mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseMap } from '#core/dataMap/map.ts';
import { unpack } from '#tests/acceptance/judge.ts';
import { expectDone } from '#tests/helpers/testDesk.ts';
import { openForeignDatabase } from '#tests/helpers/foreignDatabase.ts';
import { answered } from './answered.ts';
import { clinic, hostile, shop, software, tenanted } from './foreignSchemas.ts';
import { ownLoginName } from '#tests/helpers/psql.ts';

const ofTheOtherTenant = ['customers', 'addresses', 'orders', 'order_lines', 'invoices']
  .map((table) => `select to_jsonb(t) as row from ${table} t where tenant_id = 2`)
  .join(' union all ');

/** Each platform with whether it keeps objects (most have no bucket), a person of it, what of them must not be shown bare, how many rows are theirs, and which are somebody else’s for certain. */
const platforms = [
  {
    name: 'a shop',
    schema: shop,
    bucket: false,
    email: 'customer2@mail.example',
    rows: {
      customers: 1,
      orders: 1,
      order_items: 1,
      invoices: 1,
      newsletter: 1,
      addresses: 1,
      products: 1,
      countries: 1,
    },
    plan: {
      order_items: 'delete',
      newsletter: 'delete',
      orders: 'anonymise',
      customers: 'anonymise',
      addresses: 'anonymise',
      invoices: 'keep',
    },
  },
  {
    name: 'a clinic',
    schema: clinic,
    bucket: true,
    email: 'patient3@mail.example',
    rows: { patients: 1, letters: 1 },
    plan: { letters: 'delete', patients: 'delete' },
  },
  {
    name: 'teams’ software',
    schema: software,
    bucket: false,
    email: 'owner2@saas.example',
    rows: { accounts: 1 },
    plan: { accounts: 'delete' },
  },
  {
    name: 'shops of several tenants',
    schema: tenanted,
    bucket: false,
    email: 'customer2@tenant1.example',
    // What they approved for somebody else is read as theirs, and stays.
    rows: { customers: 1, addresses: 1, orders: 2, order_lines: 4, products: 2, invoices: 2 },
    plan: {
      order_lines: 'delete',
      orders: 'anonymise',
      customers: 'anonymise',
      addresses: 'anonymise',
      invoices: 'keep',
    },
    others: ofTheOtherTenant,
  },
  {
    name: 'shops of several tenants, somebody without an invoice',
    schema: tenanted,
    bucket: false,
    email: 'customer4@tenant1.example',
    rows: { customers: 1, addresses: 1, orders: 1, order_lines: 2, products: 1 },
    // The next customer was brought in by this one, which would forbid it.
    plan: { order_lines: 'delete', orders: 'delete', customers: 'delete', addresses: 'delete' },
    others: ofTheOtherTenant,
  },
  {
    name: 'a platform of hostile names',
    schema: hostile(),
    bucket: false,
    email: 'n2@mail.example',
    phone: '44 7700 900002',
    rows: { users_drop_table_x: 1, line_one_a_b_c: 1, t: 1 },
    plan: { t: 'delete', line_one_a_b_c: 'delete', users_drop_table_x: 'delete' },
  },
] as const;

test.each(platforms)('$name: draft to deletion, by way of check, search and export', async (given) => {
  await using database = await openForeignDatabase(given.schema, { bucket: given.bucket });
  const administrator = database.console();
  const { text } = await expectDone(administrator, 'map.draft', { profile: 'demo:administrator' });
  const file = path.join(database.folder, 'map.yaml');
  // The bucket of these tests holds what the demo put there.
  const elsewhere = given.bucket ? ['r2:assets/', 'r2:tmp/', 'r2:workspaces/'] : [];
  await writeFile(file, answered(text, elsewhere));
  const { findings } = await expectDone(administrator, 'map.checkFile', {
    profile: 'demo:administrator',
    map: file,
  });
  // Logins are the cluster's, those of other tests too.
  const blocking = findings.filter((each) => each.severity === 'blocks' && !ownLoginName.test(each.subject));
  expect(blocking).toEqual([]);
  await expectDone(administrator, 'database.install', { profile: 'demo:administrator', map: file });
  // Those of this map, not of the shipped one.
  const { indexes } = await expectDone(administrator, 'database.indexes', {
    profile: 'demo:administrator',
    apply: true,
  });
  expect(indexes.filter((each) => each.state !== 'present')).toEqual([]);
  await expectDone(administrator, 'session.signIn', { profile: 'demo:administrator' });
  for (const [login, person] of [
    ['operator', 'Ravi Kumar'],
    ['approver', 'Meera Iyer'],
  ] as const)
    await expectDone(administrator, 'staff.add', { login, person, roles: [login] });

  const operator = database.console();
  await expectDone(operator, 'session.signIn', { profile: 'demo:operator' });
  const reason = 'a person wrote to us';
  const { hits } = await expectDone(operator, 'search.run', { text: given.email, reason });
  expect(hits.map((each) => each.matched)).toEqual([
    [{ field: expect.stringMatching(/^e-?mail$/i) as string, how: 'exact' }],
  ]);
  const subject = hits[0]?.subject ?? '';
  // There is no pg_trgm: a number is found whole, however it is typed.
  if ('phone' in given) {
    const byPhone = await expectDone(operator, 'search.run', { text: given.phone, reason });
    expect(byPhone.hits.map((each) => [each.subject, each.matched])).toEqual([
      [subject, [{ field: 'phone', how: 'digits' }]],
    ]);
  }
  const { access } = await expectDone(operator, 'subjects.open', { subject, reason });
  const { counts } = await expectDone(operator, 'subjects.show', { accessId: access.id });
  expect(
    Object.fromEntries(counts.filter((each) => each.count > 0).map((each) => [each.collection, each.count])),
  ).toEqual(given.rows);
  for (const collection of Object.keys(parseMap(text).collections)) {
    const page = await expectDone(operator, 'subjects.page', { accessId: access.id, collection });
    expect(page.rows.length, collection).toBe(
      (given.rows as Readonly<Record<string, number>>)[collection] ?? 0,
    );
    expect(JSON.stringify(page), collection).not.toContain(given.email);
  }
  const others = async (): Promise<readonly unknown[]> =>
    'others' in given
      ? (await database.superuser(({ query }) => query<{ row: unknown }>(given.others))).rows
      : [];
  const before = await others();
  const wanted = await expectDone(operator, 'requests.open', {
    kind: 'access',
    receivedOn: '2026-11-01',
    subject,
  });
  const exported = await expectDone(operator, 'exports.start', {
    requestId: wanted.request.id,
    folder: database.folder,
  });
  const { job } = await expectDone(operator, 'jobs.wait', { id: exported.jobId });
  expect(job).toMatchObject({ state: 'done' });
  const unpacked = await unpack(
    String(job.result?.['file']),
    await mkdtemp(path.join(database.folder, 'unpacked-')),
  );
  expect(
    Object.fromEntries(
      [...unpacked.records]
        .filter(([, lines]) => lines.length > 0)
        .map(([name, lines]) => [name, lines.length]),
    ),
  ).toEqual(given.rows);

  const { request } = await expectDone(operator, 'requests.open', {
    kind: 'deletion',
    receivedOn: '2026-11-01',
    subject,
  });
  const { plan } = await expectDone(operator, 'erasure.plan', { requestId: request.id });
  expect(
    Object.fromEntries(
      plan.lines.filter((each) => each.rows > 0).map((each) => [each.collection, each.action]),
    ),
  ).toEqual(given.plan);

  const approver = database.console();
  await expectDone(approver, 'session.signIn', { profile: 'demo:approver' });
  await expectDone(approver, 'erasure.decide', {
    planId: plan.id,
    sha256: plan.sha256,
    decision: 'approve',
    reason: 'read it',
  });
  const { jobId } = await expectDone(operator, 'erasure.run', { planId: plan.id });
  expect((await expectDone(operator, 'jobs.wait', { id: jobId })).job).toMatchObject({ state: 'done' });
  const { plan: after } = await expectDone(operator, 'erasure.show', { planId: plan.id });
  expect(after.state).toBe('done');
  const again = await expectDone(operator, 'search.run', { text: given.email, reason });
  expect(again.hits).toEqual([]);
  expect(await others()).toEqual(before);

  // The tables lie in schemas that staff may not use; what is proposed can be read and decided all the same.
  const proposed = answered(text).replace(/^( +)erasure: .*$/m, '$1erasure: { action: none }');
  const inForce = await expectDone(administrator, 'map.compare', { file, text: proposed });
  const { change } = await expectDone(administrator, 'map.propose', {
    file,
    text: proposed,
    base: inForce.base,
    reason: 'these rows stay',
  });
  const read = await expectDone(approver, 'map.change', { change: change.id });
  expect(read.tables.length).toBeGreaterThan(0);
  expect(read.tables).toEqual(inForce.tables);
});
