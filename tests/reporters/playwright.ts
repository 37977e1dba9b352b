import type { FullResult, Reporter, Suite, TestCase, TestError } from '@playwright/test/reporter';
import { stripVTControlCharacters } from 'node:util';
import { makeTally, writeCounts, type Tally } from '../counts.ts';

/**
 * Counts a Playwright run. Errors outside tests count as failed, and so does a
 * test that passed only when tried again. A default export because Playwright
 * takes a reporter by the path of its file.
 */
export default class CountsReporter implements Reporter {
  readonly #tally = makeTally();
  #tests: TestCase[] = [];
  #errors = 0;

  onBegin(_config: unknown, suite: Suite): void {
    this.#tests = suite.allTests();
  }

  onError(error: TestError): void {
    this.#errors += 1;
    this.#tally.fail(`error outside the tests: ${firstLine(error.message)}`);
  }

  onEnd(result: FullResult): void {
    const failures = this.#errors + this.#tests.filter(hasFailed).length;
    for (const test of this.#tests) countTest(this.#tally, test, failures > 0);
    if (result.status !== 'passed' && failures === 0) this.#tally.fail(`the run ended as ${result.status}`);
    writeCounts(this.#tally.counts());
  }
}

function hasFailed(test: TestCase): boolean {
  if (test.results.some((result) => result.status === 'interrupted')) return true;
  const outcome = test.outcome();
  return outcome === 'unexpected' || outcome === 'flaky';
}

function countTest(tally: Tally, test: TestCase, othersFailed: boolean): void {
  const name = test.titlePath().filter(Boolean).join(' > ');
  if (hasFailed(test)) {
    const error = test.results.find((result) => result.error !== undefined)?.error;
    tally.fail(`${name}: ${firstLine(error?.message)}`);
  } else if (test.outcome() === 'expected') {
    tally.pass();
  } else if (test.expectedStatus === 'skipped') {
    const annotations = [...test.annotations, ...test.results.flatMap((result) => result.annotations)];
    const why = annotations.find(({ type }) => type === 'skip' || type === 'fixme')?.description;
    tally.skip(name, why);
  } else {
    tally.skip(name, othersFailed ? 'did not run after an earlier failure' : undefined);
  }
}

/** The first line without the colours Playwright puts into messages. */
function firstLine(message: string | undefined): string {
  const plain = message === undefined ? undefined : stripVTControlCharacters(message);
  return plain?.split('\n', 1)[0] ?? 'no message';
}
