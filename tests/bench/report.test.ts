import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { inTurns } from './measure.ts';
import { describeMachine, exitCodeOf, figureOf, median, quantile, tableOf } from './report.ts';

test('the median is the middle of the sorted samples, or between the two middle ones', () => {
  expect(median([9, 1, 100])).toBe(9);
  expect(median([10, 4, 1, 3])).toBe(3.5);
  expect(median([7])).toBe(7);
  expect(() => median([])).toThrow('at least one sample');
});

test('a quantile lies between its neighbours, and sorting leaves the samples alone', () => {
  const samples = [30, 10, 20, 50, 40];
  expect(quantile(samples, 0)).toBe(10);
  expect(quantile(samples, 0.25)).toBe(20);
  expect(quantile(samples, 0.9)).toBe(46);
  expect(quantile(samples, 1)).toBe(50);
  expect(samples).toEqual([30, 10, 20, 50, 40]);
});

test('a figure compares medians and says whether its goal is met', () => {
  const over = figureOf('search', [6, 7, 500], [2, 2, 2], { over: 5 });
  expect(over).toEqual({
    name: 'search',
    value: 7,
    unit: 'ms',
    baseline: 2,
    ratio: 3.5,
    over: 5,
    goal: 'at most 5 ms over the baseline',
    met: true,
  });
  expect(figureOf('search', [7.1], [2], { over: 5 }).met).toBe(false);
  // Round by round: the medians lie 5 apart, most rounds 7.
  expect(figureOf('search', [8, 9, 7], [1, 2, 7], { over: 5 })).toMatchObject({ over: 7, met: false });
  expect(figureOf('search', [7], [2, 2], { over: 5 })).toMatchObject({ over: null, met: true });
  const faster = figureOf('scan', [10], [200], { faster: 20 });
  expect(faster).toMatchObject({
    ratio: 0.05,
    goal: 'at least 20 times faster than the baseline',
    met: true,
  });
  expect(figureOf('scan', [10.1], [200], { faster: 20 }).met).toBe(false);
  const under = figureOf('page', [19.9999], [1], { under: 20 });
  // Rounded for the eye, judged as measured.
  expect(under).toMatchObject({ value: 20, goal: 'under 20 ms', met: true });
  expect(figureOf('page', [20], [100], { under: 20 }).met).toBe(false);
});

test('one goal missed, or no figure at all, is a failure', () => {
  const met = figureOf('one', [1], [1], { under: 2 });
  const missed = figureOf('two', [3], [1], { under: 2 });
  expect(exitCodeOf([met])).toBe(0);
  expect(exitCodeOf([met, missed])).toBe(1);
  expect(exitCodeOf([])).toBe(1);
});

test('the report has the agreed shape as JSON', () => {
  const machine = describeMachine({ postgres: '18.4', scale: 'small' });
  const figures = [figureOf('one', [1.23456], [1], { under: 2 })];
  const read: unknown = JSON.parse(JSON.stringify({ machine, figures }));
  expect(read).toEqual({
    machine: {
      processor: expect.any(String) as string,
      cores: expect.any(Number) as number,
      memoryGiB: expect.any(Number) as number,
      system: expect.any(String) as string,
      node: process.version,
      postgres: '18.4',
      scale: 'small',
      measuredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    },
    figures: [
      {
        name: 'one',
        value: 1.235,
        unit: 'ms',
        baseline: 1,
        ratio: 1.235,
        over: 0.235,
        goal: 'under 2 ms',
        met: true,
      },
    ],
  });
});

test('the table names every figure and shows what missed its goal', () => {
  const table = tableOf([
    figureOf('quick', [1], [2], { under: 2 }),
    figureOf('slow', [30], [2], { under: 20 }),
  ]);
  const [head, quick, slow] = table.split('\n');
  expect(head).toMatch(/^figure +console +baseline +ratio +over +goal +met$/);
  expect(quick).toMatch(/^quick +1\.00 ms +2\.00 ms +0\.500 +-1\.00 ms +under 2 ms +yes$/);
  expect(slow).toMatch(/^slow +30\.00 ms +2\.00 ms +15\.000 +28\.00 ms +under 20 ms +NO$/);
});

test('sides run in turns, each as often as the other, without the rounds that warm up', async () => {
  const calls: string[] = [];
  const samples = await inTurns(
    {
      one: async (round) => Promise.resolve(calls.push(`one ${round}`)),
      other: async (round) => Promise.resolve(calls.push(`other ${round}`)),
    },
    2,
    1,
  );
  expect(calls).toEqual(['one 0', 'other 0', 'other 1', 'one 1', 'one 2', 'other 2']);
  expect(samples.one).toHaveLength(2);
  expect(samples.other).toHaveLength(2);
});

test('a bench that does not exist is named a wrong use, before anything is started', async () => {
  const entry = fileURLToPath(new URL('bench.ts', import.meta.url));
  for (const wrong of [
    [],
    ['nothing'],
    ['search', '--scale', 'huge'],
    ['page', '--rounds', '0'],
    ['page', 'x'],
    ['page', '--cases', '5'],
    ['map', '--cases', 'many'],
  ]) {
    const ended = await new Promise<{ code: unknown; said: string }>((resolve) => {
      execFile(process.execPath, [entry, ...wrong], (error, _out, said) =>
        resolve({ code: error?.code, said }),
      );
    });
    expect(ended.code).toBe(2);
    expect(ended.said).toContain('usage: npm run bench -- search|page');
  }
});
