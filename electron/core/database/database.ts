import type { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';
import { failureCodes, type FailureCode } from '#shared/contract/result.ts';
import type { DatabaseClient, Pool, QueryOptions } from './pool.ts';
import type { Sql } from './sql.ts';

/** Asks; can't change anything of ours but by a function that says so. */
export interface Reader {
  /** All rows, each parsed by `shape`. */
  rows<Shape extends z.ZodType>(
    query: Sql,
    shape: Shape,
    options?: QueryOptions,
  ): Promise<readonly z.output<Shape>[]>;
  /** The one row a query gives; anything else is a bug. */
  row<Shape extends z.ZodType>(query: Sql, shape: Shape, options?: QueryOptions): Promise<z.output<Shape>>;
}

/** The number and chain value of an entry, as the database gave them. */
export interface Receipt {
  readonly entry: number;
  readonly chain: string;
}

/** Calls our writing functions: each does check, action and entry in one transaction of its own. */
export interface Writer extends Reader {
  /**
   * Runs `select privacy_console.<function>(…) as result`. A refusal the database
   * recorded becomes an `ExpectedError`; `note` hears of the entry either way.
   */
  effect<Shape extends z.ZodType>(
    query: Sql,
    shape: Shape,
    note: (entry: number) => void,
    options?: QueryOptions,
  ): Promise<z.output<Shape> & Receipt>;
}

/** A reader over one session or a pool of them. */
export function readerOver(source: Pick<DatabaseClient, 'query'>): Reader {
  const rows: Reader['rows'] = async (query, shape, options) => {
    const result = await source.query(query.text, query.values, options);
    return result.rows.map((row) => shape.parse(row));
  };
  return {
    rows,
    async row(query, shape, options) {
      const [first, ...rest] = await rows(query, shape, options);
      if (first === undefined || rest.length > 0)
        throw new Error(`expected one row from ${query.text.slice(0, 80)}`);
      return first;
    },
  };
}

/** The writer of a signed-in console; `onReceipt` hears of every entry it causes. */
export function writerOver(pool: Pool, onReceipt: (receipt: Receipt) => void): Writer {
  return {
    ...readerOver(pool),
    async effect(query, shape, note, options) {
      const { rows } = await pool.query(query.text, query.values, options);
      const result = rows[0]?.['result'] as Readonly<Record<string, unknown>> | undefined;
      if (result === undefined || rows.length !== 1)
        throw new Error(`expected one result from ${query.text.slice(0, 80)}`);
      const { entry, chain } = result;
      if (typeof entry === 'number' && typeof chain === 'string') {
        onReceipt({ entry, chain });
        note(entry);
      }
      if (result['ok'] !== true) throw refusal(result['code'], result['says']);
      return shape.parse(result) as z.output<typeof shape> & Receipt;
    },
  };
}

function refusal(code: unknown, says: unknown): ExpectedError {
  const known = failureCodes.find((each) => each === code) as Exclude<FailureCode, 'internal'> | undefined;
  if (known === undefined || typeof says !== 'string')
    throw new Error('the database refused in an unknown way');
  return new ExpectedError(known, says);
}
