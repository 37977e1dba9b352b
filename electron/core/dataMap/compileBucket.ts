import { definer } from '../database/pins.ts';
import { onlyOf, type Catalogue } from './catalogue.ts';
import { prefixExpression } from './compileReading.ts';
import type { DataMap } from './map.ts';
import { quoteIdentifier, quoteLiteral, quoteTable } from './quote.ts';

/**
 * The names rows give to objects in R2, of everybody: nothing but keys and prefixes, in the order of their bytes,
 * which is the order a bucket is listed in. Written in hexadecimal, so that any order of texts is that of the bytes.
 */
export function compileBucketNames(map: DataMap, catalogue: Catalogue): string {
  const hex = (text: string): string => `encode(convert_to(${text}, 'UTF8'), 'hex')`;
  const parts = Object.values(map.collections).flatMap((held) => {
    const from = `${onlyOf(map, catalogue, held)}${quoteTable(held.table)} t`;
    const key = held.object?.key;
    const readable = (column: string): boolean => held.columns[column]?.never !== true;
    return [
      ...(key === undefined || !readable(key)
        ? []
        : [
            `select ${hex(`t.${quoteIdentifier(key)}::text`)} as name, false as prefix from ${from} where t.${quoteIdentifier(key)} is not null`,
          ]),
      ...(held.objectPrefix === undefined || !prefixColumns(held).every(readable)
        ? []
        : [`select ${hex(prefixExpression(held))}, true from ${from} where ${prefixExpression(held)} <> ''`]),
    ];
  });
  return definer(
    'bucket_names(p_check bigint)',
    'table (hex text, is_prefix boolean)',
    `  perform privacy_console.bucket_checking(p_check);
${
  parts.length === 0
    ? '  return;'
    : `  return query select n.name collate "C", n.prefix from (${parts.join('\n    union ')}) n (name, prefix) order by n.name collate "C", n.prefix desc;`
}`,
    { overPlatform: true },
  );
}

/**
 * Which of the given beginnings (`r2:word/`) some row names an object under; a scan where none does. Answers our own
 * functions alone, and with nothing but what it was given.
 */
export function compileBucketNamed(map: DataMap, catalogue: Catalogue): string {
  const under = (name: string): string => `starts_with(${name}, substr(u.name, 4))`;
  const named = Object.values(map.collections).flatMap((held) => {
    const from = `${onlyOf(map, catalogue, held)}${quoteTable(held.table)} t`;
    const key = held.object?.key;
    const readable = (column: string): boolean => held.columns[column]?.never !== true;
    const head = /^[^{]*/.exec(held.objectPrefix ?? '')?.[0] ?? '';
    return [
      ...(key === undefined || !readable(key)
        ? []
        : [`exists (select from ${from} where ${under(`t.${quoteIdentifier(key)}::text`)})`]),
      // What every such row begins with is accounted for, also while there is no row.
      ...(head.includes('/')
        ? [under(quoteLiteral(head))]
        : held.objectPrefix === undefined || !prefixColumns(held).every(readable)
          ? []
          : [`exists (select from ${from} where ${under(prefixExpression(held))})`]),
    ];
  });
  return definer(
    'bucket_named(p_names text[])',
    'setof text',
    named.length === 0
      ? '  return;'
      : `  return query select u.name from unnest(p_names) u(name) where ${named.join('\n    or ')};`,
    { overPlatform: true },
  );
}

/** The columns whose values a row's prefix is made of. */
function prefixColumns(held: { readonly objectPrefix?: string | undefined }): readonly string[] {
  return [...(held.objectPrefix ?? '').matchAll(/\{([^}]+)\}/g)].map((match) => match[1] ?? '');
}
