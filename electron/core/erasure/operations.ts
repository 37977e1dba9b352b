import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { tellBeginnings } from '#core/installation/index.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Call, SomeHandlers } from '#core/kernel/dispatch.ts';
import type { Jobs } from '#core/kernel/jobs.ts';
import { fingerprintGiven, fingerprintOf } from '#core/signing/index.ts';
import { mapInForce } from '#core/subjects/index.ts';
import type { ErasurePlan, PlanDifference } from '#shared/contract/erasure.ts';
import { documentText, signerIn } from './certificate/document.ts';
import { certificatePage } from './certificate/page.ts';
import { readCertificate } from './certificate/read.ts';
import { signaturesOf, signCertificate } from './certificate/signing.ts';
import { verifyCertificate } from './certificate/verify.ts';
import { differenceOf } from './difference.ts';
import { objectsAt, placesOf } from './places.ts';
import { planRow, toPlan } from './plan.ts';
import { paceOf, runErasure, runShape } from './run.ts';

type Names =
  | 'erasure.plan'
  | 'erasure.list'
  | 'erasure.show'
  | 'erasure.decide'
  | 'erasure.run'
  | 'erasure.held'
  | 'erasure.pause'
  | 'erasure.continue'
  | 'erasure.cancel'
  | 'erasure.doTask'
  | 'erasure.judge'
  | 'erasure.certificate'
  | 'erasure.signCertificate'
  | 'erasure.saveCertificate'
  | 'erasure.seekErased'
  | 'certificates.verify';

export interface ErasureOptions {
  readonly desk: () => Desk;
  readonly jobs: Jobs;
  /** Rows a batch deletes at most; only in tests of what happens in between. */
  readonly batchRows?: number;
}

const erasedRow = z.object({
  subject: z.string(),
  kind: z.string(),
  erasedAt: z.string().nullable(),
  plan: z.number(),
  request: z.number(),
  receivedOn: z.string(),
  sha256: z.string(),
});
const receipt = z.object({ entry: z.number() });
const noNote: Call['note'] = () => undefined;
/** For what counts all rows of a person anew. */
const countTimeoutMs = 120_000;

export function erasureOperations({ desk, jobs, batchRows }: ErasureOptions): SomeHandlers<Names> {
  const list = async (
    plan: number | null,
    request: number | null,
    awaiting: boolean,
  ): Promise<ErasurePlan[]> => {
    const { database } = desk();
    const { collections } = await mapInForce(database);
    const found = await database.rows(
      sql`select p as plan from privacy_console.plans(${plan}::bigint, ${request}::bigint, ${awaiting}::boolean) p`,
      z.object({ plan: planRow }),
    );
    return found.map((each) => toPlan(each.plan, collections));
  };
  const one = async (id: number): Promise<ErasurePlan> => {
    const [found] = await list(id, null, false);
    if (found === undefined) throw new ExpectedError('not_found', `There is no plan ${id}.`);
    return found;
  };
  const since = async (plan: ErasurePlan): Promise<PlanDifference | null> => {
    // Once it is run the page asks each second, and nobody decides by it any more.
    if (plan.sha256 === '' || plan.run !== null) return null;
    const all = await list(null, plan.requestId, false);
    const before = all.find((each) => each.id < plan.id && each.sha256 !== '');
    return before === undefined ? null : differenceOf(before, plan);
  };
  const certificate = async (
    planId: number,
  ): Promise<{ readonly text: string; readonly sha256: string; readonly entry: number }> => {
    const [found] = await desk().database.rows(
      sql`select text, sha256, entry from privacy_console.read_certificate(${planId}::bigint)`,
      z.object({ text: z.string(), sha256: z.string(), entry: z.coerce.number() }),
    );
    if (found === undefined)
      throw new ExpectedError('not_found', 'There is no certificate; the deletion has not ended.');
    return found;
  };
  return {
    'erasure.plan': async ({ requestId, decisions }, call) => {
      const at = desk();
      const { database } = at;
      await tellBeginnings(at, call);
      const draft = await database.effect(
        sql`select privacy_console.draft_plan(${requestId}::bigint) as result`,
        z.object({ plan: z.number(), entry: z.number() }),
        call.note,
      );
      const fill = async (): ReturnType<typeof objectsAt> => {
        await database.effect(
          sql`select privacy_console.fill_plan(${draft.plan}::bigint, ${JSON.stringify(decisions)}::jsonb) as result`,
          z.object({}),
          noNote,
        );
        return objectsAt(at, await placesOf(at, draft.plan, call.signal), call.signal);
      };
      const objects = await fill().catch(async (error: unknown) => {
        const code = error instanceof ExpectedError ? error.code : 'internal';
        await database
          .effect(
            sql`select privacy_console.fail_plan(${draft.plan}::bigint, ${code}::text) as result`,
            receipt,
            call.note,
          )
          .catch(() => undefined);
        throw error;
      });
      const { entry } = await database.effect(
        sql`select privacy_console.seal_plan(${draft.plan}::bigint, ${objects.map((each) => each.key)}::text[], ${objects.map((each) => each.bytes)}::bigint[]) as result`,
        receipt,
        call.note,
      );
      const plan = await one(draft.plan);
      return { plan, since: await since(plan), entry };
    },
    'erasure.list': async ({ requestId, awaiting }) => ({
      plans: await list(null, requestId ?? null, awaiting),
    }),
    'erasure.show': async ({ planId }) => {
      const plan = await one(planId);
      return { plan, since: await since(plan) };
    },
    'erasure.decide': async ({ planId, sha256, decision, reason, password }, call) => {
      const { entry } = await desk().decide(decision, password, (database) =>
        database.effect(
          sql`select privacy_console.decide_plan(${planId}::bigint, ${sha256}::text, ${decision}::text, ${reason}::text) as result`,
          receipt,
          call.note,
          { timeoutMs: countTimeoutMs },
        ),
      );
      return { plan: await one(planId), entry };
    },
    'erasure.held': async () =>
      desk().database.row(
        sql`select says, to_json(since) #>> '{}' as since, by from privacy_console.deletions_held()`,
        z.object({ says: z.string().nullable(), since: z.string().nullable(), by: z.string().nullable() }),
      ),
    'erasure.pause': async ({ reason }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.pause_deletions(${reason}::text) as result`,
        receipt,
        call.note,
      );
      return { entry };
    },
    'erasure.continue': async (_nothing, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.continue_deletions() as result`,
        receipt,
        call.note,
      );
      return { entry };
    },
    'erasure.run': async ({ planId, pace }, call) => {
      const at = desk();
      const plan = await one(planId);
      // Asked before anything is begun: a profile without the token must not leave a run half way.
      if (at.profile.r2 !== null || plan.objects.count > 0) (await at.openBucket('delete')).close();
      await tellBeginnings(at, call);
      const begun = await at.database.effect(
        sql`select privacy_console.begin_run(${planId}::bigint) as result`,
        runShape,
        call.note,
        { timeoutMs: countTimeoutMs },
      );
      const jobId = jobs.start('erasure', plan.requestId, (progress, signal) =>
        runErasure(at, planId, begun, paceOf(at, pace, batchRows), progress, signal).then((result) => ({
          ...result,
          kind: plan.kind,
          controller: plan.controller,
        })),
      );
      return { jobId, entry: begun.entry };
    },
    'erasure.cancel': async ({ planId, reason }, call) => {
      const { run } = await one(planId);
      if (run === null)
        throw new ExpectedError('conflict', 'This plan has not been run, so there is nothing to call off.');
      const { entry } = await desk().database.effect(
        sql`select privacy_console.cancel_run(${run.id}::bigint, ${reason}::text) as result`,
        receipt,
        call.note,
      );
      return { plan: await one(planId), entry };
    },
    'erasure.doTask': async ({ planId, task, evidence }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.do_task(${planId}::bigint, ${task}::text, ${evidence}::text) as result`,
        receipt,
        call.note,
      );
      return { plan: await one(planId), entry };
    },
    'erasure.judge': async ({ planId, find, because }, call) => {
      const [collection = '', column = ''] = find.split('.', 2);
      const { entry } = await desk().database.effect(
        sql`select privacy_console.judge_find(${planId}::bigint, ${collection}::text, ${column}::text, ${because}::text) as result`,
        receipt,
        call.note,
      );
      return { plan: await one(planId), entry };
    },
    'erasure.certificate': async ({ planId }) => {
      const found = await certificate(planId);
      const signatures = await signaturesOf(desk(), planId);
      return {
        ...found,
        says: readCertificate(found.text),
        signatures: signatures.map(({ login, person, at, retired, ...signed }) => ({
          fingerprint: fingerprintOf(signed.publicKey),
          login,
          person,
          at,
          retired,
          right: signerIn(found.text, signed) !== null,
        })),
      };
    },
    'erasure.signCertificate': async ({ planId }, call) => {
      const signed = await signCertificate(desk(), planId, await certificate(planId), call);
      if (signed === null)
        throw new ExpectedError(
          'no_keychain',
          'This computer has no keychain, so there is no key to sign with; sign at another one.',
        );
      return signed;
    },
    'erasure.seekErased': async ({ text }, call) => {
      const { database } = desk();
      const { entry } = await database.effect(
        sql`select privacy_console.seek_erased(${text}::text) as result`,
        receipt,
        call.note,
      );
      const found = await database.rows(
        sql`select f as found from privacy_console.erased_found(${entry}::bigint) f`,
        z.object({ found: erasedRow }),
      );
      return {
        found: found.map(({ found: { plan, request, ...rest } }) => ({
          ...rest,
          planId: plan,
          requestId: request,
        })),
        entry,
      };
    },
    'certificates.verify': async ({ file, signer }) =>
      verifyCertificate(file, signer === undefined ? undefined : await fingerprintGiven(signer)),
    'erasure.saveCertificate': async ({ planId, file }) => {
      const { text, sha256 } = await certificate(planId);
      const document = { text, signatures: await signaturesOf(desk(), planId) };
      const content = /\.html?$/i.test(file)
        ? certificatePage(document, readCertificate(text))
        : documentText(document);
      // Never over another file: what a certificate is kept under should be it for good.
      await writeFile(file, content, { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
        const taken = error instanceof Error && 'code' in error && error.code === 'EEXIST';
        throw new ExpectedError(
          'disk',
          taken
            ? 'There is already a file of that name; choose another.'
            : 'The file can’t be written there; choose a folder that exists and that you may write to.',
        );
      });
      return { file, sha256 };
    },
  };
}
