import { once } from 'node:events';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A store of one object of any size, all zeros, which it makes while it is read; speaks as much S3 as reading asks for. */
export async function startSparseStore(bytes: number): Promise<{
  readonly settings: {
    readonly endpoint: string;
    readonly bucket: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
  readonly key: string;
  close(): Promise<void>;
}> {
  const zeros = Buffer.alloc(64 * 1024);
  const server = createServer((incoming, outgoing) => {
    const from = Number(/^bytes=(\d+)-$/.exec(incoming.headers.range ?? '')?.[1] ?? 0);
    outgoing.writeHead(from === 0 ? 200 : 206, {
      'content-length': bytes - from,
      'content-range': `bytes ${String(from)}-${String(bytes - 1)}/${String(bytes)}`,
      etag: '"sparse"',
    });
    const content = function* (): Generator<Uint8Array> {
      for (let left = bytes - from; left > 0; left -= zeros.byteLength) yield zeros.subarray(0, left);
    };
    pipeline(Readable.from(content(), { objectMode: false }), outgoing).catch(() => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The store has no port.');
  return {
    settings: {
      endpoint: `http://127.0.0.1:${String(address.port)}`,
      bucket: 'media',
      accessKeyId: 'sparse',
      secretAccessKey: 'sparse',
    },
    key: 'large.mp4',
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
