/** The names of a record and what is written for each, as it is written; of a text that is known to be an object of JSON. */
export function partsOf(text: string): readonly (readonly [string, string])[] {
  const parts: (readonly [string, string])[] = [];
  let at = text.indexOf('{') + 1;
  for (;;) {
    const begins = text.indexOf('"', at);
    if (begins === -1) return parts;
    const ends = endOfText(text, begins);
    const value = /[^\s:]/g;
    value.lastIndex = ends;
    const from = value.exec(text)?.index ?? text.length;
    at = endOfValue(text, from);
    parts.push([JSON.parse(text.slice(begins, ends)) as string, text.slice(from, at).trimEnd()]);
  }
}

/** Behind the closing quote of a text. */
function endOfText(text: string, begins: number): number {
  for (let at = begins + 1; ; at += 1) {
    at = text.indexOf('"', at);
    let before = at;
    while (text.charCodeAt(before - 1) === 0x5c) before -= 1;
    if ((at - before) % 2 === 0) return at + 1;
  }
}

/** Where a value ends; goes round brackets without going down into them, however deep they lie. */
function endOfValue(text: string, from: number): number {
  const mark = /["[\]{},]/g;
  mark.lastIndex = from;
  let depth = 0;
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    const [character] = found;
    if (character === '"') mark.lastIndex = endOfText(text, found.index);
    else if (character === ',') {
      if (depth === 0) return found.index;
    } else if (character === '{' || character === '[') depth += 1;
    else if (depth === 0) return found.index;
    else depth -= 1;
  }
  return text.length;
}

/** A value as it is written, its parts on lines of their own; numbers and texts stay as they are, however deep they lie. */
export function onLines(written: string): string {
  const mark = /["[\]{},:\s]/g;
  let out = '';
  let depth = 0;
  let from = 0;
  const line = (): string => `\n${' '.repeat(depth)}`;
  for (let found = mark.exec(written); found !== null; found = mark.exec(written)) {
    const [character] = found;
    out += written.slice(from, found.index);
    from = mark.lastIndex;
    if (character === '"') {
      mark.lastIndex = endOfText(written, found.index);
      out += written.slice(found.index, mark.lastIndex);
      from = mark.lastIndex;
    } else if (character === '{' || character === '[') {
      depth += 1;
      out += /^\s*[\]}]/.test(written.slice(from)) ? character : `${character}${line()}`;
    } else if (character === '}' || character === ']') {
      depth -= 1;
      out += /[[{]$/.test(out) ? character : `${line()}${character}`;
    } else if (character === ',') out += `,${line()}`;
    else if (character === ':') out += ': ';
  }
  return out + written.slice(from);
}

/** A value as it is shown, cut to so many characters: a number that JavaScript would round stays the text it is. */
export function shownOf(written: string, longest: number): unknown {
  if (written.startsWith('"')) {
    const text = JSON.parse(written) as string;
    return text.length <= longest ? text : cut(text, longest);
  }
  return written.length <= longest ? exactly(written) : cut(written, longest);
}

function cut(text: string, longest: number): string {
  return `${text.slice(0, longest).toWellFormed()}…`;
}

function exactly(text: string): unknown {
  const parse = JSON.parse as (
    text: string,
    reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown,
  ) => unknown;
  return parse(text, (_name, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? source : value,
  );
}
