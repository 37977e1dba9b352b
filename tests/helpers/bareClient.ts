import pg from 'pg';

/** One session of the driver with nothing of the console's around it. */
export type BareClient = pg.Client;

/** What a bare session answers. */
export type BareResult<Row extends pg.QueryResultRow> = pg.QueryResult<Row>;

/** Opens a session on loopback; whoever asks for it ends it. */
export async function openBareClient(
  server: { readonly host: string; readonly port: number; readonly database: string },
  login: { readonly user: string; readonly password: string },
): Promise<BareClient> {
  const { host, port, database } = server;
  const { user, password } = login;
  const client = new pg.Client({ host, port, database, user, password, ssl: false });
  // One that is ended from outside must not end the test.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
