/** How a value is laid out for a person. */
export type Layout = 'list' | 'record' | 'text';

/** Prints a command's value: one line of JSON, or something a person can read. */
export function printValue(value: unknown, json: boolean, as: Layout = 'record'): void {
  process.stdout.write(json ? `${asJson(value)}\n` : readable(value, as));
}

/**
 * One line of JSON. What turns the direction of a text, or is not seen at all, stands as `\\u` and four digits: the same
 * value to a program, and nothing that a terminal obeys.
 */
export function asJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, place) => `\\u${character.charCodeAt(place).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

function readable(value: unknown, as: Layout): string {
  // To a file it goes as it is; a terminal would obey what a platform's names may hold.
  if (as === 'text')
    return `${process.stdout.isTTY ? String(value).split('\n').map(shown).join('\n') : String(value)}\n`;
  if (Array.isArray(value)) return table(value as readonly unknown[]);
  if (typeof value === 'object' && value !== null)
    return record(value as Readonly<Record<string, unknown>>, '');
  return `${shown(value)}\n`;
}

function record(value: Readonly<Record<string, unknown>>, indent: string): string {
  const width = Math.max(0, ...Object.keys(value).map((key) => key.length));
  return Object.entries(value)
    .map(([key, held]) => {
      if (Array.isArray(held) && held.some((each) => typeof each === 'object' && each !== null)) {
        return `${indent}${key}\n${table(held, `${indent}  `)}`;
      }
      if (typeof held === 'object' && held !== null && !Array.isArray(held)) {
        return `${indent}${key}\n${record(held as Readonly<Record<string, unknown>>, `${indent}  `)}`;
      }
      return `${indent}${key.padEnd(width)}  ${shown(held)}\n`;
    })
    .join('');
}

function table(rows: readonly unknown[], indent = ''): string {
  if (rows.length === 0) return `${indent}none\n`;
  const records = rows.map((row) =>
    typeof row === 'object' && row !== null ? (row as Readonly<Record<string, unknown>>) : { value: row },
  );
  const columns = [...new Set(records.flatMap((row) => Object.keys(row)))];
  const cells = records.map((row) => columns.map((column) => shown(row[column])));
  const widths = columns.map((column, place) =>
    Math.max(column.length, ...cells.map((row) => (row[place] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    `${indent}${row
      .map((text, place) => text.padEnd(widths[place] ?? 0))
      .join('  ')
      .trimEnd()}\n`;
  // A single column without a name is a list of sentences.
  return (columns.join('') === '' ? cells : [columns, ...cells]).map(line).join('');
}

/** One line; control characters of people's data can't reach the terminal. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return '—';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replaceAll(/\p{Cc}|\p{Cf}/gu, ' ');
}
