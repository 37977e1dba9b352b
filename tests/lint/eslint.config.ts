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
      // `typeof import(…)` names the type of a package that is loaded only when it is needed.
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-deprecated': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // What was caught, or the reason of a signal, is passed on as it is.
      '@typescript-eslint/only-throw-error': [
        'error',
        { allowThrowingAny: true, allowThrowingUnknown: true },
      ],
      // Functions come in plain objects without `this`, which are taken apart freely.
      '@typescript-eslint/unbound-method': 'off',
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
    // Vitest's asymmetric matchers (`expect.any`) are of type any.
    files: ['tests/**/*.test.ts'],
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off' },
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
