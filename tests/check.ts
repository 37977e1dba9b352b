import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { ESLint } from 'eslint';
import { makeTally, writeCounts } from './counts.ts';
import { lintRules } from './lint/eslint.config.ts';
import { cruised, cruiseOptions, layers } from './lint/layers.ts';
import { allowedLayers, plantedLayers } from './lint/plantedLayers.ts';

const root = resolve(import.meta.dirname, '..');

/** A check gives the problems it found, none when all is well. */
interface Check {
  readonly name: string;
  readonly run: () => Promise<readonly string[]> | readonly string[];
  /** Whether it runs in a process of its own. */
  readonly apart?: boolean;
}

const checks: readonly Check[] = [
  { name: 'Node is the version the console is built for', run: () => runNode('tests/nodeVersion.js') },
  { name: 'types', apart: true, run: () => runNode('node_modules/typescript/bin/tsc', '--build') },
  { name: 'lint', run: lint },
  { name: 'lint catches what is planted', run: plantLint },
  {
    name: 'format',
    apart: true,
    run: () => runNode('node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'),
  },
  { name: 'layers', run: checkLayers },
  ...plantedLayerChecks(),
];

process.chdir(root);
const tally = makeTally();
// What runs in processes of its own does so beside what runs in this one.
const begun = new Map(checks.filter(({ apart }) => apart).map((check) => [check, outcome(check)]));
for (const check of checks) {
  const problems = await (begun.get(check) ?? outcome(check));
  if (problems.length === 0) tally.pass();
  else tally.fail(`check: ${check.name}`);
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${check.name}`);
  for (const problem of problems) console.log(problem.replace(/^/gm, '     '));
}
writeCounts(tally.counts());
process.exitCode = tally.counts().failed.length === 0 ? 0 : 1;

async function outcome(check: Check): Promise<readonly string[]> {
  try {
    return await check.run();
  } catch (error) {
    return [
      `The check itself broke down: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    ];
  }
}

/** Runs a script on this very Node; its output is the problem. */
async function runNode(script: string, ...args: readonly string[]): Promise<readonly string[]> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (status === 0) return [];
  return [output.trim() === '' ? `${script} ended with ${String(status ?? signal)}` : output.trim()];
}

async function lint(): Promise<readonly string[]> {
  const eslint = new ESLint({ cwd: root, overrideConfigFile: true, overrideConfig: lintRules });
  const results = await eslint.lintFiles(['.']);
  if (results.length === 0) return ['ESLint found no file to look at.'];
  return results.flatMap(({ filePath, messages }) =>
    messages.map(
      (message) =>
        `${filePath.slice(root.length + 1)}:${String(message.line)} ${message.message} (${message.ruleId ?? 'parse'})`,
    ),
  );
}

/** Lints bad code under the names of files that exist, so that the typed rules know the project. */
async function plantLint(): Promise<readonly string[]> {
  const eslint = new ESLint({ cwd: root, overrideConfigFile: true, overrideConfig: lintRules });
  const code = [
    '/* eslint-disable */',
    'export default async function bad(given: any): Promise<void> { bad(given); }',
    'export const sure = ([] as string[])[0]!;',
  ].join('\n');
  const [result] = await eslint.lintText(code, { filePath: 'shared/domain/roles.ts' });
  const found = new Set(result?.messages.map(({ ruleId }) => ruleId));
  return [
    '@typescript-eslint/no-floating-promises',
    '@typescript-eslint/no-explicit-any',
    '@typescript-eslint/no-non-null-assertion',
    'no-restricted-exports',
  ]
    .filter((rule) => !found.has(rule))
    .map((rule) => `${rule} did not catch what was planted.`);
}

async function cruiseIn(folder: string): Promise<ICruiseResult> {
  const { output } = await cruise(cruised, { ...cruiseOptions, baseDir: folder });
  if (typeof output === 'string') throw new Error('dependency-cruiser gave no object.');
  return output;
}

async function checkLayers(): Promise<readonly string[]> {
  const { modules, summary } = await cruiseIn(root);
  // With a TypeScript it does not know, dependency-cruiser finds no modules and calls that no violations.
  if (!modules.some(({ source }) => source.startsWith('shared/'))) {
    return ['dependency-cruiser looked at no module.'];
  }
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`);
}

/**
 * Plants a violation of each rule in a folder of its own and cruises it with
 * the rules of `npm run check`. One check for each planted violation, one for
 * what has to stay allowed, one that no rule is without a plant.
 */
function plantedLayerChecks(): readonly Check[] {
  let caught: Promise<ReadonlySet<string>> | undefined;
  const cruisePlanted = (): Promise<ReadonlySet<string>> => {
    caught ??= inPlantedFolder(
      plantedLayers.map(({ files }) => files),
      violationsIn,
    );
    return caught;
  };
  return [
    ...plantedLayers.map((planted) => ({
      name: `layers catch: ${planted.rule} (${planted.caught})`,
      run: async () =>
        (await cruisePlanted()).has(`${planted.rule}: ${planted.caught}`) ? [] : ['It was not caught.'],
    })),
    {
      name: 'layers leave in peace what is allowed',
      run: async () => [...(await inPlantedFolder([allowedLayers], violationsIn))],
    },
    {
      name: 'each layer rule has a planted violation',
      run: () => {
        const planted = new Set(plantedLayers.map(({ rule }) => rule));
        return layers.flatMap(({ name }) =>
          name !== undefined && planted.has(name) ? [] : [name ?? 'unnamed'],
        );
      },
    },
  ];
}

async function violationsIn(folder: string): Promise<ReadonlySet<string>> {
  const { summary } = await cruiseIn(folder);
  // Packages lie behind a link here, so their paths lead out of the folder first.
  return new Set(
    summary.violations.map(({ rule, from }) => `${rule.name}: ${from.replace(/^.*?(?=node_modules\/)/, '')}`),
  );
}

async function inPlantedFolder<Value>(
  plants: readonly Readonly<Record<string, string>>[],
  use: (folder: string) => Promise<Value>,
): Promise<Value> {
  // The real path: on macOS the temporary folder is behind a link, and paths are compared.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'privacy-console-layers-')));
  try {
    for (const name of cruised) mkdirSync(join(folder, name));
    cpSync(join(root, 'package.json'), join(folder, 'package.json'));
    symlinkSync(realpathSync(join(root, 'node_modules')), join(folder, 'node_modules'), 'junction');
    for (const [path, source] of plants.flatMap((files) => Object.entries(files))) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), source);
    }
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
