/** `npm run bench -- search|page|export|erase|bulk|retention|map|faults [--scale small|large] [--seed N] [--rounds N] [--cases N] [--only rows|media|object] [--json FILE]` */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { scales, type Scale } from '#demo/seed.ts';
import { benchBulk } from './bulk.ts';
import { benchErase } from './erase.ts';
import { benchExport, isExportPart, type ExportPart } from './export.ts';
import { runFaults } from './faults.ts';
import { benchMap, runCases } from './map.ts';
import { benchPage } from './page.ts';
import { openPlatform, type Bench } from './platform.ts';
import { describeMachine, exitCodeOf, tableOf, type Figure, type Report } from './report.ts';
import { benchRetention } from './retention.ts';
import { benchSearch } from './search.ts';

const benches = { search: benchSearch, page: benchPage, export: benchExport } as const satisfies Record<
  string,
  (bench: Bench) => Promise<readonly Figure[]>
>;

/** Those that can't be undone, each on copies of the platform that it makes itself. */
const onCopies = { erase: benchErase, bulk: benchBulk, retention: benchRetention } as const;

const names = [...Object.keys(benches), ...Object.keys(onCopies), 'map', 'faults'];

const usage = `usage: npm run bench -- ${names.join('|')} [--scale ${Object.keys(scales).join('|')}] [--seed N] [--rounds N] [--cases N] [--only rows|media|object] [--json FILE]`;

interface Wanted {
  readonly name: keyof typeof benches | keyof typeof onCopies | 'map' | 'faults';
  readonly scale: Scale;
  readonly seed: number;
  readonly rounds: number;
  /** Cases of the property test that `map` runs as well; moments at which `faults` lets something fail. */
  readonly cases: number;
  /** The part of `export` that is measured; all where missing. */
  readonly only: ExportPart | undefined;
  readonly json: string | undefined;
}

/** What the command line asks for, or null when it can't be understood. */
function wantedOf(parameters: readonly string[]): Wanted | null {
  try {
    const { positionals, values } = parseArgs({
      args: [...parameters],
      allowPositionals: true,
      options: {
        scale: { type: 'string', default: 'small' },
        seed: { type: 'string', default: '1' },
        rounds: { type: 'string' },
        cases: { type: 'string' },
        only: { type: 'string' },
        json: { type: 'string' },
      },
    });
    const [name = '', ...rest] = positionals;
    // A draft takes seconds, an export many, a search a thousandth of one.
    const usual = Object.hasOwn(onCopies, name) ? '1' : ({ map: '3', export: '5' }[name] ?? '60');
    const usualCases = name === 'faults' ? '300' : '0';
    const numbers = [values.seed, values.rounds ?? usual, values.cases ?? usualCases].map(Number);
    const [seed = 0, rounds = 0, cases = 0] = numbers;
    if (rest.length > 0 || !names.includes(name)) return null;
    if (!Object.hasOwn(scales, values.scale)) return null;
    if (!numbers.every(Number.isSafeInteger) || rounds < 1 || cases < 0) return null;
    if (cases > 0 && name !== 'map' && name !== 'faults') return null;
    const { only } = values;
    if (only !== undefined && (name !== 'export' || !isExportPart(only))) return null;
    return {
      name: name as Wanted['name'],
      scale: values.scale as Scale,
      seed,
      rounds,
      cases,
      only,
      json: values.json,
    };
  } catch {
    return null;
  }
}

async function runMap({ seed, rounds, cases, json }: Wanted): Promise<0 | 1> {
  const tell = (line: string): void => {
    console.error(line);
  };
  const { figures, version } = await benchMap({ rounds, tell });
  const code = await told(figures, describeMachine({ postgres: version, scale: '50 and 500 tables' }), json);
  return cases === 0 || (await runCases(cases, seed)) ? code : 1;
}

async function run(wanted: Wanted): Promise<0 | 1> {
  const { name, scale, seed, rounds, json } = wanted;
  if (name === 'map') return runMap(wanted);
  if (name === 'faults') return (await runFaults(wanted.cases, seed)) ? 0 : 1;
  if (name === 'erase' || name === 'bulk' || name === 'retention') {
    const { figures, version } = await onCopies[name]({ scale, seed, rounds });
    return told(figures, describeMachine({ postgres: version, scale }), json);
  }
  await using bench = await openPlatform({ scale, seed, rounds });
  const figures = name === 'export' ? await benchExport(bench, wanted.only) : await benches[name](bench);
  return told(figures, describeMachine({ postgres: bench.version, scale }), json);
}

async function told(
  figures: readonly Figure[],
  machine: Report['machine'],
  json: string | undefined,
): Promise<0 | 1> {
  const report: Report = { machine, figures };
  console.log(tableOf(figures));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  return exitCodeOf(figures);
}

const wanted = wantedOf(process.argv.slice(2));
if (wanted === null) {
  console.error(usage);
  process.exitCode = 2;
} else {
  process.exitCode = await run(wanted);
}
