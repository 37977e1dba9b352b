import { useComputedColorScheme } from '@mantine/core';
import { BarChart } from 'echarts/charts';
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from 'echarts/components';
import { init, use as register } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { useEffect, useMemo, useRef, type ReactNode } from 'react';
import { en } from '#shared/strings/en.ts';
import { Dim, Empty } from './Basics.tsx';
import { formatDate, formatNumber } from './format.ts';
import { arrangeSeries, type ChartPoint } from './series.ts';
import styles from './Chart.module.css';

register([BarChart, GridComponent, LegendComponent, TooltipComponent, AriaComponent, SVGRenderer]);

const palettes = {
  light: ['#0b6570', '#d1742a', '#5a56b5', '#8a9a2c', '#b03a66', '#3f86c6', '#8a979f'],
  dark: ['#63c6d1', '#f0a05e', '#a7a3f2', '#c3d265', '#ef86ad', '#86bdf0', '#93a3ac'],
} as const;

/** Bars by day, stacked by series, with the same figures as a table. The only user of the chart library. */
export function Chart(props: { readonly title: string; readonly points: readonly ChartPoint[] }): ReactNode {
  const { title, points } = props;
  const canvas = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light');
  const { days, series } = useMemo(() => arrangeSeries(points), [points]);
  const total = useMemo(() => points.reduce((sum, point) => sum + point.value, 0), [points]);
  const summary = en.chart.summary(title, days.length, formatNumber(total));

  useEffect(() => {
    if (!canvas.current || days.length === 0) return;
    const chart = init(canvas.current, null, { renderer: 'svg' });
    const ink = scheme === 'dark' ? '#a3b1b9' : '#51606a';
    const line = scheme === 'dark' ? '#303b42' : '#d8dfe3';
    const text = {
      color: ink,
      fontFamily: 'Inter Variable, Noto Sans Devanagari Variable, sans-serif',
      fontSize: 12,
    };
    chart.setOption({
      animation: false,
      color: [...palettes[scheme]],
      textStyle: text,
      grid: { left: 8, right: 8, top: series.length > 1 ? 32 : 12, bottom: 10, containLabel: true },
      legend: {
        show: series.length > 1,
        top: 0,
        left: 0,
        itemWidth: 10,
        itemHeight: 10,
        icon: 'rect',
        textStyle: text,
      },
      // Rich text is drawn into the picture; the HTML tooltip would need inline styles, which the window's policy refuses.
      tooltip: {
        trigger: 'axis',
        renderMode: 'richText',
        axisPointer: { type: 'shadow' },
        backgroundColor: scheme === 'dark' ? '#1f272d' : '#ffffff',
        borderColor: line,
        textStyle: { ...text, color: scheme === 'dark' ? '#e4eaed' : '#162027' },
        valueFormatter: (value: unknown) => (typeof value === 'number' ? formatNumber(value) : ''),
      },
      xAxis: {
        type: 'category',
        data: days.map(formatDate),
        axisLine: { lineStyle: { color: line } },
        axisTick: { show: false },
        axisLabel: { ...text, hideOverlap: true },
      },
      yAxis: {
        type: 'value',
        minInterval: 1,
        splitLine: { lineStyle: { color: line } },
        axisLabel: { ...text, formatter: (value: number) => formatNumber(value) },
      },
      series: series.map((one) => ({
        type: 'bar',
        stack: 'all',
        name: one.name,
        data: [...one.values],
        barMaxWidth: 24,
      })),
    });
    const watcher = new ResizeObserver(() => {
      chart.resize();
    });
    watcher.observe(canvas.current);
    return () => {
      watcher.disconnect();
      chart.dispose();
    };
  }, [days, series, scheme]);

  if (days.length === 0) return <Empty centre title={en.chart.empty} />;
  return (
    <div className={styles['chart']}>
      <p>
        {summary} <Dim>{en.chart.window}</Dim>
      </p>
      <div ref={canvas} className={styles['canvas']} role="img" aria-label={summary} />
      <details>
        <summary className={styles['summary']}>{en.chart.asTable}</summary>
        <div className={styles['tableBox']} tabIndex={0} role="region" aria-label={summary}>
          <table className={styles['table']}>
            <thead>
              <tr>
                <th scope="col">{en.chart.day}</th>
                {series.map((one) => (
                  <th key={one.name} scope="col">
                    {one.name}
                  </th>
                ))}
                {series.length > 1 ? <th scope="col">{en.chart.total}</th> : null}
              </tr>
            </thead>
            <tbody>
              {days.map((day, index) => {
                const ofDay = series.reduce((sum, one) => sum + (one.values[index] ?? 0), 0);
                return ofDay === 0 ? null : (
                  <tr key={day}>
                    <th scope="row">{formatDate(day)}</th>
                    {series.map((one) => (
                      <td key={one.name}>{formatNumber(one.values[index] ?? 0)}</td>
                    ))}
                    {series.length > 1 ? <td>{formatNumber(ofDay)}</td> : null}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      </details>
    </div>
  );
}
