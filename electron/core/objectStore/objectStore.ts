import type { Readable } from 'node:stream';

/** Where the objects lie and with which token they are reached. Held in memory only, never logged. */
export interface ObjectStoreConfig {
  /** `https://<account>.r2.cloudflarestorage.com`; plain http only for loopback in the demo. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly environment: 'production' | 'staging' | 'demo';
}

/** One object as a listing shows it. */
export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  readonly etag: string;
  readonly modified: Date;
}

/** An object being read; `stream` throws {@link ObjectInterrupted} when the rest of it can't be had. */
export interface OpenObject {
  readonly stream: Readable;
  /** As announced by the store before the first byte. */
  readonly bytes: number;
  readonly etag: string;
  readonly contentType: string;
}

export interface DescribedObject {
  readonly bytes: number;
  readonly etag: string;
  readonly contentType: string;
  readonly modified: Date;
}

/**
 * Why an object can't be had, without being a failure of the store: `gone` is
 * not there (any more); `unreadable_key` is a key with `.` or `..` between
 * slashes, which HTTP rewrites on its way and which could fetch another object.
 */
export type Absent = 'gone' | 'unreadable_key';

/**
 * Why a store that answers does not give one of its objects: `unavailable` is
 * overloaded, broken off or too slow, also after several tries; `refused` is
 * any other answer.
 */
export type Withheld = 'unavailable' | 'refused';

/** How patiently a store is asked. */
export interface Patience {
  /** Times a step is tried before it is given up. */
  readonly attempts: number;
  /** Milliseconds between the first two tries at most; each pause is twice as long as the one before. */
  readonly pauseMs: number;
  /** What the store may ask for with `Retry-After`, in milliseconds; it is waited no longer. */
  readonly longestPauseMs: number;
  /** Milliseconds without an answer, or without a byte of it, after which a try has failed. */
  readonly silenceMs: number;
  /** How long an object may keep its reader waiting in all, in milliseconds, and how many bytes a millisecond it must come with besides. */
  readonly object: { readonly ms: number; readonly bytesPerMs: number };
}

/** Beginnings of keys that are asked for at most. */
export const beginningsAtMost = 10_000;

/** What became of each key; every key asked for is in exactly one of the two lists. */
export interface DeleteOutcome {
  /** Deleted, or was not there: S3 does not tell the two apart. */
  readonly deleted: readonly string[];
  readonly failed: readonly { readonly key: string; readonly code: string }[];
}

export interface Waiting {
  readonly signal?: AbortSignal;
}

/**
 * A bucket. Every method but `deleteKeys` throws
 * `ExpectedError('object_store' | 'cancelled')`, whose message never holds a
 * key: keys can hold personal data.
 */
export interface ObjectStore {
  /** Every object whose key starts with `prefix` (of the whole bucket when empty), in the store's order. */
  list(prefix: string, waiting?: Waiting): AsyncIterable<ListedObject>;
  /**
   * What keys begin with up to and with their first slash, each once, in the store's order; keys without a slash are
   * left out. At most {@link beginningsAtMost}: a bucket where each key begins otherwise would take minutes.
   */
  beginnings(waiting?: Waiting): Promise<readonly string[]>;
  /** Throws only when the store as a whole does not answer, not for what it does with one object. */
  read(key: string, waiting?: Waiting): Promise<OpenObject | Absent | Withheld>;
  head(key: string, waiting?: Waiting): Promise<DescribedObject | Absent>;
  /**
   * Deletes keys in batches of at most 1,000 and reads each key's own result.
   * Never throws for what the store answers or for cancellation: what was
   * already deleted must reach the journal. Keys not reached are in `failed`.
   */
  deleteKeys(keys: Iterable<string>, waiting?: Waiting): Promise<DeleteOutcome>;
  /**
   * Ends multipart uploads that were never completed, of keys that start with `prefix`, or of those among them that are
   * named; `unsupported` where the store can't list them.
   */
  abortUploads(
    prefix: string,
    waiting?: Waiting & { readonly only?: ReadonlySet<string> },
  ): Promise<{ readonly aborted: number } | 'unsupported'>;
  /** Ends idle connections; the store can't be used afterwards. */
  close(): void;
}

/** Thrown by a stream of {@link OpenObject}: the object went away, was replaced, or was not given to its end. */
export class ObjectInterrupted extends Error {
  override readonly name = 'ObjectInterrupted';
  readonly reason: 'gone' | 'changed' | Withheld;

  constructor(reason: ObjectInterrupted['reason']) {
    super(`The object was ${reason} while it was read.`);
    this.reason = reason;
  }
}
