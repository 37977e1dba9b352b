import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { countsReporter } from './reporters/vitest.ts';

const globalSetup = fileURLToPath(new URL('helpers/globalSetup.ts', import.meta.url));

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['tests/**/*.test.ts'],
    exclude: ['tests/journeys/**'],
    globalSetup: [globalSetup],
    reporters: ['default', countsReporter()],
    allowOnly: false,
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
});
