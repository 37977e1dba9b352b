import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import type { GetObjectCommandOutput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { ExpectedError, cancelled } from '../kernel/errors.ts';
import { canTravelInPath, decodeListedKey, deleteRoute, inRunsOf, keysPerCall } from './keys.ts';
import { beginningsAtMost, ObjectInterrupted } from './objectStore.ts';
import type {
  Absent,
  DeleteOutcome,
  DescribedObject,
  ListedObject,
  ObjectStore,
  ObjectStoreConfig,
  OpenObject,
  Patience,
  Waiting,
  Withheld,
} from './objectStore.ts';

const usualPatience: Patience = {
  attempts: 4,
  pauseMs: 200,
  longestPauseMs: 30_000,
  silenceMs: 60_000,
  object: { ms: 120_000, bytesPerMs: 64 },
};

/** A bucket and how it is asked. */
interface Asked {
  readonly client: S3Client;
  readonly bucket: string;
  readonly patience: Patience;
}

/** What the connection test says about a bucket; `todo` is empty when all is well. */
export interface BucketProbe {
  readonly ok: boolean;
  readonly says: string;
  readonly todo: string;
}

/**
 * Opens a bucket; no request is made. Another patience than the usual is for tests only.
 * Throws `invalid_input` for an endpoint that is not allowed.
 */
export function openObjectStore(config: ObjectStoreConfig, patience: Patience = usualPatience): ObjectStore {
  const at: Asked = { client: openClient(config, patience), bucket: config.bucket, patience };
  return {
    list: (prefix, waiting) => list(at, prefix, waiting),
    beginnings: (waiting) => beginnings(at, waiting),
    read: (key, waiting) => read(at, key, waiting),
    head: (key, waiting) => head(at, key, waiting),
    deleteKeys: (keys, waiting) => deleteKeys(at, keys, waiting),
    abortUploads: (prefix, waiting) => abortUploads(at, prefix, waiting),
    close: () => {
      at.client.destroy();
    },
  };
}

/**
 * Tries the bucket with one listing of one key (all a read-only token may do)
 * and tells an unreachable store, a wrong key and a missing bucket apart.
 * Never throws but for cancellation.
 */
export async function probeBucket(config: ObjectStoreConfig, waiting: Waiting = {}): Promise<BucketProbe> {
  const patience = { ...usualPatience, attempts: 2 };
  let client: S3Client;
  try {
    client = openClient(config, patience);
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    return { ok: false, says: error.message, todo: 'Correct the R2 endpoint in the profile.' };
  }
  try {
    await tried({ patience }, waiting, () => listOne({ client, bucket: config.bucket }, waiting));
    return { ok: true, says: 'The bucket answers and can be listed.', todo: '' };
  } catch (error) {
    const trouble = troubleOf(error, waiting.signal);
    if (trouble === 'cancelled') throw cancelled('The connection test');
    if (trouble === 'unknown') throw asExpected(error, waiting.signal);
    return { ok: false, ...sentences[trouble] };
  } finally {
    client.destroy();
  }
}

async function listOne({ client, bucket }: Omit<Asked, 'patience'>, waiting: Waiting): Promise<void> {
  const command = new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 });
  refuseOtherPages(await client.send(command, ending(waiting)), bucket);
}

function openClient(config: ObjectStoreConfig, { silenceMs }: Patience): S3Client {
  return new S3Client({
    endpoint: permittedEndpoint(config),
    region: 'auto',
    forcePathStyle: true,
    credentials: { accessKeyId: config.accessKeyId, secretAccessKey: config.secretAccessKey },
    // R2 refuses or misstores streams with the SDK's own default checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // R2 never sends the 100-continue for which the SDK would wait.
    expectContinueHeader: false,
    // Tries are counted here: the client's own are few for all requests together, and know no limit to Retry-After.
    maxAttempts: 1,
    retryMode: 'standard',
    // Named here so that nobody's AWS_* variables or ~/.aws/config decide them.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    useArnRegion: false,
    defaultsMode: 'standard',
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: silenceMs,
      throwOnRequestTimeout: true,
      socketTimeout: silenceMs,
      // Beats NODE_TLS_REJECT_UNAUTHORIZED=0.
      httpsAgent: { keepAlive: true, maxSockets: 32, rejectUnauthorized: true },
      httpAgent: { keepAlive: true, maxSockets: 32 },
    },
  });
}

function permittedEndpoint({ endpoint, environment }: ObjectStoreConfig): string {
  const url = URL.parse(endpoint);
  if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new ExpectedError(
      'invalid_input',
      'The R2 endpoint is not a plain https address; enter it as Cloudflare shows it.',
    );
  }
  const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && loopback && environment === 'demo')) {
    return endpoint.replace(/\/+$/, '');
  }
  throw new ExpectedError(
    'invalid_input',
    'The R2 endpoint must start with https; plain http is only for a demo on this machine.',
  );
}

/**
 * The client takes any page with status 200 (of a proxy, of a hotel's network)
 * for an empty listing, and an erasure would believe that nothing is left.
 */
function refuseOtherPages(page: ListObjectsV2CommandOutput, bucket: string): void {
  if (page.Name === bucket && page.IsTruncated !== undefined) return;
  throw Object.assign(new Error('Not a listing.'), {
    code: 'NotAListing',
    $metadata: { httpStatusCode: 200 },
  });
}

async function* list(at: Asked, prefix: string, waiting: Waiting = {}): AsyncGenerator<ListedObject> {
  for await (const page of pages(at, { Prefix: prefix }, waiting)) {
    for (const { Key, Size, ETag, LastModified } of page.Contents ?? []) {
      if (Key === undefined || Size === undefined || ETag === undefined || LastModified === undefined) {
        throw new ExpectedError('object_store', 'R2 listed an object without its name or size; try again.');
      }
      const key = page.EncodingType === 'url' ? decodeListedKey(Key) : Key;
      yield { key, bytes: Size, etag: ETag, modified: LastModified };
    }
  }
}

async function beginnings(at: Asked, waiting: Waiting = {}): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const page of pages(at, { Delimiter: '/' }, waiting)) {
    for (const { Prefix } of page.CommonPrefixes ?? []) {
      if (Prefix !== undefined) found.push(page.EncodingType === 'url' ? decodeListedKey(Prefix) : Prefix);
    }
    if (found.length >= beginningsAtMost) break;
  }
  return found.slice(0, beginningsAtMost);
}

/** The pages of a listing, each held to be one. */
async function* pages(
  at: Asked,
  what: { readonly Prefix?: string; readonly Delimiter?: string },
  waiting: Waiting,
): AsyncGenerator<ListObjectsV2CommandOutput> {
  let ContinuationToken: string | undefined;
  do {
    const page = await sent(at, waiting, async () => {
      const page = await at.client.send(
        new ListObjectsV2Command({
          Bucket: at.bucket,
          ...what,
          MaxKeys: keysPerCall,
          // Without it a key with a control character makes the page unreadable.
          EncodingType: 'url',
          ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
        }),
        ending(waiting),
      );
      refuseOtherPages(page, at.bucket);
      return page;
    });
    yield page;
    if (page.IsTruncated === true && page.NextContinuationToken === undefined) {
      throw new ExpectedError(
        'object_store',
        'R2 broke off a listing without saying how to go on; try again.',
      );
    }
    ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (ContinuationToken !== undefined);
}

async function read(at: Asked, key: string, waiting: Waiting = {}): Promise<OpenObject | Absent | Withheld> {
  if (!canTravelInPath(key)) return 'unreadable_key';
  const { client, bucket: Bucket } = at;
  // Outlives this call: ends the connection when the stream is given up.
  const stop = new AbortController();
  const signal = waiting.signal === undefined ? stop.signal : AbortSignal.any([waiting.signal, stop.signal]);
  const chance = newChance(at, waiting);
  let answer: GetObjectCommandOutput;
  for (;;) {
    try {
      answer = await tried(at, waiting, () =>
        client.send(new GetObjectCommand({ Bucket, Key: key }), { abortSignal: signal }),
      );
      break;
    } catch (error) {
      if (isAbsence(error)) return 'gone';
      const withheld = await chance.after(error);
      if (withheld !== null) return withheld;
    }
  }
  const { Body, ContentLength: bytes, ETag: etag, ContentType } = answer;
  if (bytes === undefined || etag === undefined) {
    stop.abort();
    await mustAnswer(at, waiting);
    return 'refused';
  }

  async function reopen(offset: number): Promise<AsyncIterable<Uint8Array>> {
    const rest = new GetObjectCommand({ Bucket, Key: key, Range: `bytes=${String(offset)}-`, IfMatch: etag });
    const answer = await client.send(rest, { abortSignal: signal });
    // Who does not know ranges would send the beginning once more.
    if (answer.ContentRange !== `bytes ${String(offset)}-${String(Number(bytes) - 1)}/${String(bytes)}`)
      throw Object.assign(new Error('Not the rest.'), { code: 'NotTheRest', $metadata: answer.$metadata });
    return answer.Body as Readable;
  }

  const stream = Readable.from(wholeBody(at, Body as Readable, bytes, reopen, waiting), {
    objectMode: false,
  });
  stream.once('close', () => {
    stop.abort();
  });
  return { stream, bytes, etag, contentType: ContentType ?? 'application/octet-stream' };
}

/** The bytes of an object; a broken connection is taken up again where it broke, if the object is still the same. */
async function* wholeBody(
  at: Asked,
  first: AsyncIterable<Uint8Array>,
  bytes: number,
  reopen: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
  waiting: Waiting,
): AsyncGenerator<Uint8Array> {
  const { attempts, object } = at.patience;
  const chance = newChance(at, waiting);
  // Bytes that come one by one reset the count of failures, not this one.
  let leftMs = object.ms + bytes / object.bytesPerMs;
  let since = performance.now();
  const spend = (): void => {
    leftMs -= performance.now() - since;
    since = performance.now();
    if (leftMs < 0) throw new ObjectInterrupted('unavailable');
  };
  let offset = 0;
  let failures = 0;
  let body: AsyncIterable<Uint8Array> | undefined = first;
  for (;;) {
    try {
      body ??= await reopen(offset);
      for await (const chunk of body) {
        spend();
        offset += chunk.byteLength;
        failures = 0;
        yield chunk;
        since = performance.now();
      }
      if (offset >= bytes) return;
      throw Object.assign(new Error('The body ended early.'), { code: 'ECONNRESET' });
    } catch (error) {
      if (error instanceof ObjectInterrupted) throw error;
      if (codeOf(error) === 'PreconditionFailed' || statusOf(error) === 412) {
        throw new ObjectInterrupted('changed');
      }
      if (isAbsence(error)) throw new ObjectInterrupted('gone');
      body = undefined;
      failures += 1;
      if (failures < attempts && passes(error, waiting.signal)) await pause(failures, at, waiting, error);
      else {
        const withheld = await chance.after(error);
        if (withheld !== null) throw new ObjectInterrupted(withheld);
        failures = 0;
      }
      spend();
    }
  }
}

/**
 * What one object is worth once its tries are used up: when the bucket itself
 * answers, whatever was in the way may have passed, so there is one more round.
 */
function newChance(
  at: Asked,
  waiting: Waiting,
): {
  /** Null for another round; throws when the bucket as a whole does not answer. */
  readonly after: (error: unknown) => Promise<Withheld | null>;
} {
  let used = false;
  return {
    async after(error) {
      const trouble = troubleOf(error, waiting.signal);
      if (trouble === 'cancelled' || trouble === 'unknown') throw asExpected(error, waiting.signal);
      await mustAnswer(at, waiting);
      if (!passes(error, waiting.signal)) return 'refused';
      if (used) return 'unavailable';
      used = true;
      return null;
    },
  };
}

/** Throws what is wrong when the bucket can't be listed. */
async function mustAnswer(at: Asked, waiting: Waiting): Promise<void> {
  await sent(at, waiting, () => listOne(at, waiting));
}

async function head(at: Asked, key: string, waiting: Waiting = {}): Promise<DescribedObject | Absent> {
  if (!canTravelInPath(key)) return 'unreadable_key';
  const answer = await unlessAbsent(at, waiting, () =>
    at.client.send(new HeadObjectCommand({ Bucket: at.bucket, Key: key }), ending(waiting)),
  );
  if (answer === 'gone') return 'gone';
  const { ContentLength, ETag, ContentType, LastModified } = answer;
  if (ContentLength === undefined || ETag === undefined || LastModified === undefined) {
    throw new ExpectedError('object_store', 'R2 described an object without its size; try again.');
  }
  return {
    bytes: ContentLength,
    etag: ETag,
    contentType: ContentType ?? 'application/octet-stream',
    modified: LastModified,
  };
}

async function deleteKeys(at: Asked, keys: Iterable<string>, waiting: Waiting = {}): Promise<DeleteOutcome> {
  const deleted: string[] = [];
  const failed: { key: string; code: string }[] = [];
  const batch: string[] = [];
  const single: string[] = [];
  for (const key of new Set(keys)) {
    const route = deleteRoute(key);
    if (route === 'batch') batch.push(key);
    else if (route === 'single') single.push(key);
    else failed.push({ key, code: 'UnsafeKey' });
  }
  for (const run of inRunsOf(keysPerCall, batch)) {
    await tryAgain(at, run, (left) => deleteBatch(at, left, waiting), { deleted, failed }, waiting);
  }
  for (const key of single) {
    await tryAgain(at, [key], () => deleteOne(at, key, waiting), { deleted, failed }, waiting);
  }
  return { deleted, failed };
}

interface DeleteAnswer {
  /** The code of each key, or `null` for a key that is gone. */
  readonly codes: ReadonlyMap<string, string | null>;
  /** The call as a whole failed, after its own tries. */
  readonly final: boolean;
}

async function tryAgain(
  at: Asked,
  keys: readonly string[],
  call: (keys: readonly string[]) => Promise<DeleteAnswer>,
  outcome: { readonly deleted: string[]; readonly failed: { key: string; code: string }[] },
  waiting: Waiting,
): Promise<void> {
  let left = keys;
  for (let attempt = 1; left.length > 0; attempt += 1) {
    const stopped = waiting.signal?.aborted === true;
    const { codes, final } = stopped ? { codes: new Map<string, string>(), final: true } : await call(left);
    const again: string[] = [];
    for (const key of left) {
      // A key the store did not mention is not known to be deleted.
      const code = codes.get(key) ?? (codes.has(key) ? null : stopped ? 'Cancelled' : 'NotAnswered');
      if (code === null) outcome.deleted.push(key);
      else if (!final && attempt < at.patience.attempts && passing.has(code)) again.push(key);
      else outcome.failed.push({ key, code });
    }
    left = again;
    if (left.length > 0) await pause(attempt, at, waiting).catch(() => undefined);
  }
}

async function deleteBatch(at: Asked, keys: readonly string[], waiting: Waiting): Promise<DeleteAnswer> {
  const codes = new Map<string, string | null>();
  try {
    const { Deleted, Errors } = await tried(at, waiting, () =>
      at.client.send(
        new DeleteObjectsCommand({ Bucket: at.bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }),
        ending(waiting),
      ),
    );
    for (const { Key } of Deleted ?? []) if (Key !== undefined) codes.set(Key, null);
    for (const { Key, Code } of Errors ?? []) if (Key !== undefined) codes.set(Key, Code ?? 'Unknown');
  } catch (error) {
    const code = failureCode(error, waiting.signal);
    for (const key of keys) codes.set(key, code);
    return { codes, final: true };
  }
  return { codes, final: false };
}

async function deleteOne(at: Asked, key: string, waiting: Waiting): Promise<DeleteAnswer> {
  try {
    await tried(at, waiting, () =>
      at.client.send(new DeleteObjectCommand({ Bucket: at.bucket, Key: key }), ending(waiting)),
    );
    return { codes: new Map([[key, null]]), final: true };
  } catch (error) {
    return { codes: new Map([[key, failureCode(error, waiting.signal)]]), final: true };
  }
}

async function abortUploads(
  at: Asked,
  prefix: string,
  waiting: Waiting & { readonly only?: ReadonlySet<string> } = {},
): Promise<{ readonly aborted: number } | 'unsupported'> {
  const { client, bucket: Bucket } = at;
  let aborted = 0;
  let from: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const page = await sent(at, waiting, () =>
      client
        .send(
          new ListMultipartUploadsCommand({ Bucket, Prefix: prefix, EncodingType: 'url', ...from }),
          ending(waiting),
        )
        .catch((error: unknown) => {
          if (codeOf(error) === 'NotImplemented') return 'unsupported' as const;
          throw error;
        }),
    );
    if (page === 'unsupported') return 'unsupported';
    for (const { Key, UploadId } of page.Uploads ?? []) {
      if (Key === undefined || UploadId === undefined) continue;
      const key = page.EncodingType === 'url' ? decodeListedKey(Key) : Key;
      if (waiting.only?.has(key) === false) continue;
      await sent(at, waiting, () =>
        client
          .send(new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId }), ending(waiting))
          .catch((error: unknown) => {
            if (codeOf(error) !== 'NoSuchUpload') throw error;
          }),
      );
      aborted += 1;
    }
    if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return { aborted };
    from = {
      KeyMarker: page.EncodingType === 'url' ? decodeListedKey(page.NextKeyMarker) : page.NextKeyMarker,
      ...(page.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: page.NextUploadIdMarker }),
    };
  }
}

function ending({ signal }: Waiting): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

async function sent<Answer>(at: Asked, waiting: Waiting, send: () => Promise<Answer>): Promise<Answer> {
  try {
    return await tried(at, waiting, send);
  } catch (error) {
    throw asExpected(error, waiting.signal);
  }
}

async function unlessAbsent<Answer>(
  at: Asked,
  waiting: Waiting,
  send: () => Promise<Answer>,
): Promise<Answer | 'gone'> {
  try {
    return await tried(at, waiting, send);
  } catch (error) {
    if (isAbsence(error)) return 'gone';
    throw asExpected(error, waiting.signal);
  }
}

/** Does it again while what was in the way passes by itself; throws the last error as it came. */
async function tried<Answer>(
  at: Pick<Asked, 'patience'>,
  waiting: Waiting,
  send: () => Promise<Answer>,
): Promise<Answer> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await send();
    } catch (error) {
      if (failures >= at.patience.attempts || !passes(error, waiting.signal)) throw error;
      await pause(failures, at, waiting, error);
    }
  }
}

/**
 * Doubling pauses, each shortened at random so that several consoles don't knock together; no shorter than what the
 * store asks for after an error, within limits. Throws when it is cancelled.
 */
async function pause(
  failures: number,
  { patience }: Pick<Asked, 'patience'>,
  { signal }: Waiting,
  error?: unknown,
): Promise<void> {
  const most = patience.pauseMs * 2 ** (failures - 1);
  const asked = Math.min(patience.longestPauseMs, retryAfterOf(error));
  const ms = Math.max(asked, most / 2 + Math.random() * (most / 2));
  try {
    await wait(ms, undefined, signal === undefined ? {} : { signal });
  } catch {
    throw cancelled('Reading from R2');
  }
}

function headerOf(error: unknown, name: string): string | undefined {
  const answer = (error as { $response?: { headers?: Record<string, string> } } | undefined)?.$response;
  return answer?.headers?.[name];
}

/** By how much a signature's time may differ from the store's clock, as S3 has it. */
const tolerableSkewMs = 15 * 60_000;

/** The store's clock against this computer's, in milliseconds; 0 where the answer has no time. */
function clockDifferenceOf(error: unknown): number {
  const difference = Date.parse(headerOf(error, 'date') ?? '') - Date.now();
  return Number.isFinite(difference) ? difference : 0;
}

/** What an answer asks for with `Retry-After`, seconds or a date, in milliseconds; 0 where it does not. */
function retryAfterOf(error: unknown): number {
  const text = headerOf(error, 'retry-after');
  if (text === undefined) return 0;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

/** Whether what happened can pass by itself, so that another try is worth it. */
function passes(error: unknown, signal: AbortSignal | undefined): boolean {
  const trouble = troubleOf(error, signal);
  // After the first refusal of a clock that is wrong, the client signs by the store's.
  return trouble === 'busy' || trouble === 'unreachable' || codeOf(error) === 'RequestTimeTooSkewed';
}

type Trouble =
  | 'cancelled'
  | 'unreachable'
  | 'certificate'
  | 'key'
  | 'clock'
  | 'permission'
  | 'bucket'
  | 'busy'
  | 'unexpected'
  | 'unknown';

const sentences = {
  unreachable: {
    says: 'R2 does not answer at the endpoint of this profile.',
    todo: 'Check the endpoint and the network, then try again.',
  },
  certificate: {
    says: 'R2 showed a certificate that does not belong to the endpoint of this profile.',
    todo: 'Check the endpoint, and do not go on over this network until the cause is known.',
  },
  key: {
    says: 'R2 does not know the access key of this profile, or its secret is wrong.',
    todo: 'Store the R2 key again in the profile.',
  },
  clock: {
    says: 'The clock of this computer is wrong by more than 15 minutes, so R2 takes no request of it.',
    todo: 'Set the clock, then try again.',
  },
  permission: {
    says: 'The R2 key of this profile may not do this in this bucket.',
    todo: 'Use a token that covers this bucket and this kind of work.',
  },
  bucket: {
    says: 'The bucket of this profile does not exist.',
    todo: 'Correct the name of the bucket in the profile.',
  },
  busy: {
    says: 'R2 is overloaded or out of order, also after several tries.',
    todo: 'Try again in a few minutes.',
  },
  unexpected: {
    says: 'R2 gave an answer the console does not understand.',
    todo: 'Check that the endpoint is that of R2, then try again.',
  },
} as const satisfies Record<Exclude<Trouble, 'cancelled' | 'unknown'>, { says: string; todo: string }>;

/** Codes that pass by themselves: worth another try. */
const passing: ReadonlySet<string> = new Set([
  'SlowDown',
  'TooManyRequests',
  'TooManyRequestsException',
  'Throttling',
  'RequestLimitExceeded',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout',
  'NotAnswered',
]);

function troubleOf(error: unknown, signal: AbortSignal | undefined): Trouble {
  if (signal?.aborted === true) return 'cancelled';
  const code = codeOf(error);
  const status = statusOf(error);
  if (code === 'NoSuchBucket') return 'bucket';
  if (status === 403 && Math.abs(clockDifferenceOf(error)) > tolerableSkewMs) return 'clock';
  if (['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'Unauthorized', 'InvalidArgument'].includes(code)) {
    // R2 answers InvalidArgument, 400, to an access key of the wrong length.
    if (code !== 'InvalidArgument' || status === 400) return 'key';
  }
  if (status === 401) return 'key';
  if (status === 403) return 'permission';
  if (status !== undefined) return status === 429 || status >= 500 ? 'busy' : 'unexpected';
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME/.test(code)) return 'certificate';
  return /^(E[A-Z_]+|HPE_\w+|ERR_STREAM_\w+|TimeoutError|NetworkingError)$/.test(code)
    ? 'unreachable'
    : 'unknown';
}

function asExpected(error: unknown, signal: AbortSignal | undefined): unknown {
  if (error instanceof ExpectedError || error instanceof ObjectInterrupted) return error;
  const trouble = troubleOf(error, signal);
  if (trouble === 'cancelled') return cancelled('Reading from R2');
  // Neither an answer nor the network: a bug. Not the error itself, whose message can hold a key.
  if (trouble === 'unknown') return new Error(`The S3 client failed with ${codeOf(error)}.`);
  const { says, todo } = sentences[trouble];
  return new ExpectedError(
    'object_store',
    `${says.slice(0, -1)}; ${todo.charAt(0).toLowerCase()}${todo.slice(1)}`,
  );
}

function isAbsence(error: unknown): boolean {
  const code = codeOf(error);
  // A HEAD has no body and so only the status; a missing bucket looks the same there and is found by the listing.
  return code === 'NoSuchKey' || code === 'NotFound';
}

function failureCode(error: unknown, signal: AbortSignal | undefined): string {
  const trouble = troubleOf(error, signal);
  if (trouble === 'cancelled') return 'Cancelled';
  if (trouble === 'unreachable') return 'Unreachable';
  const code = codeOf(error);
  const status = statusOf(error);
  return code === '' || code === 'Error' ? `Status${String(status ?? 0)}` : code;
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const { $metadata } = error;
  if (typeof $metadata !== 'object' || $metadata === null || !('httpStatusCode' in $metadata))
    return undefined;
  return typeof $metadata.httpStatusCode === 'number' ? $metadata.httpStatusCode : undefined;
}

/** The store's code, else that of the network; letters, digits and underscores only, so never a key. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  for (const field of ['Code', 'code', 'name'] as const) {
    const value: unknown = field in error ? (error as Record<string, unknown>)[field] : undefined;
    if (typeof value === 'string' && /^\w{1,80}$/.test(value)) return value;
  }
  return '';
}
