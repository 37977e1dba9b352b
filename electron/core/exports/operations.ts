import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { readerOver, type Reader } from '#core/database/database.ts';
import { sql } from '#core/database/sql.ts';
import { tellBeginnings } from '#core/installation/index.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Call, SomeHandlers } from '#core/kernel/dispatch.ts';
import type { Jobs, Progress } from '#core/kernel/jobs.ts';
import type { ObjectStore } from '#core/objectStore/objectStore.ts';
import { kindInForce, mapInForce } from '#core/subjects/index.ts';
import type { MappedSubject } from '#shared/contract/dataMap.ts';
import type { ExportRow, PackageForm, PageLanguage, Protection } from '#shared/contract/exports.ts';
import { exportProfiles } from '#shared/domain/exportProfiles.ts';
import { copyOperations, type CopyNames } from './delivery/copies.ts';
import { deliveryOperations, type DeliveryNames } from './delivery/operations.ts';
import { beginExport, type Begun } from './begin.ts';
import type { PackageFile } from './files.ts';
import { informationForPage, informationOf } from './information.ts';
import { removeLeftovers } from './leftovers.ts';
import { writePackage } from './package.ts';
import type { PackageOptions, PackageProgress, PackageReceipt } from './package.ts';
import { heldObjects } from './objects.ts';
import { readCollection } from './reading.ts';
import { redactionsOf, type Redaction } from './redactions.ts';
import { openReviews, type ReviewNames } from './review.ts';
import { leftOutInWords, rangeOf, scopeOf, thirdPartiesOf, within, type ExportScope } from './scope.ts';
import { checkRecipients, encryptionFor, makePassphrase, recipientFingerprint } from './seal/age.ts';
import type { Lock } from './seal/age.ts';
import type { Signer } from './seal/signature.ts';
import { openSigner } from './seal/signingKey.ts';
import { giveSignsOfLife } from './signsOfLife.ts';
import { openSnapshots, type Snapshots } from './snapshots.ts';

type Names =
  | ReviewNames
  | DeliveryNames
  | CopyNames
  | 'exports.start'
  | 'exports.list'
  | 'exports.abandon'
  | 'exports.askRelease'
  | 'exports.decideRelease'
  | 'exports.releases';

const exportRow = z.object({
  id: z.coerce.number(),
  requestId: z.coerce.number(),
  subject: z.string(),
  state: z.enum(['review', 'running', 'interrupted', 'done', 'failed', 'abandoned']),
  startedAt: z.string(),
  startedBy: z.string(),
  finishedAt: z.string().nullable(),
  sha256: z.string().nullable(),
  bytes: z.coerce.number().nullable(),
  rows: z.coerce.number().nullable(),
  files: z.coerce.number().nullable(),
  profile: z.enum(exportProfiles),
  showsOthers: z.boolean(),
  signer: z.string().nullable(),
});

const releaseRow = z.object({
  id: z.coerce.number(),
  requestId: z.coerce.number(),
  gaps: z.array(z.string()),
  reason: z.string().nullable(),
  askedBy: z.string(),
  askedAt: z.string(),
  state: z.enum(['asked', 'approved', 'denied', 'expired']),
  decidedBy: z.string().nullable(),
  decidedAt: z.string().nullable(),
  expiresAt: z.string().nullable(),
});

/** How an export reads; other than by default only in tests of what happens between two windows. */
export interface ExportPace {
  /** How old a snapshot grows before reading goes on in the next, in milliseconds. */
  readonly snapshotMs?: number;
  /** Rows read with one statement. */
  readonly windowRows?: number;
  /** Milliseconds between two signs of life. */
  readonly signOfLifeMs?: number;
}

export interface ExportOptions {
  readonly desk: () => Desk;
  readonly jobs: Jobs;
  readonly version: string;
  readonly pace?: ExportPace;
}

export function exportOperations({ desk, jobs, version, pace = {} }: ExportOptions): SomeHandlers<Names> {
  const reviews = openReviews(desk);
  return {
    ...reviews.handlers,
    ...deliveryOperations({ desk, jobs, version }),
    ...copyOperations(desk),
    'exports.start': async ({ requestId, folder, form, language, protection, reviewed, ...wanted }, call) => {
      const at = desk();
      const lock = lockOf(protection);
      if (form === 'folder' && lock !== null) {
        throw new ExpectedError(
          'invalid_input',
          'A folder can not be encrypted; make one zip of it, or choose no encryption.',
        );
      }
      const signer = await signerFrom(at, call);
      if (reviewed !== undefined && ((wanted.showOthers || wanted.profile) ?? wanted.choice ?? wanted.reason))
        throw new ExpectedError(
          'invalid_input',
          'A package that was reviewed holds what was reviewed; leave the choice to the review.',
        );
      const { started, scope } =
        reviewed === undefined
          ? await beginNow(at, requestId, wanted, call)
          : await reviews.write(reviewed, requestId, call);
      const jobId = jobs.start('export', requestId, (progress, signal) =>
        runExport(
          { at, started, requestId, folder, form, language, version, pace, scope, lock, signer },
          progress,
          signal,
        ),
      );
      const passphrase = lock !== null && 'passphrase' in lock ? lock.passphrase : null;
      return { exportId: started.export, jobId, entry: started.entry, passphrase };
    },
    'exports.list': async ({ requestId }) => ({
      exports: (await desk().database.rows(
        sql`select id, request as "requestId", subject, state, to_json(started_at) #>> '{}' as "startedAt", started_by as "startedBy",
              to_json(finished_at) #>> '{}' as "finishedAt", sha256, bytes, rows, files, profile, shows_others as "showsOthers", signer
            from privacy_console.list_exports(${requestId ?? null}::bigint)`,
        exportRow,
      )) as ExportRow[],
    }),
    'exports.abandon': async ({ exportId }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.abandon_export(${exportId}::bigint) as result`,
        z.object({ entry: z.number() }),
        call.note,
      );
      return { entry };
    },
    'exports.askRelease': async ({ requestId, gaps, reason }, call) => {
      const { release, entry } = await desk().database.effect(
        sql`select privacy_console.ask_release(${requestId}::bigint, ${gaps}::text[], ${reason}::text) as result`,
        z.object({ release: z.number(), entry: z.number() }),
        call.note,
      );
      return { releaseId: release, entry };
    },
    'exports.decideRelease': async ({ releaseId, decision, reason }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.decide_release(${releaseId}::bigint, ${decision}::text, ${reason}::text) as result`,
        z.object({ entry: z.number() }),
        call.note,
      );
      return { entry };
    },
    'exports.releases': async ({ requestId }) => {
      const { database } = desk();
      const gaps = await database.rows(
        sql`select distinct what || ' ' || detail as gap from privacy_console.map_gaps() order by 1`,
        z.object({ gap: z.string() }),
      );
      const releases = await database.rows(
        sql`select id, request as "requestId", gaps, reason, asked_by as "askedBy", to_json(asked_at) #>> '{}' as "askedAt", state, decided_by as "decidedBy",
              to_json(decided_at) #>> '{}' as "decidedAt", to_json(expires_at) #>> '{}' as "expiresAt"
            from privacy_console.releases(${requestId ?? null}::bigint)`,
        releaseRow,
      );
      return { gaps: gaps.map((each) => each.gap), releases: [...releases] };
    },
  };
}

async function beginNow(
  at: Desk,
  requestId: number,
  wanted: Parameters<typeof scopeOf>[2],
  call: Call,
): Promise<{ readonly started: Begun; readonly scope: ExportScope }> {
  const scope = await scopeOf(at, requestId, wanted);
  await tellBeginnings(at, call);
  return { started: await beginExport(at, { requestId, scope, review: false }, call), scope };
}

function lockOf(protection: Protection): Lock | null {
  switch (protection.kind) {
    case 'none':
      return null;
    case 'passphrase':
      return { passphrase: makePassphrase() };
    case 'recipients':
      checkRecipients(protection.recipients);
      return { recipients: protection.recipients };
  }
}

/** Without a keychain there is nowhere to keep a key: the package goes unsigned, and package and trail say so. */
async function signerFrom({ database, signingKey }: Desk, { note }: Call): Promise<Signer | null> {
  try {
    return await openSigner(signingKey, async (publicKey) => {
      const { retired } = await database.effect(
        sql`select privacy_console.use_signing_key(decode(${Buffer.from(publicKey).toString('hex')}::text, 'hex')) as result`,
        z.object({ retired: z.boolean() }),
        note,
      );
      return !retired;
    });
  } catch (error) {
    if (error instanceof ExpectedError && error.code === 'no_keychain') return null;
    throw error;
  }
}

const noNote: Call['note'] = () => undefined;

interface Export {
  readonly at: Desk;
  readonly started: Begun;
  readonly requestId: number;
  readonly folder: string;
  readonly form: PackageForm;
  readonly language: PageLanguage;
  readonly version: string;
  readonly pace: ExportPace;
  readonly scope: ExportScope;
  readonly lock: Lock | null;
  readonly signer: Signer | null;
}

/** Writes the package and tells the trail how it ended, whichever way it does. */
async function runExport(
  work: Export,
  progress: Progress,
  cancelling: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const { at, started } = work;
  const end = (
    sha256: string | null,
    bytes: number,
    rows: number,
    files: number,
    detail: string,
  ): Promise<unknown> =>
    at.database.effect(
      sql`select privacy_console.end_export(${started.export}::bigint, ${sha256}::text, ${bytes}::bigint, ${rows}::bigint, ${files}::bigint, ${detail}::text, ${work.signer?.fingerprint ?? null}::text) as result`,
      z.object({}),
      noNote,
    );
  const closed = new AbortController();
  const signal = AbortSignal.any([cancelling, closed.signal]);
  const stopLiving = giveSignsOfLife(at, started.export, {
    closed: (error) => {
      closed.abort(error);
    },
    ...(work.pace.signOfLifeMs === undefined ? {} : { everyMs: work.pace.signOfLifeMs }),
  });
  let bucket: ObjectStore | null = null;
  try {
    // The folder is looked at by writePackage, which says what is wrong with it.
    await removeLeftovers(work.folder).catch(() => undefined);
    bucket = at.profile.r2 === null ? null : await at.openBucket('read');
    const receipt = await writeFromSnapshots(
      work,
      bucket,
      // A package of which the trail knows no hash must not be handed out, so it is told before there is one.
      async ({ sha256, bytes, collections, files }) => {
        await end(sha256, bytes, rowsOf(collections), filesIn(files), detailOf(work, files));
      },
      progress,
      signal,
    );
    const rows = rowsOf(receipt.collections);
    const files = filesIn(receipt.files);
    const { differing, incomplete, missing, unavailable } = receipt.files;
    await at.localCopies.add({
      exportId: started.export,
      path: receipt.file,
      sha256: receipt.sha256,
      bytes: receipt.bytes,
      madeAt: new Date().toISOString(),
    });
    return {
      file: receipt.file,
      kind: started.kind,
      controller: started.controller,
      sha256: receipt.sha256,
      bytes: receipt.bytes,
      rows,
      files,
      missing,
      incomplete,
      unavailable,
      differing,
      exportId: started.export,
      signer: work.signer?.fingerprint ?? null,
      encrypted: work.lock !== null,
    };
  } catch (error) {
    const cause = closed.signal.aborted ? (closed.signal.reason as Error) : inWords(error);
    await end(null, 0, 0, 0, cause instanceof ExpectedError ? cause.code : 'internal').catch(() => undefined);
    throw cause;
  } finally {
    stopLiving();
    bucket?.close();
  }
}

function rowsOf(collections: PackageReceipt['collections']): number {
  return collections.reduce((sum, each) => sum + each.rows, 0);
}

function filesIn({ complete, differing }: PackageReceipt['files']): number {
  return complete + differing;
}

/** For the trail: what the package lacks, who signed it, and the keys it was made for, by fingerprint. */
function detailOf({ lock, signer }: Export, files: PackageReceipt['files']): string {
  const { missing, incomplete, unavailable, differing, redacted } = files;
  const signed = signer === null ? 'not signed' : `signed by ${signer.fingerprint}`;
  const locked =
    lock === null
      ? 'not encrypted'
      : 'passphrase' in lock
        ? 'encrypted with a passphrase'
        : `encrypted for ${lock.recipients.map(recipientFingerprint).join(' ')}`;
  return `missing ${missing}, incomplete ${incomplete}, of them not given by R2 ${unavailable}, differing ${differing}, redacted ${redacted}; ${signed}; ${locked}`;
}

/** The gate speaks of opening an access, which nobody can for an export. */
function inWords(error: unknown): unknown {
  if (!(error instanceof ExpectedError) || error.code !== 'access_closed') return error;
  return new ExpectedError(
    'access_closed',
    'The access of this export has ended, as it was closed, lasted a day, or nothing was heard of this console for minutes; nothing was kept, start the export again.',
    { cause: error },
  );
}

async function writeFromSnapshots(
  { at, started, requestId, folder, form, language, version, pace, scope, lock, signer }: Export,
  store: ObjectStore | null,
  register: NonNullable<PackageOptions['register']>,
  progress: Progress,
  signal: AbortSignal,
): ReturnType<typeof writePackage> {
  const snapshots = await openSnapshots(at.pool, {
    signal,
    ...(pace.snapshotMs === undefined ? {} : { lastsMs: pace.snapshotMs }),
  });
  try {
    const reader = readerOver(snapshots.current.client);
    const map = await mapInForce(reader);
    const { subject, collections: held } = kindInForce(map, started.kind);
    const collections = within(scope, held);
    const information = await informationOf(reader, collections, started.controller);
    const redactions = await redactionsOf(reader, started.access);
    const story = scope.profile === 'case' ? await storyOf(reader, started.access) : null;
    let filesFrom: number | null = null;
    return await writePackage(
      {
        folder,
        form,
        language,
        name: `CloudSingh-${started.subject}-request-${requestId}-export-${started.export}`,
        packageId: `${started.subject}-${started.export}`,
        requestNumber: String(requestId),
        subjectReference: started.subject,
        program: `CloudSingh Privacy Console ${version}`,
        subjectKind: subject.title,
        controller: started.controller,
        collections: collections.map((each) =>
          readCollection(snapshots, started.access, subject, each, pace.windowRows),
        ),
        files:
          store === null
            ? []
            : fileSources(
                snapshots,
                store,
                { subject, access: started.access, scope, redactions },
                signal,
                (snapshot) => {
                  filesFrom = snapshot;
                },
              ),
        extras: [
          {
            path: 'data/information.json',
            text: `${JSON.stringify(information, null, 2)}\n`,
          },
          ...(story === null ? [] : [{ path: 'data/trail.jsonl', text: story }]),
        ],
        information: informationForPage(information),
        ...(signer === null ? {} : { signer }),
        ...(lock === null ? {} : { encryption: encryptionFor(lock) }),
        redactions,
        register,
        snapshots: () => snapshots.taken,
        processing: () => ({
          mapHash: map.hash,
          filesFrom,
          profile: scope.profile,
          ...rangeOf(scope, collections),
          thirdParties: thirdPartiesOf(scope, started.kind, collections),
          leftOut: leftOutInWords(scope, collections),
          database: at.info.database,
          // What the map didn't cover is told to whom the package is for, with who let it go all the same.
          ...(started.released === null
            ? {}
            : {
                released: {
                  ...started.released,
                  note: 'The data map did not cover what is named under "gaps" when this was made, so it is not in this package.',
                },
              }),
        }),
      },
      { signal, progress: (now) => progress(describeProgress(now), now.bytes, null) },
    );
  } finally {
    await snapshots.letGo();
  }
}

function describeProgress(now: PackageProgress): string {
  switch (now.phase) {
    case 'records':
      return `reading ${now.collection ?? ''}, ${now.rows} rows`;
    case 'files':
      return `fetching files, ${now.files}`;
    case 'sealing':
      return 'sealing the package';
    case 'reading_back':
      return 'reading the package back';
  }
}

/** The person's entries of the trail, a line each, as they were hashed. */
async function storyOf(reader: Reader, access: number): Promise<string> {
  const lines = await reader.rows(
    sql`select line from privacy_console.export_story(${access}::bigint) line`,
    z.object({ line: z.string() }),
  );
  return lines.map(({ line }) => `${line}\n`).join('');
}

async function* fileSources(
  snapshots: Snapshots,
  store: ObjectStore,
  from: {
    readonly subject: MappedSubject;
    readonly access: number;
    readonly scope: ExportScope;
    readonly redactions: readonly Redaction[];
  },
  signal: AbortSignal,
  readFrom: (snapshot: number) => void,
): AsyncGenerator<PackageFile> {
  const { client, number } = snapshots.isOld ? await snapshots.renew() : snapshots.current;
  readFrom(number);
  const objects = heldObjects(
    { ...from, reader: readerOver(client), store },
    () => snapshots.letGo(),
    signal,
  );
  for await (const object of objects) {
    yield { ...object, open: (waiting) => store.read(object.key, { signal: waiting }) };
  }
}
