import { expect, test, vi } from 'vitest';
import { startBadNetwork } from '#tests/core/objectStore/localR2.ts';
import { expectDone, openDesk } from '#tests/helpers/testDesk.ts';
import { approve, findPerson, otherWorkstation, putObjects, requestFor, run } from './approvedPlan.ts';

vi.setConfig({ testTimeout: 120_000 });

test('uploads that nobody completed are ended before the objects go, those of others are not, and the certificate counts them', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  await putObjects(desk, victim, 2);
  const { id } = await approve(desk, operator, victim);
  const key = `workspaces/${victim.workspace}/messages/2026-10/video`;
  const asked: string[] = [];
  // The local R2 can't list uploads, so that one answer is made up; another's upload is in it as well.
  const network = await startBadNetwork(
    { ...desk.secrets.r2, environment: 'demo' },
    ({ method = '', url = '' }, outgoing, pass) => {
      if (method === 'DELETE' || url.includes('delete')) asked.push(`${method} ${url}`);
      if (method !== 'GET' || !/[?&]uploads/.test(url)) {
        pass();
        return;
      }
      const folder = new URL(url, 'http://r2').searchParams.get('prefix') ?? '';
      const uploads = [key, `${folder}somebody-elses`]
        .filter((each) => each.startsWith(folder))
        .map(
          (each) =>
            `<Upload><Key>${each}</Key><UploadId>u-${each.split('/').at(-1) ?? ''}</UploadId></Upload>`,
        );
      outgoing.writeHead(200, { 'content-type': 'application/xml' });
      outgoing.end(
        `<?xml version="1.0"?><ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${uploads.join('')}</ListMultipartUploadsResult>`,
      );
    },
  );
  try {
    const station = await otherWorkstation(desk, {
      r2: { ...desk.secrets.r2, endpoint: network.config.endpoint },
    });
    const console = await station.signIn();
    expect(await run(console, id)).toMatchObject({ state: 'done', result: { complete: true } });
    const { says } = await expectDone(console, 'erasure.certificate', { planId: id });
    expect(says.uploads).toBeGreaterThan(0);
    expect(asked[0]).toMatch(/^DELETE .*uploadId=u-/);
    expect(asked.some((each) => each.includes(`${key}?`) && each.includes('uploadId=u-video'))).toBe(true);
    expect(asked.findLastIndex((each) => each.startsWith('DELETE'))).toBeLessThan(
      asked.findIndex((each) => each.startsWith('POST')),
    );
    await console.close();
  } finally {
    await network.close();
  }
});

test('a bucket that can’t list uploads is told as such, not as one without any', async () => {
  await using desk = await openDesk({ withBucket: true });
  const operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  await putObjects(desk, victim, 1);
  const { id } = await approve(desk, operator, victim);
  expect(await run(operator, id)).toMatchObject({ state: 'done', result: { complete: true } });
  const { says } = await expectDone(operator, 'erasure.certificate', { planId: id });
  expect(says.uploads).toBeNull();
});
