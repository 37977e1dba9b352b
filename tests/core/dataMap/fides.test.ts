import { expect, test } from 'vitest';
import { importFides } from '#core/dataMap/fides/read.ts';
import { exportFides } from '#core/dataMap/fides/write.ts';
import { parseMap, referenceMapText, refuseUndecided, type DataMap } from '#core/dataMap/map.ts';
import { tableName } from '#core/dataMap/quote.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { hostileNames } from './foreignSchemas.ts';

const imported = (text: string, file = 'dataset.yml'): ReturnType<typeof importFides> =>
  importFides([{ file, text }], 'public');

/** What Fides can say of a map: tables, categories, and paths of one column, whatever the case. */
function sayable(map: DataMap): unknown {
  return Object.entries(map.collections)
    .map(([name, held]) => ({
      name,
      table: held.table,
      columns: Object.fromEntries(
        Object.entries(held.columns).map(([column, mapped]) => [column, [mapped.category, mapped.never]]),
      ),
      // Fides knows one kind of people.
      paths: held.subject
        .filter((path) => path.kind === 'account')
        .map(({ columns, of, keys }) => JSON.stringify([columns, of, keys]))
        .sort(),
      retention: held.retention,
    }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

test('a map written for Fides and read back has the same collections, columns, categories and paths', () => {
  const map = parseMap(referenceMapText());
  const { text, notes } = exportFides(map);
  const back = imported(text);
  const again = parseMap(back.text);
  expect(sayable(again)).toEqual(sayable(map));
  expect(again.subjects['account']).toMatchObject({
    collection: 'users',
    key: ['id'],
    email: 'email',
    phone: 'phone',
  });
  expect(again.collections['users']?.erasure).toEqual({ account: { action: 'delete' } });
  expect(again.collections['users']?.columns['email']).toMatchObject({ mask: 'email', correct: false });
  // What it could not say, it says; what that leaves open, blocks an install.
  for (const lost of [
    'users.password_hash',
    'without regard to case',
    'api_keys.created_by',
    'workspaces',
    'invoices',
    'that a value is about somebody else than the person: workspace_members.user_id, contacts.phone, contacts.name, messages.recipient_phone',
    'campaigns.stats',
  ])
    expect(notes.join('\n')).toContain(lost);
  expect(notes.find((note) => note.startsWith('Fides can’t say where data come from:'))).toMatch(
    /users\.email.*workspaces.*campaigns.*campaigns\.stats/,
  );
  expect(back.undecided.map(({ table, about }) => `${table} ${about}`)).toEqual([
    'public.plans erasure',
    'public.invoices erasure',
  ]);
  expect(() => refuseUndecided(again)).toThrow('leaves 2 things undecided');
});

const bookshop = `
dataset:
  - fides_key: bookshop
    name: Book shop
    data_categories: [user.behavior]
    third_country_transfers: [USA]
    fides_meta:
      after: [other]
      namespace: { schema: shop }
    collections:
      - name: address
        fields:
          - { name: id, data_categories: [system.operations], fides_meta: { primary_key: true, data_type: integer } }
          - { name: street, data_categories: [user.contact.address.street] }
      - name: customer
        fidesops_meta: { after: [bookshop.address] }
        fields:
          - name: id
            data_categories: [user.unique_id]
            fides_meta: { primary_key: true }
          - name: email
            data_categories: [user.contact.email, user.account.username]
            fides_meta: { identity: email, length: 40 }
          - name: address_id
            data_categories: [system.operations]
            fides_meta: { references: [{ dataset: bookshop, field: address.id, direction: to }] }
          - name: note
            data_categories: []
      - name: orders
        fides_meta: { masking_strategy_override: { strategy: delete } }
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - name: customer_id
            fidesops_meta: { references: [{ dataset: bookshop, field: customer.id, direction: from }] }
          - name: payment
            fides_meta: { data_type: object }
            fields:
              - { name: kind, data_categories: [system.operations] }
              - name: card
                fields: [{ name: number, data_categories: [user.financial.bank_account] }]
      - name: loyalty
        fields:
          - name: customer
            fides_meta: { references: [{ dataset: bookshop, field: customer.id }] }
          - name: points
            fides_meta: { masking_strategy_override: { strategy: string_rewrite, configuration: { rewrite_value: '0' } } }
          - name: nick
            data_categories: [user.name]
            fides_meta: { masking_strategy_override: { strategy: null_rewrite }, custom_request_field: nick }
      - name: newsletter
        fields:
          - { name: id, data_categories: [system.operations], fides_meta: { primary_key: true } }
          - { name: mail, data_categories: [user.contact.email], fides_meta: { identity: email } }
          - name: device
            fides_meta: { identity: ga_client_id, references: [{ dataset: analytics, field: events.device }] }
      - name: cache
        description: rebuilt every night
        fides_meta: { skip_processing: true }
        fields: [{ name: line }]
      - name: stock
        fields: [{ name: shelf, data_categories: [system.operations] }]
`;

test('references in both directions, identities, objects and overrides become paths, categories and erasure', () => {
  const { text, notes, undecided, ...told } = imported(bookshop);
  const map = parseMap(text);
  expect(told).toMatchObject({ subject: 'shop.customer', collections: 5, ignored: 1 });
  expect(map.subjects['account']).toMatchObject({ collection: 'customer', key: ['id'], email: 'email' });
  const paths = (name: string): unknown =>
    map.collections[name]?.subject.map(({ columns, of, keys, ignoreCase }) => [
      columns,
      of,
      keys,
      ignoreCase,
    ]);
  expect(paths('address')).toEqual([[['id'], 'customer', ['address_id'], false]]);
  expect(paths('orders')).toEqual([[['customer_id'], undefined, [], false]]);
  expect(paths('loyalty')).toEqual([[['customer'], undefined, [], false]]);
  expect(paths('newsletter')).toEqual([[['mail'], 'customer', ['email'], true]]);
  expect(map.collections['orders']?.erasure['account']).toEqual({ action: 'delete' });
  expect(map.collections['loyalty']?.erasure['account']).toEqual({
    action: 'anonymise',
    set: { points: '0', nick: null },
  });
  expect(map.collections['orders']?.columns['payment']).toMatchObject({
    category: 'user.financial.bank_account',
    mask: 'text',
  });
  expect(map.collections['orders']?.columns['id']?.category).toBe('user.behavior');
  expect(map.ignored).toEqual({ 'shop.cache': 'rebuilt every night' });
  expect(notes.join('\n')).toMatch(/“third_country_transfers” is not carried over/);
  for (const said of [
    'bookshop: “after”',
    'bookshop.customer: “after”',
    'user.account.username is not carried over',
    'the objects in it (kind, card) are not told apart',
    'the reference has no direction; taken as leading to loyalty',
    '“custom_request_field” is not carried over',
    'the identity “ga_client_id” is not carried over',
    'types are read from the database',
  ])
    expect(notes.join('\n')).toContain(said);
  expect(
    undecided.map(({ table, column, about }) =>
      [table, column, about].filter((part) => part !== undefined).join(' '),
    ),
  ).toEqual([
    'shop.newsletter device path',
    'shop.stock',
    'shop.address erasure',
    'shop.customer erasure',
    'shop.newsletter erasure',
  ]);
  expect(() => refuseUndecided(map)).toThrow('nothing is installed');
});

test('without a category of its own or above it, a column is left undecided, one on a path is kept', () => {
  const bare = bookshop.replace('data_categories: [user.behavior]', 'tags: []');
  const { text, undecided } = imported(bare);
  const columns = undecided
    .filter((each) => each.about === undefined)
    .map((each) => `${each.table}.${each.column}`);
  expect(columns).toEqual(
    expect.arrayContaining(['shop.customer.note', 'shop.orders.id', 'shop.newsletter.device']),
  );
  expect(parseMap(text).collections['orders']?.columns).toMatchObject({
    customer_id: { category: 'user.unique_id' },
  });
});

test('several files are one map, and a bare list or a single dataset is read too', () => {
  const users =
    'fides_key: a\ncollections:\n  - name: users\n    fields:\n      - { name: id, data_categories: [user.unique_id], fides_meta: { primary_key: true } }\n      - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email } }\n';
  const posts =
    '- fides_key: b\n  collections:\n    - name: posts\n      fields:\n        - { name: user_id, data_categories: [user.unique_id], fides_meta: { references: [{ dataset: a, field: users.id, direction: from }] } }\n';
  const { text } = importFides(
    [
      { file: 'a.yml', text: users },
      { file: 'b.yml', text: posts },
    ],
    'app',
  );
  expect(Object.values(parseMap(text).collections).map((held) => held.table)).toEqual([
    'app.users',
    'app.posts',
  ]);
});

/** What is written, what it is changed to, where the error points, what it says. */
const wrong: readonly (readonly [string, string, string, string])[] = [
  ['field: address.id', 'field: adress.id', 'adress.id', 'write one of address.FIELD, customer.FIELD'],
  [
    'field: customer.id, direction: from',
    'field: customer.uid, direction: from',
    'customer.uid',
    'customer has no field uid; write one of id, email',
  ],
  ['direction: to', 'direction: both', 'both', 'write one of from, to'],
  ['primary_key: true', 'primary_key: maybe', 'maybe', 'must be true or false'],
  ['- name: address', '- title: address', 'title: address', '“name” is missing; add it'],
  ['name: street', `name: ${'s'.repeat(64)}`, 'sss', 'may have at most 63'],
  [
    '- name: newsletter',
    '- name: orders',
    'orders\n        fields:\n          - { name: id, data_cat',
    'there are two collections orders',
  ],
  ['name: street', 'name: id', 'id, data_categories: [user.contact', 'has two fields id'],
  ['data_categories: [user.name]', 'data_categories: user.name', 'user.name\n', 'must be a list'],
  ['dataset:\n', 'dataset: 1\nx:\n', '1\nx', 'must be a list'],
  ['    collections:\n', '\tcollections:\n', '\tcollections', 'write spaces instead'],
];

test.each(wrong)(
  '%j written as %j is named with its place and what to write',
  (before, after, mark, advice) => {
    const changed = bookshop.replace(before, after);
    expect(changed).not.toBe(bookshop);
    let says = 'none';
    try {
      imported(changed, 'shop.yml');
    } catch (error) {
      expect(error).toBeInstanceOf(ExpectedError);
      says = (error as Error).message;
    }
    expect(says).toContain(advice);
    const lines = changed.slice(0, changed.indexOf(mark)).split('\n');
    expect(says).toMatch(/^The dataset (is wrong|isn't valid YAML) at shop\.yml, line \d+, column \d+/);
    expect(says).toContain(`shop.yml, line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`);
  },
);

test('what is no dataset at all, or tells nobody, is refused in one sentence', () => {
  for (const given of ['', 'hello', '- a', '{}', 'dataset: {}', 'dataset: [1]', '&a [*a]', '{'.repeat(50)])
    expect(() => imported(given), given).toThrow(/dataset\.yml, line 1|hold no dataset/);
  expect(() => imported('dataset: []')).toThrow('hold no dataset');
  expect(() =>
    imported(
      bookshop.replaceAll('identity: email', 'primary_key: false').replace('identity: ga_client_id, ', ''),
    ),
  ).toThrow('write fides_meta: { identity: email }');
  const laughs = [
    'a: &a [x, x]',
    ...[...'bcdefghij'].map((each, place) => `${each}: &${each} [${`*${'abcdefghij'[place]}, `.repeat(9)}x]`),
  ].join('\n');
  expect(() => imported(laughs)).toThrow('too many aliases');
  expect(() =>
    imported(
      `${bookshop}\n  - fides_key: two\n    fides_meta: { namespace: { schema: shop } }\n    collections: [{ name: stock, fields: [] }]\n`,
    ),
  ).toThrow('described twice');
});

// Attack: a dataset from somebody else whose names are YAML, SQL, or write to the terminal.
test('hostile names are only names, there and back', () => {
  const { schema, subject, column, newline, terminal, tab } = hostileNames;
  const dataset = JSON.stringify({
    dataset: [
      {
        fides_key: terminal,
        name: newline,
        fides_meta: { namespace: { schema } },
        collections: [
          {
            name: subject,
            description: terminal,
            fields: [
              {
                name: column,
                data_categories: ['user.unique_id'],
                fides_meta: { primary_key: true, identity: 'email' },
              },
              { name: tab, data_categories: [newline], description: terminal },
            ],
          },
          {
            name: newline,
            [terminal]: newline,
            fields: [
              {
                name: terminal,
                data_categories: ['user.unique_id'],
                fides_meta: {
                  references: [{ dataset: terminal, field: `${subject}.${column}`, direction: 'from' }],
                },
              },
            ],
          },
          { name: terminal, fields: [{ name: newline }] },
        ],
      },
    ],
  });
  const { text, notes } = imported(dataset);
  const map = parseMap(text);
  expect(Object.values(map.collections).map((held) => held.table)).toEqual([
    tableName(schema, subject),
    tableName(schema, newline),
  ]);
  const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
  for (const shown of [text, ...notes]) expect(unseen.test(shown.replaceAll('\n', ''))).toBe(false);
  const there = exportFides(map);
  expect(unseen.test(there.text.replaceAll('\n', ''))).toBe(false);
  expect(
    Object.values(parseMap(imported(there.text).text).collections).map((held) => [held.table, held.subject]),
  ).toEqual(Object.values(map.collections).map((held) => [held.table, held.subject]));
});

test('what a column is replaced by is said to be lost to Fides', () => {
  const map = parseMap(
    referenceMapText().replace(
      /( {2}policy_notices:[\s\S]*?)erasure: \{ action: delete \}/,
      '$1erasure: { action: anonymise, set: { channel: { replace: empty } } }',
    ),
  );
  expect(map.collections['policy_notices']?.erasure['account']?.action).toBe('anonymise');
  expect(exportFides(map).notes.join('\n')).toMatch(
    /what a column is overwritten with: .*policy_notices\.channel/,
  );
});
