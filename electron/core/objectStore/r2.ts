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
import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
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
  Waiting,
} from './objectStore.ts';

/** Times a throttled or interrupted step is tried before it is given up. */
const attempts = 4;

/** What the connection test says about a bucket; `todo` is empty when all is well. */
export interface BucketProbe {
  readonly ok: boolean;
  readonly says: string;
  readonly todo: string;
}

/** Opens a bucket; no request is made. Throws `invalid_input` for an endpoint that is not allowed. */
export function openObjectStore(config: ObjectStoreConfig): ObjectStore {
  const client = openClient(config);
  const Bucket = config.bucket;
  return {
    list: (prefix, waiting) => list(client, Bucket, prefix, waiting),
    beginnings: (waiting) => beginnings(client, Bucket, waiting),
    read: (key, waiting) => read(client, Bucket, key, waiting),
    head: (key, waiting) => head(client, Bucket, key, waiting),
    deleteKeys: (keys, waiting) => deleteKeys(client, Bucket, keys, waiting),
    abortUploads: (prefix, waiting) => abortUploads(client, Bucket, prefix, waiting),
    close: () => {
      client.destroy();
    },
  };
}

/**
 * Tries the bucket with one listing of one key (all a read-only token may do)
 * and tells an unreachable store, a wrong key and a missing bucket apart.
 * Never throws but for cancellation.
 */
export async function probeBucket(config: ObjectStoreConfig, waiting: Waiting = {}): Promise<BucketProbe> {
  let client: S3Client;
  try {
    client = openClient(config, 2);
  } catch (error) {
    if (!(error instanceof ExpectedError)) throw error;
    return { ok: false, says: error.message, todo: 'Correct the R2 endpoint in the profile.' };
  }
  try {
    const command = new ListObjectsV2Command({ Bucket: config.bucket, MaxKeys: 1 });
    refuseOtherPages(await client.send(command, ending(waiting)), config.bucket);
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

function openClient(config: ObjectStoreConfig, maxAttempts = attempts): S3Client {
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
    maxAttempts,
    retryMode: 'standard',
    // Named here so that nobody's AWS_* variables or ~/.aws/config decide them.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    useArnRegion: false,
    defaultsMode: 'standard',
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: 60_000,
      throwOnRequestTimeout: true,
      socketTimeout: 60_000,
      // Beats NODE_TLS_REJECT_UNAUTHORIZED=0.
      httpsAgent: { keepAlive: true, maxSockets: 16, rejectUnauthorized: true },
      httpAgent: { keepAlive: true, maxSockets: 16 },
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

async function* list(
  client: S3Client,
  Bucket: string,
  prefix: string,
  waiting: Waiting = {},
): AsyncGenerator<ListedObject> {
  for await (const page of pages(client, { Bucket, Prefix: prefix }, waiting)) {
    for (const { Key, Size, ETag, LastModified } of page.Contents ?? []) {
      if (Key === undefined || Size === undefined || ETag === undefined || LastModified === undefined) {
        throw new ExpectedError('object_store', 'R2 listed an object without its name or size; try again.');
      }
      const key = page.EncodingType === 'url' ? decodeListedKey(Key) : Key;
      yield { key, bytes: Size, etag: ETag, modified: LastModified };
    }
  }
}

async function beginnings(
  client: S3Client,
  Bucket: string,
  waiting: Waiting = {},
): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const page of pages(client, { Bucket, Delimiter: '/' }, waiting)) {
    for (const { Prefix } of page.CommonPrefixes ?? []) {
      if (Prefix !== undefined) found.push(page.EncodingType === 'url' ? decodeListedKey(Prefix) : Prefix);
    }
    if (found.length >= beginningsAtMost) break;
  }
  return found.slice(0, beginningsAtMost);
}

/** The pages of a listing, each held to be one. */
async function* pages(
  client: S3Client,
  what: { readonly Bucket: string; readonly Prefix?: string; readonly Delimiter?: string },
  waiting: Waiting,
): AsyncGenerator<ListObjectsV2CommandOutput> {
  let ContinuationToken: string | undefined;
  do {
    const page = await sent(waiting, async () => {
      const page = await client.send(
        new ListObjectsV2Command({
          ...what,
          MaxKeys: keysPerCall,
          // Without it a key with a control character makes the page unreadable.
          EncodingType: 'url',
          ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
        }),
        ending(waiting),
      );
      refuseOtherPages(page, what.Bucket);
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

async function read(
  client: S3Client,
  Bucket: string,
  key: string,
  waiting: Waiting = {},
): Promise<OpenObject | Absent> {
  if (!canTravelInPath(key)) return 'unreadable_key';
  // Outlives this call: ends the connection when the stream is given up.
  const stop = new AbortController();
  const signal = waiting.signal === undefined ? stop.signal : AbortSignal.any([waiting.signal, stop.signal]);
  const answer = await unlessAbsent(waiting, () =>
    client.send(new GetObjectCommand({ Bucket, Key: key }), { abortSignal: signal }),
  );
  if (answer === 'gone') return 'gone';
  const { Body, ContentLength: bytes, ETag: etag, ContentType } = answer;
  if (bytes === undefined || etag === undefined) {
    stop.abort();
    throw new ExpectedError('object_store', 'R2 sent an object without its size; try again.');
  }

  async function reopen(offset: number): Promise<AsyncIterable<Uint8Array>> {
    const rest = new GetObjectCommand({ Bucket, Key: key, Range: `bytes=${String(offset)}-`, IfMatch: etag });
    const answer = await client.send(rest, { abortSignal: signal });
    return answer.Body as Readable;
  }

  const stream = Readable.from(wholeBody(Body as Readable, bytes, reopen, waiting.signal), {
    objectMode: false,
  });
  stream.once('close', () => {
    stop.abort();
  });
  return { stream, bytes, etag, contentType: ContentType ?? 'application/octet-stream' };
}

/** The bytes of an object; a broken connection is taken up again where it broke, if the object is still the same. */
async function* wholeBody(
  first: AsyncIterable<Uint8Array>,
  bytes: number,
  reopen: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  let failures = 0;
  let body: AsyncIterable<Uint8Array> | undefined = first;
  for (;;) {
    try {
      body ??= await reopen(offset);
      for await (const chunk of body) {
        offset += chunk.byteLength;
        failures = 0;
        yield chunk;
      }
      if (offset >= bytes) return;
      throw Object.assign(new Error('The body ended early.'), { code: 'ECONNRESET' });
    } catch (error) {
      const trouble = troubleOf(error, signal);
      if (codeOf(error) === 'PreconditionFailed' || statusOf(error) === 412) {
        throw new ObjectInterrupted('changed');
      }
      if (isAbsence(error)) throw new ObjectInterrupted('gone');
      failures += 1;
      if (trouble === 'cancelled' || failures >= attempts) throw asExpected(error, signal);
      body = undefined;
      await pause(failures, signal);
    }
  }
}

async function head(
  client: S3Client,
  Bucket: string,
  key: string,
  waiting: Waiting = {},
): Promise<DescribedObject | Absent> {
  if (!canTravelInPath(key)) return 'unreadable_key';
  const answer = await unlessAbsent(waiting, () =>
    client.send(new HeadObjectCommand({ Bucket, Key: key }), ending(waiting)),
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

async function deleteKeys(
  client: S3Client,
  Bucket: string,
  keys: Iterable<string>,
  waiting: Waiting = {},
): Promise<DeleteOutcome> {
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
    await tryAgain(run, (left) => deleteBatch(client, Bucket, left, waiting), { deleted, failed }, waiting);
  }
  for (const key of single) {
    await tryAgain([key], () => deleteOne(client, Bucket, key, waiting), { deleted, failed }, waiting);
  }
  return { deleted, failed };
}

interface DeleteAnswer {
  /** The code of each key, or `null` for a key that is gone. */
  readonly codes: ReadonlyMap<string, string | null>;
  /** The call as a whole failed, after the client's own retries. */
  readonly final: boolean;
}

async function tryAgain(
  keys: readonly string[],
  call: (keys: readonly string[]) => Promise<DeleteAnswer>,
  outcome: { readonly deleted: string[]; readonly failed: { key: string; code: string }[] },
  { signal }: Waiting,
): Promise<void> {
  let left = keys;
  for (let attempt = 1; left.length > 0; attempt += 1) {
    const stopped = signal?.aborted === true;
    const { codes, final } = stopped ? { codes: new Map<string, string>(), final: true } : await call(left);
    const again: string[] = [];
    for (const key of left) {
      // A key the store did not mention is not known to be deleted.
      const code = codes.get(key) ?? (codes.has(key) ? null : stopped ? 'Cancelled' : 'NotAnswered');
      if (code === null) outcome.deleted.push(key);
      else if (!final && attempt < attempts && passing.has(code)) again.push(key);
      else outcome.failed.push({ key, code });
    }
    left = again;
    if (left.length > 0) await pause(attempt, signal).catch(() => undefined);
  }
}

async function deleteBatch(
  client: S3Client,
  Bucket: string,
  keys: readonly string[],
  waiting: Waiting,
): Promise<DeleteAnswer> {
  const codes = new Map<string, string | null>();
  try {
    const { Deleted, Errors } = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }),
      ending(waiting),
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

async function deleteOne(
  client: S3Client,
  Bucket: string,
  key: string,
  waiting: Waiting,
): Promise<DeleteAnswer> {
  try {
    await client.send(new DeleteObjectCommand({ Bucket, Key: key }), ending(waiting));
    return { codes: new Map([[key, null]]), final: true };
  } catch (error) {
    return { codes: new Map([[key, failureCode(error, waiting.signal)]]), final: true };
  }
}

async function abortUploads(
  client: S3Client,
  Bucket: string,
  prefix: string,
  waiting: Waiting = {},
): Promise<{ readonly aborted: number } | 'unsupported'> {
  let aborted = 0;
  let from: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const page = await sent(waiting, () =>
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
      await sent(waiting, () =>
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

async function sent<Answer>({ signal }: Waiting, send: () => Promise<Answer>): Promise<Answer> {
  try {
    return await send();
  } catch (error) {
    throw asExpected(error, signal);
  }
}

async function unlessAbsent<Answer>(
  { signal }: Waiting,
  send: () => Promise<Answer>,
): Promise<Answer | 'gone'> {
  try {
    return await send();
  } catch (error) {
    if (isAbsence(error)) return 'gone';
    throw asExpected(error, signal);
  }
}

/** Doubling pauses from 200 ms, each shortened at random so that several consoles don't knock together. */
async function pause(failures: number, signal: AbortSignal | undefined): Promise<void> {
  const most = 200 * 2 ** (failures - 1);
  await wait(most / 2 + Math.random() * (most / 2), undefined, signal === undefined ? {} : { signal });
}

type Trouble =
  | 'cancelled'
  | 'unreachable'
  | 'certificate'
  | 'key'
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
