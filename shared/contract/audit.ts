import { z } from 'zod';
import { operation, passwordAgain } from './operation.ts';

export const auditEntry = z.object({
  number: z.number().int(),
  at: z.string(),
  actor: z.string(),
  workstation: z.string(),
  /** Address the database saw; empty for a local connection. */
  client: z.string(),
  action: z.string(),
  subject: z.string().nullable(),
  requestId: z.number().int().nullable(),
  /** `intent`: committed before an effect; the others tell how it ended. */
  outcome: z.enum(['intent', 'done', 'refused', 'failed']),
  /** The intent that this entry ends. */
  intent: z.number().int().nullable(),
  /** For what was refused: the console's own sentence that said why; it never names a person. Null when it has been erased. */
  refusal: z.string().nullable(),
  /** Whether a detail text is (still) kept beside the entry. */
  detail: z.boolean(),
  /** For an intent: whether some later entry ended it. */
  ended: z.boolean(),
  chain: z.string(),
});
export type AuditEntry = z.infer<typeof auditEntry>;

const filter = {
  actor: z.string().max(63).optional(),
  subject: z.string().max(40).optional(),
  action: z.string().max(63).optional(),
  requestId: z.number().int().positive().optional(),
  outcome: z.enum(['intent', 'done', 'refused', 'failed']).optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
};

export const verification = z.object({
  intact: z.boolean(),
  entries: z.number().int(),
  head: z.object({ number: z.number().int(), chain: z.string() }),
  /** The first bad number and what is wrong there. */
  fault: z.object({ number: z.number().int(), says: z.string() }).nullable(),
  /** What the trail was held against: the head this console saw last, if any. */
  remembered: z.object({ number: z.number().int(), chain: z.string() }).nullable(),
  /** Intents that no later entry ended. */
  openIntents: z.number().int(),
});
export type Verification = z.infer<typeof verification>;

const restore = z.object({
  id: z.number().int(),
  /** Number of the last entry that was lost, as the console had verified it that it was declared from. */
  lost: z.number().int(),
  /** As of when it was restored, and number of the last entry there was then. */
  asOf: z.string(),
  kept: z.number().int(),
  reason: z.string(),
  declaredBy: z.string(),
  declaredAt: z.string(),
  state: z.enum(['asked', 'confirmed', 'denied', 'superseded', 'expired']),
  decidedBy: z.string().nullable(),
  decidedAt: z.string().nullable(),
  entry: z.number().int(),
  /** The entry that decided. */
  decision: z.number().int().nullable(),
});
export type Restore = z.infer<typeof restore>;

export const audit = {
  'audit.list': operation({
    effect: 'read',
    permission: 'staff',
    summary:
      'lists audit entries, newest first; without the auditor’s role only one’s own and those of a request',
    input: z.strictObject({
      ...filter,
      /** Entries below this number. */
      before: z.number().int().positive().optional(),
      limit: z.number().int().min(1).max(500).default(100),
    }),
    output: z.object({ entries: z.array(auditEntry), next: z.number().int().nullable() }),
  }),
  'audit.detail': operation({
    effect: 'reveal',
    permission: ['auditor'],
    summary: 'reads the detail kept beside an entry (a reason, a search text); itself recorded',
    input: z.strictObject({ number: z.number().int().positive() }),
    output: z.object({ detail: z.string().nullable(), entry: z.number().int() }),
  }),
  'audit.verify': operation({
    effect: 'write',
    permission: ['auditor', 'approver', 'admin'],
    summary: 'recomputes the whole chain and names the first bad number',
    input: z.strictObject({}),
    output: z.object({ jobId: z.string(), entry: z.number().int() }),
  }),
  'audit.export': operation({
    effect: 'write',
    permission: ['auditor', 'admin'],
    summary: 'writes the whole trail to JSON Lines',
    input: z.strictObject({ file: z.string().min(1).max(4_000) }),
    output: z.object({ jobId: z.string(), entry: z.number().int() }),
  }),
  'audit.restores': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists when the database was restored from a backup, as two people have said it',
    input: z.strictObject({}),
    output: z.object({ restores: z.array(restore) }),
  }),
  'audit.declareRestore': operation({
    effect: 'write',
    permission: ['admin'],
    summary: 'says that the database was restored from a backup, so that what this console saw last is gone',
    input: z.strictObject({
      /** As of when: the time of the backup, or the point in time that was recovered to. */
      asOf: z.iso.datetime({ offset: true }),
      reason: z.string().trim().min(3).max(300),
    }),
    output: z.object({ restore: z.number().int(), lost: z.number().int(), entry: z.number().int() }),
  }),
  'audit.decideRestore': operation({
    effect: 'write',
    permission: ['auditor', 'approver'],
    summary:
      'confirms or denies that it was; consoles then go on with the shorter trail, once; never one’s own',
    input: z.strictObject({
      restore: z.number().int().positive(),
      decision: z.enum(['approve', 'deny']),
      password: passwordAgain,
    }),
    output: z.object({ entry: z.number().int() }),
  }),
} as const;
