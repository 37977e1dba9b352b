import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Counts, lastLine, sum } from './counts.ts';
import { countRunner } from './runner.ts';

// The attack: a failure that the last line does not count, so that a red run looks green.

const root = resolve(import.meta.dirname, '..');
let folder = '';

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'privacy-console-counting-')));
  // Otherwise the runners in here would take the outer runner's settings for their own.
  mkdirSync(join(folder, 'tests'));
  symlinkSync(realpathSync(join(root, 'node_modules')), join(folder, 'node_modules'), 'junction');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function runScript(script: string, args: readonly string[], timeLimit = 60_000): Promise<Counts> {
  const runner = { name: 'planted', script, args, counts: true, timeLimit };
  return await countRunner(runner, folder, new AbortController().signal);
}

async function runVitest(source: string): Promise<Counts> {
  const reporter = JSON.stringify(join(root, 'tests/reporters/vitest.ts'));
  writeFileSync(
    join(folder, 'vitest.config.ts'),
    `import { countsReporter } from ${reporter};
     export default { root: ${JSON.stringify(folder)}, test: { reporters: [countsReporter()], allowOnly: false } };`,
  );
  writeFileSync(
    join(folder, 'tests/planted.test.ts'),
    `import { afterAll, beforeAll, describe, test } from 'vitest';\n${source}`,
  );
  const config = join(folder, 'vitest.config.ts');
  return await runScript(join(root, 'node_modules/vitest/vitest.mjs'), ['run', '--config', config]);
}

async function runPlaywright(source: string): Promise<Counts> {
  const reporter = join(root, 'tests/reporters/playwright.ts');
  writeFileSync(
    join(folder, 'playwright.config.ts'),
    `export default { testDir: ${JSON.stringify(join(folder, 'tests'))}, forbidOnly: true,
       reporter: [[${JSON.stringify(reporter)}]], outputDir: ${JSON.stringify(join(folder, 'results'))} };`,
  );
  writeFileSync(
    join(folder, 'tests/planted.spec.ts'),
    `import { expect, test } from '@playwright/test';\n${source}`,
  );
  const config = join(folder, 'playwright.config.ts');
  return await runScript(join(root, 'node_modules/@playwright/test/cli.js'), ['test', '--config', config]);
}

describe('Vitest', () => {
  test('passing, failing and skipped tests are counted one by one', async () => {
    const counts = await runVitest(`
      test('passes', () => {});
      test('fails', () => { throw new Error('planted'); });
      test('skips', (context) => { context.skip('there is no moon tonight'); });
    `);
    expect(lastLine(counts)).toBe('1 passed, 1 failed, 1 skipped');
    expect(counts.skipped[0]?.reason).toBe('there is no moon tonight');
  });

  test('a skip without a reason is a failure', async () => {
    const counts = await runVitest(`
      test('passes', () => {});
      test.skip('static', () => {});
      test.todo('later');
      describe.skip('suite', () => { test('inside', () => {}); });
    `);
    expect(lastLine(counts)).toBe('1 passed, 3 failed, 0 skipped');
  });

  test('a set-up that fails is a failure, though Vitest calls its tests skipped', async () => {
    const counts = await runVitest(`
      describe('suite', () => {
        beforeAll(() => { throw new Error('planted'); });
        test('one', () => {});
        test('two', () => {});
      });
    `);
    expect(lastLine(counts)).toBe('0 passed, 1 failed, 2 skipped');
    expect(counts.failed[0]).toContain('planted');
  });

  test('a tear-down that fails is a failure', async () => {
    const counts = await runVitest(`
      afterAll(() => { throw new Error('planted'); });
      test('passes', () => {});
    `);
    expect(lastLine(counts)).toBe('1 passed, 1 failed, 0 skipped');
    expect(counts.failed[0]).toContain('planted');
  });

  test('an unhandled rejection is a failure', async () => {
    const counts = await runVitest(`
      test('passes', async () => {
        void Promise.reject(new Error('planted'));
        await new Promise((resolve) => setTimeout(resolve, 50));
      });
    `);
    expect(lastLine(counts)).toBe('1 passed, 1 failed, 0 skipped');
    expect(counts.failed[0]).toContain('planted');
  });

  test('a file that can not be loaded is a failure', async () => {
    const counts = await runVitest(`import './missing.ts'; test('never seen', () => {});`);
    expect(lastLine(counts)).toBe('0 passed, 1 failed, 0 skipped');
  });

  test('a test that is the only one is a failure', async () => {
    const counts = await runVitest(`test.only('one', () => {}); test('two', () => {});`);
    expect(counts.failed.length).toBeGreaterThan(0);
  });

  test('a worker that dies is a failure', async () => {
    const counts = await runVitest(`test('dies', () => { process.kill(process.pid, 'SIGKILL'); });`);
    expect(counts.passed).toBe(0);
    expect(counts.failed.length).toBeGreaterThan(0);
  });
});

describe('Playwright', () => {
  test('passing, failing and skipped tests are counted one by one', async () => {
    const counts = await runPlaywright(`
      test('passes', () => {});
      test('fails', () => { expect(1).toBe(2); });
      test('skips', () => { test.skip(true, 'there is no moon tonight'); });
      test.fixme('declared', () => {});
    `);
    expect(lastLine(counts)).toBe('1 passed, 2 failed, 1 skipped');
    expect(counts.skipped[0]?.reason).toBe('there is no moon tonight');
  });

  test('a set-up that fails is a failure', async () => {
    const counts = await runPlaywright(`
      test.beforeAll(() => { throw new Error('planted'); });
      test('one', () => {});
      test('two', () => {});
    `);
    expect(counts.passed).toBe(0);
    expect(counts.failed.length).toBeGreaterThan(0);
    expect(counts.failed.length + counts.skipped.length).toBe(2);
  });

  test('an error outside the tests is a failure', async () => {
    const counts = await runPlaywright(`test('passes', () => {}); throw new Error('planted');`);
    expect(counts.failed.length).toBeGreaterThan(0);
    expect(counts.failed.join()).toContain('planted');
  });

  test('a test that is the only one is a failure', async () => {
    const counts = await runPlaywright(`test.only('one', () => {}); test('two', () => {});`);
    expect(counts.failed.length).toBeGreaterThan(0);
  });
});

describe('a runner', () => {
  async function runSource(source: string, timeLimit?: number): Promise<Counts> {
    writeFileSync(join(folder, 'planted.js'), source);
    return await runScript(join(folder, 'planted.js'), [], timeLimit);
  }
  const green = '{"passed":3,"failed":[],"skipped":[]}';
  const write = `(await import('node:fs')).writeFileSync(process.env.PRIVACY_CONSOLE_COUNTS_FILE,`;

  test('that leaves no counts is a failure, though it exits 0', async () => {
    expect(lastLine(await runSource('process.exit(0);'))).toBe('0 passed, 1 failed, 0 skipped');
  });

  test('that leaves broken counts is a failure', async () => {
    expect(lastLine(await runSource(`${write} '{"passed":3');`))).toBe('0 passed, 1 failed, 0 skipped');
  });

  test('that says all is well but exits 1 is a failure', async () => {
    const counts = await runSource(`${write} '${green}'); process.exit(1);`);
    expect(lastLine(counts)).toBe('3 passed, 1 failed, 0 skipped');
  });

  test('that dies after its counts is a failure', async () => {
    const counts = await runSource(`${write} '${green}'); process.kill(process.pid, 'SIGKILL');`);
    expect(lastLine(counts)).toBe('3 passed, 1 failed, 0 skipped');
  });

  test('that hangs is ended and is a failure', async () => {
    const counts = await runSource(`${write} '${green}'); setInterval(() => {}, 1000);`, 1500);
    expect(lastLine(counts)).toBe('3 passed, 1 failed, 0 skipped');
  });

  test('that can not be counted is one pass or one failure', async () => {
    for (const [source, line] of [
      ['process.exit(0);', '1 passed, 0 failed, 0 skipped'],
      ['process.exit(3);', '0 passed, 1 failed, 0 skipped'],
    ] as const) {
      const script = join(folder, 'planted.js');
      writeFileSync(script, source);
      const runner = { name: 'planted', script, args: [], counts: false, timeLimit: 60_000 };
      const counts = await countRunner(runner, folder, new AbortController().signal);
      expect(lastLine(counts)).toBe(line);
    }
  });
});

test('counts are summed', () => {
  const one: Counts = { passed: 2, failed: ['a'], skipped: [{ name: 'b', reason: 'c' }] };
  expect(lastLine(sum([one, one, { passed: 1, failed: [], skipped: [] }]))).toBe(
    '5 passed, 2 failed, 2 skipped',
  );
});
