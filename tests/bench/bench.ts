/** `npm run bench -- search|page [--scale small|large] [--seed N] [--rounds N] [--json FILE]` */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { scales, type Scale } from '#demo/seed.ts';
import { benchPage } from './page.ts';
import { openPlatform, type Bench } from './platform.ts';
import { describeMachine, exitCodeOf, tableOf, type Figure, type Report } from './report.ts';
import { benchSearch } from './search.ts';

const benches = { search: benchSearch, page: benchPage } as const satisfies Record<
  string,
  (bench: Bench) => Promise<readonly Figure[]>
>;

const usage = `usage: npm run bench -- ${Object.keys(benches).join('|')} [--scale ${Object.keys(scales).join('|')}] [--seed N] [--rounds N] [--json FILE]`;

interface Wanted {
  readonly name: keyof typeof benches;
  readonly scale: Scale;
  readonly seed: number;
  readonly rounds: number;
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
        rounds: { type: 'string', default: '60' },
        json: { type: 'string' },
      },
    });
    const [name = '', ...rest] = positionals;
    const numbers = [values.seed, values.rounds].map(Number);
    const [seed = 0, rounds = 0] = numbers;
    if (rest.length > 0 || !Object.hasOwn(benches, name) || !Object.hasOwn(scales, values.scale)) return null;
    if (!numbers.every(Number.isSafeInteger) || rounds < 1) return null;
    return { name: name as Wanted['name'], scale: values.scale as Scale, seed, rounds, json: values.json };
  } catch {
    return null;
  }
}

async function run({ name, scale, seed, rounds, json }: Wanted): Promise<0 | 1> {
  await using bench = await openPlatform({ scale, seed, rounds });
  const figures = await benches[name](bench);
  const report: Report = { machine: describeMachine({ postgres: bench.version, scale }), figures };
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
