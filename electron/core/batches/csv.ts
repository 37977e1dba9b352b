import { ExpectedError } from '#core/kernel/errors.ts';
import { batchLimit } from '#shared/domain/batches.ts';

/** What an identifier is, and the column it stands in, where there are several. */
export interface Identifiers {
  readonly form: 'email' | 'phone' | 'id';
  readonly column?: string;
}

/** Characters a cell holds at most. */
const cellLimit = 1_000;
/** Lines that are read at most, empty ones included. */
const lineLimit = 10 * batchLimit;

/** Names of columns that are taken where none is named. */
const usualNames = {
  email: ['email', 'e-mail', 'email address', 'e-mail address', 'mail'],
  phone: ['phone', 'phone number', 'telephone', 'mobile', 'msisdn', 'number'],
  id: ['id', 'key', 'user_id', 'user id', 'account_id', 'account id', 'identifier'],
} as const;

function wrong(says: string): never {
  throw new ExpectedError('invalid_input', says);
}

/**
 * The identifiers of a list, in its order: one on each line, or a column of a table (RFC 4180; commas, semicolons or
 * tabs; a byte order mark is fine). Whether the first line names the columns is seen by what stands in it.
 * @throws ExpectedError `invalid_input` for what is no such list, naming the line; memory stays within the limits whatever the file is
 */
export async function identifiersIn(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { form, column }: Identifiers,
): Promise<readonly string[]> {
  const found: string[] = [];
  let place: number | null = null;
  let records = 0;
  for await (const { cells, line } of recordsOf(chunks)) {
    records += 1;
    if (records > lineLimit) wrong(`The list has more than ${String(lineLimit)} lines; split it.`);
    if (cells.every((each) => each.trim() === '')) continue;
    if (place === null) {
      const names = cells.map((each) => each.trim().toLowerCase());
      const named = columnIn(names, form, column);
      const isHead = column !== undefined || (named !== -1 && !looksLike(form, cells[named] ?? ''));
      if (column !== undefined && named === -1)
        wrong(`The first line names no column “${column}”; it names ${names.join(', ')}.`);
      if (named === -1 && cells.length > 1)
        wrong(
          'The list has several columns; say which one holds the identifiers, by its name in the first line.',
        );
      place = Math.max(named, 0);
      if (isHead || (form !== 'id' && !looksLike(form, cells[place] ?? ''))) continue;
    }
    const cell = (cells[place] ?? '').trim();
    if (cell === '') wrong(`Line ${String(line)} has no identifier; fill it in, or take the line out.`);
    if (cell.length > 320) wrong(`What stands in line ${String(line)} is too long to be an identifier.`);
    if (found.length === batchLimit)
      wrong(`A batch has ${String(batchLimit)} people at most; split the list.`);
    found.push(cell);
  }
  if (found.length === 0)
    wrong('There is no identifier in the list; it needs one on each line, below the names of its columns.');
  return found;
}

function columnIn(names: readonly string[], form: Identifiers['form'], column: string | undefined): number {
  if (column !== undefined) return names.indexOf(column.trim().toLowerCase());
  return names.findIndex((each) => (usualNames[form] as readonly string[]).includes(each));
}

function looksLike(form: Identifiers['form'], text: string): boolean {
  if (form === 'email') return text.includes('@');
  if (form === 'phone') return text.replaceAll(/[^0-9]/g, '').length >= 7;
  return !(usualNames.id as readonly string[]).includes(text.trim().toLowerCase());
}

/** Records with the line they begin on. A quoted cell may hold separators, doubled quotes and line ends. */
async function* recordsOf(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<{ readonly cells: readonly string[]; readonly line: number }> {
  let separator: string | null = null;
  let cells: string[] = [];
  let cell = '';
  let state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
  let line = 1;
  let begun = 1;
  for await (const character of charactersOf(chunks)) {
    if (cell.length > cellLimit) wrong(`What stands in line ${String(begun)} is too long for a list.`);
    if (state === 'quoted') {
      if (character === '"') state = 'closed';
      else cell += character;
      if (character === '\n') line += 1;
      continue;
    }
    if (state === 'closed' && character === '"') {
      cell += '"';
      state = 'quoted';
    } else if (character === '\n') {
      yield { cells: [...cells, cell], line: begun };
      [cells, cell, state] = [[], '', 'start'];
      line += 1;
      begun = line;
    } else if (separator === null ? ',;\t'.includes(character) : character === separator) {
      separator ??= character;
      cells.push(cell);
      [cell, state] = ['', 'start'];
      if (cells.length > 500) wrong(`Line ${String(begun)} has too many columns for a list.`);
    } else if (character === '\r') {
      // Of a line's end.
    } else if (state === 'closed') {
      wrong(`Line ${String(begun)} has text behind a closing quote; it is no CSV.`);
    } else if (character === '"' && state === 'start') {
      state = 'quoted';
    } else {
      cell += character;
      state = 'plain';
    }
  }
  if (state === 'quoted') wrong(`Line ${String(begun)} opens a quote that nothing closes; it is no CSV.`);
  if (cells.length > 0 || cell !== '') yield { cells: [...cells, cell], line: begun };
}

async function* charactersOf(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const read = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      return wrong('The list is no text in UTF-8; save it as CSV in UTF-8.');
    }
  };
  for await (const chunk of chunks) yield* read(chunk);
  yield* read();
}
