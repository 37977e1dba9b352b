// The only importer of Ajv, which turns a schema into code: what a stranger's schema may hold is decided here first.
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { z } from 'zod';
import { shown } from './about.ts';

/** Says of a collection's records, as they pass by, which is not what its schema allows. */
export interface RecordCheck {
  /** The next bytes of the records; may be cut anywhere. */
  add(chunk: Uint8Array): void;
  /** What is wrong, in a sentence that names the first line and no value; null when nothing is. Asked after the last bytes. */
  fault(): string | null;
}

/** Makes checks of one package; a schema that is none, or asks for more than ours do, gives null. */
export type RecordChecks = (schemaText: string) => RecordCheck | null;

/** Larger than a schema of 1,600 columns, the most a table can have. */
export const largestSchema = 1024 * 1024;
/**
 * A line that is longer, in bytes, is held against UTF-8 and its brackets only, as it passes by: its value would take
 * several times its size, and hundreds of megabytes of one record may not end the check of a package.
 */
const longestLine = 32 * 1024 * 1024;
const deepest = 16;

/** No references, which could go round in circles, and no pattern but our own, since one can be made to take forever. */
const patterns: ReadonlySet<string> = new Set(['^-?[0-9]+$']);
const annotations = {
  $schema: z.literal('https://json-schema.org/draft/2020-12/schema').optional(),
  $comment: z.string().optional(),
  title: z.string().optional(),
  description: z.string().optional(),
};
const plainSchema: z.ZodType = z.union([
  z.boolean(),
  z.strictObject({
    ...annotations,
    type: z.union([z.string(), z.array(z.string())]).optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    pattern: z
      .string()
      .refine((text) => patterns.has(text))
      .optional(),
    contentEncoding: z.string().optional(),
    maxLength: z.number().optional(),
    required: z.array(z.string()).optional(),
    get properties() {
      return z.record(z.string(), plainSchema).optional();
    },
    get additionalProperties() {
      return plainSchema.optional();
    },
    get items() {
      return plainSchema.optional();
    },
    get anyOf() {
      return z.array(plainSchema).optional();
    },
    get oneOf() {
      return z.array(plainSchema).optional();
    },
  }),
]);

export function recordChecks(): RecordChecks {
  // Of its own for each package: an instance keeps what it has compiled. That a schema is one is asked above.
  const ajv = new Ajv2020({
    strict: true,
    allowUnionTypes: true,
    logger: false,
    meta: false,
    validateSchema: false,
  });
  return (schemaText) => {
    try {
      const schema: unknown = JSON.parse(schemaText);
      if (depthOf(schemaText) > deepest || !plainSchema.safeParse(schema).success) return null;
      return checkBy(ajv.compile(schema as object));
    } catch {
      return null;
    }
  };
}

/** How deep brackets lie in one another, those in texts included: at least as deep as the value. */
function depthOf(text: string): number {
  let depth = 0;
  let most = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth += bracket === '{' || bracket === '[' ? 1 : -1;
    most = Math.max(most, depth);
  }
  return most;
}

function checkBy(validate: ValidateFunction): RecordCheck {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let long: LongLine | null = null;
  let line = 0;
  let wrong = 0;
  let first: string | null = null;

  function say(what: string): void {
    wrong += 1;
    first ??= `Line ${String(line)} ${what}`;
  }

  function check(text: string): void {
    line += 1;
    let record: unknown;
    try {
      record = JSON.parse(text);
    } catch {
      say('is no JSON');
      return;
    }
    if (!validate(record)) say(describe(validate.errors?.[0]));
  }

  return {
    add(given) {
      let chunk = given;
      if (long !== null) {
        const end = chunk.indexOf(0x0a);
        long.add(end === -1 ? chunk : chunk.subarray(0, end));
        if (end === -1) return;
        line += 1;
        const wrongWith = long.fault();
        if (wrongWith !== null) say(wrongWith);
        long = null;
        chunk = chunk.subarray(end + 1);
      }
      const end = chunk.lastIndexOf(0x0a);
      if (end === -1) {
        restBytes += chunk.byteLength;
        rest.push(chunk);
        if (restBytes <= longestLine) return;
        long = newLongLine();
        for (const piece of rest) long.add(piece);
        rest = [];
        restBytes = 0;
        return;
      }
      const block = Buffer.concat([...rest, chunk.subarray(0, end)]);
      rest = [chunk.subarray(end + 1)];
      restBytes = chunk.byteLength - end - 1;
      let texts: readonly string[];
      try {
        texts = decoder.decode(block).split('\n');
      } catch {
        line += 1;
        say('or one soon after it is no UTF-8');
        return;
      }
      texts.forEach(check);
    },
    fault() {
      if (restBytes > 0 || long !== null) {
        line += 1;
        say('does not end with a line feed');
        restBytes = 0;
        long = null;
      }
      if (first === null) return null;
      const others = wrong - 1;
      const also =
        others === 0 ? '' : `, and ${String(others)} more ${others === 1 ? 'line is' : 'lines are'} wrong`;
      return `${first}${also}.`;
    },
  };
}

/** A line too long to be read as one. */
interface LongLine {
  readonly add: (piece: Uint8Array) => void;
  /** Asked after its last bytes; null where nothing is wrong. */
  readonly fault: () => string | null;
}

function newLongLine(): LongLine {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let first: number | undefined;
  let last: number | undefined;
  let isText = true;
  return {
    add(piece) {
      if (piece.byteLength === 0) return;
      first ??= piece[0];
      last = piece.at(-1);
      try {
        if (isText) decoder.decode(piece, { stream: true });
      } catch {
        isText = false;
      }
    },
    fault() {
      try {
        if (isText) decoder.decode();
      } catch {
        isText = false;
      }
      if (!isText) return 'is no UTF-8';
      return first === 0x7b && last === 0x7d ? null : 'is no JSON';
    },
  };
}

/** Names columns, never values. */
function describe(error: ErrorObject | undefined): string {
  const column = (error?.instancePath ?? '').split('/')[1]?.replaceAll('~1', '/').replaceAll('~0', '~');
  if (column !== undefined) return `has a value of “${shown(column)}” that its schema does not allow`;
  const { missingProperty, additionalProperty } = error?.params ?? {};
  if (typeof missingProperty === 'string') return `lacks “${shown(missingProperty)}”`;
  if (typeof additionalProperty === 'string') {
    return `has “${shown(additionalProperty)}”, which its schema does not know`;
  }
  return 'is not what its schema allows';
}
