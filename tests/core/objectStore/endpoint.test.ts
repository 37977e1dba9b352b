import { expect, test } from 'vitest';
import { ExpectedError } from '#core/kernel/errors.ts';
import { openObjectStore, probeBucket } from '#core/objectStore/r2.ts';

// The attack: an endpoint that sends the keys and a person's files over an open
// line, or to a host that only looks like the right one.
test.each([
  ['http://127.0.0.1:9000', 'production'],
  ['http://127.0.0.1:9000', 'staging'],
  ['http://example.com', 'demo'],
  ['http://127.0.0.1.example.com', 'demo'],
  ['http://localhost@example.com', 'demo'],
  ['https://key:secret@example.com', 'production'],
  ['https://example.com/?x=1', 'production'],
  ['ftp://example.com', 'production'],
  ['', 'production'],
] as const)('refuses the endpoint %s in %s', async (endpoint, environment) => {
  const config = { endpoint, environment, bucket: 'media', accessKeyId: 'a', secretAccessKey: 'b' };
  expect(() => openObjectStore(config)).toThrow(ExpectedError);
  expect(await probeBucket(config)).toMatchObject({
    ok: false,
    todo: 'Correct the R2 endpoint in the profile.',
  });
});
