import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What happens to the connections at one moment. */
export interface Cut {
  /** Bytes, both ways together, after which it happens; or a text a client sends, and whether the server still hears it. */
  readonly at: number | { readonly text: string; readonly heard: boolean };
  /**
   * Ended at once; silent for a second and a half, then ended; silent for ever; or ended, and nobody is let in until
   * {@link CuttingProxy.mend}; or nothing of itself, and what is called there does something else.
   */
  readonly how: 'ended' | 'silent' | 'forgotten' | 'gone' | (() => void);
}

/** A way to a server of which the connections can be cut at any byte; new ones get through unless it is `gone`. */
export interface CuttingProxy {
  readonly port: number;
  /** Bytes since it was last armed or mended. */
  readonly passed: number;
  /** Whether the cut it was armed with has happened. */
  readonly hasCut: boolean;
  arm(cut: Cut): void;
  mend(): void;
  /** All that clients have sent and that matches, e.g. to learn what a statement is called. */
  learn(pattern: RegExp): string | null;
  close(): Promise<void>;
}

const silentMs = 1_500;

export async function openCuttingProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<CuttingProxy> {
  const pairs = new Set<{ readonly client: Socket; readonly server: Socket }>();
  let cut: Cut | null = null;
  let passed = 0;
  let hasCut = false;
  let isGone = false;
  let sent = '';
  /** The connection on which the answer to what was heard is to be lost. */
  let losing: Socket | null = null;

  const happen = ({ how }: Cut): void => {
    cut = null;
    losing = null;
    hasCut = true;
    if (typeof how === 'function') {
      how();
      return;
    }
    isGone = how === 'gone';
    for (const { client, server } of pairs) {
      const end = (): void => {
        client.destroy();
        server.destroy();
      };
      if (how !== 'silent' && how !== 'forgotten') end();
      else {
        client.removeAllListeners('data').pause();
        server.removeAllListeners('data').pause();
        if (how === 'silent') setTimeout(end, silentMs);
      }
    }
  };

  const listener = createServer((client) => {
    if (isGone) {
      client.destroy();
      return;
    }
    const server = connect(target);
    const pair = { client, server };
    pairs.add(pair);
    const forward = (from: Socket, to: Socket): void => {
      from.on('data', (chunk: Buffer) => {
        if (from === client) {
          const text = chunk.toString('latin1');
          sent = (sent + text).slice(-200_000);
          if (cut !== null && typeof cut.at === 'object' && text.includes(cut.at.text)) {
            if (!cut.at.heard) {
              happen(cut);
              return;
            }
            losing = server;
          }
        } else if (cut !== null && from === losing) {
          happen(cut);
          return;
        }
        if (cut !== null && typeof cut.at === 'number' && passed + chunk.byteLength >= cut.at) {
          const { how, at } = cut;
          if (typeof how === 'function') happen(cut);
          else {
            to.write(chunk.subarray(0, at - passed));
            passed = at;
            happen(cut);
            return;
          }
        }
        passed += chunk.byteLength;
        if (!to.write(chunk)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
    };
    forward(client, server);
    forward(server, client);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  return {
    port: address.port,
    get passed() {
      return passed;
    },
    get hasCut() {
      return hasCut;
    },
    arm(next) {
      passed = 0;
      hasCut = false;
      cut = next;
    },
    mend() {
      passed = 0;
      cut = null;
      losing = null;
      isGone = false;
    },
    learn: (pattern) => pattern.exec(sent)?.[1] ?? null,
    async close() {
      for (const { client, server } of pairs) {
        client.destroy();
        server.destroy();
      }
      listener.close();
      await once(listener, 'close');
    },
  };
}
