import type { MappedColumn } from '#shared/contract/dataMap.ts';

/** Makes a table (CSV, RFC 4180) of JSON Lines, chunk by chunk. */
export interface TableWriter {
  /** The byte order mark and the names of the columns; the first line of the file. */
  readonly head: Uint8Array;
  /** The records of all lines that are whole by now, until the next call; the chunks may be cut anywhere. */
  add(chunk: Uint8Array): Uint8Array;
}

const quote = 0x22;
const backslash = 0x5c;
const lineFeed = 0x0a;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const apostrophe = 0x27;
const nothing = new Uint8Array();
/** Room for the records of one call, to begin with. */
const usualBytes = 64 * 1024;
/** More than this is let go of after the call that needed it. */
const mostKept = 4 * 1024 * 1024;

/** What `\b`, `\f`, `\n`, `\r` and `\t` stand for; any other escaped character stands for itself. */
const escapes: ReadonlyMap<number, number> = new Map([
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, lineFeed],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

/**
 * A table with these columns in this order, whatever the order of a line's
 * keys. Texts always stand in quotes, so that an empty one differs from none;
 * one that a spreadsheet would take for a formula gets an apostrophe before it;
 * documents and lists stand as their JSON.
 *
 * Works on bytes: to parse each line and put it together again takes five
 * times as long, and would round numbers in documents. Throws on a line that
 * is no JSON object.
 */
export function newTable(columns: readonly Pick<MappedColumn, 'name' | 'kind'>[]): TableWriter {
  const keys = columns.map(({ name }) => Buffer.from(JSON.stringify(name), 'utf8').subarray(1, -1));
  const places = new Map(columns.map(({ name }, place) => [name, place]));
  const isNumber = columns.map(({ kind }) => kind === 'integer' || kind === 'number');
  const starts = new Int32Array(columns.length);
  const ends = new Int32Array(columns.length);
  /** Of the line that isn't whole yet. */
  let rest: Uint8Array[] = [];
  let from: Uint8Array = nothing;
  let to = new Uint8Array(usualBytes);
  let size = 0;

  const head = columns.map(({ name }) => {
    const text = mayBeFormula(Buffer.from(name, 'utf8'), 0) ? `'${name}` : name;
    return `"${text.replaceAll('"', '""')}"`;
  });

  return {
    head: Buffer.from(`\uFEFF${head.join(',')}\r\n`, 'utf8'),
    add(chunk) {
      size = 0;
      if (to.byteLength > mostKept) to = new Uint8Array(usualBytes);
      let at = 0;
      if (rest.length > 0) {
        const end = chunk.indexOf(lineFeed) + 1;
        // Copied, since a stream may use the chunk's memory again.
        rest.push(chunk.slice(0, end === 0 ? chunk.byteLength : end));
        if (end === 0) return nothing;
        from = Buffer.concat(rest);
        rest = [];
        writeRecord(0, from.byteLength - 1);
        at = end;
      }
      from = chunk;
      for (let end = from.indexOf(lineFeed, at); end !== -1; end = from.indexOf(lineFeed, at)) {
        writeRecord(at, end);
        at = end + 1;
      }
      if (at < chunk.byteLength) rest.push(chunk.slice(at));
      from = nothing;
      return to.subarray(0, size);
    },
  };

  function writeRecord(start: number, end: number): void {
    makeRoom(2 * (end - start) + 4 * columns.length + 2);
    if (!writeUsual(start, end)) writeAny(start, end);
    to[size++] = 0x0d;
    to[size++] = lineFeed;
  }

  /**
   * Writes the record of a line that is as PostgreSQL writes it: every column in its order, without space between,
   * and no value needs more than to be copied. False for any other, of which nothing is written.
   */
  function writeUsual(start: number, end: number): boolean {
    const source = from;
    const target = to;
    let out = size;
    let at = start;
    for (let place = 0; place < keys.length; place += 1) {
      const key = keys[place] ?? nothing;
      const { byteLength } = key;
      if (source[at] !== (place === 0 ? openBrace : comma) || source[at + 1] !== quote) return false;
      at += 2;
      for (let of = 0; of < byteLength; of += 1) if (source[at + of] !== key[of]) return false;
      at += byteLength;
      if (source[at] !== quote || source[at + 1] !== colon) return false;
      at += 2;
      if (place > 0) target[out++] = comma;
      const first = source[at] ?? 0;
      if (first === quote) {
        at += 1;
        target[out++] = quote;
        if (isNumber[place] !== true && mayBeFormula(source, at)) target[out++] = apostrophe;
        for (let byte = source[at] ?? 0; byte !== quote; byte = source[at] ?? 0) {
          if (byte === backslash || at >= end) return false;
          target[out++] = byte;
          at += 1;
        }
        at += 1;
        target[out++] = quote;
      } else if (first === 0x6e) {
        at += 4;
      } else {
        const begun = at;
        for (let byte = first; byte !== comma && byte !== closeBrace; byte = source[at] ?? 0) {
          // A document or a list; and what only looks like a number or a truth.
          if (
            at >= end ||
            byte <= 0x20 ||
            byte === quote ||
            (byte >= openBracket && byte <= closeBracket) ||
            byte >= openBrace
          )
            return false;
          target[out++] = byte;
          at += 1;
        }
        if (at === begun) return false;
      }
    }
    if (keys.length === 0 || source[at] !== closeBrace || at + 1 !== end) return false;
    size = out;
    return true;
  }

  function writeAny(start: number, end: number): void {
    findValues(start, end);
    for (let place = 0; place < columns.length; place += 1) {
      if (place > 0) to[size++] = comma;
      const valueStart = starts[place] ?? -1;
      if (valueStart !== -1) writeValue(valueStart, ends[place] ?? 0, isNumber[place] === true);
    }
  }

  function makeRoom(bytes: number): void {
    if (to.byteLength - size >= bytes) return;
    const larger = new Uint8Array(Math.max(2 * to.byteLength, size + bytes));
    larger.set(to.subarray(0, size));
    to = larger;
  }

  /** Finds where the value of each column stands in the line; -1 where it has none. */
  function findValues(start: number, end: number): void {
    starts.fill(-1);
    let expected = 0;
    let at = afterSpace(start);
    if (from[at] !== openBrace) throw notARow();
    at = afterSpace(at + 1);
    while (from[at] !== closeBrace) {
      if (from[at] !== quote) throw notARow();
      const expectedEnd = endOfKey(at, expected);
      let place: number | undefined = expected;
      if (expectedEnd === -1) {
        const keyEnd = endOfText(at, end);
        place = placeOf(at + 1, keyEnd - 1);
        at = afterSpace(keyEnd);
      } else at = afterSpace(expectedEnd);
      if (from[at] !== colon) throw notARow();
      const valueStart = afterSpace(at + 1);
      at = endOfValue(valueStart, end);
      if (place !== undefined) {
        starts[place] = valueStart;
        ends[place] = at;
        expected = place + 1;
      }
      at = afterSpace(at);
      if (from[at] === comma) at = afterSpace(at + 1);
      else if (from[at] !== closeBrace) throw notARow();
    }
    if (afterSpace(at + 1) < end) throw notARow();
  }

  /** After the closing quote of the key of this column, most likely the one after the last; -1 where another key begins. */
  function endOfKey(start: number, place: number): number {
    const key = keys[place];
    if (key === undefined) return -1;
    const source = from;
    const { byteLength } = key;
    if (source[start + 1 + byteLength] !== quote) return -1;
    for (let at = 0; at < byteLength; at += 1) if (key[at] !== source[start + 1 + at]) return -1;
    return start + 2 + byteLength;
  }

  function placeOf(start: number, end: number): number | undefined {
    const name: unknown = JSON.parse(Buffer.from(from.subarray(start - 1, end + 1)).toString('utf8'));
    return typeof name === 'string' ? places.get(name) : undefined;
  }

  function afterSpace(start: number): number {
    let at = start;
    while (from[at] === 0x20 || from[at] === 0x09 || from[at] === 0x0d) at += 1;
    return at;
  }

  /** After the closing quote. */
  function endOfText(start: number, end: number): number {
    const source = from;
    for (let at = start + 1; at < end; at += 1) {
      const byte = source[at];
      if (byte === quote) return at + 1;
      if (byte === backslash) at += 1;
    }
    throw notARow();
  }

  function endOfValue(start: number, end: number): number {
    const first = from[start];
    if (first === quote) return endOfText(start, end);
    let depth = 0;
    let at = start;
    while (at < end) {
      const byte = from[at];
      if (byte === quote) {
        at = endOfText(at, end);
        continue;
      }
      if (byte === openBrace || byte === openBracket) depth += 1;
      else if (depth === 0 && (byte === comma || byte === closeBrace || byte === 0x20 || byte === 0x09))
        break;
      else if (byte === closeBrace || byte === closeBracket) depth -= 1;
      at += 1;
    }
    if (at === start || depth !== 0) throw notARow();
    return at;
  }

  function writeValue(start: number, end: number, number: boolean): void {
    const first = from[start];
    if (first === quote) {
      writeText(start + 1, end - 1, number);
    } else if (first === openBrace || first === openBracket) {
      to[size++] = quote;
      for (let at = start; at < end; at += 1) {
        const byte = from[at] ?? 0;
        if (byte === quote) to[size++] = quote;
        to[size++] = byte;
      }
      to[size++] = quote;
    } else if (first !== 0x6e) {
      to.set(from.subarray(start, end), size);
      size += end - start;
    }
  }

  function writeText(start: number, end: number, number: boolean): void {
    to[size++] = quote;
    const begun = size;
    // Its room, should it turn out to be a formula; what it begins with is known once it is no longer escaped.
    to[size++] = apostrophe;
    for (let at = start; at < end; at += 1) {
      at = copyPlain(at, end);
      if (at === end) break;
      at += 1;
      const escaped = from[at] ?? 0;
      if (escaped === 0x75) {
        at = writeCodePoint(at + 1);
      } else {
        if (escaped === quote) to[size++] = quote;
        to[size++] = escapes.get(escaped) ?? escaped;
      }
    }
    if (number || !mayBeFormula(to, begun + 1, size)) {
      to.copyWithin(begun, begun + 1, size);
      size -= 1;
    }
    to[size++] = quote;
  }

  /** Copies up to the next backslash and gives its place, or the end. Most bytes pass here, so it keeps to local variables. */
  function copyPlain(start: number, end: number): number {
    const source = from;
    const target = to;
    let out = size;
    let at = start;
    for (; at < end; at += 1) {
      const byte = source[at] ?? 0;
      if (byte === backslash) break;
      target[out] = byte;
      out += 1;
    }
    size = out;
    return at;
  }

  /** Writes what `\u` and the four digits from here stand for, two such for a surrogate pair; gives the place of the last digit. */
  function writeCodePoint(start: number): number {
    let at = start + 4;
    let code = fourDigits(start);
    if (code >= 0xd800 && code < 0xdc00 && from[at] === backslash && from[at + 1] === 0x75) {
      const low = fourDigits(at + 2);
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
      }
    }
    // Half a pair is no character, and a program may end a text at the character 0.
    if (code === 0 || (code >= 0xd800 && code < 0xe000)) code = 0xfffd;
    if (code === quote) to[size++] = quote;
    size += Buffer.from(to.buffer).write(String.fromCodePoint(code), size, 'utf8');
    return at - 1;
  }

  function fourDigits(start: number): number {
    const digits = String.fromCharCode(...from.subarray(start, start + 4));
    if (!/^[0-9a-f]{4}$/i.test(digits)) throw notARow();
    return Number.parseInt(digits, 16);
  }
}

/** Whether a spreadsheet may take a text for a formula: `=`, `+`, `-`, `@`, a tab or line end, or the wide forms of the first four. */
function mayBeFormula(text: Uint8Array, start: number, end = text.byteLength): boolean {
  if (end <= start) return false;
  switch (text[start]) {
    case 0x3d:
    case 0x2b:
    case 0x2d:
    case 0x40:
    case 0x09:
    case 0x0d:
    case lineFeed:
      return true;
    case 0xef:
      return text[start + 1] === 0xbc && [0x9d, 0x8b, 0x8d, 0xa0].includes(text[start + 2] ?? 0);
    default:
      return false;
  }
}

function notARow(): Error {
  return new Error('a line of a collection is no JSON object');
}

/** Counts the records of a table, its first line included; a line end within quotes ends none. */
export function newRecordCount(): { readonly add: (chunk: Uint8Array) => void; readonly records: number } {
  let records = 0;
  let quoted = false;
  return {
    add(chunk) {
      let inside = quoted;
      for (let at = 0; at < chunk.byteLength; at += 1) {
        const byte = chunk[at];
        if (byte === quote) inside = !inside;
        else if (byte === lineFeed && !inside) records += 1;
      }
      quoted = inside;
    },
    get records() {
      return records;
    },
  };
}
