import { allSet, isUnique, mappedAbove, type Catalogue, type CatalogueColumn } from './catalogue.ts';
import { emptiedDocument, type JsonOwner } from './compileJson.ts';
import {
  isReplacement,
  type Collection,
  type DataMap,
  type MapColumn,
  type Replacement,
  type ReplacementKind,
} from './map.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { baseTypeOf, columnOf, isTextual, typeOf } from './paths.ts';
import { quoteLiteral } from './quote.ts';

/**
 * Replacements of the values of a row that stays. Each has a form of its own
 * that no value of a person has, so that it is told from what it replaced
 * wherever it stands: a batch leaves it as it is, and looking again finds what
 * the platform wrote over it. Nothing of the old value goes into it.
 */
interface Replaced {
  /** Condition that a value, not null, has the form. */
  readonly has: (raw: string) => string;
  /** A new value, without a type; another one each time it is evaluated, where the kind is random. */
  readonly fresh: (raw: string) => string;
}

/** Letters of a token: without vowels they spell nothing, and are no number. */
const letters = 'bcdfghjklmnpqrst';
const tokenLength = 12;
const shortestToken = 6;
const emailDomain = '@erased.invalid';
/** The ITU has assigned this country code to nobody, so no number in it can be called. */
const unassignedCountry = '+999';
const shortestNumber = 8;
/** In the last part of a UUID of version 8, which is free to mean what its maker likes. */
const uuidMark = 'e5a5ed';
/** Numbers nothing is counted in, where no two rows may have the same. */
const highNumbers = { from: '9200000000000000000', to: '9200281474976710655' } as const;
const bytesMark = '657261736564';

const randomHex = `replace(gen_random_uuid()::text, '-', '')`;

function token(length: number): string {
  return `translate(left(${randomHex}, ${length}), '0123456789abcdef', '${letters}')`;
}

/** A prefix, a token and an end, within a length; null where the length has no room for them. */
function tokenWithin(prefix: string, end: string, length: number | null): Replaced | null {
  const full = prefix.length + tokenLength + end.length;
  const before = length === null || length >= full ? prefix : '';
  const room = Math.min(tokenLength, (length ?? full) - before.length - end.length);
  if (room < shortestToken) return null;
  return {
    has: (raw) =>
      `${raw}::text ~ ${quoteLiteral(`^${before}[${letters}]{${room}}${end.replaceAll('.', '[.]')}$`)}`,
    fresh: () => `${quoteLiteral(before)} || ${token(room)} || ${quoteLiteral(end)}`,
  };
}

function phoneWithin(length: number | null): Replaced | null {
  const digits = Math.min(tokenLength, (length ?? 16) - unassignedCountry.length);
  if (digits < shortestNumber) return null;
  return {
    has: (raw) => `${raw}::text ~ '^[+]${unassignedCountry.slice(1)}[0-9]{${digits}}$'`,
    fresh: () => `'${unassignedCountry}' || translate(left(${randomHex}, ${digits}), 'abcdef', '012345')`,
  };
}

const uuid: Replaced = {
  has: (raw) =>
    `${raw}::text ~ '^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-${uuidMark}[0-9a-f]{6}$'`,
  fresh: () => `overlay(overlay(gen_random_uuid()::text placing '8' from 15) placing '${uuidMark}' from 25)`,
};

const highNumber: Replaced = {
  has: (raw) => `${raw}::numeric between ${highNumbers.from} and ${highNumbers.to}`,
  fresh: () => `${highNumbers.from} + ('x' || left(${randomHex}, 12))::bit(48)::bigint`,
};

const markedBytes: Replaced = {
  has: (raw) =>
    `octet_length(${raw}::bytea) = 22 and encode(substring(${raw}::bytea from 1 for 6), 'hex') = '${bytesMark}'`,
  fresh: () => `decode('${bytesMark}' || ${randomHex}, 'hex')`,
};

/** One value for all. */
function always(literal: string): Replaced {
  return { has: (raw) => `${raw}::text = ${literal}::text`, fresh: () => literal };
}

function truncated(unit: string): Replaced {
  const to = (raw: string): string => `date_trunc('${unit}', ${raw})`;
  return { has: (raw) => `${raw} = ${to(raw)}`, fresh: to };
}

const times = ['date', 'timestamp without time zone', 'timestamp with time zone'];
const numbers = ['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'];

function isOneOf(column: CatalogueColumn, types: readonly string[]): boolean {
  return column.baseSchema === 'pg_catalog' && types.includes(column.baseType);
}

function takes(kind: ReplacementKind, column: CatalogueColumn): boolean {
  switch (kind) {
    case 'email':
    case 'phone':
    case 'name':
    case 'text':
      return isTextual(column);
    case 'uuid':
      return isTextual(column) || isOneOf(column, ['uuid']);
    case 'number':
      return isOneOf(column, numbers);
    case 'day':
    case 'month':
    case 'year':
      return isOneOf(column, times);
    case 'boolean':
      return isOneOf(column, ['boolean']);
    case 'enum':
      return column.baseKind === 'e';
    case 'json':
      return isOneOf(column, ['jsonb', 'json']);
    case 'bytes':
      return isOneOf(column, ['bytea']);
    case 'empty':
      return isTextual(column) || isOneOf(column, ['jsonb', 'json', 'bytea']) || column.typeKind === 'a';
  }
}

/** The forms of a kind that takes the column; a text says why it can't have one. */
function formOf(kind: ReplacementKind, column: CatalogueColumn, unique: boolean): Replaced | string {
  const short = `and ${column.length ?? 0} characters are too few for it; write “empty” or a text`;
  const alike = 'which is the same for several rows, and no two may have the same here; write another kind';
  const apart = (form: Replaced): Replaced | string => (unique ? alike : form);
  switch (kind) {
    case 'email':
      return tokenWithin('erased-', emailDomain, column.length) ?? short;
    case 'phone':
      return phoneWithin(column.length) ?? short;
    case 'name':
      return tokenWithin('Erased ', '', column.length) ?? short;
    case 'text':
      return tokenWithin('erased-', '', column.length) ?? short;
    case 'uuid':
      return column.length !== null && column.length < 36 ? short : uuid;
    case 'number':
      if (!unique) return { has: (raw) => `${raw} = 0`, fresh: () => '0' };
      return isOneOf(column, ['bigint', 'numeric']) ? highNumber : alike;
    case 'day':
    case 'month':
    case 'year':
      return apart(truncated(kind));
    case 'boolean':
      return apart(always('false'));
    case 'enum':
      return apart(always(`enum_first(null::${baseTypeOf(column)})`));
    case 'json':
      return apart(always(`'{}'`));
    case 'bytes':
      return unique ? markedBytes : always(`''::bytea`);
    case 'empty':
      if (isOneOf(column, ['bytea'])) return apart(always(`''::bytea`));
      return apart(always(isTextual(column) ? `''` : `'{}'`));
  }
}

function drift(says: string): never {
  throw new ExpectedError('schema_drift', says);
}

/**
 * Fails with the first column that can't hold what the map replaces it by.
 * @throws ExpectedError `schema_drift` saying what to write instead
 */
export function refuseUnfitReplacements(map: DataMap, catalogue: Catalogue): void {
  for (const held of Object.values(map.collections))
    for (const set of allSet(held))
      for (const [column, value] of Object.entries(set))
        if (isReplacement(value)) refuseUnfit(map, catalogue, held, column, value);
}

function refuseUnfit(
  map: DataMap,
  catalogue: Catalogue,
  held: Collection,
  column: string,
  replacement: Replacement,
): void {
  const live = columnOf(catalogue, held, column);
  const subject = `${held.table}.${column}`;
  for (const { from, to, fromColumns, toColumns } of catalogue.references) {
    if (mappedAbove(map, catalogue, from) === held.table && fromColumns.includes(column))
      drift(
        `The map replaces ${subject}, which names a row of ${to}, and the new value would name none; set it to null or leave it as it is.`,
      );
    if (mappedAbove(map, catalogue, to) === held.table && toColumns.includes(column))
      drift(
        `The map replaces ${subject}, by which rows of ${from} name it, and they would name nothing any more; leave it as it is.`,
      );
  }
  const why = unfit(replacement, live, isUnique(catalogue, held.table, column));
  if (why !== null) drift(`The map replaces ${subject} by “${replacement.replace}”, ${why}.`);
}

/** Why a column can't be replaced so, as the end of a sentence; null when it can. */
function unfit({ replace: kind }: Replacement, column: CatalogueColumn, unique: boolean): string | null {
  if (!takes(kind, column)) return `and it is ${column.type}; write another kind`;
  const form = formOf(kind, column, unique);
  return typeof form === 'string' ? form : null;
}

/** What a replacement comes to in SQL, of a column that {@link unfit} finds nothing against. */
export interface CompiledReplacement {
  /** Condition that a value is replaced already, or isn't there; never null. */
  readonly isDone: (raw: string) => string;
  /** The value afterwards, of the column's type: another one, or the same where it is replaced already. */
  readonly value: (raw: string) => string;
  /** A made-up value, of no row and of what the column's type comes down to. */
  readonly sample: string;
}

export function compileReplacement(
  replacement: Replacement,
  column: CatalogueColumn,
  mapped: MapColumn | undefined,
  unique: boolean,
  owner: JsonOwner,
): CompiledReplacement {
  const { replace: kind, consistent } = replacement;
  const form = formOf(kind, column, unique);
  if (typeof form === 'string') throw new Error(`unchecked map: ${column.table}.${column.column}`);
  const type = typeOf(column);
  const base = baseTypeOf(column);
  if (kind === 'json' && isOneOf(column, ['jsonb'])) {
    const emptied = (raw: string): string => emptiedDocument(mapped, raw, owner);
    return {
      isDone: (raw) => `(${raw} is null or ${raw}::jsonb = ${emptied(raw)})`,
      value: (raw) => `(${emptied(raw)})::${type}`,
      sample: `'{}'::${base}`,
    };
  }
  const isDone = (raw: string): string => `(${raw} is null or ${form.has(raw)})`;
  const fresh = (raw: string): string => {
    if (!consistent) return form.fresh(raw);
    const old = kind === 'email' ? `lower(${raw}::text)` : `${raw}::text`;
    return `privacy_console.replacement_for(p_reference, '${kind}/${column.length ?? 0}', ${old}, ${form.fresh(raw)})`;
  };
  return {
    isDone,
    value: (raw) => `case when ${isDone(raw)} then ${raw} else (${fresh(raw)})::${type} end`,
    sample: `(${form.fresh(`'2020-02-29 12:00:00+00'::${base}`)})::${base}`,
  };
}
