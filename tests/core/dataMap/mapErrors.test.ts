import { expect, test } from 'vitest';
import { compileMap } from '#core/dataMap/compile.ts';
import { mapHash, parseMap, referenceMapText } from '#core/dataMap/map.ts';
import { ExpectedError } from '#core/kernel/errors.ts';

const text = referenceMapText();

function refusal(changed: string): string {
  expect(changed).not.toBe(text);
  try {
    parseMap(changed, 'map.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(ExpectedError);
    return (error as Error).message;
  }
  return 'none';
}

/** Line and column, from 1, of what was changed. */
function placeOf(changed: string, mark: string): string {
  const lines = changed.slice(0, changed.indexOf(mark)).split('\n');
  return `map.yaml, line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
}

/** What is written, what it is changed to, where the error points, what it says to write. */
const wrong: readonly (readonly [string, string, string, string])[] = [
  ['mask: email', 'mask: emial', 'emial', 'write one of email, name, phone, address, text, number'],
  ['key: id\n', 'key: idd\n', 'idd', 'write one of id, email, name'],
  ['title: Account\n', 'titel: Account\n', 'Account\n', 'write one of table, title, group'],
  [
    'purpose: >-',
    'porpose: >-',
    '>-\n      To provide and operate the platform, and',
    'write one of table, title, group, purpose',
  ],
  [
    'controller: CloudSingh',
    'controler: CloudSingh',
    'CloudSingh\n  contact',
    'write one of controller, contact',
  ],
  ['people: Other members of the workspaces', 'people: [Other members]', 'people: [Other', 'must be a text'],
  ['table: public.users', 'table: users', 'users\n    title', 'e.g. public.users'],
  ['version: 1', 'version: 2', '2', 'write one of 1'],
  ['action: delete', 'action: deleet', 'deleet', 'write one of delete, anonymise, keep, none'],
  ['of: workspaces', 'of: workspace', 'workspace, key', 'there is no collection workspace'],
  ['from: issued_at', 'from: issued', 'issued\n', 'write one of id, workspace_id, number'],
  ['from: last_seen_at, days', 'from: seen_at, days', 'seen_at, days', 'write one of id, user_id'],
  ['days: 365', 'days: never', 'never, then', 'must be a number'],
  ['days: 365, then: delete', 'days: 365', 'old: { title: Old counts', '“then” is missing'],
  ['days: 365, then: delete', 'days: 365, then: drop', 'drop', 'write one of delete'],
  ['of: plans, key: id }\n', 'of: plan, key: id }\n', 'plan, key', 'there is no collection plan'],
  ['set: { content: null }', 'set: { content: "{reference}" }', '"{reference}"', 'nobody’s reference'],
  ['set: { content: null }', 'set: { sent_at: now }', 'set: { sent_at', 'again and again'],
  ['then: { set: { content', 'from_: { set: { content', 'from_', 'write one of title, from'],
  ['order: [created_at, id]', 'order: [email, id]', 'email, id]', 'order by columns that are not'],
  ['\n  messages:', '\n  Messages:', 'Messages:', 'begin with a letter'],
  ['by: workspace_members', 'by: members', 'workspace_id\n      person', 'there is no collection members'],
  ['title: Account\n', 'title: [Account\n', '  Account', 'correct this line'],
  ['  workspaces:\n    table', '  users:\n    table', 'users:\n    table: public.workspaces', 'twice'],
  ['  collection: users', '\tcollection: users', '\tcollection', 'write spaces instead'],
  ['  recipient:\n    title', '  account:\n    title', 'account:\n    title: Message', 'there twice'],
  ['  recipient:\n    title', '  Recipient:\n    title', 'Recipient:', 'begin with a letter'],
  [
    'kind: recipient, column: phone',
    'kind: receiver, column: phone',
    'receiver',
    'write one of account, recipient',
  ],
  [
    'column: message_id, of: messages',
    'column: message_id, of: campaigns',
    'campaigns, key',
    'give it a path of that kind',
  ],
  [
    'named: { collection: contacts',
    'named: { collection: campaigns',
    'campaigns, column',
    'no path of the kind recipient',
  ],
  ['value: { title', 'key: phone\n    value: { title', 'phone\n    value', 'remove this, or “value”'],
  ['    collection: users\n', '', 'account:\n', '“collection” is missing'],
  [
    '      recipient: { action: anonymise',
    '      recipent: { action: anonymise',
    'recipent: { action',
    'write one of account, recipient',
  ],
  [
    'recipient: { action: anonymise',
    'recipient: { action: anonymize',
    'anonymize',
    'write one of delete, anonymise, keep, none',
  ],
  [
    '{ recipient_phone: erased',
    '{ recipients_phone: erased',
    'erased, content',
    'messages has no column recipients_phone',
  ],
  [
    'anonymise: { set: { name: { replace',
    'anonymise: { set: { owner_id: null, name: { replace',
    'null, name: { replace',
    'the owner is changed by itself',
  ],
  ['replace: email', 'replace: emial', 'emial', 'write one of email, phone, name, text, uuid'],
  ['replace: email }', 'replace: email, always: true }', 'true }\n          name: Erased', 'remove it'],
  [
    'replace: email }',
    'replace: number, consistent: true }',
    'true }\n          name: Erased',
    'only what is random can be consistent',
  ],
  [
    'set: { revoked_at: now }',
    'set: { revoked_at: { replace: day } }',
    'revoked_at: { replace: day }',
    'only erasure replaces',
  ],
  [
    'mask: name, thirdParty: account',
    'mask: name, thirdParty: acount',
    'acount',
    'write account or recipient',
  ],
];

test.each(wrong)(
  '%j written as %j is named with its place and what to write',
  (before, after, mark, advice) => {
    const changed = text.replace(before, after);
    const says = refusal(changed);
    expect(says).toContain(advice);
    expect(says).toMatch(/^The data map (is wrong|isn't valid YAML) at map\.yaml, line \d+, column \d+/);
    if (changed.includes(mark) && !before.startsWith('title: Account'))
      expect(says).toContain(placeOf(changed, mark));
  },
);

test('what is no map at all is refused in one sentence', () => {
  for (const given of [
    '',
    '[]',
    'hello',
    '- a',
    '&a [*a]',
    `a: &a [x]\n${'b: *a\n'.repeat(3)}`,
    '{'.repeat(50),
  ])
    expect(refusal(given)).toMatch(/^The data map (is wrong|isn't valid YAML) at map\.yaml, line 1?\d/);
  const laughs = [
    'a: &a [x, x]',
    ...[...'bcdefghij'].map((each, place) => `${each}: &${each} [${`*${'abcdefghij'[place]}, `.repeat(9)}x]`),
  ].join('\n');
  expect(refusal(laughs)).toContain('too many aliases');
});

test('what is undecided compiles to nothing, and is named', () => {
  const open = `${text}\nundecided:\n  - { table: public.users, column: shoe_size, reason: tells nothing }\n  - { table: "x.\\e]0;y", reason: no path }\n`;
  const map = parseMap(open);
  const catalogue = {
    tables: new Map(),
    primaryKeys: new Map(),
    indexes: new Map(),
    uniques: new Map(),
    references: [],
    descents: [],
    trigramSchema: null,
  };
  expect(() => compileMap(map, catalogue)).toThrow(
    'leaves 2 things undecided, so nothing is installed: public.users.shoe_size, x.\\u{1b}]0;y. Decide each',
  );
  // A map that leaves nothing open is the same map, whether it says so or not.
  expect(mapHash(parseMap(text))).toBe('d1c09ed43b431c1c5a3fb2ccd9db983031be585215c0338265b327d8a5ab60b8');
});

/** What is written of paths inside a column’s document, what it marks, what the error says to write. */
const wrongInside: readonly (readonly [string, string])[] = [
  ['paths: { a..b: user }', 'keys joined by dots'],
  ['paths: { \'"a"\': user }', 'and no other key does'],
  [`paths: { '${'a.'.repeat(16)}a': user }`, 'at most 16'],
  ['paths: { "a\\0": user }', 'keys joined by dots'],
  ['paths: { a: user, a.b: user }', 'name the inner values alone'],
  ['paths: { a.*: user, a.b: user }', 'say “*” in both'],
  ['paths: { __proto__: user }', 'leave it to “others”'],
  ['paths: {}', 'names nothing'],
  ['others: shown', 'add “paths”'],
  ['paths: { a: { category: user, mask: emial } }', 'write one of email, name'],
  ['paths: { a: { category: user, maks: text } }', 'write one of category, title, mask, never'],
  ['paths: { a: { category: user, never: true, mask: text } }', 'remove “mask” or “never”'],
  ['paths: { a: user }, mask: text', 'no “mask” of its own'],
  ['paths: { a: user }, correct: true', 'no “correct” of its own'],
  ['paths: { a: user }, search: [part]', 'remove “search”'],
];

test.each(wrongInside)('%s is named with its place and what to write', (written, advice) => {
  const before = /^( +name: )(\{ category: user\.name.*)$/m;
  const says = refusal(text.replace(before, `$1{ category: user.name, ${written} }`));
  expect(says).toContain(advice);
  expect(says).toMatch(/map\.yaml, line \d+, column \d+/);
});

test('a column with paths is nowhere shown, compared or ordered as a whole', () => {
  const says = refusal(
    text.replace(/^( +name: )(\{ category: user\.name.*)$/m, '$1{ category: user.name, paths: { a: user } }'),
  );
  expect(says).toContain('write a column that has none');
  expect(says).toContain('(subjects.account.workspaces.name)');
});
