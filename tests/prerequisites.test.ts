import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { installPrerequisites, need } from './prerequisites.ts';

let folder: string;

/** A machine on whose path there is nothing but what a test puts there. */
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'privacy-console-bare-'));
  vi.stubEnv('PATH', folder);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function lines(): Promise<readonly string[]> {
  const said: string[] = [];
  const missing = await installPrerequisites((line) => said.push(line), new AbortController().signal);
  expect(missing).toEqual(expect.arrayContaining(['psql', 'unzip', 'openssl']));
  return said;
}

test('what is missing on a machine without apt-get is named in one line', async () => {
  expect(await lines()).toEqual([
    expect.stringMatching(
      /^Missing for the attacks with psql, .*: install what Debian calls postgresql-client unzip openssl/,
    ),
  ]);
});

test('where apt-get fails, or may not be used, the line is the command to run', async () => {
  const aptGet = path.join(folder, 'apt-get');
  await writeFile(aptGet, '#!/bin/sh\necho "E: no mirror answers" >&2\nexit 100\n');
  await chmod(aptGet, 0o755);
  const said = await lines();
  expect(said.at(-1)).toMatch(
    /^Missing for .*: sudo apt-get install --no-install-recommends postgresql-client unzip openssl/,
  );
  const asRoot = process.getuid?.() === 0;
  expect(said.slice(0, -1)).toEqual(
    asRoot
      ? [
          expect.stringMatching(/^Installing postgresql-client, unzip, openssl.* with apt-get …$/),
          'apt-get could not install them: E: no mirror answers',
        ]
      : [],
  );
});

test('a test that can’t be judged here is skipped with the command, and fails in CI', () => {
  const skip = vi.fn();
  vi.stubEnv('CI', '');
  need({ skip }, 'unzip');
  expect(skip).toHaveBeenCalledWith('needs unzip: install what Debian calls unzip');
  vi.stubEnv('CI', 'true');
  expect(() => {
    need({ skip }, 'unzip');
  }).toThrow('needs unzip: install what Debian calls unzip');
});
