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
