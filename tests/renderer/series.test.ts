import { expect, test } from 'vitest';
import { en } from '#shared/strings/en.ts';
import { arrangeSeries } from '../../renderer/src/components/series.ts';

test('days without a value are there, so that the axis is true to time', () => {
  expect(
    arrangeSeries([
      { day: '2026-02-27', by: null, value: 2 },
      { day: '2026-03-02', by: null, value: 1 },
    ]),
  ).toEqual({
    days: ['2026-02-27', '2026-02-28', '2026-03-01', '2026-03-02'],
    series: [{ name: en.chart.all, values: [2, 0, 0, 1] }],
  });
  expect(arrangeSeries([])).toEqual({ days: [], series: [] });
});

test('beside named parts, what has no name is not called all', () => {
  const { series } = arrangeSeries([
    { day: '2026-01-01', by: 'search', value: 3 },
    { day: '2026-01-01', by: null, value: 1 },
  ]);
  expect(series.map((one) => one.name)).toEqual(['search', en.chart.none]);
});

test('more parts than colours end in others, and nothing is lost', () => {
  const points = Array.from({ length: 9 }, (_, index) => ({
    day: '2026-01-01',
    by: `part ${String(index)}`,
    value: 9 - index,
  }));
  const { series } = arrangeSeries(points);
  expect(series).toHaveLength(6);
  expect(series.at(-1)).toEqual({ name: en.chart.others, values: [1 + 2 + 3 + 4] });
});
