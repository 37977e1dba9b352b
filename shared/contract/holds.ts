import { z } from 'zod';
import { operation, passwordAgain } from './operation.ts';

const holdId = z.number().int().positive();
const words = z.string().trim().min(3).max(2_000);
const day = z.iso.date();

const legalHold = z.object({
  id: z.number().int(),
  /** The person it is on, with everything of theirs; null for a table or a record. */
  subject: z.string().nullable(),
  /** The table it is on for everybody, or the one the record is of; null for a person. */
  collection: z.string().nullable(),
  /** The collection's title by the map in force. */
  title: z.string().nullable(),
  /** Whether it is on one record of the table, with what hangs on it. */
  record: z.boolean(),
  /** The record’s key, told to who placed the hold and to its owner alone; null once lifted. */
  rowKey: z.string().nullable(),
  ground: z.string(),
  authority: z.string(),
  /** Login of who looks after it. */
  owner: z.string(),
  reviewOn: z.string(),
  /** Whether its review is due: today, or before. */
  due: z.boolean(),
  placedBy: z.string(),
  placedAt: z.string(),
  /** Null while it is in force. */
  liftedAt: z.string().nullable(),
  /** The latest proposal to lift it. */
  lift: z
    .object({
      id: z.number().int(),
      state: z.enum(['asked', 'approved', 'denied']),
      reason: z.string(),
      proposedBy: z.string(),
      proposedAt: z.string(),
      decidedBy: z.string().nullable(),
      decidedAt: z.string().nullable(),
    })
    .nullable(),
  /** Open requests whose deletion it stops or has stopped, with the latest plan that it is part of. */
  stopped: z.array(z.object({ request: z.number().int(), plan: z.number().int() })),
});
export type LegalHold = z.infer<typeof legalHold>;

const holding = ['operator', 'approver', 'admin'] as const;
const entry = z.object({ entry: z.number().int() });

export const holds = {
  'holds.list': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists legal holds, those in force first, by their review',
    input: z.strictObject({}),
    output: z.object({ holds: z.array(legalHold) }),
  }),
  'holds.place': operation({
    effect: 'write',
    permission: holding,
    summary: 'places a legal hold on a person, a table or a record, at once',
    input: z.strictObject({
      on: z.union([
        z.strictObject({ subject: z.string().min(1).max(100) }),
        z.strictObject({
          collection: z.string().min(1).max(100),
          /** As the console shows it, e.g. `["17"]`; without it the table is held for everybody. */
          rowKey: z.string().min(1).max(2_000).optional(),
        }),
      ]),
      ground: words,
      authority: z.string().trim().min(3).max(300),
      /** Login of an active member of staff. */
      owner: z.string().min(1).max(100),
      reviewOn: day,
    }),
    output: entry.extend({ hold: z.number().int() }),
  }),
  'holds.review': operation({
    effect: 'write',
    permission: holding,
    summary: 'sets the next review of a hold that goes on',
    input: z.strictObject({ hold: holdId, until: day, reason: words }),
    output: entry,
  }),
  'holds.proposeLift': operation({
    effect: 'write',
    permission: holding,
    summary: 'proposes to lift a hold, which another person decides',
    input: z.strictObject({ hold: holdId, reason: words }),
    output: entry.extend({ lift: z.number().int() }),
  }),
  'holds.decideLift': operation({
    effect: 'write',
    permission: ['approver'],
    summary: 'lifts a hold or leaves it in force; never by who proposed it',
    input: z.strictObject({
      lift: holdId,
      decision: z.enum(['approve', 'deny']),
      reason: words,
      password: passwordAgain,
    }),
    output: entry,
  }),
} as const;
