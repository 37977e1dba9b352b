import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { lineOf } from '#tests/helpers/retention.ts';
import { openForeignDatabase } from '#tests/helpers/foreignDatabase.ts';
import { expectDone } from '#tests/helpers/testDesk.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Names that need quotes, keys of two columns, a table without a key, times as numbers, days and bare timestamps, a cascade. */
const schema = `
create schema "Shop Data";
create table "Shop Data"."Tiers" ("Tenant" int, "Name" text, "Keep Days" smallint, primary key ("Tenant", "Name"));
create table "Shop Data"."Customers" ("Tenant" int, "No" int, "Mail" text not null, "Tier" text, primary key ("Tenant", "No"));
create table "Shop Data"."Log" ("Id" bigint primary key, "Tenant" int not null, "No" int not null, "At" bigint not null, v_latest text);
create table "Shop Data"."Visits" ("Tenant" int not null, "No" int not null, "Day" date not null);
create table "Shop Data"."Orders" ("Id" int primary key, "Tenant" int not null, "No" int not null, "At" timestamp not null);
create table "Shop Data"."Lines" ("Id" int primary key, "Order" int references "Shop Data"."Orders" on delete cascade);
insert into "Shop Data"."Tiers" values (1, 'gold', 100), (1, 'free', 10), (2, 'free', 1000), (1, 'none', null);
insert into "Shop Data"."Customers" select t, n, 'c' || t || n || '@mail.example', (array['gold', 'free', 'none', 'lost'])[n] from generate_series(1, 2) t, generate_series(1, 4) n;
insert into "Shop Data"."Log" select row_number() over (), t, n, (extract(epoch from now() - make_interval(days => d)) * 1000)::bigint, 'said'
  from generate_series(1, 2) t, generate_series(1, 4) n, unnest(array[0, 9, 11, 99, 101, 999]) d;
insert into "Shop Data"."Visits" select 1, n, (now() at time zone 'UTC')::date - d from generate_series(1, 2) n, unnest(array[9, 10, 11, 12]) d;
insert into "Shop Data"."Orders" select d, 1, 1, (now() at time zone 'UTC') - make_interval(days => d) from unnest(array[29, 31, 32]) d;
insert into "Shop Data"."Lines" values (1, 32);
`;

const map = `
version: 1
policy: A policy
subjects:
  customer: { collection: customers, key: [Tenant, 'No'], email: Mail }
collections:
  customers:
    table: Shop Data.Customers
    title: Customers
    group: All
    subject: [{ columns: [Tenant, 'No'] }]
    order: [Tenant, 'No']
    columns: { Tenant: user.unique_id, 'No': user.unique_id, Mail: { category: user.contact.email, search: [exact] }, Tier: user.account }
    erasure: { action: delete }
  tiers:
    table: Shop Data.Tiers
    title: Tiers
    group: All
    subject: [{ columns: [Tenant, Name], of: customers, keys: [Tenant, Tier] }]
    order: [Tenant, Name]
    columns: { Tenant: user.unique_id, Name: system.operations, Keep Days: system.operations }
    erasure: { action: none }
  log:
    table: Shop Data.Log
    title: Log
    group: All
    subject: [{ columns: [Tenant, 'No'] }]
    order: [Id]
    columns: { Id: user.unique_id, Tenant: user.unique_id, 'No': user.unique_id, At: { category: user.behavior, epoch: milliseconds }, v_latest: user.behavior }
    expiry:
      old:
        title: Old lines
        from: At
        days:
          column: Keep Days
          by:
            - { columns: [Tenant, 'No'], of: customers, keys: [Tenant, 'No'] }
            - { columns: [Tenant, Tier], of: tiers, keys: [Tenant, Name] }
        then: delete
      said: { title: What was said, from: At, days: 1, then: { set: { v_latest: null } } }
    erasure: { action: delete }
  visits:
    table: Shop Data.Visits
    title: Visits
    group: All
    subject: [{ columns: [Tenant, 'No'] }]
    order: [Day]
    columns: { Tenant: user.unique_id, 'No': user.unique_id, Day: user.behavior }
    expiry:
      old: { title: Old visits, from: Day, days: 10, then: delete }
    erasure: { action: delete }
  orders:
    table: Shop Data.Orders
    title: Orders
    group: All
    subject: [{ columns: [Tenant, 'No'] }]
    order: [Id]
    columns: { Id: user.unique_id, Tenant: user.unique_id, 'No': user.unique_id, At: user.behavior }
    expiry:
      old: { title: Old orders, from: At, days: 30, then: delete }
    erasure: { action: delete }
  lines:
    table: Shop Data.Lines
    title: Lines
    group: All
    subject: [{ column: Order, of: orders, key: Id }]
    order: [Id]
    columns: { Id: user.unique_id, Order: user.unique_id }
    erasure: { action: delete }
`;

test('rows of a platform that names, keys and counts time in its own way expire by the same rules, and a cascade takes none', async () => {
  await using database = await openForeignDatabase(schema, { bucket: false });
  const file = path.join(database.folder, 'map.yaml');
  await writeFile(file, map);
  const administrator = database.console();
  await expectDone(administrator, 'database.install', { profile: 'demo:administrator', map: file });
  await expectDone(administrator, 'session.signIn', { profile: 'demo:administrator' });
  for (const [login, person] of [
    ['operator', 'Ravi Kumar'],
    ['approver', 'Meera Iyer'],
  ] as const)
    await expectDone(administrator, 'staff.add', { login, person, roles: [login] });
  const operator = database.console();
  await expectDone(operator, 'session.signIn', { profile: 'demo:operator' });
  const { hits } = await expectDone(operator, 'search.run', {
    text: 'c12@mail.example',
    reason: 'a court asks',
  });
  await expectDone(operator, 'holds.place', {
    on: { subject: hits[0]?.subject ?? '' },
    ground: 'a court asks',
    authority: 'High Court',
    owner: 'operator',
    reviewOn: new Date(Date.now() + 86_400_000).toISOString().slice(0, 10),
  });
  const counted = await expectDone(operator, 'retention.plan', {});
  const { job } = await expectDone(operator, 'jobs.wait', { id: counted.jobId });
  expect(job.failure).toBeNull();
  const { plan } = await expectDone(operator, 'retention.show', { planId: Number(job.result?.['planId']) });
  // Of tenant 1: gold 100 days, free 10 and held, the others without days; of tenant 2 only free has some.
  expect(lineOf(plan, 'log', 'old')).toMatchObject({ planned: 2, kept: 4 });
  expect(lineOf(plan, 'log', 'said')).toMatchObject({ planned: 35, kept: 5 });
  expect(lineOf(plan, 'visits', 'old')).toMatchObject({ planned: 2, kept: 2 });
  expect(lineOf(plan, 'orders', 'old')).toMatchObject({ planned: 1, referred: 1 });
  const approver = database.console();
  await expectDone(approver, 'session.signIn', { profile: 'demo:approver' });
  await expectDone(approver, 'retention.decide', {
    planId: plan.id,
    sha256: plan.sha256,
    decision: 'approve',
    reason: 'as counted',
  });
  const { jobId } = await expectDone(operator, 'retention.run', { planId: plan.id });
  expect((await expectDone(operator, 'jobs.wait', { id: jobId })).job).toMatchObject({
    state: 'done',
    result: { complete: true, left: 0 },
  });
  const [left] = await database.superuser(
    async ({ query }) =>
      (
        await query(`select
          (select count(*)::int from "Shop Data"."Log") as log,
          (select count(*)::int from "Shop Data"."Log" where v_latest is not null) as said,
          (select string_agg("No" || ':' || ((now() at time zone 'UTC')::date - "Day"), ' ' order by "No", "Day" desc) from "Shop Data"."Visits") as visits,
          (select string_agg("Id"::text, ' ' order by "Id") from "Shop Data"."Orders") as orders,
          (select count(*)::int from "Shop Data"."Lines") as lines`)
      ).rows,
  );
  // Eight lines of today, five of the person who is held.
  expect(left).toEqual({
    log: 46,
    said: 13,
    visits: '1:9 1:10 2:9 2:10 2:11 2:12',
    orders: '29 32',
    lines: 1,
  });
});
