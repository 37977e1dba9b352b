/**
 * Half-open calendar months (UTC) that cover the times from `low` to `high`,
 * both ISO 8601; one unbounded span when there are no times.
 */
export function monthsOf(low: string | null, high: string | null): readonly (readonly [string, string])[] {
  if (low === null || high === null) return [['-infinity', 'infinity']];
  const months: (readonly [string, string])[] = [];
  const last = new Date(high);
  const first = new Date(low);
  for (
    let month = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), 1));
    month <= last;
    month = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1))
  ) {
    const next = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1));
    months.push([month.toISOString(), next.toISOString()]);
  }
  return months;
}
