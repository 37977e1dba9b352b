import { en } from '#shared/strings/en.ts';

export interface ChartPoint {
  /** `yyyy-mm-dd`. */
  readonly day: string;
  readonly by: string | null;
  readonly value: number;
}

/** Series beyond these are added up as “others”: more can’t be told apart by colour. */
const mostSeries = 6;

const oneDay = 86_400_000;

/** Every day from the first to the last, so that a gap in time is a gap in the picture. */
function everyDay(points: readonly ChartPoint[]): readonly string[] {
  const sorted = points.map((point) => point.day).sort();
  const last = Date.parse(sorted.at(-1) ?? '');
  const days: string[] = [];
  for (let at = Date.parse(sorted[0] ?? ''); at <= last; at += oneDay)
    days.push(new Date(at).toISOString().slice(0, 10));
  return days;
}

/** Points as one line of values for each series, days without a value as 0. */
export function arrangeSeries(points: readonly ChartPoint[]): {
  readonly days: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
} {
  const days = everyDay(points);
  // “All” is what nothing divides; among parts, what belongs to none of them is “none”.
  const rest = points.some((point) => point.by !== null) ? en.chart.none : en.chart.all;
  const totals = new Map<string, number>();
  for (const point of points) {
    const name = point.by ?? rest;
    totals.set(name, (totals.get(name) ?? 0) + point.value);
  }
  const largest = [...totals].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const named = new Set(largest.length > mostSeries ? largest.slice(0, mostSeries - 1) : largest);
  const names = largest.length > mostSeries ? [...named, en.chart.others] : largest;
  const dayIndex = new Map(days.map((day, index) => [day, index]));
  const values = new Map(names.map((name) => [name, days.map(() => 0)]));
  for (const point of points) {
    const own = point.by ?? rest;
    const line = values.get(named.has(own) ? own : en.chart.others);
    const index = dayIndex.get(point.day);
    if (line && index !== undefined) line[index] = (line[index] ?? 0) + point.value;
  }
  return { days, series: names.map((name) => ({ name, values: values.get(name) ?? [] })) };
}
