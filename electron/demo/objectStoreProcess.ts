/** The process behind objectStore.ts: holds miniflare and ends, with its server, when its parent's channel closes. */
import type { Readable } from 'node:stream';
import { Miniflare, NoOpLog } from 'miniflare';
import type { StoredObject } from './objectStore.ts';

export type ObjectStoreOrder =
  | {
      readonly order: 'start';
      readonly folder: string;
      readonly bucket: string;
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
    }
  | { readonly order: 'put'; readonly objects: readonly StoredObject[] };

export type ObjectStoreAnswer =
  | { readonly answer: 'ready'; readonly endpoint: string }
  | { readonly answer: 'done' }
  | { readonly answer: 'failed'; readonly message: string };

/** The part of miniflare's types that leans on a package of Cloudflare's which isn't installed. */
interface MediaBucket {
  put(
    key: string,
    bytes: Uint8Array,
    options: { readonly httpMetadata: { readonly contentType: string } },
  ): Promise<unknown>;
}

const binding = 'MEDIA';
let miniflare: Miniflare | undefined;

async function carryOut(order: ObjectStoreOrder): Promise<ObjectStoreAnswer> {
  if (order.order === 'start') {
    miniflare = new Miniflare({
      modules: true,
      script: 'export default { fetch() { return new Response(null, { status: 404 }); } };',
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
  if (miniflare === undefined) throw new Error('put before start');
  const bucket = (await miniflare.getR2Bucket(binding)) as unknown as MediaBucket;
  const waiting = [...order.objects];
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      await bucket.put(next.key, next.bytes, { httpMetadata: { contentType: next.contentType } });
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
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
