import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { verifyExport } from '#core/compliance/index.ts';
import { databaseTargetOf, schemaState, type Desk, type Sessions } from '#core/connections/index.ts';
import { schemaVersion } from '#core/database/migrations/index.ts';
import { openPool, type DatabaseClient, type Pool } from '#core/database/pool.ts';
import { readCatalogue, type Catalogue } from '#core/dataMap/catalogue.ts';
import { compileMap, profitableIndexes, type CompiledMap } from '#core/dataMap/compile.ts';
import { mapFromCanonical, mapHash, parseMap, referenceMapText, type DataMap } from '#core/dataMap/map.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import type { Environment } from '#shared/contract/connections.ts';
import type { Jobs } from '#core/kernel/jobs.ts';
import type { Finding } from '#shared/contract/administration.ts';
import { beginBucketCheck, checkBucket } from './bucket.ts';
import { checkAgainst, checkFile, checkInForce, type ScratchServer } from './check.ts';
import { draft } from './draft.ts';
import { findings } from './findings.ts';
import { installScript, neededRights } from './script.ts';
import { uninstall } from './uninstall.ts';

type Names =
  | 'database.status'
  | 'database.script'
  | 'database.install'
  | 'database.uninstall'
  | 'database.indexes'
  | 'map.draft'
  | 'map.check'
  | 'map.checkFile'
  | 'map.checkBucket';

export interface InstallationOptions {
  readonly sessions: Sessions;
  readonly workstation: string;
  readonly version: string;
  readonly desk: () => Desk;
  readonly jobs: Jobs;
  /** A throw-away server for a schema that lies in a file; null where none can be started. */
  readonly scratch: (() => Promise<ScratchServer>) | null;
}

/** An install may build for a while on a large catalogue, and nothing else waits for it. */
const installTimeoutMs = 10 * 60_000;

export function installationOperations(options: InstallationOptions): SomeHandlers<Names> {
  const environmentOf = async (profile: string): Promise<Environment> =>
    (await options.sessions.ready(profile)).profile.environment;
  const withPool = async <Value>(profile: string, work: (pool: Pool) => Promise<Value>): Promise<Value> => {
    const pool = openPool(await databaseTargetOf(options.sessions, profile, options.workstation), {
      version: options.version,
      environment: await environmentOf(profile),
    });
    try {
      return await work(pool);
    } finally {
      await pool.close();
    }
  };
  return {
    'database.status': ({ profile }) =>
      withPool(profile, async (pool) => {
        const state = await schemaState(pool);
        const { rows } = await pool.query("select current_setting('server_version') as server");
        const installed = state !== 'missing';
        const hash = installed ? await installedHash(pool) : null;
        return {
          installed,
          version: installed ? state : null,
          programVersion: schemaVersion,
          mapHash: hash,
          programMapHash: mapHash(parseMap(referenceMapText())),
          server: z.object({ server: z.string() }).parse(rows[0]).server,
          findings: [...(await findings(pool, installed)), ...(installed ? await drift(pool) : [])],
        };
      }),
    'database.script': ({ profile, map }) =>
      withPool(profile, async (pool) => {
        const state = await schemaState(pool);
        const compiled = (await prepare(pool, map)).compiled;
        return {
          script: installScript(
            state === 'missing' ? 0 : state,
            compiled,
            null,
            await environmentOf(profile),
          ),
          rights: [...neededRights(compiled)],
          functions: `-- as privacy_console_reader\n${compiled.reading}\n-- as privacy_console_writer\n${compiled.writing}\n`,
        };
      }),
    'database.install': ({ profile, map, person }, call) =>
      withPool(profile, async (pool) => {
        const installed = await install(pool, map, person ?? null, await environmentOf(profile));
        call.note(installed.entry);
        return { version: installed.version, applied: [...installed.applied], mapHash: installed.mapHash };
      }),
    'database.uninstall': ({ profile, trail }) =>
      withPool(profile, async (pool) => {
        const lines = createInterface({ input: createReadStream(trail, 'utf8'), crlfDelay: Infinity });
        let verified;
        try {
          verified = await verifyExport(lines);
        } catch {
          throw new ExpectedError(
            'invalid_input',
            'The exported trail can’t be read; export it again with “console audit export”.',
          );
        }
        if (verified.fault !== null) {
          throw new ExpectedError(
            'trail_broken',
            `${verified.fault} The exported trail isn’t whole; export it again.`,
          );
        }
        return uninstall(pool, verified.head);
      }),
    'map.draft': ({ profile, subject, sample, merge }, call) =>
      withPool(profile, (pool) =>
        draft(pool, {
          subject: subject ?? null,
          sample,
          merge: merge ?? null,
          signal: call.signal,
        }),
      ),
    'map.check': ({ sample }, call) => checkInForce(options.desk().pool, sample, call.signal),
    'map.checkBucket': async ({ keysFile }, call) => {
      const at = options.desk();
      if (at.profile.r2 === null)
        throw new ExpectedError('invalid_input', 'This profile has no bucket; add R2 to it first.');
      const { check, entry } = await beginBucketCheck(at, call.note);
      const jobId = options.jobs.start('bucket', null, (progress, signal) =>
        checkBucket(at, check, keysFile ?? null, progress, signal),
      );
      return { jobId, entry };
    },
    'map.checkFile': async ({ profile, map: file, sample, against }, { signal }) => {
      const map = parseMap(await readMap(file), file);
      if (against !== undefined) {
        const dump = await readSchema(against);
        const check = (pool: Pool): ReturnType<typeof checkAgainst> => checkAgainst(pool, map, dump, signal);
        if (profile !== undefined) return withPool(profile, check);
        if (options.scratch === null)
          throw new ExpectedError(
            'invalid_input',
            'An installed console has no PostgreSQL of its own to load a schema into; name an empty scratch database with --profile.',
          );
        return withScratch(options, options.scratch, check);
      }
      if (profile === undefined)
        throw new ExpectedError('invalid_input', 'Say with which database: --profile NAME.');
      return withPool(profile, (pool) => checkFile(pool, map, sample, signal));
    },
    'database.indexes': ({ profile, apply }) =>
      withPool(profile, async (pool) => {
        const map = await mapInDatabase(pool);
        const catalogue = await readCatalogue(
          async (query, values) => (await pool.query(query, values)).rows,
          map,
        );
        const wanted = profitableIndexes(map, catalogue);
        if (apply)
          for (const statement of wanted.flatMap((each) => each.statements))
            await pool.query(statement, [], { timeoutMs: 60 * 60_000 });
        const { rows } = await pool.query(
          `select c.relname as name, i.indisvalid as valid from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid where c.relname = any ($1)`,
          [wanted.map((each) => each.name)],
        );
        const present = new Map(
          z
            .array(z.object({ name: z.string(), valid: z.boolean() }))
            .parse(rows)
            .map((row) => [row.name, row.valid]),
        );
        return {
          indexes: wanted.map((each) => ({
            ...each,
            statement: each.statements.join(';\n'),
            state: !present.has(each.name)
              ? ('missing' as const)
              : present.get(each.name) === true
                ? ('present' as const)
                : ('invalid' as const),
          })),
        };
      }),
  };
}

/** Where the database has gone on without the map in force; a login that isn't staff can't ask. */
async function drift(pool: Pool): Promise<readonly Finding[]> {
  try {
    const { rows } = await pool.query('select what, detail from privacy_console.map_gaps()');
    return z
      .array(z.object({ what: z.string(), detail: z.string() }))
      .parse(rows)
      .map((gap) => ({ ...gap, blocks: true }));
  } catch (error) {
    if (error instanceof ExpectedError) return [];
    throw error;
  }
}

async function installedHash(pool: Pool): Promise<string | null> {
  try {
    const { rows } = await pool.query('select hash from privacy_console.current_map()');
    return z.array(z.object({ hash: z.string() })).parse(rows)[0]?.hash ?? null;
  } catch (error) {
    // A login that isn't staff may still ask for the version.
    if (error instanceof ExpectedError) return null;
    throw error;
  }
}

/** The map in force; before an install the shipped one. */
async function mapInDatabase(pool: Pool): Promise<DataMap> {
  if ((await schemaState(pool)) === 'missing') return parseMap(referenceMapText());
  const { rows } = await pool.query('select text from privacy_console.installed_map()');
  return mapFromCanonical(z.object({ text: z.string() }).parse(rows[0]).text);
}

async function prepare(
  pool: Pick<DatabaseClient, 'query'>,
  file: string | undefined,
): Promise<{ map: DataMap; catalogue: Catalogue; compiled: CompiledMap }> {
  const text = file === undefined ? referenceMapText() : await readMap(file);
  const map = file === undefined ? parseMap(text) : parseMap(text, file);
  const catalogue = await readCatalogue(async (query, values) => (await pool.query(query, values)).rows, map);
  return { map, catalogue, compiled: compileMap(map, catalogue) };
}

async function withScratch<Value>(
  { version, workstation }: InstallationOptions,
  start: () => Promise<ScratchServer>,
  work: (pool: Pool) => Promise<Value>,
): Promise<Value> {
  const server = await start();
  try {
    const { host, port, database, user, password } = server;
    const pool = openPool(
      { host, port, database, user, password, workstation, tls: { mode: 'loopback' } },
      { version, environment: 'demo' },
    );
    try {
      return await work(pool);
    } finally {
      await pool.close();
    }
  } finally {
    await server.stop();
  }
}

async function readSchema(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new ExpectedError('invalid_input', 'The schema can’t be read; check the path after --against.');
  }
}

async function readMap(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new ExpectedError('invalid_input', 'The data map can’t be read; check the path.');
  }
}

export interface Installed {
  readonly version: number;
  readonly applied: readonly string[];
  readonly mapHash: string;
  readonly entry: number;
}

/**
 * Installs or upgrades the schema, in one transaction.
 * @param file path of a data map; undefined takes the shipped one
 * @param environment of the profile; in production another person has approved a change of the map
 * @param person who the administrator is; null takes the login's name
 */
export async function install(
  pool: Pool,
  file: string | undefined,
  person: string | null,
  environment: Environment,
): Promise<Installed> {
  return pool.transaction(
    async (client) => {
      const state = await schemaState(client);
      if (state !== 'missing' && state > schemaVersion) {
        throw new ExpectedError(
          'schema_newer',
          `This database has version ${state} of the schema, newer than this program’s ${schemaVersion}; use the newer program.`,
        );
      }
      const from = state === 'missing' ? 0 : state;
      await refuseWithoutRights(client);
      const { compiled } = await prepare(client, file);
      await client.query(installScript(from, compiled, person, environment), [], {
        timeoutMs: installTimeoutMs,
      });
      const { rows } = await client.query(
        `select number::int as number from privacy_console.list_entries(null, 1, session_user::text, null, 'schema.installed', null, null, null, null)`,
      );
      return {
        version: schemaVersion,
        applied: from === schemaVersion ? ['data map'] : [`version ${schemaVersion}`, 'data map'],
        mapHash: compiled.hash,
        entry: z.object({ number: z.number() }).parse(rows[0]).number,
      };
    },
    { timeoutMs: installTimeoutMs },
  );
}

async function refuseWithoutRights(client: DatabaseClient): Promise<void> {
  const { rows } = await client.query(
    `select r.rolcreaterole or r.rolsuper as createrole, has_database_privilege(current_database(), 'create') as create
     from pg_catalog.pg_roles r where r.rolname = session_user`,
  );
  const rights = z.object({ createrole: z.boolean(), create: z.boolean() }).parse(rows[0]);
  if (!rights.createrole)
    throw new ExpectedError(
      'not_permitted',
      'This login may not make roles; install with one that has “createrole” (no superuser is needed).',
    );
  if (!rights.create)
    throw new ExpectedError(
      'not_permitted',
      'This login may not create a schema in this database; install with its owner.',
    );
}
