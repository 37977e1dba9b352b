import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Console } from '#core/console.ts';
import { leftOutOf, profileFor } from '#shared/domain/exportProfiles.ts';
import { unpack } from '#tests/acceptance/judge.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { findPerson, requestFor } from '../erasure/approvedPlan.ts';
import { verdictOn } from '#tests/helpers/verdictOn.ts';

let desk: TestDesk;
let operator: Console;
let request: number;
beforeAll(async () => {
  desk = await openDesk({ withBucket: true });
  operator = await desk.signIn('operator');
  const person = await findPerson(desk);
  request = (await requestFor(operator, person, 'export')).request;
  const key = `workspaces/${person.workspace}/messages/2026-10/alone`;
  await desk.bucket?.put([{ key, bytes: Buffer.from('x'), contentType: 'text/plain' }]);
});
afterAll(() => desk[Symbol.asyncDispose]());

type Further = Record<string, unknown>;

async function made(further: Further): Promise<{
  readonly records: ReadonlyMap<string, readonly Further[]>;
  readonly processing: Further;
  readonly information: Further;
  readonly paths: readonly string[];
  readonly objects: readonly string[];
}> {
  const folder = await mkdtemp(path.join(desk.folder, 'packages-'));
  const { jobId } = await expectDone(operator, 'exports.start', { requestId: request, folder, ...further });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  expect(job.failure).toBeNull();
  const file = String(job.result?.['file']);
  expect(await verdictOn(operator, { file })).toMatchObject({ intact: true });
  const unpacked = await unpack(file, await mkdtemp(path.join(folder, 'unpacked-')));
  const files = await unpacked.files();
  const json = (name: string): Further =>
    JSON.parse(files.find((each) => each.path === name)?.bytes.toString('utf8') ?? '{}') as Further;
  return {
    records: new Map(
      [...unpacked.records].map(([name, lines]) => [name, lines.map((line) => JSON.parse(line) as Further)]),
    ),
    processing: json('data/processing.json'),
    information: json('data/information.json'),
    paths: files.map((each) => each.path),
    objects: unpacked.index.map((each) => each.key),
  };
}

const keysOf = (rows: readonly Further[] | undefined): readonly string[] => [
  ...new Set((rows ?? []).flatMap((row) => Object.keys(row))),
];

test('an access copy holds everything, others masked, with the information of Art. 15', async () => {
  const { records, processing, information } = await made({ profile: 'access' });
  expect(keysOf(records.get('messages'))).toContain('recipient_phone');
  expect(records.get('messages')?.every((row) => String(row['recipient_phone']).includes('•'))).toBe(true);
  expect(processing).toMatchObject({ profile: 'access', thirdParties: { shown: false } });
  expect(JSON.stringify(processing['thirdParties'])).toContain('"column":"recipient_phone"');
  expect((processing['leftOut'] as Further[]).map((each) => each['because'])).toEqual(
    (processing['leftOut'] as Further[]).map(() => 'a secret of the platform'),
  );
  expect(information).toMatchObject({
    controller: 'CloudSingh',
    contact: 'support@cloudsingh.in',
    collections: expect.arrayContaining([
      expect.objectContaining({
        name: 'users',
        purpose: expect.stringContaining('To provide') as string,
        retention: expect.stringContaining('30 days') as string,
        sources: expect.arrayContaining(['given by the person']) as string[],
      }),
    ]) as unknown[],
  });
  expect((information['rights'] as string[]).length).toBeGreaterThan(5);
});

test('portability holds nothing worked out and nothing of others, and is what an export request gets', async () => {
  const { records, processing, paths } = await made({});
  expect(processing['profile']).toBe('portability');
  expect(keysOf(records.get('messages'))).not.toContain('recipient_phone');
  expect(keysOf(records.get('messages'))).toContain('status');
  expect(keysOf(records.get('contacts'))).not.toContain('name');
  // Their own key in their own row.
  expect(keysOf(records.get('workspace_members'))).toContain('user_id');
  expect(keysOf(records.get('campaigns'))).not.toContain('stats');
  expect(processing['leftOut']).toEqual(
    expect.arrayContaining([
      { collection: 'messages', column: 'recipient_phone', because: 'about other people' },
      {
        collection: 'campaigns',
        column: 'stats',
        because: 'worked out from other data, so not part of portability',
      },
    ]),
  );
  expect(paths).not.toContain('data/trail.jsonl');
});

test('a case file holds the person’s entries of the trail too, by the bytes that were hashed', async () => {
  const folder = await mkdtemp(path.join(desk.folder, 'case-'));
  const { jobId } = await expectDone(operator, 'exports.start', {
    requestId: request,
    folder,
    profile: 'case',
  });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  const at = await mkdtemp(path.join(folder, 'unpacked-'));
  const unpacked = await unpack(String(job.result?.['file']), at);
  const trail = (await unpacked.files()).find((each) => each.path === 'data/trail.jsonl');
  const lines = (trail?.bytes.toString('utf8') ?? '').trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(2);
  expect(lines.map((line) => (JSON.parse(line) as Further)['action'])).toContain('export.begun');
});

test('a custom package holds what was chosen, says what it leaves out, and has a reason', async () => {
  const choice = { without: ['page_views'], withoutColumns: ['messages.content', 'users.email'] };
  expect(
    await operator.dispatch('exports.start', {
      requestId: request,
      folder: desk.folder,
      profile: 'custom',
      choice,
    }),
  ).toMatchObject({ ok: false, failure: { code: 'invalid_input' } });
  const { records, processing, objects } = await made({
    profile: 'custom',
    choice,
    reason: 'only what was asked',
  });
  expect([...records.keys()]).not.toContain('page_views');
  expect(keysOf(records.get('messages'))).not.toContain('content');
  expect(keysOf(records.get('users'))).not.toContain('email');
  expect(keysOf(records.get('users'))).toContain('name');
  expect(processing['leftOut']).toEqual(
    expect.arrayContaining([
      { collection: 'page_views', column: null, because: 'left out by choice' },
      { collection: null, column: null, because: 'objects of R2 that no row of this package names' },
    ]),
  );
  // Of an object alone nothing tells to what it belongs.
  expect(objects.filter((key) => key.endsWith('/alone'))).toEqual([]);
  for (const wrong of [
    { profile: 'access', choice },
    { profile: 'custom', choice: { without: ['nothing'] }, reason: 'trying' },
    { profile: 'custom', choice: { withoutColumns: ['users.nothing'] }, reason: 'trying' },
  ])
    expect(
      await operator.dispatch('exports.start', { requestId: request, folder: desk.folder, ...wrong }),
    ).toMatchObject({ ok: false, failure: { code: 'invalid_input' } });
  const { exports } = await expectDone(operator, 'exports.list', { requestId: request });
  expect(exports[0]).toMatchObject({ profile: 'custom', showsOthers: false });
});

test('what a profile leaves out follows from origin, kind and choice alone', () => {
  const column = (name: string, origin: 'provided' | 'derived', ...thirdParty: string[]) => ({
    name,
    origin,
    thirdParty,
    ownToo: [] as string[],
  });
  const collections = [
    { name: 'a', origin: 'provided', columns: [column('x', 'provided'), column('y', 'derived')] },
    { name: 'b', origin: 'derived', columns: [column('z', 'derived')] },
    { name: 'c', origin: 'provided', columns: [column('o', 'provided', 'account'), column('p', 'provided')] },
  ] as const;
  const nothing = { without: [], withoutColumns: [] };
  expect(leftOutOf('access', 'account', collections, nothing)).toEqual([]);
  expect(leftOutOf('case', 'account', collections, nothing)).toEqual([]);
  expect(leftOutOf('portability', 'account', collections, nothing)).toEqual([
    { collection: 'a', column: 'y', because: 'derived' },
    { collection: 'b', column: null, because: 'derived' },
    { collection: 'c', column: 'o', because: 'third_party' },
  ]);
  expect(leftOutOf('portability', 'recipient', collections, nothing)).toHaveLength(2);
  expect(
    leftOutOf('custom', 'account', collections, { without: ['b'], withoutColumns: ['a.x', 'c.o', 'c.p'] }),
  ).toEqual([
    { collection: 'a', column: 'x', because: 'chosen' },
    { collection: 'b', column: null, because: 'chosen' },
    { collection: 'c', column: null, because: 'chosen' },
  ]);
  expect([profileFor('access'), profileFor('export')]).toEqual(['access', 'portability']);
});
