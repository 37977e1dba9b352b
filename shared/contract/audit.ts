import { z } from 'zod';
import { operation } from './operation.ts';

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
} as const;
