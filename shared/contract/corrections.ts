import { z } from 'zod';
import { correctionRoles, correctionStates, correctionVerdicts } from '../domain/corrections.ts';
import { operation, passwordAgain } from './operation.ts';

const correctionId = z.number().int().positive();
const words = z.string().trim().min(3).max(2_000);

/** What was proposed, and what is told of it without its values. */
const correction = z.object({
  id: z.number().int(),
  requestId: z.number().int(),
  subject: z.string(),
  /** The kind of person, by the data map. */
  kind: z.string(),
  collection: z.string(),
  columns: z.array(z.string()),
  /** It tells who somebody is; where the installation asks for it another person approves. */
  identity: z.boolean(),
  /** The correction that this one takes back; null for any other. */
  undoes: z.number().int().nullable(),
  state: z.enum(correctionStates),
  proposedBy: z.string(),
  mine: z.boolean(),
  proposedAt: z.string(),
  decidedBy: z.string().nullable(),
  decidedAt: z.string().nullable(),
  doneAt: z.string().nullable(),
  /** Until when it may be approved or carried out; null once it is neither. */
  expiresAt: z.string().nullable(),
  /** Until when it can be taken back, and the days left; null when it can't. */
  undoUntil: z.string().nullable(),
  undoDays: z.number().int().nullable(),
  /** Whether its values are still there to be looked at. */
  known: z.boolean(),
});
export type Correction = z.infer<typeof correction>;

/** A correction with its values; shown on the record alone. */
const content = z.object({
  /** What an approval binds: of everything that is carried out. */
  sha256: z.string(),
  row: z.string(),
  values: z.array(
    z.object({
      column: z.string(),
      before: z.string().nullable(),
      after: z.string().nullable(),
      verdict: z.enum(correctionVerdicts),
    }),
  ),
  /** Where else the old value stands, and whose rows hang on it. */
  places: z.array(
    z.object({
      column: z.string(),
      role: z.enum(correctionRoles),
      collection: z.string(),
      inColumn: z.string(),
      rows: z.number().int(),
    }),
  ),
});
export type CorrectionContent = z.infer<typeof content>;

const entry = z.object({ entry: z.number().int() });

export const corrections = {
  'corrections.list': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists corrections, of a request or all, without their values',
    input: z.strictObject({
      requestId: z.number().int().positive().optional(),
      /** Those alone that wait for a second person. */
      waiting: z.boolean().default(false),
    }),
    output: z.object({ corrections: z.array(correction) }),
  }),
  'corrections.propose': operation({
    effect: 'reveal',
    permission: ['operator'],
    summary: 'proposes new values for one record, and shows them beside what is held',
    input: z.strictObject({
      accessId: z.number().int().positive(),
      requestId: z.number().int().positive(),
      collection: z.string().min(1).max(100),
      /** As the console shows it, e.g. `["17"]`. */
      row: z.string().min(1).max(2_000),
      /** Each column with its new value; null empties it. */
      values: z.record(z.string().min(1).max(63), z.string().max(10_000).nullable()),
      reason: words,
    }),
    output: entry.extend({ correction, content }),
  }),
  'corrections.look': operation({
    effect: 'reveal',
    permission: ['operator', 'approver'],
    summary: 'shows the values of a correction, before and after',
    input: z.strictObject({ id: correctionId }),
    output: entry.extend({ correction, content }),
  }),
  'corrections.decide': operation({
    effect: 'write',
    permission: ['approver', 'operator'],
    summary: 'approves or denies a correction of what tells who somebody is; never one’s own',
    input: z.strictObject({
      id: correctionId,
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      decision: z.enum(['approve', 'deny']),
      reason: words,
      password: passwordAgain,
    }),
    output: entry,
  }),
  'corrections.run': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'writes a correction into its record and every copy the map names',
    input: z.strictObject({ id: correctionId }),
    output: entry.extend({
      /** Rows in which a copy was written. */
      copies: z.number().int(),
      /** Rows that taking back left as they are, since somebody has changed them. */
      left: z.number().int(),
    }),
  }),
  'corrections.undo': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'takes a correction back, at once or after another person has approved',
    input: z.strictObject({ id: correctionId, reason: words }),
    output: entry.extend({
      /** Number of the correction that takes back. */
      id: z.number().int(),
      /** Whether another person approves it first. */
      waits: z.boolean(),
      left: z.number().int(),
    }),
  }),
} as const;
