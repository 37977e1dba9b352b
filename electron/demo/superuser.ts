import pg from 'pg';

/** How to reach a server that listens on loopback, as the one who may do everything. */
export interface SuperuserAccess {
  readonly host: string;
  readonly port: number;
  readonly superuser: { readonly user: string; readonly password: string };
}

/** An open session of the superuser. */
export interface SuperuserSession {
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: Row[]; readonly rowCount: number | null }>;
}

/** Opens a session as superuser, does the work and closes it; for the demo's own administration and for tests that judge. */
export async function withSuperuser<Value>(
  server: SuperuserAccess,
  database: string,
  work: (session: SuperuserSession) => Promise<Value>,
): Promise<Value> {
  const client = new pg.Client({
    host: server.host,
    port: server.port,
    database,
    user: server.superuser.user,
    password: server.superuser.password,
    ssl: false,
    application_name: 'cloudsingh-demo',
  });
  // A server stopped in the middle emits here besides rejecting the query; without a listener that would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work({
      async query<Row extends object>(text: string, values?: readonly unknown[]) {
        const result = await (values === undefined
          ? client.query<Row>(text)
          : client.query<Row>(text, [...values]));
        return { rows: result.rows, rowCount: result.rowCount };
      },
    });
  } finally {
    await client.end();
  }
}

/** Quotes an identifier for SQL text. */
export function quoteName(name: string): string {
  return pg.escapeIdentifier(name);
}
