// Attack: the audit trail is cut, rewritten or swapped for another, and the console's own note of what it has seen is
// the only witness; so the note must not go back, must not be replaced by what a server says, and must not be lost quietly.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readVerifiedHead, rememberVerifiedHead } from '#core/connections/index.ts';
import { furthestHead } from '#core/connections/verifiedHead.ts';

const head = { number: 41, chain: 'a'.repeat(64), database: '7300000000000000001/16384', restores: [] };
const later = { ...head, number: 42, chain: 'b'.repeat(64) };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudsingh-head-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('a head is remembered for each profile, and goes forward', async () => {
  expect(await readVerifiedHead(folder, 'live')).toBeNull();
  await rememberVerifiedHead(folder, 'live', head);
  await rememberVerifiedHead(folder, 'live', head);
  await rememberVerifiedHead(folder, 'live', later);
  expect(await readVerifiedHead(folder, 'live')).toEqual(later);
  expect(await readVerifiedHead(folder, 'test')).toBeNull();
  expect((await stat(join(folder, 'verified-head-live.json'))).mode & 0o777).toBe(0o600);
});

test('a demo and a profile of a like name are kept apart', async () => {
  await rememberVerifiedHead(folder, 'demo:operator', head);
  expect(await readVerifiedHead(folder, 'demo-operator')).toBeNull();
  await expect(readVerifiedHead(folder, '../live')).rejects.toMatchObject({ code: 'invalid_input' });
});

test.each([
  ['a shorter trail', { ...later, number: 40 }],
  ['another chain at the same number', { ...later, number: 41 }],
  ['another database', { ...later, database: '7300000000000000002/16384' }],
])('%s is refused and changes nothing', async (_how, contradicting) => {
  await rememberVerifiedHead(folder, 'live', head);
  await expect(rememberVerifiedHead(folder, 'live', contradicting)).rejects.toMatchObject({
    code: 'trail_contradiction',
    message: expect.stringContaining('contradicts entry 41'),
  });
  expect(await readVerifiedHead(folder, 'live')).toEqual(head);
});

test('behind a restore that it does not know yet a note goes back, once, and counts as further for all', async () => {
  const restored = { ...head, number: 12, chain: 'c'.repeat(64), restores: ['d'.repeat(64)] };
  await rememberVerifiedHead(folder, 'live', later);
  await rememberVerifiedHead(folder, 'other', later);
  await rememberVerifiedHead(folder, 'live', restored);
  expect(await furthestHead(folder, head.database)).toEqual(restored);
  // The same restore excuses nothing more, and none excuses another database.
  const contradicts = { code: 'trail_contradiction' };
  await expect(rememberVerifiedHead(folder, 'live', { ...restored, number: 11 })).rejects.toMatchObject(
    contradicts,
  );
  await expect(
    rememberVerifiedHead(folder, 'live', { ...restored, restores: ['e'.repeat(64)], database: 'other' }),
  ).rejects.toMatchObject(contradicts);
});

test.each(['', '{', '{"number":1}', '{"number":-1,"chain":"","database":""}'])(
  'a damaged note (%j) is not taken for a first time, and is kept',
  async (text) => {
    const path = join(folder, 'verified-head-live.json');
    await writeFile(path, text);
    await expect(readVerifiedHead(folder, 'live')).rejects.toMatchObject({ code: 'trail_contradiction' });
    await expect(rememberVerifiedHead(folder, 'live', later)).rejects.toMatchObject({
      code: 'trail_contradiction',
    });
    expect(await readFile(path, 'utf8')).toBe(text);
  },
);
