import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

/** What one runner found. A test that was skipped without saying why is among the failed ones. */
export interface Counts {
  readonly passed: number;
  /** One line for each failure: a test, a suite's set-up, an unhandled error, a runner that broke down. */
  readonly failed: readonly string[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

const countsShape = z.object({
  passed: z.int().nonnegative(),
  failed: z.array(z.string()),
  skipped: z.array(z.object({ name: z.string(), reason: z.string().min(1) })),
});

/** The environment variable that tells a reporter where to write its counts; without it, it writes none. */
export const countsFileVariable = 'PRIVACY_CONSOLE_COUNTS_FILE';

/** Collects the outcomes of one run. */
export interface Tally {
  readonly pass: () => void;
  readonly fail: (line: string) => void;
  /** A skip without a reason counts as failed: nobody would ever look at it again. */
  readonly skip: (name: string, reason: string | undefined) => void;
  readonly counts: () => Counts;
}

export function makeTally(): Tally {
  let passed = 0;
  const failed: string[] = [];
  const skipped: { name: string; reason: string }[] = [];
  return {
    pass: () => {
      passed += 1;
    },
    fail: (line) => {
      failed.push(line);
    },
    skip: (name, reason) => {
      if (reason === undefined || reason.trim() === '') failed.push(`${name}: skipped without a reason`);
      else skipped.push({ name, reason });
    },
    counts: () => ({ passed, failed, skipped }),
  };
}

export function writeCounts(counts: Counts, file = process.env[countsFileVariable]): void {
  if (file !== undefined && file !== '') writeFileSync(file, JSON.stringify(counts));
}

/** How a runner ended. */
export interface RunnerEnd {
  readonly code: number | null;
  /** Why it was stopped from outside (a signal, a time limit), if it was. */
  readonly stopped?: string | undefined;
}

/**
 * The counts a runner left, corrected by how it ended: a missing or broken
 * file, an end by force, and a failing exit code without a failed test each
 * count as a failure.
 */
export function readCounts(runner: string, file: string, end: RunnerEnd): Counts {
  let counts: Counts;
  try {
    counts = countsShape.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    const failed = [`${runner}: left no readable counts (${describeEnd(end)})`];
    return { passed: 0, failed, skipped: [] };
  }
  const brokenDown = end.stopped !== undefined || (end.code !== 0 && counts.failed.length === 0);
  if (!brokenDown) return counts;
  return { ...counts, failed: [...counts.failed, `${runner}: ${describeEnd(end)}`] };
}

function describeEnd(end: RunnerEnd): string {
  return end.stopped ?? `exit code ${String(end.code)}`;
}

export function sum(all: readonly Counts[]): Counts {
  return {
    passed: all.reduce((total, counts) => total + counts.passed, 0),
    failed: all.flatMap((counts) => counts.failed),
    skipped: all.flatMap((counts) => counts.skipped),
  };
}

/** The last line of a test run, read by machines. */
export function lastLine(counts: Counts): string {
  return `${String(counts.passed)} passed, ${String(counts.failed.length)} failed, ${String(counts.skipped.length)} skipped`;
}
