import type { Reporter, SerializedError, TestCase, TestModule, TestSuite } from 'vitest/node';
import { makeTally, writeCounts, type Tally } from '../counts.ts';

/**
 * Counts a Vitest run. Vitest's own totals call the tests of a suite whose
 * `beforeAll` failed *skipped* and leave out errors outside tests; here each
 * suite error and each unhandled error is a failure of its own.
 */
export function countsReporter(): Reporter {
  return {
    onTestRunEnd: (modules, unhandledErrors) => {
      const tally = makeTally();
      for (const module of modules) countSuite(tally, module, module.relativeModuleId, false);
      for (const error of unhandledErrors) tally.fail(`unhandled error: ${firstLine(error)}`);
      writeCounts(tally.counts());
    },
  };
}

function countSuite(tally: Tally, suite: TestModule | TestSuite, name: string, above: boolean): void {
  const errors = suite.errors();
  for (const error of errors) tally.fail(`${name}: ${firstLine(error)}`);
  const failed = above || errors.length > 0;
  for (const child of suite.children) {
    if (child.type === 'suite') countSuite(tally, child, `${name} > ${child.name}`, failed);
    else countTest(tally, child, `${name} > ${child.name}`, failed);
  }
}

function countTest(tally: Tally, test: TestCase, name: string, suiteFailed: boolean): void {
  const result = test.result();
  if (result.state === 'passed') tally.pass();
  else if (result.state === 'failed') tally.fail(`${name}: ${firstLine(result.errors[0])}`);
  else if (result.state === 'skipped') {
    tally.skip(name, result.note ?? (suiteFailed ? 'its suite failed before it could run' : undefined));
  } else tally.fail(`${name}: never finished`);
}

function firstLine(error: Pick<SerializedError, 'message'> | undefined): string {
  return error?.message.split('\n', 1)[0] ?? 'no message';
}
