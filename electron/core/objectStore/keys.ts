/** S3 takes at most this many keys in one list page or one batch delete. */
export const keysPerCall = 1_000;

/** How a key can be named to the store without naming another object. */
export type DeleteRoute = 'batch' | 'single' | 'none';

/**
 * Characters that XML 1.0 can't carry, or that parsers change on the way
 * (line ends are normalised, and stores differ on numeric references): in a
 * batch delete such a key can arrive as another one.
 */
const hostileToXml = /[\p{Cc}\u2028\u2029\ufffe\uffff]/u;

/** `.` and `..` between slashes are resolved by HTTP clients, proxies and servers before the store sees the key. */
export function hasDotSegment(key: string): boolean {
  return key.split('/').some((segment) => segment === '.' || segment === '..');
}

/**
 * The way by which `key` can be deleted safely. An empty key has none: a
 * single delete without a key is a delete of the bucket.
 */
export function deleteRoute(key: string): DeleteRoute {
  if (key === '' || !key.isWellFormed()) return 'none';
  if (!hostileToXml.test(key)) return 'batch';
  return hasDotSegment(key) ? 'none' : 'single';
}

/** Whether `key` can be put into the path of a request and still mean the same object. */
export function canTravelInPath(key: string): boolean {
  return key !== '' && key.isWellFormed() && !hasDotSegment(key);
}

/** Decodes a key of a listing with `encoding-type=url`, where a space may come as `+`. */
export function decodeListedKey(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll('+', ' '));
}

/** Cuts `items` into runs of at most `size`. */
export function* inRunsOf<Item>(size: number, items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
