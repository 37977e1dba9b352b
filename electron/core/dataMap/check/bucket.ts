import { createHash } from 'node:crypto';
import type { CheckFinding } from '#shared/contract/dataMap.ts';
import type { DataMap } from '../map.ts';
import { collectFindings, inOrder } from './findings.ts';

/** A name that rows give to objects, its bytes in hexadecimal. */
export interface NamedObject {
  readonly hex: string;
  readonly prefix: boolean;
}

/** An object as it was listed. */
export interface ListedKey {
  readonly key: string;
  /** Stored after the names were read, so that no row of that moment can name it. */
  readonly recent: boolean;
}

/** Why a key is told: nothing accounts for the object, or a row names one that is not there. */
export type Astray = 'unnamed' | 'missing';

export interface BucketCount {
  readonly objects: number;
  /** Named by a row. */
  readonly named: number;
  /** Below a row's prefix only. */
  readonly underPrefix: number;
  readonly unnamed: number;
  readonly missing: number;
  /** Beginnings of unnamed keys, as {@link beginning} gives them, with how many begin so. */
  readonly beginnings: ReadonlyMap<string, number>;
  /** A few of each kind, as {@link shownKey} gives them. */
  readonly examples: Readonly<Record<Astray, readonly string[]>>;
}

const examplesAtMost = 5;
const beginningsAtMost = 100;

/** What is known to be a plain word before the first slash; a hash of it otherwise, because a key can begin with a person. */
export function beginning(key: string): string {
  const [first = ''] = key.split('/', 1);
  return key.includes('/') && /^[a-z][a-z_-]{0,39}$/.test(first) ? `r2:${first}/` : `r2:#${hash(first)}`;
}

/** Of what keys begin with, up to and with the first slash, that which is a plain word and so names nobody. */
export function plainBeginnings(prefixes: readonly string[]): readonly string[] {
  return prefixes.map(beginning).filter((each) => !each.startsWith('r2:#'));
}

/** A key without what it could tell of a person: its beginning and a hash of all of it. */
export function shownKey(key: string): string {
  return `${beginning(key)}…#${hash(key)}`;
}

function hash(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 12);
}

function hexOf(key: string): string {
  return Buffer.from(key, 'utf8').toString('hex');
}

/**
 * Holds a bucket's listing against the names that rows give, both in the order of their bytes, by going through both
 * once; memory does not grow with either.
 * @param told hears of each key that goes astray
 * @throws Error when one of the two isn't in order, because every count after that would be wrong
 */
export async function compareBucket(
  keys: AsyncIterable<ListedKey>,
  names: AsyncIterable<NamedObject>,
  told: (key: string, why: Astray) => Promise<void> | void,
): Promise<BucketCount> {
  const count = { objects: 0, named: 0, underPrefix: 0, unnamed: 0, missing: 0 };
  const beginnings = new Map<string, number>();
  const examples: Record<Astray, string[]> = { unnamed: [], missing: [] };
  const astray = async (key: string, why: Astray): Promise<void> => {
    count[why] += 1;
    if (examples[why].length < examplesAtMost) examples[why].push(shownKey(key));
    if (why === 'unnamed') {
      const begins = beginning(key);
      // A bucket of keys that each begin otherwise must not fill the memory.
      const known =
        beginnings.has(begins) || beginnings.size < beginningsAtMost ? begins : `r2:#${'0'.repeat(12)}`;
      beginnings.set(known, (beginnings.get(known) ?? 0) + 1);
    }
    await told(key, why);
  };
  const source = names[Symbol.asyncIterator]();
  let last = '';
  const next = async (): Promise<NamedObject | null> => {
    const result = await source.next();
    if (result.done === true) return null;
    const { value } = result;
    if (value.hex < last) throw new Error('names of objects came out of order');
    last = value.hex;
    return value;
  };
  /** Prefixes that the key at hand begins with; each begins with the one before. */
  let around: string[] = [];
  let before = '';
  try {
    let name = await next();
    const pass = async (upTo: string | null): Promise<void> => {
      while (name !== null && (upTo === null || name.hex < upTo || (name.prefix && name.hex === upTo))) {
        if (name.prefix) around.push(name.hex);
        else await astray(Buffer.from(name.hex, 'hex').toString('utf8'), 'missing');
        around = upTo === null ? [] : around.filter((each) => upTo.startsWith(each));
        name = await next();
      }
    };
    for await (const { key, recent } of keys) {
      const hex = hexOf(key);
      if (hex <= before && count.objects > 0) throw new Error('the bucket was listed out of order');
      before = hex;
      count.objects += 1;
      await pass(hex);
      around = around.filter((each) => hex.startsWith(each));
      if (name !== null && !name.prefix && name.hex === hex) {
        count.named += 1;
        name = await next();
      } else if (around.length > 0) count.underPrefix += 1;
      else if (!recent) await astray(key, 'unnamed');
    }
    await pass(null);
  } finally {
    await source.return?.(undefined);
  }
  return { ...count, beginnings, examples };
}

/** The beginnings that no row accounts for and the map doesn't rule out. */
export function unknownBeginnings(map: Pick<DataMap, 'ignored'>, counted: BucketCount): readonly string[] {
  return [...counted.beginnings.keys()].filter((each) => !Object.hasOwn(map.ignored, each)).sort();
}

/** What a comparison found, as a check tells it. */
export function bucketFindings(map: Pick<DataMap, 'ignored'>, counted: BucketCount): readonly CheckFinding[] {
  const findings = collectFindings();
  for (const begins of unknownBeginnings(map, counted))
    findings.add(
      'blocks',
      'object-unnamed',
      begins,
      `${objects(counted.beginnings.get(begins) ?? 0, 'begins so and is', 'begin so and are')} named by no row and under no row’s prefix, so no export holds such objects and no erasure removes them; map the column or prefix that names them, rule the beginning out under “ignored”, or have them deleted.`,
    );
  if (counted.unnamed > 0)
    findings.add(
      'notes',
      'object-examples',
      'R2',
      `${counted.unnamed} of ${objects(counted.objects, 'is', 'are')} named by nothing, e.g. ${counted.examples.unnamed.join(', ')}; full keys go to a file of yours with --keys FILE.`,
    );
  if (counted.missing > 0)
    findings.add(
      'warns',
      'object-missing',
      'R2',
      `${counted.missing} ${counted.missing === 1 ? 'row names' : 'rows name'} an object that is not in the bucket, e.g. ${counted.examples.missing.join(', ')}; exports will say so.`,
    );
  if (counted.underPrefix > 0)
    findings.add(
      'notes',
      'object-under-prefix',
      'R2',
      `${objects(counted.underPrefix, 'lies', 'lie')} under a row’s prefix without being named by one; exports hold what lies there, erasure removes it.`,
    );
  return inOrder(findings.all);
}

function objects(count: number, one: string, many: string): string {
  return count === 1 ? `1 object ${one}` : `${count} objects ${many}`;
}
