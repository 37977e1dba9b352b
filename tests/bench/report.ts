import { availableParallelism, cpus, totalmem } from 'node:os';

/** What a figure has to reach, judged on the two sides of the same run. */
export type Goal =
  /** At most so much above the baseline, in the middle of the rounds: both sides do the same in each. */
  | { readonly over: number }
  /** At most so many times the baseline. */
  | { readonly times: number }
  /** At least so many times faster than the baseline. */
  | { readonly faster: number }
  /** Under so much, whatever the baseline. */
  | { readonly under: number };

/** Milliseconds, or mebibytes. */
export type Unit = 'ms' | 'MiB';

/** One measured value beside what it is compared with. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  readonly baseline: number;
  /** `value` divided by `baseline`. */
  readonly ratio: number;
  /** Median of what each round's value is over its baseline; null where the two weren't measured in rounds. */
  readonly over: number | null;
  readonly goal: string;
  readonly met: boolean;
}

/** Where and when the figures were taken. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly postgres: string;
  readonly scale: string;
  readonly measuredAt: string;
}

export interface Report {
  readonly machine: Machine;
  readonly figures: readonly Figure[];
}

/** The value at `share` (0 to 1) of the sorted samples, between two neighbours where it falls there. */
export function quantile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new Error('A quantile needs at least one sample.');
  const sorted = samples.toSorted((one, other) => one - other);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? 0;
  const above = sorted[Math.ceil(place)] ?? 0;
  return below + (above - below) * (place - Math.floor(place));
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** Compares the medians of both sides; samples as many as the baseline's were measured round by round beside it. */
export function figureOf(
  name: string,
  samples: readonly number[],
  baseline: readonly number[],
  goal: Goal,
  unit: Unit = 'ms',
): Figure {
  const value = median(samples);
  const beside = median(baseline);
  const inRounds = samples.length === baseline.length;
  const over = inRounds ? median(samples.map((each, round) => each - (baseline[round] ?? 0))) : null;
  return {
    name,
    value: rounded(value),
    unit,
    baseline: rounded(beside),
    ratio: rounded(value / beside),
    over: over === null ? null : rounded(over),
    goal: goalInWords(goal, unit),
    met: isMet(value, beside, over ?? value - beside, goal),
  };
}

function isMet(value: number, baseline: number, over: number, goal: Goal): boolean {
  if ('over' in goal) return over <= goal.over;
  if ('times' in goal) return value <= baseline * goal.times;
  if ('faster' in goal) return value * goal.faster <= baseline;
  return value < goal.under;
}

function goalInWords(goal: Goal, unit: Unit): string {
  if ('over' in goal)
    return goal.over === 0 ? 'no more than the baseline' : `at most ${goal.over} ${unit} over the baseline`;
  if ('times' in goal) return `at most ${rounded(goal.times)} times the baseline`;
  if ('faster' in goal) return `at least ${goal.faster} times faster than the baseline`;
  return `under ${goal.under} ${unit}`;
}

/** Three decimals: microseconds, where these are milliseconds. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** The figures as a table for people, one line each. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = [
    ['figure', 'console', 'baseline', 'ratio', 'over', 'goal', 'met'],
    ...figures.map((each) => [
      each.name,
      `${each.value.toFixed(2)} ${each.unit}`,
      `${each.baseline.toFixed(2)} ${each.unit}`,
      each.ratio.toFixed(3),
      each.over === null ? '' : `${each.over.toFixed(2)} ${each.unit}`,
      each.goal,
      each.met ? 'yes' : 'NO',
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((text, column) => {
          const width = widths[column] ?? 0;
          return column >= 1 && column <= 4 ? text.padStart(width) : text.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** 0 when every goal is met, else 1; a run without figures met nothing. */
export function exitCodeOf(figures: readonly Figure[]): 0 | 1 {
  return figures.length > 0 && figures.every((each) => each.met) ? 0 : 1;
}

/** This machine and program, with what the caller knows of the server. */
export function describeMachine(server: { readonly postgres: string; readonly scale: string }): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    ...server,
    measuredAt: new Date().toISOString(),
  };
}
