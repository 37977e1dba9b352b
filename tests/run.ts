import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Counts, lastLine, sum } from './counts.ts';
import { inContinuousIntegration, installPrerequisites, prerequisites } from './prerequisites.ts';
import { countRunner, type Runner } from './runner.ts';

const minute = 60_000;

const root = resolve(import.meta.dirname, '..');
const filters = process.argv.slice(2);

const build: Runner = {
  name: 'build',
  script: 'node_modules/electron-vite/bin/electron-vite.js',
  args: ['build', '--logLevel', 'warn'],
  counts: false,
  timeLimit: 3 * minute,
};

const check: Runner = {
  name: 'check',
  script: 'tests/check.ts',
  args: [],
  counts: true,
  timeLimit: 5 * minute,
};

const tests: Runner = {
  name: 'tests',
  script: 'node_modules/vitest/vitest.mjs',
  args: ['run', '--config', 'tests/vitest.config.ts', ...(filters.length > 0 ? ['--passWithNoTests'] : [])],
  counts: true,
  timeLimit: 18 * minute,
};

const journeys: Runner = {
  name: 'journeys',
  script: 'node_modules/@playwright/test/cli.js',
  args: [
    'test',
    '--config=tests/journeys/playwright.config.ts',
    '--forbid-only',
    '--retries=0',
    `--reporter=list,${join(root, 'tests/reporters/playwright.ts')}`,
    ...(filters.length > 0 ? ['--pass-with-no-tests'] : []),
  ],
  counts: true,
  timeLimit: 11 * minute,
};

process.chdir(root);
// The command line is started a hundred times and more; what is parsed once is kept for the next.
process.env['NODE_COMPILE_CACHE'] ??= resolve(root, 'node_modules/.cache/compile');
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stopping.abort();
  });
}

const counts = await runAll();
for (const { name, reason } of counts.skipped) console.log(`skipped: ${name}: ${reason}`);
for (const line of counts.failed) console.log(`failed: ${line}`);
console.log(lastLine(counts));
process.exitCode = counts.failed.length === 0 ? 0 : 1;

/** Runs everything, or with filters only the tests whose path holds one of them. */
async function runAll(): Promise<Counts> {
  console.log(`Node ${process.version} on ${process.platform}-${process.arch}`);
  const all: Counts[] = [await prepare()];
  const folder = await mkdtemp(join(tmpdir(), 'privacy-console-counts-'));
  try {
    const runners =
      filters.length === 0
        ? [build, check, tests, journeys]
        : [build, ...[tests, journeys].map((runner) => ({ ...runner, args: [...runner.args, ...filters] }))];
    for (const runner of runners) {
      console.log(`\n== ${runner.name}`);
      all.push(await countRunner(runner, folder, stopping.signal));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  const total = sum(all);
  // The build alone is no test: a filter that matches nothing must not look like success.
  if (sum(all.slice(2)).passed + total.failed.length + total.skipped.length > 0) return total;
  return { ...total, failed: ['no test was run'] };
}

/** Installs what the tests judge with. In CI each one that stays missing is a failure, elsewhere its tests say so. */
async function prepare(): Promise<Counts> {
  const missing = await installPrerequisites((line) => {
    console.log(line);
  }, stopping.signal);
  const failed = inContinuousIntegration()
    ? missing.map((name) => `prerequisite: ${prerequisites[name].packages.join(', ')} is missing`)
    : [];
  return { passed: 0, failed, skipped: [] };
}
