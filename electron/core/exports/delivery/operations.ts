import { stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Jobs, Progress } from '#core/kernel/jobs.ts';
import type { ParsedInputOf } from '#shared/contract/index.ts';
import { custodyEvents, type CustodyEvent } from '#shared/domain/custody.ts';
import { diskFailure, refuseExisting } from '../disk.ts';
import { copyOnto, joinVolumes, readBackFrom, type Copied } from './copy.ts';
import { inspectMedium } from './medium.ts';
import { sheetText } from './sheet.ts';
import { sumsName, sumsText } from './volumes.ts';

export type DeliveryNames =
  'delivery.inspect' | 'delivery.write' | 'delivery.join' | 'custody.record' | 'custody.list';

const recorded = z.object({
  sha256: z.string(),
  bytes: z.number(),
  subject: z.string(),
  request: z.number(),
  finishedAt: z.string(),
  signer: z.string().nullable(),
  entry: z.number(),
});
type Recorded = z.output<typeof recorded>;

const custodyRow = z.object({
  id: z.coerce.number(),
  medium: z.string(),
  event: z.enum(custodyEvents),
  at: z.string(),
  by: z.string(),
  entry: z.coerce.number(),
  note: z.string().nullable(),
});

type Wanted = ParsedInputOf<'delivery.write'>;

/** Room for the sheet and what the file system itself needs. */
const marginBytes = 1024 * 1024;

export function deliveryOperations({
  desk,
  jobs,
  version,
}: {
  readonly desk: () => Desk;
  readonly jobs: Jobs;
  readonly version: string;
}): SomeHandlers<DeliveryNames> {
  const record = (
    at: Desk,
    exportId: number,
    medium: string,
    event: CustodyEvent,
    further: { readonly sha256?: string; readonly note?: string | undefined },
    note: (entry: number) => void,
  ): Promise<Recorded> =>
    at.database.effect(
      sql`select privacy_console.record_custody(${exportId}::bigint, ${medium}::text, ${event}::text, ${further.sha256 ?? null}::text, ${further.note ?? null}::text) as result`,
      recorded,
      note,
    );
  return {
    'delivery.inspect': async ({ folder }) => {
      try {
        return await inspectMedium(folder);
      } catch (error) {
        throw diskFailure(error) ?? error;
      }
    },
    'delivery.write': async (wanted, call) => {
      const at = desk();
      await refuseWhatCantBe(wanted);
      const begun = await record(at, wanted.exportId, wanted.medium, 'writing', {}, call.note);
      const jobId = jobs.start('delivery', begun.request, async (progress, signal) => {
        const end = (event: CustodyEvent, sha256?: string): Promise<Recorded> =>
          record(
            at,
            wanted.exportId,
            wanted.medium,
            event,
            sha256 === undefined ? {} : { sha256 },
            () => undefined,
          );
        let accepted = false;
        try {
          return await deliver(
            wanted,
            { ...begun, program: `CloudSingh Privacy Console ${version}` },
            async ({ sha256 }) => {
              await end('written', sha256);
              accepted = true;
              // From now on it is the medium's, and nothing of this computer.
              if (isThere(wanted)) await at.localCopies.remove(wanted.file);
            },
            progress,
            signal,
          );
        } catch (error) {
          // What was accepted was read back whole; what failed after that is the sheet or the name.
          if (!accepted) await end('not_written').catch(() => undefined);
          throw diskFailure(error) ?? error;
        }
      });
      return { jobId, entry: begun.entry };
    },
    'delivery.join': async ({ file, folder }, { signal }) => {
      try {
        return await joinVolumes(file, folder, signal);
      } catch (error) {
        throw diskFailure(error) ?? error;
      }
    },
    'custody.record': async ({ exportId, medium, event, note }, call) => {
      const { entry } = await record(desk(), exportId, medium, event, { note }, call.note);
      return { entry };
    },
    'custody.list': async ({ exportId }) => ({
      custody: [
        ...(await desk().database.rows(
          sql`select id, medium, event, to_json(at) #>> '{}' as "at", login as "by", entry, note from privacy_console.custody_of(${exportId}::bigint)`,
          custodyRow,
        )),
      ],
    }),
  };
}

/** Before anything is recorded: what can be known of the package and the medium. */
async function refuseWhatCantBe({ file, folder, volumeBytes }: Wanted): Promise<void> {
  const source = await stat(file).catch(() => {
    throw new ExpectedError('not_found', 'The package is not where it was written; choose its file.');
  });
  if (!source.isFile())
    throw new ExpectedError(
      'invalid_input',
      'A package in the form of a folder is not copied; export it straight onto the medium, or make one zip of it.',
    );
  if (isThere({ file, folder })) {
    if (volumeBytes === undefined) return;
    throw new ExpectedError(
      'invalid_input',
      'The package lies in that folder already; choose another one for its volumes.',
    );
  }
  const { freeBytes, largestFileBytes } = await inspectMedium(folder).catch((error: unknown) => {
    throw diskFailure(error) ?? error;
  });
  if (source.size + marginBytes > freeBytes)
    throw new ExpectedError(
      'disk',
      `The medium has ${inMegabytes(freeBytes)} MB left and the package needs ${inMegabytes(source.size + marginBytes)}; take a larger one.`,
    );
  if (largestFileBytes !== null && Math.min(source.size, volumeBytes ?? source.size) > largestFileBytes)
    throw new ExpectedError(
      'disk',
      'This medium (FAT32) holds no file of 4 GiB or more; split the package into volumes, or take one with exFAT.',
    );
}

function isThere({ file, folder }: Pick<Wanted, 'file' | 'folder'>): boolean {
  return resolve(dirname(file)) === resolve(folder);
}

function inMegabytes(bytes: number): number {
  return Math.ceil(bytes / 1_000_000);
}

async function deliver(
  wanted: Wanted,
  about: Recorded & { readonly program: string },
  accept: (copied: Copied) => Promise<void>,
  progress: Progress,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const { file, folder, medium, volumeBytes, language } = wanted;
  const there = isThere(wanted);
  // What is written is read back too.
  const total = there ? about.bytes : 2 * about.bytes;
  const tell = (bytes: number): void => {
    const says = !there && bytes <= about.bytes ? 'writing onto the medium' : 'reading back from the medium';
    progress(says, Math.min(bytes, total), total);
  };
  const sheet = join(folder, `${basename(file)}.delivery.html`);
  const sums = volumeBytes === undefined ? null : join(folder, sumsName(basename(file)));
  for (const each of [sheet, sums]) if (each !== null) await refuseExisting(each);
  const copied = there
    ? await readBackFrom(file, tell, signal)
    : await copyOnto(file, folder, { volumeBytes, accept, progress: tell }, signal);
  if (there) await accept(copied);
  if (sums !== null) await writeFile(sums, sumsText(copied.files), { flag: 'wx', mode: 0o600 });
  await writeFile(
    sheet,
    sheetText({
      language,
      packageId: `${about.subject}-${wanted.exportId}`,
      request: about.request,
      medium,
      made: about.finishedAt,
      written: new Date().toISOString(),
      program: about.program,
      sha256: copied.sha256,
      bytes: copied.bytes,
      files: copied.files,
      signer: about.signer,
    }),
    { flag: 'wx', mode: 0o600 },
  );
  return {
    exportId: wanted.exportId,
    medium,
    sheet,
    sums,
    sha256: copied.sha256,
    bytes: copied.bytes,
    files: copied.files.map((each) => join(folder, each.name)),
  };
}
