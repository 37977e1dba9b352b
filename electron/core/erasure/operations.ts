import { writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { tellBeginnings } from '#core/installation/index.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Call, SomeHandlers } from '#core/kernel/dispatch.ts';
import type { Jobs, Progress } from '#core/kernel/jobs.ts';
import type { ObjectStore } from '#core/objectStore/objectStore.ts';
import { fingerprintGiven, fingerprintOf, signerAt } from '#core/signing/index.ts';
import { mapInForce } from '#core/subjects/index.ts';
import type { ErasurePlan, PlanDifference } from '#shared/contract/erasure.ts';
import { documentText, sha256Of, signerIn, type SignedBy } from './certificate/document.ts';
import { certificatePage } from './certificate/page.ts';
import { readCertificate } from './certificate/read.ts';
import { verifyCertificate } from './certificate/verify.ts';
import { differenceOf } from './difference.ts';
import { lookAgain } from './lookAgain.ts';
import { planRow, toPlan } from './plan.ts';

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
  | 'certificates.verify';

export interface ErasureOptions {
  readonly desk: () => Desk;
  readonly jobs: Jobs;
  /** Rows a batch deletes at most; only in tests of what happens in between. */
  readonly batchRows?: number;
}

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

const signatureRow = z.object({
  publicKey: z.string().transform((hex) => Buffer.from(hex, 'hex')),
  raw: z.string().transform((base64) => Buffer.from(base64, 'base64')),
  ssh: z.string(),
  login: z.string(),
  person: z.string(),
  at: z.string(),
  retired: z.boolean(),
});

async function signaturesOf(
  { database }: Desk,
  plan: number,
): Promise<readonly (SignedBy & z.output<typeof signatureRow>)[]> {
  return database.rows(
    sql`select public_key as "publicKey", raw, ssh, login, person, to_json(at) #>> '{}' as at, retired from privacy_console.certificate_signatures(${plan}::bigint)`,
    signatureRow,
  );
}

/** Signs with the key of who is signed in; null without a keychain. */
async function signCertificate(
  at: Desk,
  plan: number,
  { text }: { readonly text: string },
  call: Pick<Call, 'note'>,
): Promise<{ readonly fingerprint: string; readonly entry: number } | null> {
  const signer = await signerAt(at, call);
  if (signer === null) return null;
  const { raw, ssh } = signer.sign(Buffer.from(text, 'utf8'), 'certificate');
  const { entry } = await at.database.effect(
    sql`select privacy_console.sign_certificate(${plan}::bigint, ${sha256Of(text)}::text, ${signer.fingerprint}::text, ${Buffer.from(raw).toString('base64')}::text, ${ssh}::text) as result`,
    receipt,
    call.note,
  );
  return { fingerprint: signer.fingerprint, entry };
}

const runShape = z.object({
  run: z.number(),
  entry: z.number(),
  /** Seconds until anything may go, by the database's clock. */
  waits: z.coerce.number(),
  /** How many tasks people have to do before. */
  tasksBefore: z.number(),
  steps: z.array(
    z.object({
      step: z.number(),
      collection: z.string(),
      action: z.enum([
        'quiesce',
        'hand_over',
        'anonymise_shared',
        'objects',
        'detach',
        'delete',
        'anonymise',
        'keep',
      ]),
      planned: z.number(),
      done: z.number(),
      finished: z.boolean(),
    }),
  ),
});

const wherever = z.object({ prefix: z.string().nullable(), key: z.string().nullable() });

type Places = readonly z.output<typeof wherever>[];

/** Where the plan's objects lie: prefixes, and keys that its rows name elsewhere. */
async function placesOf(at: Desk, plan: number, signal: AbortSignal): Promise<Places> {
  return at.database.rows(
    sql`select prefix, key from privacy_console.plan_prefixes(${plan}::bigint)`,
    wherever,
    { signal },
  );
}

/** Every object that is there now. */
async function objectsAt(
  at: Desk,
  places: Places,
  signal: AbortSignal,
): Promise<readonly { readonly key: string; readonly bytes: number }[]> {
  if (places.length === 0) return [];
  const bucket = await at.openBucket('read');
  try {
    const found = new Map<string, number>();
    for (const { prefix } of places) {
      if (prefix === null) continue;
      for await (const object of bucket.list(prefix, { signal })) found.set(object.key, object.bytes);
    }
    for (const { key } of places) {
      if (key === null || found.has(key)) continue;
      const head = await bucket.head(key, { signal });
      if (typeof head !== 'string') found.set(key, head.bytes);
    }
    return [...found].map(([key, bytes]) => ({ key, bytes })).sort((a, b) => (a.key < b.key ? -1 : 1));
  } finally {
    bucket.close();
  }
}

/** How rows are deleted. */
interface Pace {
  /** Rows a batch deletes; its locks last as long. */
  readonly rows: number;
  /** Between two batches, in milliseconds. */
  readonly pauseMs: number;
}

/**
 * Large batches cost least in all (20,000 rows: 1.3 times one bare statement, locks for some 30 ms), small ones with
 * pauses leave the platform its pace.
 */
const paces = {
  fast: { rows: 20_000, pauseMs: 0 },
  gentle: { rows: 1_000, pauseMs: 2 },
} as const satisfies Record<string, Pace>;

function paceOf(at: Desk, wanted: keyof typeof paces | undefined, atMost: number | undefined): Pace {
  const pace = paces[wanted ?? (at.profile.environment === 'production' ? 'gentle' : 'fast')];
  return { ...pace, rows: Math.min(pace.rows, atMost ?? pace.rows) };
}

/** Milliseconds until what holds a deletion up is asked again. */
const heldMs = 2_000;

/** How often the rows are gone through again because the platform wrote new ones that hang on them. */
const maximumPasses = 20;

/**
 * Runs what is left of a run: objects first, while their keys are known, then
 * rows in batches, then looks again. It can be cancelled between batches and
 * resumed; each batch is one transaction with its journal and its entry. What
 * ends it early is told to the trail, so that the run is seen to be unfinished.
 */
async function runErasure(
  at: Desk,
  plan: number,
  begun: z.output<typeof runShape>,
  pace: Pace,
  progress: Progress,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    await quiesce(at, begun, pace, progress, signal);
    if (begun.waits > 0 || begun.tasksBefore > 0) {
      const { dueAt } = await at.database.effect(
        sql`select privacy_console.wait_run(${begun.run}::bigint) as result`,
        z.object({ dueAt: z.string() }),
        noNote,
      );
      return { planId: plan, complete: false, waiting: true, dueAt, tasks: begun.tasksBefore };
    }
    await eraseAll(at, plan, begun, pace, progress, signal);
    await lookAgain(at, begun.run, progress, total(begun), signal);
    progress('looking again', total(begun), total(begun));
    const left = (await objectsAt(at, await placesOf(at, plan, signal), signal)).length;
    const ended = await at.database.effect(
      sql`select privacy_console.end_run(${begun.run}::bigint, ${left}::bigint) as result`,
      z.object({
        complete: z.boolean(),
        left: z.number(),
        tasks: z.number(),
        finds: z.number(),
        holds: z.string().nullish(),
      }),
      noNote,
      { timeoutMs: 300_000 },
    );
    const { complete, tasks, finds } = ended;
    return {
      planId: plan,
      complete,
      left: ended.left,
      objectsLeft: left,
      tasks,
      holds: ended.holds ?? null,
      finds,
      signed: complete && (await signEnded(at, plan)),
    };
  } catch (error) {
    if (await endedElsewhere(at, plan))
      return { planId: plan, complete: true, left: 0, objectsLeft: 0, tasks: 0, finds: 0 };
    const code = error instanceof ExpectedError ? error.code : 'internal';
    await at.database
      .effect(
        sql`select privacy_console.stop_run(${begun.run}::bigint, ${code}::text) as result`,
        z.object({}),
        noNote,
      )
      // Without the database the run stays as it is, and can be resumed all the same.
      .catch(() => undefined);
    throw code === 'cancelled'
      ? new ExpectedError('cancelled', 'The deletion was stopped between two steps; resume it to finish it.')
      : error;
  }
}

/** Signs the certificate of a run that has just ended; what fails there takes nothing of the deletion back, and it can be signed later. */
async function signEnded(at: Desk, plan: number): Promise<boolean> {
  try {
    const { text } = await at.database.row(
      sql`select text from privacy_console.read_certificate(${plan}::bigint)`,
      z.object({ text: z.string() }),
    );
    return (await signCertificate(at, plan, { text }, { note: noNote })) !== null;
  } catch (error) {
    if (error instanceof ExpectedError) return false;
    throw error;
  }
}

/** Whether another console has finished the same run in the meantime. */
async function endedElsewhere(at: Desk, plan: number): Promise<boolean> {
  try {
    const { done } = await at.database.row(
      sql`select exists (select from privacy_console.read_certificate(${plan}::bigint)) as done`,
      z.object({ done: z.boolean() }),
    );
    return done;
  } catch (error) {
    if (error instanceof ExpectedError) return false;
    throw error;
  }
}

function total(begun: z.output<typeof runShape>): number {
  return begun.steps.reduce((sum, step) => sum + step.planned, 0);
}

async function eraseBatch(
  at: Desk,
  run: number,
  step: number,
  pace: Pace,
  held: (why: string) => void,
  signal: AbortSignal,
): Promise<{ readonly rows: number; readonly finished: boolean; readonly again: boolean }> {
  const batch = await untilLetGo(held, signal, () =>
    at.database.effect(
      sql`select privacy_console.erase_batch(${run}::bigint, ${step}::int, ${pace.rows}::int) as result`,
      z.object({ rows: z.number(), finished: z.boolean(), again: z.boolean(), held: z.string().optional() }),
      noNote,
      { timeoutMs: 120_000 },
    ),
  );
  if (pace.pauseMs > 0) await wait(pace.pauseMs, undefined, { signal }).catch(() => undefined);
  return batch;
}

/** Brings to rest what would go on writing for the person; also again, for what has begun to meanwhile. */
async function quiesce(
  at: Desk,
  begun: z.output<typeof runShape>,
  pace: Pace,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  for (const { step, action, collection } of begun.steps) {
    if (action !== 'quiesce') continue;
    progress(`${action} ${collection}`, 0, null);
    const held = (why: string): void => {
      progress(why, 0, null);
    };
    while (!(await eraseBatch(at, begun.run, step, pace, held, signal)).finished);
  }
}

async function eraseAll(
  at: Desk,
  plan: number,
  begun: z.output<typeof runShape>,
  pace: Pace,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const planned = total(begun);
  let done = begun.steps.reduce((sum, step) => sum + Math.min(step.done, step.planned), 0);
  const going = begun.steps.filter((step) => step.action !== 'quiesce');
  let left = going.filter((step) => !step.finished);
  for (let pass = 1; left.length > 0; pass += 1) {
    let again = false;
    for (const step of left) {
      progress(`${step.action} ${step.collection}`, done, planned);
      if (step.action === 'objects') {
        done += await eraseObjects(
          at,
          plan,
          begun.run,
          (why) => {
            progress(why, done, planned);
          },
          signal,
        );
        continue;
      }
      for (let finished = false; !finished && !again;) {
        const batch = await eraseBatch(
          at,
          begun.run,
          step.step,
          pace,
          (why) => {
            progress(why, done, planned);
          },
          signal,
        );
        done += batch.rows;
        ({ finished, again } = batch);
        progress(`${step.action} ${step.collection}`, done, planned);
      }
      if (again) break;
    }
    if (!again) return;
    if (pass === maximumPasses) {
      throw new ExpectedError(
        'conflict',
        'The platform keeps writing about this person; have the account closed there, then resume the deletion.',
      );
    }
    left = going.filter((step) => step.action !== 'objects');
  }
}

/** Those of them that nobody completed are ended first: completed later, they would be objects again. */
async function endUploads(
  at: Desk,
  run: number,
  places: Places,
  held: (why: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (places.length === 0) return;
  const intent = await untilLetGo(held, signal, () =>
    at.database.effect(
      sql`select privacy_console.intend_uploads(${run}::bigint) as result`,
      intended,
      noNote,
    ),
  );
  const bucket = await at.openBucket('delete');
  try {
    let ended: number | null = 0;
    for (const { prefix, only } of asListed(places)) {
      const outcome = await bucket.abortUploads(prefix, { signal, ...(only === null ? {} : { only }) });
      ended = outcome === 'unsupported' ? null : ended + outcome.aborted;
      if (ended === null) break;
    }
    await at.database.effect(
      sql`select privacy_console.uploads_ended(${run}::bigint, ${intent.entry}::bigint, ${ended}::bigint) as result`,
      receipt,
      noNote,
    );
  } finally {
    bucket.close();
  }
}

/** Prefixes to list: for keys that rows name, the folder they lie in, once for all of them in it. */
function asListed(
  places: Places,
): readonly { readonly prefix: string; readonly only: ReadonlySet<string> | null }[] {
  const folders = new Map<string, Set<string>>();
  for (const { key } of places) {
    if (key === null) continue;
    const folder = key.slice(0, key.lastIndexOf('/') + 1);
    const named = folders.get(folder);
    if (named === undefined) folders.set(folder, new Set([key]));
    else named.add(key);
  }
  return [
    ...places.flatMap(({ prefix }) => (prefix === null ? [] : [{ prefix, only: null }])),
    ...[...folders].map(([prefix, only]) => ({ prefix, only })),
  ];
}

const intended = z.object({ entry: z.number().nullable(), held: z.string().optional() });

/** Asks again, with what it waits for told, until deletions are not held up any more. */
async function untilLetGo<Answer extends { readonly held?: string | undefined }>(
  held: (why: string) => void,
  signal: AbortSignal,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask();
    if (answer.held === undefined) return answer;
    held(answer.held);
    await wait(heldMs, undefined, { signal }).catch(() => undefined);
  }
}

const announced = z.object({ number: z.coerce.number(), key: z.string() });

async function eraseObjects(
  at: Desk,
  plan: number,
  run: number,
  held: (why: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const places = await placesOf(at, plan, signal);
  await endUploads(at, run, places, held, signal);
  const stored = await objectsAt(at, places, signal);
  await at.database.effect(
    sql`select privacy_console.found_objects(${run}::bigint, ${stored.map((each) => each.key)}::text[], ${stored.map((each) => each.bytes)}::bigint[]) as result`,
    z.object({ found: z.number() }),
    noNote,
  );
  // Opened for the first object only: a platform without a bucket has none, and is erased all the same.
  let bucket: ObjectStore | null = null;
  let deleted = 0;
  try {
    for (;;) {
      // Committed before a single object goes.
      const batch = await untilLetGo(held, signal, () =>
        at.database.effect(
          sql`select privacy_console.intend_objects(${run}::bigint, 1000) as result`,
          intended,
          noNote,
        ),
      );
      const objects = await at.database.rows(
        sql`select number, key from privacy_console.announced_objects(${batch.entry}::bigint)`,
        announced,
      );
      if (objects.length > 0) bucket ??= await at.openBucket('delete');
      const outcome = await bucket?.deleteKeys(objects.map((each) => each.key));
      const failed = new Set(outcome?.failed.map((each) => each.key));
      const gone = objects.filter((each) => !failed.has(each.key)).map((each) => each.number);
      const stayed = objects.filter((each) => failed.has(each.key)).map((each) => each.number);
      const { left } = await at.database.effect(
        sql`select privacy_console.objects_deleted(${run}::bigint, ${batch.entry}::bigint, ${gone}::bigint[], ${stayed}::bigint[]) as result`,
        z.object({ left: z.number() }),
        noNote,
      );
      deleted += gone.length;
      if (left === 0) return deleted;
      // None at all: another console that runs the same plan was quicker.
      if (gone.length === 0 && stayed.length > 0) {
        throw new ExpectedError(
          'object_store',
          'Some objects could not be deleted; check the token and the bucket, then resume the run.',
        );
      }
    }
  } finally {
    bucket?.close();
  }
}
