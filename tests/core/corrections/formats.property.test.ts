/**
 * Which values a format takes: the window's rule and the database's against a judge of this test's own, who goes
 * through a value character by character. The same cases each time; others: FC_SEED.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { correctionFormats, fitsFormat, type CorrectionFormat } from '#shared/domain/corrections.ts';
import type { BareClient } from '#tests/helpers/bareClient.ts';
import { openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';

const seed = Number(process.env['FC_SEED'] ?? 20261128);

let desk: TestDesk;
let superuser: BareClient;
beforeAll(async () => {
  desk = await openDesk();
  superuser = await desk.bareSuperuser();
});
afterAll(() => desk[Symbol.asyncDispose]());

const between = (character: string, from: number, to: number): boolean => {
  const code = character.codePointAt(0) ?? 0;
  return code >= from && code <= to;
};
const isUnseen = (character: string): boolean =>
  character === '\u007f' || between(character, 0x2028, 0x202e) || between(character, 0x2066, 0x2069);
const isControl = (character: string): boolean => between(character, 0, 0x1f) || isUnseen(character);
const isDigit = (character: string): boolean => between(character, 0x30, 0x39);
const isLetter = (character: string): boolean =>
  between(character.toLowerCase(), 0x61, 0x7a) && character.length === 1;
const isSpace = (character: string): boolean => character === ' ' || character === '\u00a0';

function judgeEmail(value: string): boolean {
  const characters = [...value];
  const ats = characters.filter((each) => each === '@').length;
  if (ats !== 1 || characters.length > 254) return false;
  if (characters.some((each) => isControl(each) || isSpace(each) || '<>()[],;:"\\'.includes(each)))
    return false;
  const [local = '', domain = ''] = value.split('@');
  if ([...local].length < 1 || [...local].length > 64 || local.split('.').includes('')) return false;
  const labels = domain.split('.');
  const last = [...(labels.at(-1) ?? '')];
  return (
    labels.length >= 2 &&
    labels.every((each) => {
      const of = [...each];
      return of.length >= 1 && of.length <= 63 && of[0] !== '-' && of.at(-1) !== '-';
    }) &&
    last.length >= 2 &&
    !last.every(isDigit)
  );
}

const judges: Readonly<Record<CorrectionFormat, (value: string) => boolean>> = {
  email: judgeEmail,
  phone: (value) => {
    const [plus, ...digits] = [...value];
    return (
      plus === '+' && digits.length >= 7 && digits.length <= 15 && digits[0] !== '0' && digits.every(isDigit)
    );
  },
  name: (value) => {
    const characters = [...value];
    return (
      characters.length >= 1 &&
      characters.length <= 200 &&
      !characters.some(isControl) &&
      !isSpace(characters[0] ?? '') &&
      !isSpace(characters.at(-1) ?? '')
    );
  },
  language: (value) => {
    const [first = '', ...parts] = value.replaceAll('_', '-').split('-');
    return (
      value.length <= 35 &&
      (first.length === 2 || first.length === 3) &&
      [...first].every(isLetter) &&
      parts.every(
        (part) =>
          part.length >= 2 && part.length <= 8 && [...part].every((each) => isDigit(each) || isLetter(each)),
      )
    );
  },
  text: (value) =>
    [...value].length <= 10_000 && ![...value].some((each) => isControl(each) && !'\t\n\r'.includes(each)),
  typed: (value) => judges.text(value),
};

/** What addresses, numbers, names and tags are made of, and what spoils them. */
const piece = fc.oneof(
  fc.constantFrom('@', '.', '..', '-', '_', '+', '0', '7', ' ', '\u00a0', 'a', 'en', 'IN', 'example', '.org', '@example.org', 'Ünïcode'),
  fc.constantFrom('अनीता', 'محمد', '👩‍💻', '\t', '\n', '\r', '\u0001', '\u007f', '\u2028', '\u202e', '\u2066', '\u200d', '"', '\\', '<', ',', "'"),
  fc.string({ unit: 'grapheme-ascii', maxLength: 4 }),
  fc.integer({ min: 0, max: 99_999_999 }).map(String),
  fc.integer({ min: 55, max: 70 }).map((length) => 'x'.repeat(length)),
  fc.integer({ min: 240, max: 256 }).map((length) => 'y'.repeat(length)),
); // prettier-ignore
const spoilt = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
const near: readonly fc.Arbitrary<string>[] = [
  spoilt,
  fc.emailAddress(),
  fc.tuple(fc.constantFrom('+', '', '00'), fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 1e15 })).map(([plus, first, rest]) => `${plus}${String(first)}${String(rest)}`),
  fc.tuple(fc.constantFrom('+', ''), fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 5, maxLength: 17 })).map(([plus, digits]) => `${plus}${digits.join('')}`),
  fc.tuple(fc.constantFrom('zoe', 'a.b', 'अनीता', '.a', 'a.'), fc.array(fc.constantFrom('a', 'b-c', '-d', 'org', '9', '42', 'x'.repeat(63), 'x'.repeat(64), ''), { maxLength: 4 })).map(([local, labels]) => `${local}@${labels.join('.')}`),
  fc.array(fc.constantFrom('en', 'hin', 'IN', 'x', '419', 'Latn', 'longestone'), { minLength: 1, maxLength: 5 }).map((tags) => tags.join('-')),
  fc.constantFrom('', 'a'.repeat(200), 'a'.repeat(201), '\u{1f600}'.repeat(200), 'z'.repeat(10_000), 'z'.repeat(10_001), `${'a'.repeat(64)}@b.co`, `${'a'.repeat(65)}@b.co`),
]; // prettier-ignore

test('the window, the database and the judge agree on every value', async () => {
  const values = [...new Set(fc.sample(fc.oneof(...near), { seed, numRuns: 8_000 }))].filter(
    (value) => value.isWellFormed() && !value.includes('\0'),
  );
  const taken = new Map<CorrectionFormat, number>();
  for (const format of correctionFormats) {
    const { rows } = await superuser.query<{ fits: boolean }>(
      'select privacy_console.value_fits($1, x.value) as fits from unnest($2::text[]) with ordinality x(value, place) order by x.place',
      [format, values],
    );
    for (const [place, value] of values.entries()) {
      const says = judges[format](value);
      const told = `${format}: ${JSON.stringify(value)}`;
      expect(fitsFormat(format, value), told).toBe(says);
      expect(rows[place]?.fits, told).toBe(says);
      if (says) taken.set(format, (taken.get(format) ?? 0) + 1);
    }
  }
  // It was not all about nothing.
  for (const format of correctionFormats) expect(taken.get(format) ?? 0, format).toBeGreaterThan(50);
  expect(fitsFormat('name', '\ud800')).toBe(false);
  expect(fitsFormat('text', 'a\0b')).toBe(false);
});
