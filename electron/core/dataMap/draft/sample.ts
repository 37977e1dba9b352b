import { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';
import { DatabaseFault } from '../../database/errors.ts';
import type { Ask } from '../catalogue.ts';
import { quoteIdentifier } from '../quote.ts';
import type { LiveColumn, LiveTable } from '../liveSchema.ts';

/** How many of a column's sampled values have a form; no value is ever among them. */
export interface PatternCounts {
  /** Values that aren't null. */
  readonly values: number;
  /** Different ones, by their hash. */
  readonly distinct: number;
  /** Length of the longest, in characters, cut at `measured`. */
  readonly longest: number;
  readonly email: number;
  readonly phone: number;
  readonly address: number;
  readonly objectKey: number;
  /** Hashes of passwords and signed tokens, which nothing else looks like. */
  readonly secret: number;
  /** Long and random; checksums and identifiers can look like this too. */
  readonly tokenLike: number;
  readonly holdsEmail: number;
  readonly holdsPhone: number;
}

const sampledRows = 100;
const measured = 400;
const measures = 11;

/** Regular expressions without escapes, which a session's string settings could change. */
const email = '[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*[.][A-Za-z]{2,}';
const phone = '[+][1-9][0-9 ().-]{6,17}[0-9]';

/** Each form as a condition on a value; what is cheap to see comes before the regular expression. */
const forms: readonly ((value: string) => string)[] = [
  (c) => `${holds(c, '@')} and ${matches(c, `^[[:space:]]*${email}[[:space:]]*$`)}`,
  (c) =>
    `pg_catalog.length(${c}) between 7 and 30 and ${matches(
      c,
      `^[[:space:]]*(${phone}|0?[6-9][0-9]{9}|0[0-9 ().-]{7,14}[0-9]|[(]?[0-9]{3}[)]?[-. ][0-9]{3}[-. ][0-9]{4})[[:space:]]*$`,
    )}`,
  (c) =>
    `pg_catalog.length(${c}) between 3 and 45 and (${holds(c, '.')} or ${holds(c, ':')}) and ${matches(
      c,
      '^([0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}|[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{0,4}){2,7})$',
    )}`,
  (c) => `${holds(c, '/')} and ${matches(c, '^[^[:space:]:?]+/[^[:space:]:?]*[.][A-Za-z0-9]{2,5}$')}`,
  (c) =>
    matches(
      `pg_catalog.left(${c}, 24)`,
      '^([$](2[abxy]|argon2[a-z]*|scrypt|pbkdf2[-a-z0-9]*|[156y])[$]|pbkdf2_|argon2|bcrypt|SCRAM-SHA|[{]S?SHA|eyJ[A-Za-z0-9_-]{8,}|-----BEGIN |sk_live_|xox[abp]-|gh[pous]_)',
    ),
  (c) =>
    `pg_catalog.length(${c}) >= 24 and not ${holds(c, ' ')} and ${matches(`pg_catalog.left(${c}, 40)`, '^[A-Za-z0-9+/_=-]+$')}`,
  (c) => `${holds(c, '@')} and ${matches(c, email)}`,
  (c) => `${holds(c, '+')} and ${matches(c, phone)}`,
];

function holds(value: string, text: string): string {
  return `pg_catalog.strpos(${value}, '${text}') > 0`;
}

function matches(value: string, form: string): string {
  return `${value} operator(pg_catalog.~) '${form}'::pg_catalog.text`;
}

/** Columns whose values can say more than their type. */
function canBeSampled(column: LiveColumn): boolean {
  return (column.kind === 'text' || column.kind === 'json') && column.readable;
}

/** The statement that counts, in the server, over the first rows of a table; its one row holds whole numbers only. */
function countingStatement(table: LiveTable, columns: readonly LiveColumn[]): string {
  const text = 'pg_catalog.text';
  const inner = columns.map(
    (each, place) =>
      `pg_catalog.left(t.${quoteIdentifier(each.name)}::${text}, ${measured}) collate "C" as c${place}`,
  );
  const counts = columns.flatMap((_each, place) => {
    const c = `x.c${place}`;
    return [
      `pg_catalog.count(${c})`,
      `pg_catalog.count(distinct pg_catalog.hashtext(${c}))`,
      `coalesce(pg_catalog.max(pg_catalog.length(${c})), 0)`,
      ...forms.map((form) => `pg_catalog.count(*) filter (where ${form(c)})`),
    ];
  });
  const from = `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.table)}`;
  return `select array[${counts.join(', ')}]::int[] as counts from (select ${inner.join(', ')} from ${from} t limit ${sampledRows}) x`;
}

/** Failures that speak of one table: no right, too slow, locked, text that isn't text. */
const ofTheTable: ReadonlySet<string> = new Set(['not_permitted', 'cancelled', 'conflict', 'invalid_input']);

const countsRow = z.object({ counts: z.array(z.number().int()) });

/** Why one table could not be looked into, in words; null for a failure that speaks of more than that table. */
export function troubleOfTable(error: unknown): string | null {
  // A table the server itself stumbles over (a broken type, a damaged page) is that table's fault alone.
  if (error instanceof DatabaseFault && error.sqlState !== undefined)
    return 'the server could not read its values';
  if (!(error instanceof ExpectedError) || !ofTheTable.has(error.code)) return null;
  return error.code === 'not_permitted'
    ? 'this login may not read it'
    : 'its values could not be counted in time';
}

export interface Sampled {
  /** `schema.table` → column → counts. */
  readonly counts: ReadonlyMap<string, ReadonlyMap<string, PatternCounts>>;
  /** Tables that could not be looked into, each with the reason. */
  readonly unseen: ReadonlyMap<string, string>;
}

/**
 * Counts patterns of values, table by table, in the server. A table that can't
 * be read, or answers too slowly, is named instead.
 * @param wanted whether counts can still tell something of a column
 */
export async function countPatterns(
  ask: Ask,
  tables: readonly LiveTable[],
  wanted: (table: LiveTable, column: LiveColumn) => boolean,
  signal: AbortSignal,
): Promise<Sampled> {
  const counts = new Map<string, ReadonlyMap<string, PatternCounts>>();
  const unseen = new Map<string, string>();
  for (const table of tables) {
    signal.throwIfAborted();
    const columns = [...table.columns.values()].filter((each) => canBeSampled(each) && wanted(table, each));
    if (columns.length === 0) continue;
    try {
      const [row] = await ask(countingStatement(table, columns), []);
      const values = countsRow.parse(row).counts;
      counts.set(table.name, new Map(columns.map((each, place) => [each.name, countsAt(values, place)])));
    } catch (error) {
      const trouble = troubleOfTable(error);
      if (signal.aborted || trouble === null) throw error;
      unseen.set(table.name, trouble);
    }
  }
  return { counts, unseen };
}

function countsAt(values: readonly number[], place: number): PatternCounts {
  const [
    nonNull = 0,
    distinct = 0,
    longest = 0,
    emails = 0,
    phones = 0,
    addresses = 0,
    objectKey = 0,
    secret = 0,
    tokenLike = 0,
    holdsEmail = 0,
    holdsPhone = 0,
  ] = values.slice(place * measures, (place + 1) * measures);
  return {
    values: nonNull,
    distinct,
    longest,
    email: emails,
    phone: phones,
    address: addresses,
    objectKey,
    secret,
    tokenLike,
    holdsEmail,
    holdsPhone,
  };
}
