import eslint from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import { defineConfig } from 'eslint/config';
import typescriptEslint from 'typescript-eslint';

/** Files that a tool loads by path and of which it wants the default export. */
const configs = [
  'electron.vite.config.ts',
  'tests/**/*.config.ts',
  'tests/reporters/playwright.ts',
  'tests/**/globalSetup.ts',
];

/**
 * Rules for what tsc and dependency-cruiser can't see. Inline comments that
 * switch rules off have no effect: a rule that is wrong is changed here.
 */
export const lintRules = defineConfig(
  { ignores: ['node_modules/', 'out/', 'dist/', 'build/', 'coverage/', 'test-results/', 'docs/'] },
  { linterOptions: { noInlineConfig: true } },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [eslint.configs.recommended, typescriptEslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['electron.vite.config.ts'] },
        tsconfigRootDir: process.cwd(),
      },
    },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-exports': [
        'error',
        {
          restrictDefaultExports: {
            direct: true,
            named: true,
            defaultFrom: true,
            namedFrom: true,
            namespaceFrom: true,
          },
        },
      ],
      '@typescript-eslint/ban-ts-comment': [
        'error',
        { minimumDescriptionLength: 0, 'ts-expect-error': true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-deprecated': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // A function may be async only to keep its promise-returning interface.
      '@typescript-eslint/require-await': 'off',
    },
  },
  { files: configs, rules: { 'no-restricted-exports': 'off' } },
  {
    // Programs that talk to a person at a terminal; everything else writes to the log.
    files: ['electron/cli/**', 'electron/demo/**', 'tests/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['renderer/**/*.ts', 'renderer/**/*.tsx'],
    extends: [reactHooks.configs.flat.recommended],
    rules: {
      'react-hooks/exhaustive-deps': 'error',
      // Warns that the React compiler, which is not used, could not compile a virtualised table.
      'react-hooks/incompatible-library': 'off',
    },
  },
);
