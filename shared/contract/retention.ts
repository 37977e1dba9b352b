import { z } from 'zod';
import { operation, passwordAgain } from './operation.ts';

const count = z.number().int();
const planId = z.number().int().positive();
const words = z.string().trim().min(3).max(2_000);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const entry = z.object({ entry: count });
const started = entry.extend({ jobId: z.string() });

/** A rule of the data map by which rows, or what they hold, are over. */
const expiryRule = z.object({
  collection: z.string(),
  rule: z.string(),
  title: z.string(),
  /** The column whose time the days are counted from. */
  from: z.string(),
  /** Null where the platform says them: then `period` names the column. */
  days: count.nullable(),
  period: z.string().nullable(),
  /** Of rows that deletions kept: the term of the law, and the law; null of other rules. */
  years: count.nullable(),
  ground: z.string().nullable(),
  /** The columns that are overwritten; null where the rows go. */
  overwrites: z.string().nullable(),
});
export type ExpiryRule = z.infer<typeof expiryRule>;

/** A law that asks for data to be kept for some days, switched on or off by people who decide. */
const floor = z.object({
  jurisdiction: z.string(),
  ground: z.string(),
  days: count,
  inForce: z.boolean(),
  /** Login; null as long as nobody has set it. */
  setBy: z.string().nullable(),
  setAt: z.string().nullable(),
});
export type RetentionFloor = z.infer<typeof floor>;

const standing = z.object({
  id: count,
  askedBy: z.string(),
  askedAt: z.string(),
  reason: z.string(),
  rowsPerRun: count,
  rowsPerRule: count,
  validUntil: z.string(),
  sha256: z.string(),
  decidedBy: z.string().nullable(),
  decidedAt: z.string().nullable(),
  revokedBy: z.string().nullable(),
  revokedAt: z.string().nullable(),
  /** `void`: over, or made for other rules or another floor than those in force. */
  state: z.enum(['asked', 'approved', 'denied', 'revoked', 'void']),
});
export type StandingApproval = z.infer<typeof standing>;

const partition = z.object({
  table: z.string(),
  /** Every row in it is from before. */
  before: z.string(),
  rows: count,
  shownAt: z.string().nullable(),
  recordedAt: z.string().nullable(),
  recordedBy: z.string().nullable(),
});
export type RetentionPartition = z.infer<typeof partition>;

const line = z.object({
  line: count,
  /** `expiry`: by a rule; `kept`: rows a deletion kept for a term that is over. */
  kind: z.enum(['expiry', 'kept']),
  collection: z.string(),
  rule: z.string(),
  title: z.string(),
  overwrites: z.string().nullable(),
  /** Rows the run takes. */
  planned: count,
  /** Due as well, and left: covered by a hold or a restriction. */
  kept: count,
  /** Due as well, and left: other rows refer to them. */
  referred: count,
  periods: z.array(
    z.object({
      /** What tells the row that says the days, e.g. the name of a plan; empty where the map says them. */
      period: z.string(),
      days: count,
      /** The days with the floor in force. */
      keptDays: count,
      cutoff: z.string(),
      planned: count,
      /** Over by the rule, and kept by the floor. */
      floored: count,
    }),
  ),
  /** Partitions of which every row is due. */
  partitions: z.array(partition),
});
export type RetentionLine = z.infer<typeof line>;

export const retentionPlan = z.object({
  id: count,
  state: z.enum(['draft', 'awaiting', 'approved', 'denied', 'running', 'done', 'expired']),
  madeAt: z.string(),
  madeBy: z.string(),
  mine: z.boolean(),
  /** Of the plan's exact bytes; empty while it is being counted. */
  sha256: z.string(),
  mapHash: z.string(),
  floorDays: count,
  byPartition: z.boolean(),
  /** The standing approval it was run under. */
  standing: count.nullable(),
  /** Why it can't be carried out any more; null while nothing it was made by has changed. */
  isOld: z.string().nullable(),
  lines: z.array(line),
  approvals: z.array(
    z.object({
      by: z.string(),
      at: z.string(),
      decision: z.enum(['approve', 'deny']),
      expiresAt: z.string(),
    }),
  ),
  run: z
    .object({
      id: count,
      by: z.string(),
      state: z.enum(['running', 'incomplete', 'done']),
      startedAt: z.string(),
      finishedAt: z.string().nullable(),
      /** `left` is what was found once more after the end; null before. */
      steps: z.array(z.object({ line: count, done: count, left: count.nullable() })),
    })
    .nullable(),
});
export type RetentionPlan = z.infer<typeof retentionPlan>;

export const retentionRules = z.object({
  rules: z.array(expiryRule),
  /** The longest days of the floors in force; 0 without one. */
  floorDays: count,
  floors: z.array(floor),
  standings: z.array(standing),
});
export type RetentionRules = z.infer<typeof retentionRules>;

/** How many files are how old; whether they stay is for counsel to decide. */
export const mediaAge = z.object({
  collection: z.string(),
  /** The collection of what they were sent with. */
  sentWith: z.string().nullable(),
  /** What became of that: delivered (or whatever a rule's `where` says), pending, gone; none where they name nothing. */
  fate: z.enum(['delivered', 'pending', 'gone', 'none']),
  /** Days since it came: up to 30, 90, 365, or more. */
  age: z.enum(['to_30', 'to_90', 'to_365', 'older', 'unknown']),
  objects: count,
  bytes: count.nullable(),
});
export type MediaAge = z.infer<typeof mediaAge>;

export const retention = {
  'retention.rules': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists what expires when, which laws ask for longer, and the standing approvals',
    input: z.strictObject({}),
    output: retentionRules,
  }),
  'retention.plans': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists retention plans and their runs',
    input: z.strictObject({
      /** Those alone that wait for a second person. */
      waiting: z.boolean().default(false),
    }),
    output: z.object({ plans: z.array(retentionPlan) }),
  }),
  'retention.show': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'shows one retention plan',
    input: z.strictObject({ planId }),
    output: z.object({ plan: retentionPlan }),
  }),
  'retention.media': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'counts files in R2 by age and by what became of what they were sent with',
    input: z.strictObject({}),
    output: z.object({ ages: z.array(mediaAge) }),
  }),
  'retention.plan': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'counts what is due by each rule, as a plan to be approved',
    input: z.strictObject({
      /** Leaves partitions of which every row is due to their owner. */
      byPartition: z.boolean().default(false),
    }),
    output: started,
  }),
  'retention.decide': operation({
    effect: 'write',
    permission: ['approver', 'operator'],
    summary: 'approves or denies exactly this plan; never one’s own',
    input: z.strictObject({
      planId,
      sha256,
      decision: z.enum(['approve', 'deny']),
      reason: words,
      password: passwordAgain,
    }),
    output: entry,
  }),
  'retention.run': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'runs or resumes an approved retention plan',
    input: z.strictObject({ planId, pace: z.enum(['fast', 'gentle']).optional() }),
    output: started,
  }),
  'retention.runStanding': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'plans what is due and runs it under the standing approval, within its limits',
    input: z.strictObject({ pace: z.enum(['fast', 'gentle']).optional() }),
    output: started,
  }),
  'retention.stop': operation({
    effect: 'write',
    permission: ['operator', 'approver'],
    summary: 'stops a retention run between two batches, whoever runs it',
    input: z.strictObject({ planId }),
    output: entry,
  }),
  'retention.askStanding': operation({
    effect: 'write',
    permission: ['operator', 'admin'],
    summary: 'asks for a standing approval of the rules as they are, with limits',
    input: z.strictObject({
      rowsPerRun: z.number().int().min(1).max(1_000_000_000),
      rowsPerRule: z.number().int().min(1).max(1_000_000_000),
      /** An instant, at most 90 days ahead. */
      validUntil: z.iso.datetime(),
      reason: words,
    }),
    output: entry.extend({ id: count }),
  }),
  'retention.decideStanding': operation({
    effect: 'write',
    permission: ['approver', 'operator', 'admin'],
    summary: 'approves, denies or revokes a standing approval; never one’s own',
    input: z.strictObject({
      id: z.number().int().positive(),
      sha256,
      decision: z.enum(['approve', 'deny', 'revoke']),
      reason: words,
      password: passwordAgain,
    }),
    output: entry,
  }),
  'retention.setFloor': operation({
    effect: 'write',
    permission: ['approver', 'operator', 'admin'],
    summary: 'says how long the law of a jurisdiction asks data to be kept, and whether that is in force',
    input: z.strictObject({
      /** Two letters of ISO 3166-1. */
      jurisdiction: z.string().regex(/^[A-Z]{2}$/),
      ground: z.string().trim().min(3).max(300),
      days: z.number().int().min(1).max(36_500),
      inForce: z.boolean(),
      reason: words,
      password: passwordAgain,
    }),
    output: entry,
  }),
  'retention.showPartition': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'shows the statement by which the owner drops a partition that is due as a whole',
    input: z.strictObject({ planId, table: z.string().min(1).max(300) }),
    output: entry.extend({ statement: z.string(), rows: count }),
  }),
  'retention.recordPartition': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'records that a partition’s owner has dropped it, once it is gone',
    input: z.strictObject({ planId, table: z.string().min(1).max(300) }),
    output: entry,
  }),
  'retention.saveReport': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'writes rules, floors, approvals, plans, runs and ages of files into a new JSON file',
    input: z.strictObject({ file: z.string().min(1).max(4_096) }),
    output: z.object({ file: z.string() }),
  }),
} as const;
