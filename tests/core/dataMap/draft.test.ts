import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Ask } from '#core/dataMap/catalogue.ts';
import { draftText, mergeText } from '#core/dataMap/draft/document.ts';
import { draftMap, type Draft } from '#core/dataMap/draft/draftMap.ts';
import { parseMap, referenceMapText, type DataMap } from '#core/dataMap/map.ts';
import { tableName } from '#core/dataMap/quote.ts';
import { openDesk, expectDone } from '#tests/helpers/testDesk.ts';
import { openForeignDatabase, type ForeignDatabase } from '#tests/helpers/foreignDatabase.ts';
import { answered } from './answered.ts';
import { clinic, hostile, hostileNames, shop, software, tenanted } from './foreignSchemas.ts';

const { signal } = new AbortController();

const drafting = (ask: Ask, options: { subject?: string; sample?: boolean } = {}): Promise<Draft> =>
  draftMap(ask, {
    subject: options.subject ?? null,
    count: options.sample === false ? null : ask,
    signal,
  });

/** What is open in a map, as `table.column (about)`. */
function openIn(map: Pick<DataMap, 'undecided'>): readonly string[] {
  return (map.undecided ?? [])
    .map(({ table, column, about }) => [table, column, about].filter((each) => each !== undefined).join(' '))
    .sort();
}

const paths = (map: DataMap, name: string): readonly string[] =>
  (map.collections[name]?.subject ?? [])
    .filter((each) => each.kind === 'account')
    .map(
      (each) =>
        `${each.columns.join('+')}${each.of === undefined ? '' : ` → ${each.of}.${each.keys.join('+')}`}${each.ignoreCase ? ' ~' : ''}`,
    )
    .sort();

/** As {@link paths} says it, of every collection. */
const allPaths = (map: DataMap): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(Object.keys(map.collections).map((name) => [name, paths(map, name)]));

const never = (map: DataMap, name: string): readonly string[] =>
  Object.entries(map.collections[name]?.columns ?? {}).flatMap(([column, { never: is }]) =>
    is ? [column] : [],
  );

const masks = (map: DataMap, name: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(map.collections[name]?.columns ?? {}).flatMap(([column, { mask }]) =>
      mask === undefined ? [] : [[column, mask]],
    ),
  );

describe('the reference platform', () => {
  const shipped = parseMap(referenceMapText());
  let drafted: DataMap;
  let blind: DataMap;

  beforeAll(async () => {
    await using desk = await openDesk();
    const ask =
      (query: (text: string) => Promise<{ rows: Record<string, unknown>[] }>): Ask =>
      async (text) =>
        (await query(text)).rows;
    await desk.superuser(async ({ query }) => {
      drafted = parseMap(draftText(await drafting(ask(query))));
      blind = parseMap(draftText(await drafting(ask(query), { sample: false })));
    });
  });

  test('has the subject, the tables and the paths of the map that is shipped', () => {
    for (const map of [drafted, blind]) {
      const { title: _title, ...account } = shipped.subjects['account'] ?? {};
      expect(map.subjects['account']).toEqual(account);
      expect(Object.keys(map.collections).sort()).toEqual(Object.keys(shipped.collections).sort());
      for (const name of Object.keys(shipped.collections))
        expect(paths(map, name), name).toEqual(paths(shipped, name));
    }
  });

  test('every secret is one in the draft, everything masked is masked or undecided', () => {
    for (const map of [drafted, blind]) {
      for (const [name, held] of Object.entries(shipped.collections)) {
        const open = openIn(map);
        expect(never(map, name), name).toEqual(never(shipped, name));
        const bare = Object.keys(masks(shipped, name)).filter(
          (column) => masks(map, name)[column] === undefined && !open.includes(`${held.table} ${column}`),
        );
        expect(bare, name).toEqual([]);
      }
    }
  });

  test('erasure, order, sharing and objects agree as well', () => {
    const shape = (map: DataMap): unknown =>
      Object.fromEntries(
        Object.entries(map.collections)
          .sort()
          .map(
            ([
              name,
              {
                erasure: { account: does },
                order,
                detach,
                object,
                shared,
                actions,
              },
            ]) => [
              name,
              {
                action: does?.action,
                by: does?.action === 'delete' ? does.whenReferenced?.by : undefined,
                order,
                detach,
                object,
                // Whether it may be left to its members is for people to say, as what is told by a status is.
                shared: shared === undefined ? undefined : { ...shared, anonymise: undefined },
                actions: Object.values(actions).some((action) => action.where !== undefined) ? {} : actions,
              },
            ],
          ),
      );
    expect(shape(drafted)).toEqual(shape(shipped));
    expect(openIn(drafted)).toEqual([
      'public.invoices ground',
      'public.whatsapp_sessions session_identifier',
    ]);
  });
});

describe('a shop whose customers point to their address', () => {
  let database: ForeignDatabase;
  let text: string;
  let map: DataMap;
  let answers: readonly Record<string, unknown>[];
  let draft: Draft;

  beforeAll(async () => {
    database = await openForeignDatabase(shop);
    await database.asking(async (ask, rows) => {
      draft = await drafting(ask);
      text = draftText(draft);
      map = parseMap(text);
      answers = rows;
    });
  });
  afterAll(() => database[Symbol.asyncDispose]());

  test('paths, secrets and masks', () => {
    expect(map.subjects['account']).toEqual({
      collection: 'customers',
      key: ['id'],
      name: 'full_name',
      email: 'email',
      phone: 'tel',
    });
    expect(allPaths(map)).toEqual({
      customers: ['id'],
      orders: ['customer_id'],
      order_items: ['order_id → orders.id'],
      invoices: ['order_id → orders.id'],
      wishlists: ['customer_id'],
      newsletter: ['email → customers.email ~'],
      addresses: ['id → customers.address_id', 'id → orders.shipping_address_id'],
      products: ['id → order_items.product_id', 'id → wishlists.product_id'],
      countries: ['code → addresses.country_code'],
    });
    expect(never(map, 'customers')).toEqual(['pwd']);
    expect(masks(map, 'customers')).toEqual({
      email: 'email',
      full_name: 'name',
      tel: 'phone',
      search: 'text',
    });
    expect(masks(map, 'addresses')).toEqual({ line1: 'text', city: 'text', postal_code: 'text' });
    expect(masks(map, 'invoices')).toEqual({ billing_name: 'name', vat_id: 'text' });
    expect(masks(map, 'products')).toEqual({});
  });

  test('invoices are kept, and what they hang on is anonymised in place', () => {
    const actions = Object.fromEntries(
      Object.entries(map.collections).map(([name, { erasure }]) => [name, erasure['account']?.action]),
    );
    expect(actions).toEqual({
      customers: 'delete',
      orders: 'delete',
      order_items: 'delete',
      invoices: 'keep',
      wishlists: 'delete',
      newsletter: 'delete',
      addresses: 'delete',
      products: 'none',
      countries: 'none',
    });
    expect(map.collections['orders']?.erasure['account']).toMatchObject({
      whenReferenced: { by: [{ collection: 'invoices', column: ['order_id'] }], set: { remarks: null } },
    });
    // Whom a customer brought in stays, without saying who brought them.
    expect(map.collections['customers']?.detach).toEqual(['referred_by']);
    expect(map.collections['customers']?.erasure['account']).toMatchObject({
      whenReferenced: {
        by: [{ collection: 'orders', column: ['customer_id'] }],
        set: { email: { replace: 'email' }, pwd: '', tel: null },
      },
    });
  });

  test('what it can’t know is undecided by name, what is nobody’s is ruled out with its reason', () => {
    expect(openIn(map)).toEqual([
      'public.addresses erasure',
      'public.employees',
      'public.import_log',
      'public.invoices ground',
    ]);
    expect(map.undecided?.every((each) => (each.write ?? '') !== '')).toBe(true);
    expect(Object.keys(map.ignored)).toEqual(['public.warehouse_bins']);
    expect(draft.reported).toEqual([
      'view public.customer_emails',
      'materialised view public.customer_names: keeps what it copied until it is refreshed',
      'foreign key customers_referred_by_fkey of public.customers refers to the table itself',
    ]);
  });

  test('each proposal says why beside it', () => {
    const lines = text.split('\n').filter((line) => /^ {6}\S.*: .*(category|user\.|system\.)/.test(line));
    expect(lines.length).toBeGreaterThan(30);
    expect(lines.filter((line) => !/ # (high|medium|low): ./.test(line))).toEqual([]);
  });

  // Attack: a draft run with a strong login brings values to the workstation, and from there into a file or a log.
  test('no value leaves the server: what comes back of rows is whole numbers', async () => {
    const told = JSON.stringify(answers);
    const { rows } = await database.superuser(({ query }) =>
      query<{ value: string }>(
        `select unnest(array[email::text, full_name, tel, pwd]) as value from customers
         union all select unnest(array[line1, postal_code]) from addresses union all select remarks from orders
         union all select email from newsletter`,
      ),
    );
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.filter(({ value }) => told.includes(value))).toEqual([]);
    const sampled = answers.filter((row) => 'counts' in row);
    expect(sampled.length).toBeGreaterThan(0);
    for (const row of sampled) expect(Object.values(row).flat().every(Number.isInteger)).toBe(true);
    // And nothing is read at all when that is not wanted.
    await database.asking(async (ask, rowsBack) => {
      await drafting(ask, { sample: false });
      expect(rowsBack.filter((row) => 'counts' in row)).toEqual([]);
    });
  });

  test('what a login may not read is said and blocks', async () => {
    const role = `half_${database.database}`;
    await database.superuser(({ query }) =>
      query(
        `create role ${role}; grant usage on schema public to ${role}; grant select on customers, countries to ${role}`,
      ),
    );
    try {
      await database.asking(async (ask) => {
        const half = parseMap(draftText(await drafting(ask)));
        const unread = openIn(half).filter((each) => each.endsWith('contents'));
        expect(unread).toContain('public.orders contents');
        expect(unread).not.toContain('public.customers contents');
        // The keys are known all the same: the catalogue is everybody's.
        expect(paths(half, 'orders')).toEqual(['customer_id']);
      }, role);
    } finally {
      await database.superuser(({ query }) => query(`drop owned by ${role}; drop role ${role}`));
    }
    const operator = await expectDone(database.console(), 'map.draft', { profile: 'demo:operator' });
    expect(operator.undecided.map((each) => `${each.table} ${each.about ?? ''}`)).toContain(
      'public.customers contents',
    );
  });

  test('a subject of one’s own choice, and one that can’t be', async () => {
    await database.asking(async (ask) => {
      const other = parseMap(draftText(await drafting(ask, { subject: 'public.employees' })));
      expect(other.subjects['account']?.collection).toBe('employees');
      expect(paths(other, 'orders')).toEqual(['handled_by']);
      await expect(drafting(ask, { subject: 'public.nobody' })).rejects.toThrow(
        'There is no table public.nobody',
      );
      await expect(drafting(ask, { subject: 'import_log' })).rejects.toThrow('can’t be the subject');
    });
  });

  test('draft, refusal, answer, install', async () => {
    const console = database.console();
    const file = `${database.folder}/map.yaml`;
    const { text: given } = await expectDone(console, 'map.draft', { profile: 'demo:administrator' });
    await writeFile(file, given);
    const refused = await console.dispatch('database.install', { profile: 'demo:administrator', map: file });
    expect(refused).toMatchObject({ ok: false, failure: { code: 'refused' } });
    expect(refused.ok ? '' : refused.failure.message).toContain('public.import_log');
    const script = await console.dispatch('database.script', { profile: 'demo:administrator', map: file });
    expect(script).toMatchObject({ ok: false, failure: { code: 'refused' } });
    await writeFile(file, answered(given));
    await expectDone(console, 'database.install', {
      profile: 'demo:administrator',
      map: file,
      person: 'Asha Rao',
    });
    expect(await expectDone(console, 'database.status', { profile: 'demo:administrator' })).toMatchObject({
      installed: true,
    });
    // Our own schema is nobody's of the platform when a draft is made again.
    const again = await expectDone(console, 'map.draft', {
      profile: 'demo:administrator',
      merge: { file, text: answered(given) },
    });
    expect([again.added, again.gone, again.undecided]).toEqual([[], [], []]);
    expect(again.text).toContain('\nundecided: []\n');
  });
});

test('a row that is two people’s, and what the law may want kept, are never drafted to be deleted unasked', async () => {
  await using database = await openForeignDatabase(`${shop}
    create table friendships (customer_id bigint references customers, friend_id bigint references customers, primary key (customer_id, friend_id));
    create table gifts (id bigint primary key, giver_id bigint not null references customers, taker_id bigint not null references customers);
    create table tax_receipts (id bigint primary key, customer_id bigint not null references customers, total_cents bigint);`);
  const map = parseMap(draftText(await database.asking((ask) => drafting(ask))));
  for (const table of ['friendships', 'gifts', 'tax_receipts'])
    expect(openIn(map), table).toContain(`public.${table} erasure`);
});

test('a clinic in quoted names: mixed case, partitions, keys of two columns, an inherited table', async () => {
  await using database = await openForeignDatabase(clinic);
  const draft = await database.asking((ask) => drafting(ask));
  const text = draftText(draft);
  const map = parseMap(text);
  expect(map.subjects['account']).toMatchObject({
    collection: 'patients',
    key: ['PatientId'],
    email: 'E-Mail',
    phone: 'MobileNo',
  });
  expect(
    Object.fromEntries(
      Object.keys(map.collections).map((name) => [map.collections[name]?.table, paths(map, name)]),
    ),
  ).toEqual({
    'Clinic.Patients': ['PatientId'],
    'Clinic.LabResults': ['PatientId'],
    'Clinic.Letters': ['Patient'],
    'Clinic.Visits': ['PatientId'],
    'Clinic.Prescriptions': ['ClinicNo+VisitNo → visits.ClinicNo+VisitNo'],
  });
  expect(draft.schema.partitions).toBe(2);
  expect(masks(map, 'patients')).toMatchObject({
    FirstName: 'name',
    LastName: 'name',
    DateOfBirth: 'text',
    'E-Mail': 'email',
    MobileNo: 'phone',
    BloodGroup: 'text',
    Allergies: 'text',
    Extra: 'text',
  });
  expect(map.collections['letters']?.object).toEqual({ key: 'PdfKey' });
  expect(openIn(map)).toEqual(['Clinic.ArchivedLetters', 'Clinic.Doctors', 'Clinic.LabResults Marker']);
  const file = `${database.folder}/map.yaml`;
  await writeFile(file, answered(text));
  await expectDone(database.console(), 'database.install', { profile: 'demo:administrator', map: file });
});

test('shops of several tenants: people and all that is theirs are told by the tenant too', async () => {
  await using database = await openForeignDatabase(tenanted);
  const map = parseMap(draftText(await database.asking((ask) => drafting(ask))));
  expect(map.subjects['account']).toMatchObject({ collection: 'customers', key: ['tenant_id', 'id'] });
  expect(allPaths(map)).toEqual({
    customers: ['tenant_id+id'],
    orders: ['tenant_id+approved_by', 'tenant_id+customer_id'],
    order_lines: ['tenant_id+order_id → orders.tenant_id+id'],
    invoices: ['order_id+tenant_id → orders.id+tenant_id'],
    addresses: ['tenant_id+id → customers.tenant_id+address_id'],
    products: ['tenant_id+id → order_lines.tenant_id+product_id'],
  });
  // One who searches for a tenant's number means no person.
  const columns = map.collections['customers']?.columns;
  expect([columns?.['id']?.search, columns?.['tenant_id']?.search]).toEqual([['identifier'], []]);
  expect(map.collections['orders']?.detach).toEqual(['approved_by']);
  expect(map.collections['customers']?.detach).toMatchObject([
    { columns: ['tenant_id', 'referred_by'], of: 'customers', keys: ['tenant_id', 'id'] },
  ]);
  // Each by the key of what it holds, however the foreign key is written.
  expect(map.collections['orders']?.erasure['account']).toMatchObject({
    whenReferenced: { by: [{ collection: 'invoices', column: ['tenant_id', 'order_id'] }] },
  });
  expect(map.collections['addresses']?.erasure['account']).toMatchObject({
    whenReferenced: { by: [{ collection: 'customers', column: ['tenant_id', 'address_id'] }] },
  });
  // One tenant's customer may have the address another tenant's has, so a newsletter's is nobody's alone.
  expect(openIn(map)).toEqual([
    'public.invoices ground',
    'public.newsletter',
    'public.order_lines engraving',
    'public.tenants',
  ]);
});

test('people known by one column whom rows name by several: what is not sure to be right is asked', async () => {
  await using database = await openForeignDatabase(`
    create table users (
      id int primary key, org_id int not null, email text not null, full_name text not null, mentor_id int,
      unique (org_id, id), foreign key (org_id, mentor_id) references users (org_id, id)
    );
    create table devices (
      id int primary key, org_id int not null, user_id int not null references users,
      foreign key (org_id, user_id) references users (org_id, id)
    );
    create table tickets (
      id int primary key, org_id int not null, number int not null, user_id int not null, approved_by int, body text,
      unique (org_id, number),
      foreign key (org_id, user_id) references users (org_id, id),
      foreign key (org_id, approved_by) references users (org_id, id)
    );
    create table invoices (
      id int primary key, org_id int not null, ticket_no int not null, issued_on date not null,
      foreign key (org_id, ticket_no) references tickets (org_id, number)
    );
    create table receipts (
      id int primary key, org_id int not null, user_id int, issued_on date not null,
      foreign key (org_id, user_id) references users (org_id, id) on delete set null
    );
    create table logins (id int primary key, user_id int not null references users, session_token text not null unique);
    create table login_events (id int primary key, session_token text not null references logins (session_token), note text);`);
  const map = parseMap(draftText(await database.asking((ask) => drafting(ask))));
  expect(allPaths(map)).toEqual({
    users: ['id'],
    devices: ['user_id'],
    tickets: ['org_id+approved_by → users.org_id+id', 'org_id+user_id → users.org_id+id'],
    invoices: ['org_id+ticket_no → tickets.org_id+number'],
    receipts: ['org_id+user_id → users.org_id+id'],
    logins: ['user_id'],
  });
  expect(map.collections['users']?.detach).toMatchObject([
    { columns: ['org_id', 'mentor_id'], of: 'users', keys: ['org_id', 'id'] },
  ]);
  // The database would set the organisation to null with the user, which it forbids: the receipt holds its user.
  expect(map.collections['users']?.erasure['account']).toMatchObject({
    whenReferenced: { by: [{ collection: 'receipts', column: ['user_id'] }] },
  });
  expect(map.undecided?.map((each) => [each.table, each.about, each.reason])).toEqual([
    ['public.receipts', 'ground', expect.anything()],
    ['public.tickets', 'erasure', expect.stringContaining('two people’s')],
    ['public.tickets', 'erasure', expect.stringContaining('org_id + approved_by is not set to null')],
    ['public.invoices', 'ground', expect.anything()],
    ['public.tickets', 'erasure', expect.stringContaining('invoices that are kept')],
    // No path goes over a secret.
    ['public.login_events', undefined, expect.stringContaining('no path')],
  ]);
});

test('teams’ software: text keys, four schemas, no foreign key', async () => {
  await using database = await openForeignDatabase(software);
  const draft = await database.asking(async (ask, answers) => {
    const made = await drafting(ask);
    // Values are counted where names tell nothing, and stay where they are.
    expect(answers.filter((row) => 'counts' in row).length).toBeGreaterThan(2);
    for (const value of ['write to owner', 'Company 1', 'saas.example'])
      expect(JSON.stringify(answers)).not.toContain(value);
    return made;
  });
  const text = draftText(draft);
  const map = parseMap(text);
  expect(map.subjects['account']).toMatchObject({
    collection: 'accounts',
    key: ['account_id'],
    name: 'display_name',
    email: 'email',
  });
  expect(allPaths(map)).toEqual({
    accounts: ['account_id'],
    invoices: ['account_id'],
    invoice_lines: ['invoice_no → invoices.invoice_no'],
    events: ['account_id'],
    exports: ['owner_id'],
    tickets: ['requester_email → accounts.email ~'],
    ticket_messages: ['ticket_id → tickets.ticket_id'],
  });
  expect(
    draft.collections
      .flatMap((each) => each.subject.map((path) => path.confidence))
      .filter((each) => each === 'high'),
  ).toHaveLength(1);
  expect(never(map, 'accounts')).toEqual(['password_digest', 'api_token']);
  expect(map.collections['exports']?.object).toEqual({
    key: 'storage_path',
    bytes: 'size_bytes',
    sha256: 'sha256',
  });
  // A session's key opens the session: it can be no name of a row.
  // Nobody wants an invoice kept and its lines deleted unasked.
  expect(openIn(map)).toEqual([
    'accounts.user_sessions',
    'billing.invoice_lines erasure',
    'billing.invoices ground',
    'crm.accounts',
  ]);
  expect(map.undecided?.find((each) => each.table === 'crm.accounts')?.write).toContain(
    '"x2": { category: user.authorization.credentials, never: true }',
  );
  expect(map.ignored).toEqual({
    'accounts.feature_flags': 'no column could hold anything of a person, and no row refers to one',
    'public.schema_migrations': 'the record of a migration tool',
  });
  const file = `${database.folder}/map.yaml`;
  await writeFile(file, answered(text));
  await expectDone(database.console(), 'database.install', { profile: 'demo:administrator', map: file });
});

// Attack: whoever may create a table in the platform names it so that the draft, the map or the install does something else.
test('hostile names are names, in SQL, in YAML and in what is installed', async () => {
  await using database = await openForeignDatabase(hostile());
  const text = draftText(await database.asking((ask) => drafting(ask)));
  const map = parseMap(text);
  const { schema, subject, newline, emoji, column, tab, quote, terminal } = hostileNames;
  expect(Object.values(map.collections).map((each) => each.table)).toEqual([
    tableName(schema, subject),
    tableName(schema, newline),
    tableName(schema, emoji),
  ]);
  expect(map.subjects['account']?.key).toEqual([tab]);
  expect(Object.keys(map.collections)).toEqual(['users_drop_table_x', 'line_one_a_b_c', 't']);
  expect(openIn(map)).toEqual(
    [tableName(schema, terminal), `${tableName(schema, subject)} ${column}`].sort(),
  );
  // Nothing in the file moves a cursor or turns the direction of reading.
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(Object.keys(map.collections['users_drop_table_x']?.columns ?? {})).toContain(quote);
  const console = database.console();
  const file = `${database.folder}/map.yaml`;
  await writeFile(file, text);
  const refused = await console.dispatch('database.install', { profile: 'demo:administrator', map: file });
  expect(refused.ok ? '' : refused.failure.message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  await writeFile(file, answered(text));
  await expectDone(console, 'database.install', { profile: 'demo:administrator', map: file });
  const left = await database.superuser(
    async ({ query }) =>
      (
        await query<{ count: number }>(
          `select count(*)::int as count from pg_namespace where nspname in ('public', $1)`,
          [schema],
        )
      ).rows[0]?.count,
  );
  expect(left).toBe(2);
});

describe('a draft merged into a map somebody has worked on', () => {
  test('adds what is new, marks what is gone, keeps comments and decisions', async () => {
    await using database = await openForeignDatabase(shop);
    const first = draftText(await database.asking((ask) => drafting(ask)));
    const worked = answered(first)
      .replace('policy: Privacy policy', 'policy: Terms of 2026 # decided by Asha')
      .replace('    title: Orders', '    # orders of the web shop only\n    title: Purchases')
      .replace(
        /remarks: \{[^}]*\}.*/,
        'remarks: { category: user.content.public } # published, by decision 12',
      );
    await database.superuser(({ query }) =>
      query(`set role cloudsingh_owner;
        alter table customers add column nick_name text, add column blob1 bytea;
        alter table products drop column description;
        drop table newsletter;
        alter table wishlists add column gift_for bigint references customers;
        create table gift_cards (id bigint primary key, customer_id bigint not null references customers, code_token text not null);
        create table suppliers (id int primary key, contact_email text)`),
    );
    const draft = await database.asking((ask) => drafting(ask));
    const merged = mergeText(draft, worked, 'map.yaml');
    const map = parseMap(merged.text);
    expect([...merged.added].sort()).toEqual([
      'public.customers.nick_name',
      'public.gift_cards',
      'public.wishlists.gift_for',
    ]);
    expect([...merged.gone].sort()).toEqual(['public.newsletter', 'public.products.description']);
    expect(merged.text).toContain('policy: Terms of 2026 # decided by Asha');
    expect(merged.text).toContain('# orders of the web shop only');
    expect(merged.text).toContain('remarks: { category: user.content.public } # published, by decision 12');
    expect(merged.text).toMatch(/# new since the last draft\n +nick_name:/);
    expect(merged.text).toMatch(/# gone from the database.*\n +newsletter:/);
    expect(merged.text).toMatch(/# gone from the database.*\n +description:/);
    expect(map.collections['orders']?.title).toBe('Purchases');
    expect(never(map, 'gift_cards')).toEqual(['code_token']);
    expect(openIn(map)).toEqual([
      'public.customers blob1',
      'public.suppliers',
      'public.wishlists gift_for path',
    ]);
    // Again: nothing more happens.
    const twice = mergeText(draft, merged.text, 'map.yaml');
    expect(twice.text).toBe(merged.text);
    expect(twice.added).toEqual([]);
  });

  test('a new column that says together with known ones whose row it is, is asked by its name', async () => {
    await using database = await openForeignDatabase(tenanted);
    const first = answered(draftText(await database.asking((ask) => drafting(ask))));
    await database.superuser(({ query }) =>
      query(`alter table orders add column gift_for int,
        add foreign key (tenant_id, gift_for) references customers (tenant_id, id)`),
    );
    const { text } = mergeText(await database.asking((ask) => drafting(ask)), first, 'map.yaml');
    expect(parseMap(text).undecided).toMatchObject([
      {
        table: 'public.orders',
        column: 'gift_for',
        about: 'path',
        write: expect.stringContaining('{"columns":["tenant_id","gift_for"]}'),
      },
    ]);
  });

  test('an old map that is wrong is named with line and column', () => {
    expect(() => mergeText({} as Draft, 'version: 1\npolicy: [', 'old.yaml')).toThrow(
      /old\.yaml, line 2, column/,
    );
  });
});
