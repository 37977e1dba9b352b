import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CheckFinding } from '#shared/contract/dataMap.ts';
import { compareBucket, type Astray, type ListedKey, type NamedObject } from '#core/dataMap/check/bucket.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';
import { approve, findPerson, requestFor } from '../erasure/approvedPlan.ts';

const hex = (text: string): string => Buffer.from(text, 'utf8').toString('hex');
const byBytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

async function* given<Value>(values: readonly Value[]): AsyncGenerator<Value> {
  await Promise.resolve();
  yield* values;
}

test('one pass over both finds the same as looking each key up', async () => {
  const name = fc.stringMatching(/^(?:[ab]|a\/|b\/|ü|😀|￿){1,4}$/u);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name),
      fc.uniqueArray(name),
      fc.uniqueArray(name),
      async (objects, rows, prefixes) => {
        const astray: [string, Astray][] = [];
        const names = [
          ...rows.map((each): NamedObject => ({ hex: hex(each), prefix: false })),
          ...prefixes.map((each): NamedObject => ({ hex: hex(each), prefix: true })),
        ].sort((one, other) =>
          one.hex < other.hex ? -1 : one.hex > other.hex ? 1 : Number(other.prefix) - Number(one.prefix),
        );
        const counted = await compareBucket(
          given([...objects].sort(byBytes).map((key): ListedKey => ({ key, recent: false }))),
          given(names),
          (key, why) => void astray.push([key, why]),
        );
        const below = (key: string): boolean => prefixes.some((each) => key.startsWith(each));
        const unnamed = objects.filter((key) => !rows.includes(key) && !below(key));
        const missing = rows.filter((key) => !objects.includes(key));
        expect(counted).toMatchObject({
          objects: objects.length,
          named: objects.filter((key) => rows.includes(key)).length,
          underPrefix: objects.filter((key) => !rows.includes(key) && below(key)).length,
          unnamed: unnamed.length,
          missing: missing.length,
        });
        const keys = (why: Astray): string[] => astray.filter((each) => each[1] === why).map(([key]) => key);
        expect(keys('unnamed').sort(byBytes)).toEqual(unnamed.sort(byBytes));
        expect(keys('missing').sort(byBytes)).toEqual(missing.sort(byBytes));
      },
    ),
    { numRuns: 500 },
  );
});

test('a listing or names out of order is never counted', async () => {
  const keys = given([
    { key: 'b', recent: false },
    { key: 'a', recent: false },
  ]);
  await expect(compareBucket(keys, given([]), () => undefined)).rejects.toThrow('out of order');
  const names = given([
    { hex: '62', prefix: false },
    { hex: '61', prefix: false },
  ]);
  await expect(compareBucket(given([{ key: 'c', recent: false }]), names, () => undefined)).rejects.toThrow(
    'out of order',
  );
});

test('objects no row names and rows without their object are told without a key; full keys only in a file of one’s own', async () => {
  await using desk = await openDesk({ withBucket: true });
  const { named, workspace, total } = await desk.superuser(async ({ query }) => {
    const { rows } = await query<{ named: string; workspace: string; total: number }>(
      `select (select r2_key from public.media_files order by id limit 1) as named, (select id::text from public.workspaces order by id limit 1) as workspace,
         (select count(distinct r2_key)::int from public.media_files) as total`,
    );
    return rows[0] ?? { named: '', workspace: '', total: 0 };
  });
  const secret = 'asha.verma@mail.example';
  const body = { bytes: Buffer.from('x'), contentType: 'text/plain' };
  await desk.bucket?.put(
    [
      named,
      `workspaces/${workspace}/left over.txt`,
      'backups/2026.tar',
      'backups/2025.tar',
      `${secret}/passport.png`,
    ].map((key) => ({ key, ...body })),
  );
  const administrator = await desk.signIn('administrator');
  const file = path.join(desk.folder, 'keys.jsonl');
  const run = async (input: { keysFile?: string }): Promise<Readonly<Record<string, unknown>>> => {
    const { jobId } = await expectDone(administrator, 'map.checkBucket', input);
    const { job } = await expectDone(administrator, 'jobs.wait', { id: jobId });
    expect(job.failure).toBeNull();
    return job.result ?? {};
  };
  const result = await run({ keysFile: file });
  expect(result).toMatchObject({ objects: 5, named: 1, underPrefix: 1, unnamed: 3, missing: total - 1 });
  expect(JSON.stringify(result)).not.toContain('asha');
  const findings = result['findings'] as CheckFinding[];
  expect(findings.map((each) => `${each.severity} ${each.code} ${each.subject.replace(/#.*/, '#')}`)).toEqual(
    [
      'blocks object-unnamed r2:#',
      'blocks object-unnamed r2:backups/',
      'warns object-missing R2',
      'notes object-examples R2',
      'notes object-under-prefix R2',
    ],
  );
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(total + 2);
  expect(lines).toContain(JSON.stringify({ why: 'unnamed', key: `${secret}/passport.png` }));
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  // Never over another file.
  const { jobId } = await expectDone(administrator, 'map.checkBucket', { keysFile: file });
  expect((await expectDone(administrator, 'jobs.wait', { id: jobId })).job.failure?.code).toBe('disk');

  const { entries } = await expectDone(administrator, 'audit.list', { action: 'bucket.checked' });
  expect(entries.map((each) => each.outcome)).toEqual(['failed', 'intent', 'done', 'intent']);
  const operator = await desk.signIn('operator');
  expect(await operator.dispatch('map.checkBucket', {})).toMatchObject({
    ok: false,
    failure: { code: 'not_permitted' },
  });
}, 60_000);

test('what keys begin with is looked at before each export, plan and run; a bucket that can’t be asked begins nothing', async () => {
  await using desk = await openDesk({ withBucket: true });
  const body = { bytes: Buffer.from('x'), contentType: 'text/plain' };
  const put = (key: string): Promise<void> | undefined => desk.bucket?.put([{ key, ...body }]);
  const operator = await desk.signIn('operator');
  const person = await findPerson(desk);
  const { request: asked } = await requestFor(operator, person, 'export');
  const victim = await requestFor(operator, person);
  const approved = await approve(desk, operator, victim);
  const startExport = (): ReturnType<typeof operator.dispatch> =>
    operator.dispatch('exports.start', { requestId: asked, folder: desk.folder });
  const { jobId } = await expectDone(operator, 'exports.start', { requestId: asked, folder: desk.folder });
  expect((await expectDone(operator, 'jobs.wait', { id: jobId })).job.failure).toBeNull();

  await put('asha.verma@mail.example/passport.png');
  await put('dumps/2026.tar');
  const refused = {
    ok: false,
    failure: { code: 'schema_drift', message: expect.stringContaining('unknown prefix r2:dumps/') as string },
  };
  expect(await startExport()).toMatchObject(refused);
  expect(await operator.dispatch('erasure.plan', { requestId: victim.request, decisions: {} })).toMatchObject(
    refused,
  );
  expect(await operator.dispatch('erasure.run', { planId: approved.id })).toMatchObject(refused);
  const auditor = await desk.signIn('auditor');
  const { entries } = await expectDone(auditor, 'audit.list', { action: 'bucket.unknown' });
  expect(entries).toHaveLength(1);

  await desk.bucket?.stop();
  expect(await startExport()).toMatchObject({ ok: false, failure: { code: 'object_store' } });
  expect(await operator.dispatch('erasure.plan', { requestId: victim.request, decisions: {} })).toMatchObject(
    {
      ok: false,
      failure: { code: 'object_store' },
    },
  );
}, 120_000);
