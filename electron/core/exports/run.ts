import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { readerOver, type Reader } from '#core/database/database.ts';
import { sql } from '#core/database/sql.ts';
import type { Call } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Progress } from '#core/kernel/jobs.ts';
import type { ObjectStore } from '#core/objectStore/objectStore.ts';
import { kindInForce, mapInForce } from '#core/subjects/index.ts';
import { resumeExport, type Begun } from './begin.ts';
import type { PackageFile } from './files.ts';
import { informationOf } from './information.ts';
import { removeLeftovers } from './leftovers.ts';
import { heldObjects, type HeldObject } from './objects.ts';
import { mended, type Mend } from './mending.ts';
import { ExportInterrupted, writePackage } from './package.ts';
import type { PackageOptions, PackageReceipt } from './package.ts';
import { newShare, whole, wordsOf } from './progress.ts';
import { readCollection } from './reading.ts';
import { redactionsOf } from './redactions.ts';
import { leftOutInWords, rangeOf, thirdPartiesOf, within } from './scope.ts';
import { encryptionFor, recipientFingerprint, type Lock } from './seal/age.ts';
import type { Signer } from '#core/signing/index.ts';
import { giveSignsOfLife } from './signsOfLife.ts';
import { openSnapshots, type Snapshots } from './snapshots.ts';
import type { BegunStaging, ExportAbout } from './stagings.ts';

/** How an export reads; other than by default only in tests of what happens between two windows. */
export interface ExportPace {
  /** How old a snapshot grows before reading goes on in the next, in milliseconds. */
  readonly snapshotMs?: number;
  /** Rows read with one statement. */
  readonly windowRows?: number;
  /** Milliseconds between two signs of life. */
  readonly signOfLifeMs?: number;
  /** How long a database that is out of reach is waited for, in milliseconds. */
  readonly patienceMs?: number;
}

/**
 * Exports at work at a time. One holds a session of the database in its snapshot; of the three a console has, one is
 * left for all else.
 */
export const exportsAtOnce = 2;
/** A network that changes or a computer that wakes is there again within minutes; then a person should know. */
const patienceMs = 5 * 60_000;
/** Milliseconds before it is tried again, the last ever after. */
const pausesMs = [500, 1_000, 2_000, 5_000, 10_000, 20_000] as const;

export interface Export {
  readonly at: Desk;
  readonly started: Begun;
  /** Grows while it is written; what is needed to go on. */
  readonly about: { -readonly [Name in keyof ExportAbout]: ExportAbout[Name] };
  readonly kept: BegunStaging;
  readonly version: string;
  readonly pace: ExportPace;
  readonly lock: Lock | null;
  readonly signer: Signer | null;
}

const noNote: Call['note'] = () => undefined;

/** Writes the package and tells the trail how it ended, whichever way it does. */
export async function runExport(
  work: Export,
  progress: Progress,
  cancelling: AbortSignal,
  turn: () => Promise<void>,
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
    await turn();
    // The folder is looked at by writePackage, which says what is wrong with it.
    await removeLeftovers(work.about.folder).catch(() => undefined);
    bucket = at.profile.r2 === null ? null : await at.openBucket('read');
    const receipt = await writeFromSnapshots(
      work,
      bucket,
      // A package of which the trail knows no hash must not be handed out, so it is told before there is one.
      async ({ sha256, bytes, collections, files }) => {
        await untilAnswered(work.pace.patienceMs ?? patienceMs, () =>
          end(sha256, bytes, rowsOf(collections), filesIn(files), detailOf(work, files)),
        );
      },
      progress,
      signal,
    );
    progress('done', whole, whole);
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
    // What is interrupted goes on later; the database hears of it by hearing nothing.
    if (cause instanceof ExportInterrupted) throw cause;
    await work.kept.staging.remove().catch(() => undefined);
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
  work: Export,
  store: ObjectStore | null,
  register: NonNullable<PackageOptions['register']>,
  progress: Progress,
  signal: AbortSignal,
): ReturnType<typeof writePackage> {
  const { at, started, about, kept, version, pace, lock, signer } = work;
  const { requestId, folder, form, language, scope } = about;
  let { access } = started;
  let snapshots: Snapshots | null = null;
  let done = 0;
  const waiting = (): void => {
    progress('waiting for the database, which is out of reach; what was read is kept', done, whole);
  };
  const mend = mendReading(work, waiting, async () => {
    ({ access } = await resumeExport(at, started.export, noNote));
    about.resumed.push({ at: new Date().toISOString(), snapshot: about.snapshots.length + 1 });
    if (snapshots === null) return;
    await snapshots.renew();
    about.snapshots = [...snapshots.taken];
  });
  const open = async () => {
    snapshots ??= await openSnapshots(at.pool, {
      signal,
      ...(pace.snapshotMs === undefined ? {} : { lastsMs: pace.snapshotMs }),
      ...(about.mapHash === null ? {} : { before: { taken: about.snapshots, mapHash: about.mapHash } }),
    });
    const reader = readerOver(snapshots.current.client);
    const map = await mapInForce(reader);
    const { subject, collections: held } = kindInForce(map, started.kind);
    const collections = within(scope, held);
    return {
      snapshots,
      map,
      subject,
      collections,
      ...(await informationOf(reader, collections, started.controller, language)),
      redactions: await redactionsOf(reader, access),
      story: scope.profile === 'case' ? await storyOf(reader, access) : null,
    };
  };
  try {
    const opened = await mended(open, mend, signal);
    const { map, subject, collections, information, page, translations, redactions, story } = opened;
    about.mapHash = opened.snapshots.mapHash;
    about.collections = collections.length;
    const sources = collections.map((each) =>
      readCollection(opened.snapshots, () => access, subject, each, pace.windowRows),
    );
    let filesFrom: number | null = null;
    let objects: readonly HeldObject[] = [];
    const share = newShare();
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
        collections: sources,
        staging: kept.staging,
        mend,
        async listFiles() {
          about.snapshots = [...opened.snapshots.taken];
          objects = [];
          if (store !== null) {
            const { isOld } = opened.snapshots;
            const { client, number } = isOld ? await opened.snapshots.renew() : opened.snapshots.current;
            filesFrom = number;
            const from = { reader: readerOver(client), store, subject, access, scope, redactions };
            objects = await allOf(heldObjects(from, () => opened.snapshots.letGo(), signal));
          }
          await opened.snapshots.letGo();
          return objects.length;
        },
        files: filesOf(() => objects, store),
        extras: [
          {
            path: 'data/information.json',
            text: `${JSON.stringify(information, null, 2)}\n`,
          },
          ...(story === null ? [] : [{ path: 'data/trail.jsonl', text: story }]),
        ],
        information: page,
        translations,
        ...(signer === null ? {} : { signer }),
        ...(lock === null ? {} : { encryption: encryptionFor(lock) }),
        redactions,
        register,
        snapshots: () => opened.snapshots.taken,
        resumed: () => about.resumed,
        processing: () => ({
          mapHash: map.hash,
          filesFrom,
          profile: scope.profile,
          ...rangeOf(scope, collections),
          thirdParties: thirdPartiesOf(scope, started.kind, collections),
          leftOut: leftOutInWords(scope, collections),
          database: at.info.database,
          ...(started.restricted === null ? {} : { restricted: started.restricted }),
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
      {
        signal,
        progress: (now) => {
          about.snapshots = [...opened.snapshots.taken];
          const frail = now.phase === 'records' && !kept.survivesCrash();
          done = share(now);
          progress(`${wordsOf(now)}${frail ? noKeychainNote : ''}`, done, whole);
        },
      },
    );
  } finally {
    await (snapshots as Snapshots | null)?.letGo();
  }
}

const noKeychainNote = '; can not be resumed after a crash, as this computer has no keychain';

/**
 * Waits for a database that is out of reach until `again` succeeds. Gives up when it takes too long, or when it was
 * lost again and again without a collection being finished.
 */
function mendReading(work: Export, waiting: () => void, again: () => Promise<void>): Mend {
  const { finished } = work.kept.staging;
  let tries = 0;
  let before = finished.size;
  return async (error, signal) => {
    if (!isOutOfReach(error)) throw error;
    if (finished.size > before) tries = 0;
    before = finished.size;
    tries += 1;
    const until = performance.now() + (work.pace.patienceMs ?? patienceMs);
    // A new access has been opened once, and is refused as well.
    if (tries > 1 && error.code === 'access_closed') throw error;
    for (let pause = 0; tries <= mostTries; pause += 1) {
      const pauseMs = pausesMs[Math.min(pause, pausesMs.length - 1)] ?? 0;
      if (performance.now() + pauseMs > until) break;
      waiting();
      await wait(pauseMs, undefined, { signal });
      try {
        await again();
        return;
      } catch (failure) {
        if (!isOutOfReach(failure)) throw failure;
      }
    }
    throw new ExportInterrupted(
      'unreachable',
      'The database stayed out of reach, so the export was interrupted; what it has read is kept on this computer for a day: resume it when the database is there again.',
      { cause: error },
    );
  };
}

/**
 * Tells the trail of the package until it says that it knows. The connection can be lost when the entry is there and
 * the answer is not: thrown away then, the package would be one the trail calls done. Being told again, the database
 * answers with the entry it has. Not given up for a cancellation, which comes too late.
 */
async function untilAnswered(withinMs: number, tell: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + withinMs;
  for (let pause = 0; ; pause += 1) {
    try {
      await tell();
      return;
    } catch (error) {
      if (!(error instanceof ExpectedError) || error.code !== 'unreachable') throw error;
      const pauseMs = pausesMs[Math.min(pause, pausesMs.length - 1)] ?? 0;
      if (performance.now() + pauseMs > until)
        throw new ExpectedError(
          'unreachable',
          'The database was lost just when it was told of the package, so nothing was kept; should the trail call this export done, that package was never given out: export again.',
          { cause: error },
        );
      await wait(pauseMs);
    }
  }
}

const mostTries = 5;

/** The connection was lost, or the access ended meanwhile, as after a sleep of the computer. */
function isOutOfReach(error: unknown): error is ExpectedError {
  return error instanceof ExpectedError && (error.code === 'unreachable' || error.code === 'access_closed');
}

async function allOf<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The person's entries of the trail, a line each, as they were hashed. */
async function storyOf(reader: Reader, access: number): Promise<string> {
  const lines = await reader.rows(
    sql`select line from privacy_console.export_story(${access}::bigint) line`,
    z.object({ line: z.string() }),
  );
  return lines.map(({ line }) => `${line}\n`).join('');
}

async function* filesOf(
  objects: () => readonly HeldObject[],
  store: ObjectStore | null,
): AsyncGenerator<PackageFile> {
  if (store === null) return;
  // Asked for when they are listed.
  await Promise.resolve();
  for (const object of objects()) {
    yield { ...object, open: (waiting) => store.read(object.key, { signal: waiting }) };
  }
}
