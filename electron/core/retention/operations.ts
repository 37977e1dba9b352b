import { writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { paceOf } from '#core/erasure/index.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Jobs } from '#core/kernel/jobs.ts';
import {
  mediaAge,
  retentionPlan,
  retentionRules,
  type MediaAge,
  type RetentionPlan,
  type RetentionRules,
} from '#shared/contract/retention.ts';
import { beginRun, countPlan, draftShape, runRetention, stopRun } from './run.ts';

type Names =
  | 'retention.rules'
  | 'retention.plans'
  | 'retention.show'
  | 'retention.media'
  | 'retention.plan'
  | 'retention.decide'
  | 'retention.run'
  | 'retention.runStanding'
  | 'retention.stop'
  | 'retention.askStanding'
  | 'retention.decideStanding'
  | 'retention.setFloor'
  | 'retention.showPartition'
  | 'retention.recordPartition'
  | 'retention.saveReport';

export interface RetentionOptions {
  readonly desk: () => Desk;
  readonly jobs: Jobs;
  /** Rows a batch takes at most; only in tests of what happens in between. */
  readonly batchRows?: number;
}

const receipt = z.object({ entry: z.number() });

export function retentionOperations({ desk, jobs, batchRows }: RetentionOptions): SomeHandlers<Names> {
  const rules = async (): Promise<RetentionRules> =>
    (
      await desk().database.row(
        sql`select privacy_console.retention_rules() as rules`,
        z.object({ rules: retentionRules }),
      )
    ).rules;
  const plans = async (plan: number | null, waiting = false): Promise<RetentionPlan[]> =>
    (
      await desk().database.rows(
        sql`select p as plan from privacy_console.retention_plans(${plan}::bigint, ${waiting}::boolean) p`,
        z.object({ plan: retentionPlan }),
      )
    ).map((each) => each.plan);
  const one = async (id: number): Promise<RetentionPlan> => {
    const [found] = await plans(id);
    if (found === undefined) throw new ExpectedError('not_found', `There is no retention plan ${id}.`);
    return found;
  };
  const media = async (): Promise<MediaAge[]> =>
    (
      await desk().database.rows(
        sql`select a as age from privacy_console.media_ages() a`,
        z.object({ age: mediaAge }),
        { timeoutMs: 300_000 },
      )
    ).map((each) => each.age);
  return {
    'retention.rules': rules,
    'retention.plans': async ({ waiting }) => ({ plans: await plans(null, waiting) }),
    'retention.show': async ({ planId }) => ({ plan: await one(planId) }),
    'retention.media': async () => ({ ages: await media() }),
    'retention.plan': async ({ byPartition }, call) => {
      const at = desk();
      const draft = await at.database.effect(
        sql`select privacy_console.draft_retention(${byPartition}::boolean) as result`,
        draftShape,
        call.note,
      );
      const jobId = jobs.start('retention', null, async (progress, signal) => {
        await countPlan(at, draft, progress, signal);
        return { planId: draft.plan };
      });
      return { jobId, entry: draft.entry };
    },
    'retention.decide': async ({ planId, sha256, decision, reason, password }, call) => {
      const { entry } = await desk().decide(decision, password, (database) =>
        database.effect(
          sql`select privacy_console.decide_retention(${planId}::bigint, ${sha256}::text, ${decision}::text, ${reason}::text) as result`,
          receipt,
          call.note,
        ),
      );
      return { entry };
    },
    'retention.run': async ({ planId, pace }, call) => {
      const at = desk();
      const begun = await beginRun(at, planId, false, call.note);
      const jobId = jobs.start('retention', null, (progress, signal) =>
        runRetention(at, planId, begun, paceOf(at, pace, batchRows), progress, signal),
      );
      return { jobId, entry: begun.entry };
    },
    'retention.runStanding': async ({ pace }, call) => {
      const at = desk();
      const draft = await at.database.effect(
        sql`select privacy_console.draft_retention(false) as result`,
        draftShape,
        call.note,
      );
      const jobId = jobs.start('retention', null, async (progress, signal) => {
        await countPlan(at, draft, progress, signal);
        const begun = await beginRun(at, draft.plan, true, () => undefined);
        return runRetention(at, draft.plan, begun, paceOf(at, pace, batchRows), progress, signal);
      });
      return { jobId, entry: draft.entry };
    },
    'retention.stop': async ({ planId }, call) => {
      const { run } = await one(planId);
      const stopped = run === null ? null : await stopRun(desk(), run.id, 'stopped', call.note);
      if (stopped?.entry === undefined)
        throw new ExpectedError('conflict', 'This plan is not being run, so there is nothing to stop.');
      return { entry: stopped.entry };
    },
    'retention.askStanding': async ({ rowsPerRun, rowsPerRule, validUntil, reason }, call) => {
      const { standing, entry } = await desk().database.effect(
        sql`select privacy_console.ask_standing(${rowsPerRun}::bigint, ${rowsPerRule}::bigint, ${validUntil}::timestamptz, ${reason}::text) as result`,
        receipt.extend({ standing: z.number() }),
        call.note,
      );
      return { id: standing, entry };
    },
    'retention.decideStanding': async ({ id, sha256, decision, reason, password }, call) => {
      const { entry } = await desk().decide(
        decision === 'approve' ? 'approve' : 'deny',
        password,
        (database) =>
          database.effect(
            sql`select privacy_console.decide_standing(${id}::bigint, ${sha256}::text, ${decision}::text, ${reason}::text) as result`,
            receipt,
            call.note,
          ),
      );
      return { entry };
    },
    'retention.setFloor': async ({ jurisdiction, ground, days, inForce, reason, password }, call) => {
      const { entry } = await desk().decide('approve', password, (database) =>
        database.effect(
          sql`select privacy_console.set_floor(${jurisdiction}::text, ${ground}::text, ${days}::int, ${inForce}::boolean, ${reason}::text) as result`,
          receipt,
          call.note,
        ),
      );
      return { entry };
    },
    'retention.showPartition': async ({ planId, table }, call) => {
      const { statement, rows, entry } = await desk().database.effect(
        sql`select privacy_console.show_partition(${planId}::bigint, ${table}::text) as result`,
        receipt.extend({ statement: z.string(), rows: z.number() }),
        call.note,
        { timeoutMs: 600_000 },
      );
      return { statement, rows, entry };
    },
    'retention.recordPartition': async ({ planId, table }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.record_partition(${planId}::bigint, ${table}::text) as result`,
        receipt,
        call.note,
      );
      return { entry };
    },
    'retention.saveReport': async ({ file }) => {
      const report = {
        report: 1,
        installation: desk().profile.environment,
        ...(await rules()),
        plans: await plans(null),
        media: await media(),
      };
      await writeFile(file, `${JSON.stringify(report, null, 2)}\n`, { flag: 'wx', mode: 0o600 }).catch(() => {
        throw new ExpectedError(
          'disk',
          'The file can’t be written there; choose a new name in a folder that you may write to.',
        );
      });
      return { file };
    },
  };
}
