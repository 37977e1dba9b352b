import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, getCACertificates } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { cancelled } from '#core/kernel/errors.ts';
import { fromDriver, noAnswer, noEncryption } from './errors.ts';

/**
 * How a connection is protected. `verify`: TLS with a verified chain and host name; `ca` is one or more PEM
 * certificates that replace the public ones, `serverName` the name the certificate must carry when `host` is only
 * the near end of a tunnel. `loopback`: no TLS, for a demo on this machine and nothing else.
 */
export type DatabaseTls =
  | { readonly mode: 'verify'; readonly ca?: string | undefined; readonly serverName?: string | undefined }
  | { readonly mode: 'loopback' };

export type VerifiedTls = Extract<DatabaseTls, { readonly mode: 'verify' }>;

/** Where a server listens and how the way to it is protected. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: DatabaseTls;
}

const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** Whether a host can only mean this machine. */
export function isLoopback(host: string): boolean {
  return host === '127.0.0.1' || host === '::1' || host === 'localhost';
}

/**
 * The options every TLS connection to a database uses. Each is said out loud because the environment may change what
 * is left unsaid: NODE_TLS_REJECT_UNAUTHORIZED the verification, NODE_OPTIONS the lowest version,
 * NODE_EXTRA_CA_CERTS, SSL_CERT_FILE and NODE_OPTIONS the trusted certificates.
 */
export function verifiedTlsOptions(host: string, tls: VerifiedTls): ConnectionOptions {
  const expected = tls.serverName ?? host;
  return {
    ca: tls.ca ?? getCACertificates('bundled'),
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    // node-postgres overwrites `servername` with the host it dials, so the name is checked here and not left to it.
    checkServerIdentity: (_dialled, certificate) => checkServerIdentity(expected, certificate),
    ...(isIP(expected) === 0 ? { servername: expected } : {}),
  };
}

/** Opens a socket to the server. Rejects with `unreachable` or, when `signal` says so, `cancelled`. */
export async function reachServer(
  endpoint: Pick<Endpoint, 'host' | 'port'>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Socket> {
  const socket = connectSocket({ host: endpoint.host, port: endpoint.port });
  try {
    await happened(socket, 'connect', timeoutMs, signal);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/**
 * Asks a connected server for TLS as PostgreSQL wants it and verifies the certificate. Nothing but the request for
 * TLS is sent before that. Rejects with `certificate`, `unreachable` or `cancelled` and destroys the socket.
 */
export async function upgradeToTls(
  socket: Socket,
  host: string,
  tls: VerifiedTls,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<TLSSocket> {
  let secured: TLSSocket | undefined;
  try {
    const answer = happened<Buffer>(socket, 'data', timeoutMs, signal);
    socket.write(sslRequest);
    // Anything after the single byte was put there before TLS began by somebody on the way.
    if ((await answer).toString('latin1') !== 'S') throw noEncryption();
    secured = connectTls({ socket, host, ...verifiedTlsOptions(host, tls) });
    await happened(secured, 'secureConnect', timeoutMs, signal);
    return secured;
  } catch (error) {
    secured?.destroy();
    socket.destroy();
    throw error;
  }
}

/** The next event of that name, or the error, end, time limit or abort that comes before it. */
function happened<Value>(
  socket: Socket,
  event: 'connect' | 'data' | 'secureConnect',
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(noAnswer()), timeoutMs);
    const onAbort = (): void => fail(cancelled('The attempt to connect'));
    const onError = (error: unknown): void => fail(fromDriver(error));
    const onClose = (): void => fail(fromDriver(new Error('Connection terminated')));
    const onEvent = (value: Value): void => {
      settle();
      resolve(value);
    };
    function settle(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off(event, onEvent).off('close', onClose).off('error', onError);
      // A socket whose error nobody listens to ends the program.
      socket.on('error', () => undefined);
    }
    function fail(error: Error): void {
      settle();
      reject(error);
    }
    socket.once(event, onEvent).once('close', onClose).once('error', onError);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
  });
}
