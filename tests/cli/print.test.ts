import { expect, test } from 'vitest';
import { asJson } from '../../electron/cli/print.ts';

test('JSON for a program holds nothing that a terminal obeys: what turns a text round, or hides in it, is escaped', () => {
  const value = {
    name: 'ab\u202etxt.exe',
    more: ['\u2066x\u2069', 'z\u200dw', '\u009b31m', '\u2028', '\u{e0041}', 'पुणे'],
  };
  const written = asJson(value);
  expect(written).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  expect(written).toContain('ab\\u202etxt.exe');
  expect(written).toContain('पुणे');
  expect(JSON.parse(written)).toEqual(value);
});
