import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '..');

test('every test and picture the documents name is there', () => {
  for (const document of ['README.md', 'docs/promises.md', 'docs/security.md', 'docs/operating.md']) {
    const text = readFileSync(path.join(root, document), 'utf8');
    const named = [
      ...[...text.matchAll(/`((?:tests|docs|electron)\/[\w./-]+\.\w+)`/g)].map((match) => match[1] ?? ''),
      ...[...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) =>
        path.join(path.dirname(document), match[1] ?? ''),
      ),
    ];
    expect(
      named.filter((file) => !existsSync(path.join(root, file))),
      document,
    ).toEqual([]);
  }
});

test('every picture the promises name is one that the journey takes', () => {
  const text = readFileSync(path.join(root, 'docs/promises.md'), 'utf8');
  const journey = readFileSync(path.join(root, 'electron/demo/journeySteps.ts'), 'utf8');
  const taken = [...journey.matchAll(/shown\('([a-z-]+)'/g)].map((match) => match[1]);
  const parts = text.slice(text.indexOf('## Part by part')).split('\n');
  const named = parts.flatMap((line) =>
    [...(line.split('|')[2] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1]),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((name) => !taken.includes(name))).toEqual([]);
  // All seventeen, each with a test in which it refuses.
  const numbered = parts.filter((line) => /^\| \d/.test(line));
  expect(numbered.map((line) => Number(/\d+/.exec(line)?.[0]))).toEqual(
    Array.from({ length: 17 }, (_each, place) => place + 1),
  );
  for (const line of numbered) expect(line).toMatch(/`tests\/[\w./]+`\s*\|$/);
});
