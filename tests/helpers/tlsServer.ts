import { rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createSecureContext, TLSSocket } from 'node:tls';
import { openPool, type DatabaseTarget, type Pool } from '#core/database/pool.ts';
import type { DatabaseTls } from '#core/database/tls.ts';
import { giveToServer, makeRunFolder } from '#demo/folders.ts';
import { startPostgres } from '#demo/postgres.ts';
import type { Certified } from './certificates.ts';

/** A real PostgreSQL that offers TLS, with one login whose password is known to the tests. */
export interface TlsServer {
  readonly host: string;
  readonly port: number;
  /** For looking at the server from outside. */
  readonly superuser: Pool;
  target(tls: DatabaseTls, changes?: Partial<DatabaseTarget>): DatabaseTarget;
  stop(): Promise<void>;
}

export const password = 'correct horse é battery';

export async function startTlsServer({ certificate, key }: Certified): Promise<TlsServer> {
  const folder = await makeRunFolder('cloudsingh-tls-');
  const files = { ssl_cert_file: join(folder, 'server.crt'), ssl_key_file: join(folder, 'server.key') };
  await writeFile(files.ssl_cert_file, certificate, { mode: 0o600 });
  await writeFile(files.ssl_key_file, key, { mode: 0o600 });
  await giveToServer(files.ssl_cert_file);
  await giveToServer(files.ssl_key_file);
  const server = await startPostgres({ settings: { ssl: 'on', ...files } });
  const { host, port } = server;
  const place = { host, port, database: 'postgres', workstation: 'tests' };
  const superuser = openPool(
    { ...place, ...server.superuser, tls: { mode: 'loopback' } },
    { version: '0.0.0', environment: 'demo' },
  );
  await superuser.query(`create role clerk login password '${password}'`);
  return {
    host,
    port,
    superuser,
    target: (tls, changes) => ({ ...place, user: 'clerk', password, tls, ...changes }),
    async stop() {
      await superuser.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A server in the way: it presents a certificate, or none, asks for the password in clear text or as MD5, and writes all down. */
export interface ImpostorServer {
  readonly port: number;
  /** What it was told after its request for TLS was answered, in clear text. */
  heard(): string;
  stop(): Promise<void>;
}

/** With a certificate it answers a request for TLS with yes, with `N` it says no, with `open` it wants none. */
export async function startImpostor(
  certified: Certified | 'N' | 'open',
  asking: 'clear text' | 'MD5' = 'clear text',
): Promise<ImpostorServer> {
  const heard: Buffer[] = [];
  const sockets = new Set<Socket>();
  const askForPassword = (socket: Socket): void => {
    socket.once('data', (startup: Buffer) => {
      heard.push(startup);
      socket.on('data', (more: Buffer) => heard.push(more));
      socket.write(
        Buffer.from(
          asking === 'MD5' ? [0x52, 0, 0, 0, 12, 0, 0, 0, 5, 1, 2, 3, 4] : [0x52, 0, 0, 0, 8, 0, 0, 0, 3],
        ),
      );
    });
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    if (certified === 'open') {
      askForPassword(socket);
      return;
    }
    socket.once('data', () => {
      if (certified === 'N') {
        socket.write('N');
        // A client that goes on without TLS is met with the same request.
        askForPassword(socket);
        return;
      }
      socket.write('S');
      const secured = new TLSSocket(socket, {
        isServer: true,
        secureContext: createSecureContext({ cert: certified.certificate, key: certified.key }),
      });
      secured.on('error', () => undefined);
      askForPassword(secured);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The impostor has no port.');
  return {
    port: address.port,
    heard: () => Buffer.concat(heard).toString('utf8'),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
