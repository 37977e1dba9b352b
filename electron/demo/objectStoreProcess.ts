/** The process behind objectStore.ts: holds miniflare and ends, with its server, when its parent's channel closes. */
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Miniflare, NoOpLog } from 'miniflare';
import type { FoundObject, ObjectStoreAnswer, ObjectStoreOrder } from './objectStoreMessages.ts';

const binding = 'MEDIA';

/**
 * Puts a whole batch in one request, which takes less than one call for each
 * through miniflare's own proxy, and lists what is there. It listens on the port that S3 has as well, so
 * only who knows the token gets through.
 */
const worker = `
export default {
  async fetch(request, env) {
    if (request.headers.get('x-fill-token') !== env.FILL_TOKEN) return new Response(null, { status: 404 });
    if (request.method === 'GET') {
      const found = [];
      let cursor;
      do {
        const page = await env.${binding}.list({ cursor });
        for (const { key } of page.objects) {
          const object = await env.${binding}.get(key);
          const digest = new crypto.DigestStream('SHA-256');
          await object.body.pipeTo(digest);
          const sha256 = Array.from(new Uint8Array(await digest.digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
          found.push({ key, bytes: object.size, sha256, contentType: object.httpMetadata.contentType });
        }
        cursor = page.truncated ? page.cursor : undefined;
      } while (cursor !== undefined);
      return Response.json(found);
    }
    const list = JSON.parse(decodeURIComponent(request.headers.get('x-objects')));
    const body = await request.arrayBuffer();
    let at = 0;
    const puts = list.map(({ key, size, contentType }) => {
      const bytes = body.slice(at, at + size);
      at += size;
      return env.${binding}.put(key, bytes, { httpMetadata: { contentType } });
    });
    await Promise.all(puts);
    return new Response(null, { status: 204 });
  },
};
`;
const fillToken = randomBytes(32).toString('hex');
let miniflare: Miniflare | undefined;

async function carryOut(order: ObjectStoreOrder): Promise<ObjectStoreAnswer> {
  if (order.order === 'start') {
    miniflare = new Miniflare({
      modules: true,
      script: worker,
      bindings: { FILL_TOKEN: fillToken },
      host: '127.0.0.1',
      port: 0,
      cf: false,
      log: new NoOpLog(),
      handleRuntimeStdio: (output: Readable, errors: Readable) => {
        output.resume();
        errors.resume();
      },
      r2Persist: order.folder,
      r2Buckets: {
        [binding]: {
          id: order.bucket,
          s3Credentials: { accessKeyId: order.accessKeyId, secretAccessKey: order.secretAccessKey },
        },
      },
    });
    const url = await miniflare.ready;
    return { answer: 'ready', endpoint: new URL('/cdn-cgi/local/r2/s3', url).href };
  }
  if (miniflare === undefined) throw new Error('an order before start');
  if (order.order === 'list') {
    const response = await miniflare.dispatchFetch('http://fill.test/', {
      headers: { 'x-fill-token': fillToken },
    });
    if (response.status !== 200)
      throw new Error(`the bucket answered ${response.status}: ${await response.text()}`);
    return { answer: 'listed', objects: (await response.json()) as FoundObject[] };
  }
  const list = order.objects.map(({ key, bytes, contentType }) => ({ key, size: bytes.length, contentType }));
  const response = await miniflare.dispatchFetch('http://fill.test/', {
    method: 'POST',
    headers: { 'x-fill-token': fillToken, 'x-objects': encodeURIComponent(JSON.stringify(list)) },
    body: Buffer.concat(order.objects.map(({ bytes }) => bytes)),
  });
  if (response.status !== 204)
    throw new Error(`the bucket answered ${response.status}: ${await response.text()}`);
  return { answer: 'done' };
}

async function leave(): Promise<void> {
  await miniflare?.dispose();
  process.exit(0);
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
process.on('disconnect', () => void leave());
process.on('message', (order: ObjectStoreOrder) => {
  carryOut(order).then(
    (answer) => process.send?.(answer),
    (error: unknown) =>
      process.send?.({ answer: 'failed', message: String(error) } satisfies ObjectStoreAnswer),
  );
});
