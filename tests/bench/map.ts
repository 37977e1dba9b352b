import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { canonicalMap, parseMap } from '#core/dataMap/map.ts';
import { startPostgres, type PostgresServer } from '#demo/postgres.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { answered } from '#tests/core/dataMap/answered.ts';
import { runProperty } from './property.ts';
import { figureOf, median, type Figure } from './report.ts';

/** What a measured process tells. */
const measuredMap = z.object({
  /** Milliseconds. */
  took: z.number(),
  peakMiB: z.number(),
  columns: z.number(),
  /** What was drafted; null for a check and a compilation. */
  text: z.string().nullable(),
});
export type MeasuredMap = z.output<typeof measuredMap>;

export interface MapBenchOptions {
  readonly rounds: number;
  tell(line: string): void;
}

/** What is measured; a draft comes first, since its map is checked and compiled. */
const works = ['draft', 'check', 'compile'] as const;
export type Work = (typeof works)[number];
const small = 50;
const large = 500;
const columnsOfTable = 20;

/** Goals on two cores. */
const underMilliseconds = 10_000;
const underMiB = 300;

/**
 * Drafts, checks and compiles made-up schemas of 50 and 500 tables, each time in
 * a process of its own, whose peak memory is its own too.
 */
export async function benchMap({ rounds, tell }: MapBenchOptions): Promise<{
  readonly figures: readonly Figure[];
  readonly version: string;
}> {
  const server = await startPostgres();
  try {
    const measured = new Map<string, MeasuredMap[]>();
    const of = (what: string, tables: number): MeasuredMap[] => measured.get(`${what} ${tables}`) ?? [];
    for (const tables of [small, large]) {
      await makeSchema(server, tables);
      tell(`Made ${tables} tables of ${columnsOfTable} columns.`);
    }
    const maps = new Map<number, string>();
    for (let round = 0; round < rounds; round += 1) {
      for (const tables of [small, large]) {
        for (const what of works) {
          const each = await measure(
            server,
            databaseOf(tables),
            what,
            what === 'draft' ? '' : (maps.get(tables) ?? ''),
          );
          if (each.text !== null && !maps.has(tables))
            maps.set(tables, canonicalMap(parseMap(answered(each.text))));
          tell(
            `${what} of ${tables} tables: ${each.took.toFixed(0)} ms, peak ${each.peakMiB.toFixed(0)} MiB`,
          );
          measured.set(`${what} ${tables}`, [...of(what, tables), each]);
        }
      }
    }
    const figures: Figure[] = [];
    const grown = large / small;
    for (const what of works) {
      const [few, many] = [of(what, small), of(what, large)];
      const [quick, slow] = [few.map((each) => each.took), many.map((each) => each.took)];
      const peaks = [many.map((each) => each.peakMiB), few.map((each) => each.peakMiB)] as const;
      figures.push(
        figureOf(`${what} of ${large} tables, beside ${small}`, slow, quick, { under: underMilliseconds }),
        figureOf(
          `${what} of ${large} tables, beside ${grown} times ${small}`,
          slow,
          quick.map((each) => each * grown),
          { over: 0 },
        ),
      );
      // A compilation holds all that an install sends, so its memory has no goal.
      if (what !== 'compile')
        figures.push(
          figureOf(`peak memory of that ${what}, beside ${small}`, ...peaks, { under: underMiB }, 'MiB'),
        );
      tell(
        `${what}: slope from ${small} to ${large} tables ${(Math.log(median(slow) / median(quick)) / Math.log(grown)).toFixed(2)} (1 is linear)`,
      );
    }
    const { version } = await withSuperuser(server, 'postgres', async ({ query }) => {
      const { rows } = await query<{ version: string }>(
        "select current_setting('server_version') as version",
      );
      return rows[0] ?? { version: 'unknown' };
    });
    return { figures, version };
  } finally {
    await server.stop();
  }
}

const databaseOf = (tables: number): string => `bench_${tables}`;

/** Columns a platform's tables have; a table takes as many as it has room for. */
const usual = [
  'name text',
  'email text',
  'phone text',
  'created_at timestamptz not null default now()',
  'updated_at timestamptz',
  'status text',
  'note text',
  'amount numeric(12,2)',
  'ip_address inet',
  'user_agent text',
  'settings jsonb',
  'password_hash text',
  'is_active boolean',
  'city text',
  'reference_code text',
  'quantity integer',
  'stage text',
] as const;

/** Tables that refer to earlier ones, as a platform's do, a hundred rows in each. */
async function makeSchema(server: PostgresServer, tables: number): Promise<void> {
  const database = databaseOf(tables);
  await withSuperuser(server, 'postgres', ({ query }) => query(`create database ${database}`));
  await withSuperuser(server, database, async ({ query }) => {
    await query('begin');
    for (let at = 0; at < tables; at += 1) {
      const name = at === 0 ? 'users' : `part_${at % 7}_item_${at}`;
      // A tree, and every third table a second way up.
      const up = [
        ...(at === 0 ? [] : [at % 4 === 0 ? 0 : at >> 1]),
        ...(at > 6 && at % 3 === 0 ? [at - 5] : []),
      ];
      const links = up.map((to, place) => {
        const target = to === 0 ? 'users' : `part_${to % 7}_item_${to}`;
        return { column: `${to === 0 ? 'user' : `parent_${place}`}_id`, target };
      });
      const columns = [
        'id bigint primary key',
        ...links.map(({ column, target }) => `${column} bigint references ${target}`),
        ...usual,
      ];
      for (let filler = 0; columns.length < columnsOfTable; filler += 1) columns.push(`value_${filler} text`);
      await query(`create table ${name} (${columns.join(', ')})`);
      for (const { column } of links) await query(`create index on ${name} (${column})`);
      const given = links.map(({ column }) => `, ${column}`).join('');
      await query(
        `insert into ${name} (id${given}, name, email, note)
         select n${links.map(() => ', n').join('')}, 'Name ' || n, 'p' || n || '@example.in', 'note ' || n from generate_series(1, 100) n`,
      );
    }
    await query('commit');
    await query('analyze');
  });
}

/** A draft, or a check or compilation of a map, in a process of its own. */
async function measure(
  server: PostgresServer,
  database: string,
  work: Work,
  map: string,
): Promise<MeasuredMap> {
  const { host, port, superuser } = server;
  const child = execFile(process.execPath, [fileURLToPath(new URL('mapProcess.ts', import.meta.url))], {
    maxBuffer: 50_000_000,
  });
  let said = '';
  child.stdout?.on('data', (text: string) => (said += text));
  child.stderr?.pipe(process.stderr);
  child.stdin?.end(JSON.stringify({ host, port, database, login: superuser, work, map }));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`The measured process ended with ${String(code)}.`);
  return measuredMap.parse(JSON.parse(said));
}

/** Runs so many of the property test's cases, others than the suite's; true when all came out right. */
export function runCases(cases: number, seed: number): Promise<boolean> {
  return runProperty('anySchema.property', { MAP_CASES: String(cases), MAP_SEED: String(seed) });
}
