import { z } from 'zod';
import { operation, passwordAgain } from './operation.ts';

const planLine = z.object({
  collection: z.string(),
  title: z.string(),
  /** What happens to the rows. */
  action: z.enum(['quiesce', 'delete', 'anonymise', 'keep', 'detach', 'hand_over', 'anonymise_shared']),
  rows: z.number().int(),
  /** The ground in law, for rows that are kept. */
  because: z.string().nullable(),
  /** Until when the law asks for the last of them. */
  until: z.string().nullable(),
  /** More than this no approval covers: planned and 5 %, at least 100 more. Null for what stays. */
  atMost: z.number().int().nullable(),
});

const decision = z.object({
  /** Names the decision: the workspace's opaque number within this plan. */
  key: z.string(),
  /** What it is about, masked. */
  about: z.string(),
  question: z.string(),
  options: z.array(z.object({ value: z.string(), title: z.string() })),
  /** Null while it has to be made. */
  chosen: z.string().nullable(),
});
export type PlanDecision = z.infer<typeof decision>;

const planTask = z.object({
  name: z.string(),
  title: z.string(),
  /** Who does it. */
  owner: z.string(),
  when: z.enum(['before', 'after']),
  doneBy: z.string().nullable(),
  doneAt: z.string().nullable(),
  /** The entry that commits to what shows it. */
  entry: z.number().int().nullable(),
});
export type PlanTask = z.infer<typeof planTask>;

/** Rows in which the person was found again once everything had gone: how many, never what stands there. */
const find = z.object({
  /** Names the find: `collection.column`. */
  name: z.string(),
  title: z.string(),
  /** Title of the column. */
  column: z.string(),
  /** Rows that nothing says why they stay: they keep the deletion open until somebody has said it. */
  rows: z.number().int(),
  /** Rows that stay on purpose: the plan keeps them or hands them over, or somebody else decides about them. */
  kept: z.number().int(),
  /** Who decides, where somebody else does. */
  ground: z.string().nullable(),
  /** Why they stay, as somebody has said who neither planned nor ran the deletion; null until then. */
  because: z.string().nullable(),
  by: z.string().nullable(),
  at: z.string().nullable(),
  entry: z.number().int().nullable(),
});
export type ErasureFind = z.infer<typeof find>;

/** What came of one kind of data; a kind may have several outcomes, and failures are never left out. */
const outcome = z.object({
  title: z.string(),
  /** Table, or prefixes of the bucket. */
  where: z.string(),
  outcome: z.enum(['erased', 'anonymised', 'kept', 'not_found', 'failed']),
  rows: z.number().int(),
  /** Why it stays. */
  because: z.string().nullable(),
  /** Until when the law asks for the last of it. */
  until: z.string().nullable(),
});
export type ErasureOutcome = z.infer<typeof outcome>;

/** What a database can't forget at once, as it said of itself when the deletion ended. */
const remains = z.object({
  at: z.string(),
  autovacuum: z.boolean(),
  /** How long backups and snapshots are kept, as an administrator has set it, and so until when. */
  backupDays: z.number().int(),
  backupsUntil: z.string(),
  /** Deleted rows not cleaned up yet, as the statistics know, and in how many tables. */
  deadRows: z.number().int(),
  uncleaned: z.number().int(),
  /** Since when the oldest transaction has been open that may still see them; null where none is. */
  oldestSnapshot: z.string().nullable(),
  /** Whether the write-ahead log is archived, and how much of it is kept here at most. */
  walArchived: z.boolean(),
  walMegabytes: z.number().int(),
});
export type ErasureRemains = z.infer<typeof remains>;

export const erasurePlan = z.object({
  id: z.number().int(),
  requestId: z.number().int(),
  subject: z.string(),
  /** The kind of person, and who else decides about their data, in a sentence; null when it is us. */
  kind: z.string(),
  controller: z.string().nullable(),
  state: z.enum(['draft', 'awaiting', 'approved', 'denied', 'running', 'done', 'expired']),
  sha256: z.string(),
  mapHash: z.string(),
  plannedBy: z.string(),
  plannedAt: z.string(),
  lines: z.array(planLine),
  objects: z.object({ count: z.number().int(), bytes: z.number() }),
  /** How long the run will take, as earlier runs went here; where there were none of some size, as is usual. */
  estimate: z.object({ seconds: z.number().int(), measured: z.boolean() }),
  decisions: z.array(decision),
  /** What people do by hand: before anything goes, or before the deletion counts as done. */
  tasks: z.array(planTask),
  /** In the order they were given; a denial ends it. */
  approvals: z.array(
    z.object({
      by: z.string(),
      at: z.string(),
      decision: z.enum(['approve', 'deny']),
      expiresAt: z.string(),
    }),
  ),
  /** How many different people have to approve: two where others work with what goes, and above a number of rows. */
  approversNeeded: z.number().int(),
  /** Legal holds that were found, or came since. */
  holds: z.array(
    z.object({
      hold: z.number().int(),
      ground: z.string(),
      /** What of the plan it covers; null where nobody has counted. */
      rows: z.number().int().nullable(),
      /** Placed since this was planned, which stops it. */
      late: z.boolean(),
      lifted: z.boolean(),
      /** On the person, so that nothing can be run at all. */
      person: z.boolean(),
    }),
  ),
  run: z
    .object({
      id: z.number().int(),
      by: z.string(),
      startedAt: z.string(),
      finishedAt: z.string().nullable(),
      /** Waiting for its time, or for what people have to do before. */
      state: z.enum(['running', 'waiting', 'done', 'incomplete', 'cancelled']),
      /** Nothing goes before; until then it can be called off. */
      dueAt: z.string(),
      /** Whether that has come, by the database’s clock. */
      isDue: z.boolean(),
      /** Where the person was found again. */
      finds: z.array(find),
      /** By collection, once the run has looked again. */
      outcomes: z.array(outcome),
      /** Collections that have not been looked at again. */
      unlooked: z.number().int(),
      steps: z.array(
        z.object({
          name: z.string(),
          title: z.string(),
          planned: z.number().int(),
          done: z.number().int(),
          left: z.number().int().nullable(),
        }),
      ),
    })
    .nullable(),
});
export type ErasurePlan = z.infer<typeof erasurePlan>;

const count = z.number().int();

/** What has changed since the person was planned before under the same request; told until the plan is run. */
export const planDifference = z.object({
  /** The earlier plan. */
  plan: count,
  plannedAt: z.string(),
  sameMap: z.boolean(),
  /** Only those that differ; a line that one of the plans lacks has 0 rows there. */
  lines: z.array(z.object({ title: z.string(), action: planLine.shape.action, before: count, after: count })),
  objects: z.object({ before: count, after: count }),
  /** Titles of what was chosen; null where nothing was, or where the question was not asked. */
  decisions: z.array(
    z.object({ about: z.string(), before: z.string().nullable(), after: z.string().nullable() }),
  ),
});
export type PlanDifference = z.infer<typeof planDifference>;

const erasureAction = z.enum([
  'quiesce',
  'hand_over',
  'anonymise_shared',
  'objects',
  'detach',
  'delete',
  'anonymise',
  'keep',
]);

/** What a certificate of deletion says, read from its text; tables and titles are those of the map in force. */
export const erasureCertificate = z.object({
  subject: z.string(),
  /** The kind of person, and who else decided about their data, in a sentence; null when it was us. */
  kind: z.string(),
  controller: z.string().nullable(),
  requestId: count,
  /** When the request was received: a date. */
  received: z.string(),
  /** SHA-256 of the plan that was approved and run, and of the data map it was made by. */
  plan: z.string(),
  map: z.string(),
  /** Logins. */
  planned: z.string(),
  approved: z.array(z.string()),
  ran: z.string(),
  started: z.string(),
  finished: z.string(),
  steps: z.array(
    z.object({
      title: z.string(),
      /** Tables, or prefixes of the bucket. */
      where: z.string(),
      action: erasureAction,
      planned: count,
      done: count,
      /** What the second look found. */
      left: count,
    }),
  ),
  kept: z.array(
    z.object({
      title: z.string(),
      where: z.string(),
      rows: count,
      because: z.string().nullable(),
      until: z.string().nullable(),
    }),
  ),
  /** What people did by hand. */
  tasks: z.array(
    z.object({ title: z.string(), owner: z.string(), by: z.string(), done: z.string(), entry: count }),
  ),
  /** Uploads never completed that were ended in the bucket; null where the bucket can't list them. */
  uploads: count.nullable(),
  outcomes: z.array(outcome),
  finds: z.array(find),
  remains,
  /** Numbers of the trail's entries about this person under this request, but for those of single batches. */
  entries: z.array(count),
});
export type ErasureCertificate = z.infer<typeof erasureCertificate>;

/** What the check of a certificate found, on this computer alone. */
export const certificateVerdict = z.object({
  intact: z.boolean(),
  /** Of its text, as the trail has it; null when it is no certificate. */
  sha256: z.string().nullable(),
  /** Fingerprints of the keys whose signatures are right. */
  signers: z.array(z.string()),
  faults: z.array(
    z.object({ kind: z.enum(['unreadable', 'changed', 'signature', 'page']), says: z.string() }),
  ),
  says: erasureCertificate.nullable(),
});
export type CertificateVerdict = z.infer<typeof certificateVerdict>;

const replay = z.object({
  id: count,
  by: z.string(),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  state: z.enum(['reading', 'searching', 'done', 'failed']),
  /** Of the ledger's file. */
  sha256: z.string(),
  /** Fingerprint of the key it is signed with; `named` where it was given by hand and is in no registry. */
  signer: z.string(),
  named: z.boolean(),
  /** How many deletions more the trail knows a ledger with: then this is an older one. */
  behind: count,
  /** Deletions in it, and rows of the platform that were looked at. */
  count,
  searched: count,
  entry: count,
  cameBack: count,
  newSince: count,
  address: count,
  /** What was found, in the ledger's order; what was not found is only counted. */
  found: z.array(
    z.object({
      number: count,
      kind: z.string(),
      /** The reference on the certificate, and the one the person has now; null where it is hidden. */
      was: z.string(),
      subject: z.string().nullable(),
      erasedAt: z.string(),
      outcome: z.enum(['came_back', 'new_since', 'address']),
      /** The deletion request that was opened, or was open. */
      request: count.nullable(),
    }),
  ),
});
export type Replay = z.infer<typeof replay>;

const planId = z.number().int().positive();
const ledgerFile = z.string().min(1).max(4_000);
/** Whose signature a ledger has, where the registry doesn't know it: `SHA256:…`, or a file with the public key. */
const ledgerSigner = z.string().min(1).max(4_000).optional();

export const erasure = {
  'erasure.plan': operation({
    effect: 'reveal',
    permission: ['operator'],
    summary: 'works out what deletion would do, row by row and object by object',
    input: z.strictObject({
      requestId: z.number().int().positive(),
      /** Decisions already made, by key. */
      decisions: z.record(z.string(), z.string()).default({}),
    }),
    output: z.object({ plan: erasurePlan, since: planDifference.nullable(), entry: z.number().int() }),
  }),
  'erasure.list': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists deletion plans',
    input: z.strictObject({
      requestId: z.number().int().positive().optional(),
      awaiting: z.boolean().default(false),
    }),
    output: z.object({ plans: z.array(erasurePlan) }),
  }),
  'erasure.show': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'shows one deletion plan, and what differs from the one before',
    input: z.strictObject({ planId }),
    output: z.object({ plan: erasurePlan, since: planDifference.nullable() }),
  }),
  'erasure.decide': operation({
    effect: 'write',
    permission: ['approver', 'operator'],
    summary: 'approves or denies exactly this plan; never one’s own',
    input: z.strictObject({
      planId,
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      decision: z.enum(['approve', 'deny']),
      reason: z.string().trim().min(3).max(2_000),
      password: passwordAgain,
    }),
    output: z.object({ plan: erasurePlan, entry: z.number().int() }),
  }),
  'erasure.run': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'runs or resumes an approved plan',
    input: z.strictObject({
      planId,
      /** Large batches at full speed, or small ones with pauses, as is usual in production. */
      pace: z.enum(['fast', 'gentle']).optional(),
    }),
    output: z.object({ jobId: z.string(), entry: z.number().int() }),
  }),
  'erasure.held': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'says whether deletions pause, and why',
    input: z.strictObject({}),
    output: z.object({
      /** Null while nothing is in their way. */
      says: z.string().nullable(),
      /** Since when and by whom, where an administrator has paused them. */
      since: z.string().nullable(),
      by: z.string().nullable(),
    }),
  }),
  'erasure.pause': operation({
    effect: 'write',
    permission: ['admin'],
    summary: 'pauses all deletions, whoever runs them',
    input: z.strictObject({ reason: z.string().trim().min(3).max(300) }),
    output: z.object({ entry: z.number().int() }),
  }),
  'erasure.continue': operation({
    effect: 'write',
    permission: ['admin'],
    summary: 'lets paused deletions go on',
    input: z.strictObject({}),
    output: z.object({ entry: z.number().int() }),
  }),
  'erasure.cancel': operation({
    effect: 'write',
    permission: ['operator', 'approver'],
    summary: 'calls a deletion off as long as nothing has gone',
    input: z.strictObject({ planId, reason: z.string().trim().min(3).max(2_000) }),
    output: z.object({ plan: erasurePlan, entry: z.number().int() }),
  }),
  'erasure.doTask': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'records that what a deletion asks of people was done, and what shows it',
    input: z.strictObject({
      planId,
      task: z.string().min(1).max(100),
      evidence: z.string().trim().min(3).max(2_000),
    }),
    output: z.object({ plan: erasurePlan, entry: z.number().int() }),
  }),
  'erasure.judge': operation({
    effect: 'write',
    permission: ['approver', 'operator'],
    summary: 'says why rows stay in which a deletion found its person again; never of one’s own',
    input: z.strictObject({
      planId,
      find: z.string().min(3).max(200),
      /** Stands on the certificate: nothing of the person. */
      because: z.string().trim().min(3).max(300),
    }),
    output: z.object({ plan: erasurePlan, entry: z.number().int() }),
  }),
  'erasure.certificate': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'shows the certificate of a finished deletion',
    input: z.strictObject({ planId }),
    output: z.object({
      /** The exact canonical text whose SHA-256 is in the trail. */
      text: z.string(),
      sha256: z.string(),
      entry: z.number().int(),
      says: erasureCertificate,
      /** In the order they signed; each is checked when it is shown. */
      signatures: z.array(
        z.object({
          fingerprint: z.string(),
          login: z.string(),
          person: z.string(),
          at: z.string(),
          /** Whether it is a signature of this text. */
          right: z.boolean(),
          /** Whether the key has been retired since. */
          retired: z.boolean(),
        }),
      ),
    }),
  }),
  'erasure.signCertificate': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'signs a certificate with one’s own key, once',
    input: z.strictObject({ planId }),
    output: z.object({ fingerprint: z.string(), entry: z.number().int() }),
  }),
  'erasure.saveCertificate': operation({
    effect: 'read',
    permission: 'staff',
    summary:
      'writes a certificate with its signatures to a new file: to read and print when it ends in .html, else JSON',
    input: z.strictObject({ planId, file: z.string().min(1).max(4_000) }),
    output: z.object({ file: z.string(), sha256: z.string() }),
  }),
  'erasure.seekErased': operation({
    effect: 'reveal',
    permission: ['approver', 'auditor'],
    summary:
      'finds the deletion of somebody who asks about it later, by the e-mail address or number they had',
    input: z.strictObject({ text: z.string().trim().min(5).max(320) }),
    output: z.object({
      found: z.array(
        z.object({
          subject: z.string(),
          kind: z.string(),
          erasedAt: z.string().nullable(),
          planId: count,
          requestId: count,
          /** When their request was received: a date. */
          receivedOn: z.string(),
          /** Of the certificate. */
          sha256: z.string(),
        }),
      ),
      entry: count,
    }),
  }),
  'erasure.ledger': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'says when the ledger of deletions was last saved, and what is not in it',
    input: z.strictObject({}),
    output: z.object({
      savedAt: z.string().nullable(),
      savedBy: z.string().nullable(),
      sha256: z.string().nullable(),
      /** Deletions in it. */
      count: count.nullable(),
      entry: count.nullable(),
      /** Deletions that have ended, or begun to remove something, since. */
      since: count,
    }),
  }),
  'erasure.saveLedger': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'writes who was erased, as keyed hashes, to a signed file to be kept outside the backups',
    input: z.strictObject({
      file: ledgerFile,
      /** Adds to a ledger that is there already, or begins one. */
      append: z.boolean().default(false),
      signer: ledgerSigner,
    }),
    output: z.object({ file: z.string(), sha256: z.string(), count, added: count, entry: count }),
  }),
  'erasure.replayLedger': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'looks for erased people who came back with a restored backup, and opens deletion requests',
    input: z.strictObject({ file: ledgerFile, signer: ledgerSigner }),
    output: z.object({ jobId: z.string(), replay: count, entry: count }),
  }),
  'erasure.replays': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists the last checks against a ledger, or one with who was found',
    input: z.strictObject({
      replay: z.number().int().positive().optional(),
      /** Of what was found, 500 behind this number. */
      after: z.number().int().nonnegative().default(0),
    }),
    output: z.object({ replays: z.array(replay) }),
  }),
  'certificates.verify': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'checks a certificate that lies on this computer, offline',
    input: z.strictObject({
      file: z.string().min(1).max(4_000),
      /** Whose signature is asked for: `SHA256:…`, or a file with the public key (`ssh-ed25519 …`). */
      signer: z.string().min(1).max(4_000).optional(),
    }),
    output: certificateVerdict,
  }),
} as const;
