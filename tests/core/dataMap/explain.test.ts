import { expect, test } from 'vitest';
import { dotText, svgText } from '#core/dataMap/explain/drawing.ts';
import { graphOf } from '#core/dataMap/explain/graph.ts';
import { exportFides } from '#core/dataMap/fides/write.ts';
import { inventoryOf, inventoryText } from '#core/dataMap/explain/inventory.ts';
import { pictureOf } from '#core/dataMap/explain/picture.ts';
import { explainCollection, mapInWords } from '#core/dataMap/explain/words.ts';
import { canonicalMap, mapFromCanonical, mapHash, parseMap, referenceMapText } from '#core/dataMap/map.ts';
import { tableName } from '#core/dataMap/quote.ts';
import { hostileNames } from './foreignSchemas.ts';

const map = parseMap(referenceMapText());

/** A map in which every name and text that somebody else chooses is an attack. */
function hostileMap(): string {
  const { schema, subject, column, quote, terminal, newline } = hostileNames;
  const formula = '=HYPERLINK("http://www.evil.example","x")';
  const script = '<script>alert(1)</script>&"\'|`*_[x](javascript:1)\u202e\u0007\ufffe';
  return JSON.stringify({
    version: 1,
    policy: `${script}\n# heading`,
    record: { controller: formula, security: `@SUM(1)\t${script}` },
    subjects: {
      account: { collection: 'people', key: column },
      other: { title: script, controller: formula, value: { title: formula } },
    },
    collections: {
      people: {
        table: tableName(schema, subject),
        title: formula,
        group: script,
        purpose: `+1${terminal}`,
        retention: '-2+3',
        recipients: ['|cmd', script],
        subject: [{ column }],
        order: [column],
        columns: {
          [column]: 'user.unique_id',
          [quote]: { category: script, mask: 'text' },
          [newline]: { category: '=1', never: true },
        },
        erasure: { action: 'keep', ground: script, years: 1, from: column },
      },
      letters: {
        table: tableName(schema, terminal),
        title: script,
        group: formula,
        people: '\t=1',
        subject: [
          { column: terminal, of: 'people', key: column },
          { kind: 'other', column: terminal },
        ],
        order: [terminal],
        columns: { [terminal]: 'user.unique_id', [newline]: 'user.content' },
        objectPrefix: `{${newline}}/`,
        erasure: { action: 'anonymise', set: { [newline]: script } },
      },
    },
    ignored: { [tableName(schema, newline)]: terminal },
    undecided: [{ table: terminal, reason: newline }],
  });
}

test('the graph has each collection once, and a line for each path but the subject’s own', () => {
  const graph = graphOf(map);
  expect([...graph.nodes].sort()).toEqual(['subject recipient', ...Object.keys(map.collections)].sort());
  expect(graph.edges.filter((edge) => edge.number !== null)).toHaveLength(
    Object.values(map.collections).reduce((sum, held) => sum + held.subject.length, 0) - 1,
  );
  expect(Object.fromEntries(graph.distance)).toMatchObject({
    users: 0,
    workspaces: 1,
    'subject recipient': 0,
    messages: 1,
    api_keys: 1,
    api_usage_daily: 2,
    plans: 2,
  });
  expect(graph.edges.find((edge) => edge.to === 'support_messages' && edge.number === 2)?.says).toBe(
    'from_email → users.email, without regard to case',
  );
  expect(graph.edges.filter((edge) => edge.detached).map((edge) => edge.to)).toEqual([
    'api_keys',
    'campaigns',
    'media_files',
  ]);
});

test('the picture has no two nodes over one another and each line ends at its node', () => {
  const { nodes, edges, width, height } = pictureOf(map);
  for (const [place, one] of nodes.entries()) {
    expect(one.x >= 0 && one.y >= 0 && one.x + one.width <= width && one.y + one.height <= height).toBe(true);
    for (const other of nodes.slice(place + 1))
      expect(
        one.x + one.width <= other.x ||
          other.x + other.width <= one.x ||
          one.y + one.height <= other.y ||
          other.y + other.height <= one.y,
        `${one.name} and ${other.name}`,
      ).toBe(true);
  }
  for (const edge of edges) {
    const to = nodes.find((node) => node.name === edge.to);
    const [x, y] = (/(\d+) (\d+)$/.exec(edge.line) ?? []).slice(1).map(Number);
    expect(x).toBe(to?.x);
    expect(y).toBeGreaterThan(to?.y ?? 0);
    expect(y).toBeLessThan((to?.y ?? 0) + (to?.height ?? 0));
  }
});

test('each column says what the map does with it and why', () => {
  const said = (collection: string, column: string): string => {
    const found = explainCollection(map, collection).columns.find((each) => each.name === column);
    return `${found?.mask ?? 'bare'} · ${found?.action} · ${found?.reasons.join('; ')}`;
  };
  expect(said('users', 'password_hash')).toBe(
    'bare · deleted with its row; where the row stays, set to “” · a secret of the platform: no function selects it and no export holds it',
  );
  expect(said('users', 'email')).toMatch(
    /^email · .*rows of support_messages belong by it; people are found by it: exact, prefix, part/,
  );
  expect(said('users', 'email')).toContain(
    'where the row stays, set to a made-up address under erased.invalid',
  );
  expect(said('api_keys', 'created_by')).toBe(
    'bare · deleted with its row; in rows that stay, set to null · path 2, so it is never corrected: created_by → users.id',
  );
  expect(said('invoices', 'issued_at')).toMatch(
    /kept for 8 years · kept by law: Central Goods .*the 8 years begin with it/,
  );
  expect(said('media_files', 'r2_key')).toContain('key of an object in R2');
  expect(said('messages', 'recipient_phone')).toBe(
    'phone · Account holder: deleted with its row; Message recipient: set to “erased” · path 2, so it is never corrected: recipient_phone → Message recipient: Phone number; people are found by it: digits; masked until it is revealed, on the record',
  );
  expect(explainCollection(map, 'messages').erasureSays).toBe(
    'Account holder: Erasure deletes its rows. Message recipient: Erasure overwrites content, recipient_phone in its rows, which stay',
  );
  expect(explainCollection(map, 'media_files').paths.map((each) => each.says)).toContain(
    'message_id → messages.id, of a Message recipient',
  );
  expect(explainCollection(map, 'workspaces').erasureSays).toContain(
    'staff decide whether it is handed over, left to its members with name, settings overwritten, or closed',
  );
});

test('values inside documents are explained, counted in and said to be lost to Fides', () => {
  const given = parseMap(
    referenceMapText()
      .replace(
        'settings: { category: user.account.settings, mask: text, correct: true, mayName: true }',
        'settings: { category: user.account.settings, paths: { billing.email: { category: user.contact.email, mask: email }, token: { category: user.authorization, never: true } } }',
      )
      .replace("settings: '{}'", 'settings: { billing.email: null }'),
  );
  const columns = explainCollection(given, 'workspaces').columns.filter((each) =>
    each.name.startsWith('settings'),
  );
  expect(columns.map(({ name, mask, never }) => [name, mask, never])).toEqual([
    ['settings', 'by what lies in it', false],
    ['settings: billing.email', 'email', false],
    ['settings: token', null, true],
  ]);
  expect(columns[0]?.action).toContain('set to new values at billing.email, the rest of it left as it is');
  expect(columns[0]?.reasons).toContain('a document; what no path names is withheld until it is revealed');
  expect(inventoryOf(given).entries.find((each) => each.collection === 'workspaces')?.categories).toContain(
    'user.contact.email',
  );
  expect(exportFides(given).notes.join('\n')).toContain('values inside a document: workspaces.settings');
});

test('circles, self-references and collections that nothing leads to are drawn too', () => {
  const collection = (paths: readonly object[]): object => ({
    table: 'public.t',
    title: 'T',
    group: 'G',
    subject: paths,
    order: ['id'],
    columns: { id: 'user.unique_id', up: 'user.unique_id' },
    erasure: { action: 'delete' },
  });
  const circle = parseMap(
    JSON.stringify({
      version: 1,
      policy: 'p',
      subjects: { account: { collection: 'a', key: 'id' } },
      collections: {
        a: collection([{ column: 'id' }]),
        b: collection([{ column: 'up' }, { column: 'up', of: 'b', key: 'id' }]),
        c: collection([{ column: 'up', of: 'd', key: 'id' }]),
        d: collection([{ column: 'up', of: 'c', key: 'id' }]),
      },
    }),
  );
  const { nodes, edges } = pictureOf(circle);
  expect(nodes.map((node) => node.name)).toEqual(['a', 'b', 'c', 'd']);
  expect(edges.map(({ from, to }) => `${from}-${to}`)).toEqual(['a-b', 'b-b', 'd-c', 'c-d']);
  expect(svgText(pictureOf(circle), 'x')).not.toContain('NaN');
});

test('a map read back from its canonical form is the same map', () => {
  expect(mapHash(mapFromCanonical(canonicalMap(map)))).toBe(mapHash(map));
  expect(() => mapFromCanonical('{"version":0}')).toThrow('install it again');
});

// Attack: names of tables and columns, and texts of a map somebody sent, that are code to what shows them.
test('hostile names are only names in words, SVG, DOT, CSV, Markdown and JSON', () => {
  const hostile = parseMap(hostileMap());
  const picture = pictureOf(hostile);
  const inventory = inventoryOf(hostile);
  const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
  const texts = {
    words: mapInWords(hostile, 'h'),
    svg: svgText(picture, hostile.policy),
    dot: dotText(picture, hostile.policy),
    csv: inventoryText(inventory, hostile.policy, 'csv').replace(/^\ufeff/, ''),
    md: inventoryText(inventory, hostile.policy, 'md'),
    json: inventoryText(inventory, hostile.policy, 'json'),
  };
  for (const [format, text] of Object.entries(texts))
    expect(unseen.test(text.replaceAll(/\r?\n/g, '')), format).toBe(false);

  // Nothing but the drawing's own tags, and no reference but the five that XML knows.
  const tags = [...texts.svg.matchAll(/<\/?([^\s>/?]+)/g)].map((match) => match[1]);
  expect([...new Set(tags)].sort()).toEqual(
    ['?xml', 'defs', 'g', 'marker', 'path', 'rect', 'style', 'svg', 'text', 'title'].filter(
      (tag) => tag !== '?xml',
    ),
  );
  expect(texts.svg.match(/&(?!amp;|lt;|gt;|quot;|#39;)/)).toBeNull();
  expect(texts.svg).toContain('&lt;script&gt;');
  expect(texts.svg).not.toContain('\ufffe');

  // Outside its quoted strings, DOT holds nothing that a name brought.
  const outside = texts.dot.replaceAll(/"(?:[^"\\]|\\.)*"/gs, '""');
  expect(outside).not.toMatch(/script|evil|drop|["']x/);
  expect(outside.match(/""/g)?.length).toBeGreaterThan(10);

  const cells = csvCells(texts.csv);
  expect(new Set(cells.map((row) => row.length))).toEqual(new Set([9]));
  for (const cell of cells.flat()) expect(cell).not.toMatch(/^\s*[=+\-@|%]/);
  expect(cells.flat().some((cell) => cell.startsWith("'=HYPERLINK"))).toBe(true);

  const rows = texts.md.split('\n').filter((line) => line.startsWith('|'));
  expect(rows).toHaveLength(2 + 2);
  for (const row of rows) expect(row.match(/(?<!\\)(?:\\\\)*\|/g)).toHaveLength(10);
  expect(texts.md).not.toMatch(/<|(?<!\\)`|(?<!\\)\]\(|www\.|https?:\//);
  expect(texts.md.match(/^#/gm)).toHaveLength(2);

  expect(JSON.parse(texts.json)).toMatchObject({
    entries: [{ collection: 'people' }, { collection: 'letters' }],
  });
});

/** RFC 4180, as a spreadsheet reads it. */
function csvCells(text: string): string[][] {
  return text
    .trimEnd()
    .split('\r\n')
    .map((line) =>
      [...line.matchAll(/"((?:[^"]|"")*)"(?:,|$)/g)].map((match) => (match[1] ?? '').replaceAll('""', '"')),
    );
}

test('the inventory has one activity for each collection, and says what the map leaves unsaid', () => {
  const { entries, notes, record } = inventoryOf(map);
  expect(entries.map((entry) => entry.collection)).toEqual(Object.keys(map.collections));
  expect(entries.find((entry) => entry.collection === 'invoices')).toMatchObject({
    people: 'Account holders',
    storage: ['table public.invoices'],
    ground: expect.stringContaining('Tax Act') as string,
    recipients: null,
  });
  expect(entries.find((entry) => entry.collection === 'media_files')?.storage).toEqual([
    'table public.media_files',
    'R2, objects that r2_key names',
  ]);
  expect(entries.find((entry) => entry.collection === 'messages')?.people).toBe(
    'Account holders; Message recipient',
  );
  expect(entries.every((entry) => entry.purpose !== null)).toBe(true);
  expect(record.find(({ what }) => what === 'Controller, Message recipient')?.says).toMatch(/^The tenant/);
  expect(record.find(({ what }) => what === 'Transfers to third countries')?.says).toBeNull();
  expect(notes).toEqual([
    expect.stringContaining('Art. 30(1)(e)') as string,
    'Retention not stated for plans; write “retention” in the map.',
    expect.stringMatching(/^Recipients not stated for users, /) as string,
  ]);
  const csv = inventoryText({ entries, notes, record }, map.policy, 'csv');
  expect(csv.startsWith('\ufeff"Activity","Purpose"')).toBe(true);
  expect(csvCells(csv.slice(1))).toHaveLength(1 + entries.length + record.length + notes.length);
  expect(inventoryText({ entries, notes, record }, map.policy, 'md')).toContain('| Retention |');
});
