import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import type { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';

/** Where something stands in a map: the keys and places that lead to it. */
export type Place = readonly (string | number)[];

/** Tells where in the text things stand. */
export interface MapPlaces {
  /** The error for what is wrong at a place, which names file, line and column. */
  wrong(place: Place, says: string): ExpectedError;
  /** The error for the first of zod's issues; `fields` gives what may be written at a place. */
  firstOf(issues: readonly z.core.$ZodIssue[], fields: (place: Place) => readonly string[]): ExpectedError;
}

export interface OpenedMap {
  readonly value: unknown;
  readonly document: Document;
  readonly places: MapPlaces;
}

/** Text with nothing in it that could move a cursor or turn the direction of reading. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (each) => `\\u{${(each.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/**
 * Parses the text of a map.
 * @param what how errors begin, when it is another kind of text
 * @throws ExpectedError `invalid_input` where it isn't YAML
 */
export function openMapText(text: string, file: string, what = 'The data map'): OpenedMap {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${printable(file)}, line ${line}, column ${col}`;
  };
  const [broken] = document.errors;
  if (broken !== undefined) {
    throw new ExpectedError(
      'invalid_input',
      `${what} isn't valid YAML at ${at(broken.pos[0])}: ${syntaxAdvice(broken.code, broken.message)}`,
    );
  }
  const wrong = (place: Place, says: string): ExpectedError =>
    new ExpectedError(
      'invalid_input',
      `${what} is wrong at ${at(offsetOf(document, place))}${
        place.length === 0 ? '' : ` (${printable(place.join('.'))})`
      }: ${printable(says)}.`,
    );
  let value: unknown;
  try {
    value = document.toJS();
  } catch {
    throw wrong([], 'it has too many aliases; write out what they stand for');
  }
  return {
    value,
    document,
    places: {
      wrong,
      firstOf(issues, fields) {
        // A misspelt name is also a missing one; the misspelling says more.
        const issue = issues.find((each) => each.code === 'unrecognized_keys') ?? issues[0];
        if (issue === undefined) return wrong([], 'it is not a map');
        const place = issue.path.map((each) => (typeof each === 'number' ? each : String(each)));
        if (issue.code === 'unrecognized_keys') {
          const [key = ''] = issue.keys;
          return wrong([...place, key], `“${key}” isn’t known here; ${oneOf(fields(place), 'remove it')}`);
        }
        return wrong(place, sayIssue(issue, document, place));
      },
    },
  };
}

function syntaxAdvice(code: string, message: string): string {
  switch (code) {
    case 'DUPLICATE_KEY':
      return 'this name is there twice; give each its own, or join the two.';
    case 'TAB_AS_INDENT':
      return 'a tab indents this line; write spaces instead.';
    default:
      return `${printable(message.split('\n')[0] ?? '').replace(/\.$/, '')}; correct this line.`;
  }
}

function oneOf(values: readonly unknown[], otherwise: string): string {
  return values.length === 0 ? otherwise : `write one of ${values.map(String).join(', ')}`;
}

function sayIssue(issue: z.core.$ZodIssue, document: Document, place: Place): string {
  const given = nodeAt(document, place);
  const name = String(place.at(-1) ?? 'the map');
  switch (issue.code) {
    case 'invalid_type':
      return given === undefined
        ? `“${name}” is missing; add it (${words[issue.expected] ?? issue.expected})`
        : `“${name}” must be ${words[issue.expected] ?? issue.expected}; write that instead`;
    case 'invalid_value':
      return given === undefined
        ? `“${name}” is missing; ${oneOf(issue.values, 'add it')}`
        : `${shownValue(given)} isn’t allowed here; ${oneOf(issue.values, 'correct it')}`;
    case 'invalid_union':
      return `${given === undefined ? `“${name}” is missing` : `${shownValue(given)} isn’t allowed here`}; ${
        place.at(-1) === 'action'
          ? oneOf(['delete', 'anonymise', 'keep', 'none'], '')
          : 'write a text, or leave it empty for null'
      }`;
    case 'invalid_key':
      return `“${name}” can’t be a name here; begin with a letter, then a to z, 0 to 9 and _, 41 at most`;
    case 'invalid_format':
      return place.at(-1) === 'table'
        ? 'a table is written with its schema, e.g. public.users'
        : `${shownValue(given)} can’t be a name here; begin with a letter, then a to z, 0 to 9 and _, 41 at most`;
    case 'too_small':
      return `“${name}” must have at least ${String(issue.minimum)}; add what is missing`;
    case 'too_big':
      return `“${name}” may have at most ${String(issue.maximum)}; write less`;
    case 'custom':
      return issue.message;
    default:
      return `“${name}” isn’t valid; correct it`;
  }
}

const words: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list, e.g. [a, b]',
  object: 'fields, each as “name: value”',
  record: 'names, each with its value',
};

function shownValue(node: Node | undefined): string {
  return isScalar(node) ? `“${String(node.value)}”` : 'this';
}

/** The node at a place; undefined when nothing is written there. */
function nodeAt(document: Document, place: Place): Node | undefined {
  const found = document.getIn(place, true);
  return isNode(found) ? found : undefined;
}

/** Offset of a place in the text, or of the nearest thing around it that is written. */
function offsetOf(document: Document, place: Place): number {
  for (let length = place.length; length > 0; length--) {
    const around = length === 1 ? document.contents : nodeAt(document, place.slice(0, length - 1));
    const last = place[length - 1];
    if (isMap(around)) {
      const pair = around.items.find(
        (each) => String(isScalar(each.key) ? each.key.value : each.key) === String(last),
      );
      // A value that is wrong stands at its own place; a key that is wrong, or has no value, at the key's.
      const node = pair?.value ?? pair?.key;
      const start = isScalar(node) ? node.range : isNode(pair?.key) ? pair.key.range : undefined;
      if (start !== null && start !== undefined) return start[0];
    }
    if (isSeq(around) && typeof last === 'number') {
      const item = around.items[last];
      if (isNode(item) && item.range) return item.range[0];
    }
  }
  return document.contents?.range?.[0] ?? 0;
}
