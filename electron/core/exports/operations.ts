import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { tellBeginnings } from '#core/installation/index.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Call, SomeHandlers } from '#core/kernel/dispatch.ts';
import type { Jobs } from '#core/kernel/jobs.ts';
import { signerAt } from '#core/signing/index.ts';
import type { ExportRow, PackageForm, Protection } from '#shared/contract/exports.ts';
import { exportProfiles } from '#shared/domain/exportProfiles.ts';
import { copyOperations, type CopyNames } from './delivery/copies.ts';
import { deliveryOperations, type DeliveryNames } from './delivery/operations.ts';
import { beginExport, resumeExport, type Begun } from './begin.ts';
import { openReviews, type ReviewNames } from './review.ts';
import { runExport, type Export, type ExportPace } from './run.ts';
import { scopeOf, type ExportScope } from './scope.ts';
import { checkRecipients, makePassphrase } from './seal/age.ts';
import type { Lock } from './seal/age.ts';
import type { Stagings } from './stagings.ts';

type Names =
  | ReviewNames
  | DeliveryNames
  | CopyNames
  | 'exports.start'
  | 'exports.resume'
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

export interface ExportOptions {
  readonly desk: () => Desk;
  readonly jobs: Jobs;
  readonly stagings: Stagings;
  readonly version: string;
  readonly pace?: ExportPace;
}

export function exportOperations({
  desk,
  jobs,
  stagings,
  version,
  pace = {},
}: ExportOptions): SomeHandlers<Names> {
  const reviews = openReviews(desk);
  const write = (work: Export): { exportId: number; jobId: string; passphrase: string | null } => {
    const { lock } = work;
    const jobId = jobs.start('export', work.about.requestId, (progress, signal, turn) =>
      runExport(work, progress, signal, turn),
    );
    const passphrase = lock !== null && 'passphrase' in lock ? lock.passphrase : null;
    return { exportId: work.started.export, jobId, passphrase };
  };
  return {
    ...reviews.handlers,
    ...deliveryOperations({ desk, jobs, version }),
    ...copyOperations(desk),
    'exports.start': async ({ requestId, folder, form, language, protection, reviewed, ...wanted }, call) => {
      const at = desk();
      const lock = lockOf(protection);
      refuseLockedFolder(form, lock);
      const signer = await signerAt(at, call);
      if (reviewed !== undefined && ((wanted.showOthers || wanted.profile) ?? wanted.choice ?? wanted.reason))
        throw new ExpectedError(
          'invalid_input',
          'A package that was reviewed holds what was reviewed; leave the choice to the review.',
        );
      const { started, scope } =
        reviewed === undefined
          ? await beginNow(at, requestId, wanted, call)
          : await reviews.write(reviewed, requestId, call);
      const about = {
        ...{ requestId, folder, form, language, scope },
        ...{ collections: null, mapHash: null, snapshots: [], resumed: [] },
      };
      const kept = stagings.begin(at, started.export, () => about);
      // Who begins again has given up what was there before.
      void stagings.tidy(at).catch(() => undefined);
      return { ...write({ at, started, about, kept, version, pace, lock, signer }), entry: started.entry };
    },
    'exports.resume': async ({ exportId, folder, protection }, call) => {
      const at = desk();
      const found = await stagings.find(at, exportId);
      const lock = lockOf(protection);
      refuseLockedFolder(found.about.form, lock);
      const signer = await signerAt(at, call);
      await tellBeginnings(at, call);
      const started = await resumeExport(at, exportId, call.note);
      const about = {
        ...found.about,
        folder: folder ?? found.about.folder,
        resumed: [
          ...found.about.resumed,
          { at: new Date().toISOString(), snapshot: found.about.snapshots.length + 1 },
        ],
      };
      const kept = await stagings.resume(at, found, () => about);
      return { ...write({ at, started, about, kept, version, pace, lock, signer }), entry: started.entry };
    },
    'exports.list': async ({ requestId }) => {
      const at = desk();
      const rows = await at.database.rows(
        sql`select id, request as "requestId", subject, state, to_json(started_at) #>> '{}' as "startedAt", started_by as "startedBy",
              to_json(finished_at) #>> '{}' as "finishedAt", sha256, bytes, rows, files, profile, shows_others as "showsOthers", signer
            from privacy_console.list_exports(${requestId ?? null}::bigint)`,
        exportRow,
      );
      const here = new Map((await stagings.list(at)).map((each) => [each.exportId, each]));
      return {
        exports: rows.map((row): ExportRow => {
          const kept = here.get(row.id);
          const mayGoOn =
            kept !== undefined &&
            row.startedBy === at.info.login &&
            (row.state === 'running' || row.state === 'interrupted');
          // Nobody on this computer writes it any more; the database learns of that later.
          return mayGoOn
            ? {
                ...row,
                state: 'interrupted',
                kept: {
                  finished: kept.finished.length,
                  of: kept.about.collections,
                  folder: kept.about.folder,
                  form: kept.about.form,
                },
              }
            : { ...row, kept: null };
        }),
      };
    },
    'exports.abandon': async ({ exportId }, call) => {
      const at = desk();
      const { entry } = await at.database.effect(
        sql`select privacy_console.abandon_export(${exportId}::bigint) as result`,
        z.object({ entry: z.number() }),
        call.note,
      );
      await stagings.remove(at, exportId);
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
    'exports.decideRelease': async ({ releaseId, decision, reason, password }, call) => {
      const { entry } = await desk().decide(decision, password, (database) =>
        database.effect(
          sql`select privacy_console.decide_release(${releaseId}::bigint, ${decision}::text, ${reason}::text) as result`,
          z.object({ entry: z.number() }),
          call.note,
        ),
      );
      return { entry };
    },
    'exports.releases': async ({ requestId }) => {
      const { database } = desk();
      const releases = await database.rows(
        sql`select id, request as "requestId", gaps, reason, asked_by as "askedBy", to_json(asked_at) #>> '{}' as "askedAt", state, decided_by as "decidedBy",
              to_json(decided_at) #>> '{}' as "decidedAt", to_json(expires_at) #>> '{}' as "expiresAt"
            from privacy_console.releases(${requestId ?? null}::bigint)`,
        releaseRow,
      );
      return { releases: [...releases] };
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

function refuseLockedFolder(form: PackageForm, lock: Lock | null): void {
  if (form !== 'folder' || lock === null) return;
  throw new ExpectedError(
    'invalid_input',
    'A folder can not be encrypted; make one zip of it, or choose no encryption.',
  );
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
