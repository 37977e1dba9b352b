import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { Miniflare } from 'miniflare';
import type { ObjectStoreConfig } from '#core/objectStore/objectStore.ts';

/** Cloudflare's own R2 in a process of its own, with a way in beside S3 for keys S3 can't carry. */
export interface LocalR2 {
  readonly config: ObjectStoreConfig;
  readonly put: (key: string, bytes: Uint8Array | string, contentType?: string) => Promise<void>;
  /** Puts one byte under each key. */
  readonly fill: (keys: readonly string[]) => Promise<void>;
  readonly remove: (key: string) => Promise<void>;
  readonly keys: () => Promise<readonly string[]>;
  readonly beginUpload: (key: string) => Promise<string>;
  /** Whether a part can still be added to an upload. */
  readonly canGoOn: (key: string, upload: string) => Promise<boolean>;
  readonly close: () => Promise<void>;
}

/** Runs beside the bucket: one call for many keys, any bytes in a key. */
const sideDoor = `export default {
  async fetch(request, { MEDIA: bucket }) {
    const { task, key, keys, upload, contentType } = JSON.parse(decodeURIComponent(request.headers.get('x-task')));
    if (task === 'put') await bucket.put(key, await request.arrayBuffer(), { httpMetadata: { contentType } });
    if (task === 'fill') for (const key of keys) await bucket.put(key, 'x');
    if (task === 'remove') await bucket.delete(key);
    if (task === 'begin') return Response.json((await bucket.createMultipartUpload(key)).uploadId);
    if (task === 'part') {
      const part = bucket.resumeMultipartUpload(key, upload).uploadPart(1, 'x');
      return Response.json(await part.then(() => true, () => false));
    }
    const found = [];
    let cursor;
    if (task === 'keys') do {
      const page = await bucket.list({ cursor });
      for (const { key } of page.objects) found.push(key);
      cursor = page.truncated ? page.cursor : undefined;
    } while (cursor);
    return Response.json(found);
  },
}`;

export async function startLocalR2(): Promise<LocalR2> {
  const credentials = { accessKeyId: 'local-access-key', secretAccessKey: 'local-secret-key' };
  const miniflare = new Miniflare({
    modules: true,
    script: sideDoor,
    cf: false,
    host: '127.0.0.1',
    port: 0,
    r2Buckets: { MEDIA: { id: 'media', s3Credentials: credentials } },
  });
  const { origin } = await miniflare.ready;

  async function ask(
    task: Readonly<Record<string, unknown>>,
    body: Uint8Array | string = '',
  ): Promise<unknown> {
    const headers = { 'x-task': encodeURIComponent(JSON.stringify(task)) };
    const answer = await miniflare.dispatchFetch(origin, { method: 'POST', headers, body });
    if (!answer.ok) throw new Error(`The local R2 answered ${String(answer.status)}: ${await answer.text()}`);
    return answer.json();
  }

  return {
    config: {
      endpoint: `${origin}/cdn-cgi/local/r2/s3`,
      bucket: 'media',
      environment: 'demo',
      ...credentials,
    },
    async put(key, bytes, contentType = 'image/png') {
      await ask({ task: 'put', key, contentType }, bytes);
    },
    async fill(keys) {
      for (let start = 0; start < keys.length; start += 100) {
        await ask({ task: 'fill', keys: keys.slice(start, start + 100) });
      }
    },
    async remove(key) {
      await ask({ task: 'remove', key });
    },
    keys: async () => (await ask({ task: 'keys' })) as readonly string[],
    beginUpload: async (key) => (await ask({ task: 'begin', key })) as string,
    canGoOn: async (key, upload) => (await ask({ task: 'part', key, upload })) === true,
    close: () => miniflare.dispose(),
  };
}

/** What a network in between does to one request; `pass` lets it through. */
export type Meddling = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  pass: () => void,
  number: number,
) => void;

/** A way to the store on which answers can be lost, cut or replaced; the store behind it is the real one. */
export async function startBadNetwork(
  config: ObjectStoreConfig,
  meddle: Meddling,
): Promise<{
  readonly config: ObjectStoreConfig;
  readonly requests: readonly IncomingMessage[];
  readonly close: () => Promise<void>;
}> {
  const target = new URL(config.endpoint);
  const requests: IncomingMessage[] = [];
  const server = createServer((incoming, outgoing) => {
    requests.push(incoming);
    const pass = (): void => {
      const { method, url: path, headers } = incoming;
      const onward = request(
        { host: target.hostname, port: target.port, method, path, headers, agent: false },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        },
      );
      onward.on('error', () => outgoing.destroy());
      incoming.pipe(onward);
    };
    meddle(incoming, outgoing, pass, requests.length);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    config: { ...config, endpoint: `http://127.0.0.1:${String(address.port)}${target.pathname}` },
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
