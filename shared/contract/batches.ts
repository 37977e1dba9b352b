import { z } from 'zod';
import { batchForms, batchItemStates, batchLimit, batchSources, batchStates } from '../domain/batches.ts';
import { operation, passwordAgain } from './operation.ts';

const batchId = z.number().int().positive();
const count = z.number().int();
const words = z.string().trim().min(3).max(2_000);
/** Stands in the report. */
const reason = z.string().trim().min(3).max(300);
const reference = z.string().regex(/^S-[0-9A-F]{12}$/);

/** What the law or a contract keeps of somebody: how much, on what ground, and until when. */
const kept = z.object({
  collection: z.string(),
  title: z.string(),
  rows: count,
  because: z.string().nullable(),
  until: z.string().nullable(),
});
export type KeptPart = z.infer<typeof kept>;

/** A closed account, in the console's own reference: no name, no address. */
const closedAccount = z.object({
  subject: z.string(),
  kind: z.string(),
  closedAt: z.string(),
  dueAt: z.string(),
  /** Whole days until it is due; below zero once it is late. */
  daysLeft: count,
  request: z.object({ id: count, state: z.string() }).nullable(),
  /** A deletion of the person that is under way by itself. */
  plan: z.object({ id: count, state: z.string() }).nullable(),
  /** The batch the person is part of. */
  batch: count.nullable(),
  hold: count.nullable(),
  restriction: count.nullable(),
  kept: z.array(kept),
});
export type ClosedAccount = z.infer<typeof closedAccount>;

const batch = z.object({
  id: count,
  source: z.enum(batchSources),
  kind: z.string(),
  form: z.enum(batchForms),
  by: z.string(),
  at: z.string(),
  reason: z.string(),
  state: z.enum(batchStates),
  /** Of all plans together: what an approval binds. Null until everybody is counted. */
  sha256: z.string().nullable(),
  approversNeeded: count.nullable(),
  approvals: z.array(
    z.object({
      by: z.string(),
      at: z.string(),
      decision: z.enum(['approve', 'deny']),
      expiresAt: z.string(),
    }),
  ),
  /** What the map asks of people by hand, and for how many it is still to be done; of one batch alone. */
  tasks: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      owner: z.string(),
      when: z.enum(['before', 'after']),
      open: count,
    }),
  ),
  /** Who is at work on it now. */
  worker: z.string().nullable(),
  /** How many lines are in which state. */
  states: z.partialRecord(z.enum(batchItemStates), count),
  /** Of those planned: how many wait for their time, and how many have begun and not ended. */
  waiting: count,
  unfinished: count,
  dueAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  /** SHA-256 of the report, once there is one. */
  report: z.string().nullable(),
  /** The plans of all people, summed up; of one batch alone. */
  lines: z.array(
    z.object({
      collection: z.string(),
      title: z.string(),
      action: z.string(),
      rows: count,
      atMost: count.nullable(),
      because: z.string().nullable(),
      until: z.string().nullable(),
    }),
  ),
  entry: count,
});
export type Batch = z.infer<typeof batch>;

const item = z.object({
  /** The how manieth identifier it was. */
  line: count,
  state: z.enum(batchItemStates),
  because: z.string().nullable(),
  subject: z.string().nullable(),
  request: count.nullable(),
  planId: count.nullable(),
  planState: z.string().nullable(),
  run: z.string().nullable(),
  rows: count,
  kept: z.array(kept),
});
export type BatchItem = z.infer<typeof item>;

/** What the report says, read from its text. */
const report = z.object({
  actors: z.object({ approved: z.array(z.string()), began: z.string(), ended: z.string() }),
  batch: count,
  began: z.string(),
  finished: z.string(),
  items: z.array(
    z.object({
      line: count,
      state: z.enum(batchItemStates),
      because: z.string().nullable(),
      subject: z.string().nullable(),
      request: count.nullable(),
      certificate: z.string().nullable(),
      outcomes: z.array(
        z.object({
          collection: z.string(),
          outcome: z.string(),
          rows: count,
          because: z.string().nullable(),
          until: z.string().nullable(),
        }),
      ),
    }),
  ),
  kind: z.string(),
  plan: z.string().nullable(),
  reason: z.string(),
  report: z.literal(1),
  source: z.enum(batchSources),
  state: z.enum(batchStates),
  states: z.partialRecord(z.enum(batchItemStates), count),
});
export type BatchReport = z.infer<typeof report>;
export { report as batchReport };

const entry = z.object({ entry: count });

export const batches = {
  'batches.closed': operation({
    effect: 'reveal',
    permission: ['operator'],
    summary: 'lists closed accounts in the order in which they are due, on the record',
    input: z.strictObject({
      /** The last one of the page before. */
      after: reference.optional(),
      limit: z.number().int().min(1).max(100).default(50),
    }),
    output: entry.extend({ accounts: z.array(closedAccount), next: z.string().nullable() }),
  }),
  'batches.closedCounts': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'counts closed accounts that are to be erased, and those that are late',
    input: z.strictObject({}),
    output: z.object({
      closed: count,
      late: count,
      /** From the closing to when it is due. */
      days: count,
      /** How long a law in force asks data to be kept, which a deletion doesn't wait for; 0 where none does. */
      floorDays: count,
    }),
  }),
  'batches.begin': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'begins a batch of closed accounts or of a list of identifiers, and matches them',
    input: z.strictObject({
      reason,
      from: z.discriminatedUnion('source', [
        z.strictObject({ source: z.literal('closed'), subjects: z.array(reference).min(1).max(batchLimit) }),
        z.strictObject({
          source: z.literal('csv'),
          kind: z.string().max(63).optional(),
          form: z.enum(['email', 'phone', 'id']),
          /** A file of this computer, or its text. */
          file: z.string().min(1).max(4_000).optional(),
          text: z.string().max(1_000_000).optional(),
          /** The column's name in the first line, where there are several. */
          column: z.string().min(1).max(200).optional(),
        }),
      ]),
    }),
    output: entry.extend({ batch }),
  }),
  'batches.list': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists batches, the latest first',
    input: z.strictObject({ waiting: z.boolean().default(false) }),
    output: z.object({ batches: z.array(batch) }),
  }),
  'batches.show': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'shows a batch with the plans of all its people, summed up',
    input: z.strictObject({ id: batchId }),
    output: z.object({ batch }),
  }),
  'batches.items': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists what came of each line of a batch',
    input: z.strictObject({
      id: batchId,
      states: z.array(z.enum(batchItemStates)).min(1).optional(),
      after: z.number().int().min(0).default(0),
      limit: z.number().int().min(1).max(batchLimit).default(batchLimit),
    }),
    output: z.object({ items: z.array(item) }),
  }),
  'batches.plan': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'plans the deletion of everybody of a batch',
    input: z.strictObject({ id: batchId }),
    output: entry.extend({ jobId: z.string() }),
  }),
  'batches.decide': operation({
    effect: 'write',
    permission: ['approver', 'operator'],
    summary: 'approves or denies exactly this batch; never one’s own',
    input: z.strictObject({
      id: batchId,
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      decision: z.enum(['approve', 'deny']),
      reason: words,
      password: passwordAgain,
    }),
    output: entry.extend({ batch }),
  }),
  'batches.run': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'runs an approved batch, or goes on with one',
    input: z.strictObject({ id: batchId, pace: z.enum(['fast', 'gentle']).optional() }),
    output: entry.extend({ jobId: z.string() }),
  }),
  'batches.doTask': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'records that what deletions ask of people was done for everybody of a batch',
    input: z.strictObject({ id: batchId, task: z.string().min(1).max(100), evidence: words }),
    output: entry.extend({ batch }),
  }),
  'batches.callOff': operation({
    effect: 'write',
    permission: ['operator', 'approver'],
    summary: 'calls a batch off: what is done stays done, nobody else is begun',
    input: z.strictObject({ id: batchId, reason: words }),
    output: entry.extend({ batch }),
  }),
  'batches.report': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'gives the report of a batch',
    input: z.strictObject({ id: batchId }),
    output: z.object({ text: z.string(), sha256: z.string(), says: report }),
  }),
  'batches.saveReport': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'writes the report of a batch to a new file: a page to print, a table or its exact text',
    input: z.strictObject({ id: batchId, file: z.string().min(1).max(4_000) }),
    output: z.object({ file: z.string(), sha256: z.string() }),
  }),
} as const;
