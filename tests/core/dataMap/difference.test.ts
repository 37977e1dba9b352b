import fc from 'fast-check';
import { expect, test } from 'vitest';
import { differencesOf } from '#core/dataMap/difference.ts';
import {
  canonicalMap,
  mapFromCanonical,
  mapHash,
  parseMap,
  referenceMapText,
  type DataMap,
} from '#core/dataMap/map.ts';
import { en } from '#shared/strings/en.ts';

const shipped = parseMap(referenceMapText());

function changed(from: string | RegExp, to: string): DataMap {
  const text = referenceMapText();
  const after = text.replace(from, to);
  expect(after).not.toBe(text);
  return parseMap(after);
}

const inWords = (before: DataMap, after: DataMap): readonly string[] =>
  differencesOf(before, after).map((each) => `${en.mapChange.describe(each)} · ${each.exposure}`);

test('a map does not differ from itself, nor from what the database keeps of it', () => {
  expect(differencesOf(shipped, parseMap(referenceMapText()))).toEqual([]);
  const kept = mapFromCanonical(canonicalMap(shipped));
  expect(mapHash(kept)).toBe(mapHash(shipped));
  expect(differencesOf(shipped, kept)).toEqual([]);
});

test('a mask that goes shows more, one that comes shows less, in words', () => {
  const bare = changed(/^( +phone:\s+\{[^}]*?),\s+mask: phone/m, '$1');
  expect(inWords(shipped, bare)).toEqual(['users.phone: mask from phone to nothing · more']);
  expect(inWords(bare, shipped)).toEqual(['users.phone: mask from nothing to phone · less']);
});

test('what is no longer about somebody else shows more, and so does what is no longer worked out', () => {
  const exposureOf = (from: unknown, to: unknown, field: string, collection = false): unknown => {
    const [before, after] = [from, to].map((value) => {
      const made = structuredClone(shipped);
      const held = made.collections['messages'] as unknown as Record<string, unknown>;
      const holder = collection
        ? held
        : (held['columns'] as Record<string, Record<string, unknown>>)['recipient_phone'];
      if (holder === undefined) throw new Error('the shipped map has no recipients');
      if (value === undefined) delete holder[field];
      else holder[field] = value;
      return made;
    });
    const told = differencesOf(before ?? shipped, after ?? shipped);
    expect(told).toHaveLength(1);
    return told[0]?.exposure;
  };
  for (const [from, to, exposure] of [
    ['account', undefined, 'more'],
    [true, 'account', 'more'],
    [['account', 'recipient'], ['account'], 'more'],
    ['account', 'recipient', 'more'],
    [undefined, 'account', 'less'],
    ['account', ['account', 'recipient'], 'less'],
    ['account', true, 'less'],
  ] as const)
    expect(exposureOf(from, to, 'thirdParty'), `${String(from)} → ${String(to)}`).toBe(exposure);
  for (const collection of [true, false])
    for (const [from, to, exposure] of [
      ['derived', 'provided', 'more'],
      ['derived', undefined, 'more'],
      [undefined, 'derived', 'less'],
      [undefined, 'provided', 'same'],
    ] as const)
      expect(exposureOf(from, to, 'origin', collection), `${String(from)} → ${String(to)}`).toBe(exposure);
});

test('a secret that is no longer one shows more', () => {
  const secret = Object.entries(shipped.collections).flatMap(([name, held]) =>
    Object.entries(held.columns)
      .filter(([, mapped]) => mapped.never)
      .map(([column]) => [name, column] as const),
  )[0];
  if (secret === undefined) throw new Error('the shipped map has no secrets');
  const [name, column] = secret;
  const after = structuredClone(shipped);
  const mapped = after.collections[name]?.columns[column];
  if (mapped !== undefined) mapped.never = false;
  expect(inWords(shipped, after)).toEqual([`${name}.${column}: never from true to false · more`]);
});

test('a collection that goes or comes is told with its columns', () => {
  const without = structuredClone(shipped);
  delete (without.collections as Record<string, unknown>)['support_messages'];
  expect(inWords(shipped, without)).toEqual(['support_messages: removed · less']);
  const back = inWords(without, shipped);
  expect(back[0]).toBe('support_messages: added · more');
  const category = shipped.collections['support_messages']?.columns['body']?.category ?? '';
  expect(back).toContain(`support_messages.body: added as ${category} · more`);
});

test('what erasure does is told by kind of people, in words', () => {
  const after = structuredClone(shipped);
  const erasure = after.collections['messages']?.erasure as Record<string, unknown>;
  erasure['recipient'] = { action: 'keep', ground: 'a law', years: 3, from: 'created_at' };
  expect(inWords(shipped, after)).toEqual([
    'messages: erasure of recipient from anonymise, recipient_phone becomes erased, content becomes null to keep, ground: a law, years: 3, from: created_at · same',
  ]);
});

test('a table ruled out or taken back is told with its reason', () => {
  const after = structuredClone(shipped);
  after.ignored['public.audit'] = 'no person in it';
  expect(inWords(shipped, after)).toEqual(['public.audit: ruled out (no person in it) · same']);
  expect(inWords(after, shipped)).toEqual(['public.audit: no longer ruled out · same']);
});

test('which kind of people is the first is a difference, and shows more', () => {
  const turned = {
    ...shipped,
    subjects: Object.fromEntries(Object.entries(shipped.subjects).reverse()),
  };
  expect(mapHash(turned)).not.toBe(mapHash(shipped));
  expect(differencesOf(shipped, turned).map(({ field, exposure }) => [field, exposure])).toEqual([
    ['subjects', 'more'],
  ]);
});

test('a kind of people may have any name that is one, and the map is read back with it', () => {
  const map = parseMap(
    JSON.stringify({
      version: 1,
      policy: 'p',
      subjects: { action: { collection: 'a', key: 'id' } },
      collections: {
        a: {
          table: 'public.a',
          title: 'A',
          group: 'G',
          subject: [{ column: 'id' }],
          order: ['id'],
          columns: { id: 'user.unique_id' },
          erasure: { action: 'delete' },
        },
      },
    }),
  );
  expect(mapHash(mapFromCanonical(canonicalMap(map)))).toBe(mapHash(map));
});

/** Every place of the map with a value that isn't an object. */
function leaves(value: unknown, at: readonly string[] = []): readonly (readonly string[])[] {
  return value !== null && typeof value === 'object'
    ? Object.entries(value).flatMap(([name, inner]) => leaves(inner, [...at, name]))
    : [at];
}

test('whatever value of the map is another, the difference is told, and only where it is', () => {
  fc.assert(
    fc.property(fc.constantFrom(...leaves(shipped)), (place) => {
      const after = structuredClone(shipped);
      let holder = after as unknown as Record<string, unknown>;
      for (const name of place.slice(0, -1)) holder = holder[name] as Record<string, unknown>;
      const last = place.at(-1) ?? '';
      holder[last] = typeof holder[last] === 'boolean' ? !holder[last] : `${String(holder[last])}x`;
      const told = differencesOf(shipped, after);
      expect(mapHash(after)).not.toBe(mapHash(shipped));
      expect(told.length).toBeGreaterThan(0);
      const collection = place[0] === 'collections' ? place[1] : null;
      expect(new Set(told.map((each) => each.collection))).toEqual(new Set([collection]));
    }),
    { numRuns: 300 },
  );
});

test('a translation that comes, changes or goes is told text by text, and shows nobody more', () => {
  const before = changed('    Account holder: खाताधारक\n', '');
  const other = changed('    Account holder: खाताधारक\n', '    Account holder: खातेदार\n');
  const field = 'translation into hi of “Account holder”';
  expect(inWords(before, shipped)).toEqual([
    expect.stringContaining(`${field} from nothing to खाताधारक · same`),
  ]);
  expect(inWords(shipped, other)).toEqual([
    expect.stringContaining(`${field} from खाताधारक to खातेदार · same`),
  ]);
  expect(inWords(shipped, before)).toEqual([
    expect.stringContaining(`${field} from खाताधारक to nothing · same`),
  ]);
  const { translations: _gone, ...none } = shipped;
  const empty = { ...none, translations: { hi: {} } };
  expect(mapHash(empty)).not.toBe(mapHash(none));
  expect(inWords(none, empty)).toHaveLength(1);
});
