import { z } from 'zod';
import type { DatabaseClient, Pool } from '#core/database/pool.ts';
import type { Ask } from '#core/dataMap/catalogue.ts';
import type { CompiledColumn } from '#core/dataMap/check/checkMap.ts';
import { readAndCheck } from '#core/dataMap/check/readAndCheck.ts';
import { mapFromCanonical, mapHash, type DataMap } from '#core/dataMap/map.ts';
import { printable } from '#core/dataMap/mapText.ts';
import { tableName } from '#core/dataMap/quote.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { OutputOf } from '#shared/contract/index.ts';

/** A PostgreSQL that lives for one check. */
export interface ScratchServer {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  stop(): Promise<void>;
}

/** A table that takes longer to count is named instead; it would hold up the platform too. */
const countTimeoutMs = 5_000;
const catalogueTimeoutMs = 60_000;

const installedRow = z.object({
  hash: z.string(),
  text: z.string(),
  compiled: z.array(z.tuple([z.string(), z.string(), z.string(), z.string()])),
});

interface Work {
  readonly map: DataMap;
  readonly compiled: readonly CompiledColumn[] | null;
  readonly sample: boolean;
  readonly signal: AbortSignal;
}

async function checkWith(client: DatabaseClient, work: Work): Promise<OutputOf<'map.check'>> {
  const { map, compiled, sample, signal } = work;
  const asking =
    (timeoutMs: number): Ask =>
    async (text, values) =>
      (await client.query(text, values, { signal, timeoutMs })).rows;
  const findings = await readAndCheck(asking(catalogueTimeoutMs), map, {
    count: sample ? asking(countTimeoutMs) : null,
    compiled,
    signal,
  });
  return { hash: mapHash(map), findings: [...findings] };
}

/** Checks the map in force, as a member of staff; what that login may not read is judged by names and types. */
export async function checkInForce(
  pool: Pool,
  sample: boolean,
  signal: AbortSignal,
): Promise<OutputOf<'map.check'>> {
  return pool.withClient(
    async (client) => {
      const { rows } = await client.query('select hash, text, compiled from privacy_console.installed_map()');
      const [found] = z.array(installedRow).parse(rows);
      if (found === undefined) throw new Error('no map is in force');
      const compiled = found.compiled.map(([schema, table, column, type]) => ({
        table: tableName(schema, table),
        column,
        type,
      }));
      const map = mapFromCanonical(found.text);
      const { findings } = await checkWith(client, { map, compiled, sample, signal });
      return { hash: found.hash, findings };
    },
    { signal },
  );
}

/** Checks a map that isn't installed, before it is; in a session that can't change anything. */
export async function checkFile(
  pool: Pool,
  map: DataMap,
  sample: boolean,
  signal: AbortSignal,
): Promise<OutputOf<'map.check'>> {
  return pool.withClient(
    async (client) => {
      await client.query('set default_transaction_read_only = on');
      return checkWith(client, { map, compiled: null, sample, signal });
    },
    { signal },
  );
}

/** What `pg_dump` writes beside SQL: lines for psql. Anything else that begins with a backslash is refused. */
const forPsql = /^\\(?:restrict|unrestrict|connect|encoding|set|echo|pset|timing)\b.*$/;

/** The SQL of a schema's file, without the lines for psql. */
function plainSql(dump: string): string {
  let inText = false;
  return dump
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line) => {
      // A function's body may hold anything; it is told by its dollar quotes.
      const quotes = line.match(/\$[A-Za-z_0-9]*\$/g)?.length ?? 0;
      const before = inText;
      if (quotes % 2 === 1) inText = !inText;
      if (before) return line;
      if (/^copy\s.+from\s+stdin;/i.test(line))
        throw new ExpectedError(
          'invalid_input',
          'The schema’s file holds rows as well (COPY … FROM stdin); write it with pg_dump --schema-only.',
        );
      return forPsql.test(line) ? '' : line;
    })
    .join('\n');
}

/** Carries the result out of a transaction that has to be rolled back. */
class Checked extends Error {
  readonly result: OutputOf<'map.check'>;

  constructor(result: OutputOf<'map.check'>) {
    super('checked');
    this.result = result;
  }
}

/**
 * Loads a schema into an empty database, checks the map against it and rolls everything back.
 * @param dump as `pg_dump --schema-only` writes it
 */
export async function checkAgainst(
  pool: Pool,
  map: DataMap,
  dump: string,
  signal: AbortSignal,
): Promise<OutputOf<'map.check'>> {
  const text = plainSql(dump);
  try {
    return await pool.transaction(
      async (client) => {
        const asked = async (query: string): Promise<boolean> =>
          z.object({ is: z.boolean() }).parse((await client.query(query)).rows[0]).is;
        if (!(await asked(`select ${isEmpty} as is`)))
          throw new ExpectedError(
            'refused',
            'The scratch database isn’t empty; --against loads a schema, so name an empty database made for this.',
          );
        const { rows } = await client.query('select pg_catalog.pg_current_xact_id()::text as id');
        const { id } = z.object({ id: z.string() }).parse(rows[0]);
        try {
          await client.query(text);
        } catch (error) {
          if (signal.aborted) throw error;
          throw notLoaded(error);
        }
        await client.query('reset all; reset role');
        if (!(await asked(`select pg_catalog.pg_current_xact_id()::text = '${id}' as is`)))
          throw new ExpectedError(
            'invalid_input',
            'The schema’s file ends transactions by itself, so nothing was checked, and the scratch database may no longer be empty; write it with pg_dump --schema-only.',
          );
        throw new Checked(await checkWith(client, { map, compiled: null, sample: false, signal }));
      },
      { signal, timeoutMs: loadTimeoutMs },
    );
  } catch (error) {
    if (error instanceof Checked) return error.result;
    throw error;
  }
}

const loadTimeoutMs = 5 * 60_000;
const isEmpty = `not exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema' and c.relkind in ('r', 'p', 'v', 'm', 'f'))`;

/** The server's own words: they speak of the file, in a database without a row. */
function notLoaded(error: unknown): ExpectedError {
  const why = error instanceof Error ? error.message.replace(/[.\s]+$/, '') : '';
  return new ExpectedError(
    'invalid_input',
    `The schema’s file could not be loaded into the scratch database: ${printable(why)}. Write it with pg_dump --schema-only --no-owner --no-privileges, and let the scratch server have its extensions.`,
    { cause: error },
  );
}
