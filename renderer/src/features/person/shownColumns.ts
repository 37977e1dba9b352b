import type { MappedColumn } from '#shared/contract/dataMap.ts';

const widths: Readonly<Record<MappedColumn['kind'], string>> = {
  text: 'minmax(160px, 1fr)',
  time: 'minmax(176px, 0.8fr)',
  date: 'minmax(104px, 0.6fr)',
  integer: 'minmax(96px, 0.5fr)',
  number: 'minmax(96px, 0.5fr)',
  boolean: 'minmax(72px, 0.4fr)',
  json: 'minmax(176px, 1fr)',
  list: 'minmax(128px, 0.8fr)',
  bytes: 'minmax(96px, 0.5fr)',
};

/** The grid track of a mapped column, by what it holds. */
export function columnWidth(column: MappedColumn): string {
  // An identifier is shown short, unless it is masked or a number.
  if (column.kind === 'text' && column.mask === null && column.category.endsWith('unique_id'))
    return 'minmax(120px, 0.7fr)';
  // A title at the right of its column is never cut.
  if (isFigure(column)) return `minmax(${String(Math.max(96, column.title.length * 8 + 16))}px, 0.5fr)`;
  return widths[column.kind];
}

/** Whether a column's figures stand at the right. */
export function isFigure(column: MappedColumn): boolean {
  return column.mask === null && (writtenKind(column) === 'integer' || column.kind === 'number');
}

/** How a column's values are written: an identifier is no quantity, so its digits are not grouped. */
export function writtenKind(column: MappedColumn): string {
  const identifies =
    column.category.endsWith('unique_id') || column.name === 'id' || column.name.endsWith('_id');
  return identifies && column.kind === 'integer' ? 'text' : column.kind;
}
