/** A violation that is planted beside others in a folder of its own and has to be caught by the rule named. */
export interface PlantedLayer {
  readonly rule: string;
  /** The file (or, of a rule on folders, the folder) that the rule has to name. */
  readonly caught: string;
  readonly files: Readonly<Record<string, string>>;
}

function planted(
  rule: string,
  caught: string,
  source: string,
  others: Record<string, string> = {},
): PlantedLayer {
  return { rule, caught, files: { [caught]: `${source}\n`, ...others } };
}

/** An empty module to import from. */
const target = 'export const planted = 1;\n';

export const plantedLayers: readonly PlantedLayer[] = [
  planted('electron only in main and preload', 'electron/core/subjects/p01.ts', `import 'electron';`),
  planted(
    'electron only in main and preload',
    'electron/cli/p02.ts',
    `import type { App } from 'electron'; export type { App };`,
  ),
  planted('core knows no shell', 'electron/core/subjects/p03.ts', `import '../../main/p03target.ts';`, {
    'electron/main/p03target.ts': target,
  }),
  planted('core knows no shell', 'electron/core/subjects/p04.ts', `await import('../../demo/secrets.ts');`, {
    'electron/demo/secrets.ts': target,
  }),
  planted('command line knows no window', 'electron/cli/p05.ts', `import '../main/p05target.ts';`, {
    'electron/main/p05target.ts': target,
  }),
  planted('preload stands alone', 'electron/preload/p06.ts', `import '../main/p06target.ts';`, {
    'electron/main/p06target.ts': target,
  }),
  planted('demo is no part of the product', 'electron/main/p07.ts', `await import('#demo/p07target.ts');`, {
    'electron/demo/p07target.ts': target,
  }),
  planted(
    'demo is loaded by the command line only on demand',
    'electron/cli/p08.ts',
    `import '#demo/secrets.ts';`,
    { 'electron/demo/secrets.ts': target },
  ),
  planted(
    'command line reads only the secrets of the demo',
    'electron/cli/p09.ts',
    `await import('#demo/p09target.ts');`,
    { 'electron/demo/p09target.ts': target },
  ),
  planted(
    'renderer sees only itself and shared',
    'renderer/src/p10.ts',
    `import '../../electron/core/kernel/p10target.ts';`,
    { 'electron/core/kernel/p10target.ts': target },
  ),
  planted('renderer has no Node', 'renderer/src/p11.ts', `import 'node:fs';`),
  planted(
    'renderer takes only types of the contract',
    'renderer/src/p12.ts',
    `import { planted } from '#shared/contract/p12target.ts'; export { planted };`,
    { 'shared/contract/p12target.ts': target },
  ),
  planted(
    'features of the window are apart',
    'renderer/src/features/one/p13.ts',
    `import '../two/p13target.ts';`,
    { 'renderer/src/features/two/p13target.ts': target },
  ),
  planted('components only show', 'renderer/src/components/p14.tsx', `import '../client/p14target.ts';`, {
    'renderer/src/client/p14target.ts': target,
  }),
  planted(
    'shared is at the bottom',
    'shared/contract/p15.ts',
    `import type { planted } from '#core/kernel/p15target.ts'; export type { planted };`,
    { 'electron/core/kernel/p15target.ts': target },
  ),
  planted('domain is pure', 'shared/domain/p16.ts', `import 'zod';`),
  planted('shared takes zod and nothing else', 'shared/contract/p17.ts', `import 'dayjs';`),
  planted('foundations know no feature', 'electron/core/kernel/p18.ts', `import '../subjects/index.ts';`, {
    'electron/core/subjects/index.ts': target,
  }),
  planted('features know no composition root', 'electron/core/subjects/p19.ts', `import '../p19root.ts';`, {
    'electron/core/p19root.ts': target,
  }),
  planted(
    'features are entered by their index',
    'electron/core/requests/p20.ts',
    `import '../subjects/queries.ts';`,
    { 'electron/core/subjects/queries.ts': target },
  ),
  {
    rule: 'folders of core form no circle',
    caught: 'electron/core/holds',
    files: {
      'electron/core/holds/p21.ts': `import '../exports/index.ts';\n`,
      'electron/core/holds/index.ts': target,
      'electron/core/exports/p21.ts': `import '../holds/index.ts';\n`,
      'electron/core/exports/index.ts': target,
    },
  },
  planted('no circle', 'electron/core/audit/p22one.ts', `import './p22two.ts'; export {};`, {
    'electron/core/audit/p22two.ts': `import './p22one.ts'; export {};\n`,
  }),
  planted('nothing is dead', 'electron/core/audit/p23.ts', 'export {};'),
  planted('everything is found', 'electron/core/audit/p24.ts', `import './missing.ts';`),
  planted('every package is declared', 'electron/core/audit/p25.ts', `import 'builder-util';`),
  planted(
    'product does not lean on its tests',
    'electron/core/audit/p26.ts',
    `import '#tests/helpers/p26target.ts';`,
    { 'tests/helpers/p26target.ts': target },
  ),
  planted(
    'pg in the pool alone',
    'electron/core/database/p27.ts',
    `import type { Pool } from 'pg'; export type { Pool };`,
  ),
  planted('pg in the pool alone', 'tests/security/p28.ts', `import 'pg-copy-streams';`),
  planted('S3 in r2.ts alone', 'electron/core/erasure/p29.ts', `import '@aws-sdk/client-s3';`),
  planted('keytar in osKeychain.ts alone', 'electron/core/keychain/p30.ts', `import 'keytar';`),
  planted('zip in exports alone', 'electron/core/audit/p31.ts', `import 'yauzl';`),
  planted('age in age.ts alone', 'electron/core/exports/p38.ts', `import 'age-encryption';`),
  {
    rule: 'yauzl in one file',
    caught: 'node_modules/yauzl/index.js',
    files: {
      'electron/core/exports/p33one.ts': `import 'yauzl';\n`,
      'electron/core/exports/p33two.ts': `import 'yauzl';\n`,
    },
  },
  planted('ajv in recordCheck.ts alone', 'electron/core/exports/p41.ts', `import 'ajv';`),
  planted('qr in sheet.ts alone', 'electron/core/exports/p42.ts', `import 'qr';`),
  planted('pino in the log alone', 'electron/core/kernel/p34.ts', `import 'pino';`),
  planted('commander in the command line alone', 'electron/main/p35.ts', `import 'commander';`),
  planted('yaml in the data map alone', 'electron/core/subjects/p36.ts', `import 'yaml';`),
  planted('servers in the demo alone', 'tests/core/p37.ts', `import 'miniflare';`),
  planted('browser in demo and tests alone', 'electron/main/p38.ts', `import 'playwright-core';`),
  planted('charts in Chart.tsx alone', 'renderer/src/features/one/p39.tsx', `import 'echarts';`),
  planted('window libraries in the renderer alone', 'electron/main/p40.ts', `import 'react';`),
];

/** What the rules have to leave in peace, else a rule that forbids everything would look like one that works. */
export const allowedLayers: Readonly<Record<string, string>> = {
  'electron/main/main.ts': `import 'electron'; import '#core/console.ts'; import '#shared/contract/fine.ts';\n`,
  'electron/cli/cli.ts': `import 'commander'; import '#core/console.ts'; await import('#demo/secrets.ts');\n`,
  'electron/demo/secrets.ts': target,
  'electron/demo/superuser.ts': `import 'pg'; import 'miniflare';\n`,
  'electron/core/console.ts': `import './database/pool.ts'; import './objectStore/r2.ts'; import './compliance/index.ts';\n`,
  'electron/core/database/pool.ts': `import 'pg'; import 'pg-copy-streams'; import type { Fine } from '#shared/domain/fine.ts'; export type { Fine };\n`,
  'electron/core/objectStore/r2.ts': `import '@aws-sdk/client-s3';\n`,
  'electron/core/compliance/index.ts': `import './fine.ts'; import '../corrections/index.ts';\n`,
  'electron/core/compliance/fine.ts': `import '../database/pool.ts';\n`,
  'electron/core/corrections/index.ts': target,
  'renderer/src/main.tsx': `import '@mantine/core/styles.css'; import '@fontsource-variable/inter'; import './fine.css'; import 'react-dom/client'; import './features/three/fine.ts';\n`,
  'renderer/src/features/three/fine.ts': `import '../../components/Chart.tsx'; import type { Fine } from '#shared/contract/fine.ts'; import '#shared/domain/fine.ts'; export type { Fine };\n`,
  'renderer/src/fine.css': 'body {}\n',
  'renderer/src/components/Chart.tsx': `import 'echarts/core'; import { LineChart } from 'echarts/charts'; export { LineChart };\n`,
  'shared/contract/fine.ts': `import 'zod'; export type { Fine } from '#shared/domain/fine.ts';\n`,
  'shared/domain/fine.ts': `export type Fine = 1;\n`,
  'tests/core/fine.test.ts': `import 'vitest'; import '#core/console.ts'; import '#tests/helpers/fine.ts';\n`,
  'tests/helpers/fine.ts': `import 'pg'; import 'node:fs';\n`,
};
