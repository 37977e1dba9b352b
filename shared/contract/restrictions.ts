import { z } from 'zod';
import { restrictionExceptions, restrictionGrounds } from '../domain/restriction.ts';
import { operation, passwordAgain } from './operation.ts';

const id = z.number().int().positive();
const words = z.string().trim().min(3).max(2_000);

const restriction = z.object({
  id: z.number().int(),
  /** Opaque reference of the person. */
  subject: z.string(),
  ground: z.enum(restrictionGrounds),
  /** Empty once the person is erased. */
  reason: z.string(),
  /** Under which it was placed; null where it was without one. */
  request: z.number().int().nullable(),
  placedBy: z.string(),
  placedAt: z.string(),
  /** Who recorded that the person was told of the lifting to come; null while nobody has. */
  toldBy: z.string().nullable(),
  toldAt: z.string().nullable(),
  liftedBy: z.string().nullable(),
  /** Null while it is in force. */
  liftedAt: z.string().nullable(),
  /** Requests under which the person’s data is processed all the same. */
  exceptions: z.array(
    z.object({
      request: z.number().int(),
      exception: z.enum(restrictionExceptions),
      statedBy: z.string(),
      statedAt: z.string(),
    }),
  ),
});
export type Restriction = z.infer<typeof restriction>;

const restricting = ['operator', 'approver'] as const;
const entry = z.object({ entry: z.number().int() });

export const restrictions = {
  'restrictions.list': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists restrictions of processing, those in force first',
    input: z.strictObject({}),
    output: z.object({ restrictions: z.array(restriction) }),
  }),
  'restrictions.place': operation({
    effect: 'write',
    permission: restricting,
    summary: 'restricts the processing of a person’s data to storage, at once',
    input: z.strictObject({
      subject: z.string().min(1).max(100),
      ground: z.enum(restrictionGrounds),
      reason: words,
      requestId: id.optional(),
    }),
    output: entry.extend({ restriction: z.number().int() }),
  }),
  'restrictions.except': operation({
    effect: 'write',
    permission: restricting,
    summary: 'states which exception of the law lets a request of the restricted person be worked on',
    input: z.strictObject({
      restriction: id,
      requestId: id,
      exception: z.enum(restrictionExceptions),
      reason: words,
    }),
    output: entry,
  }),
  'restrictions.told': operation({
    effect: 'write',
    permission: restricting,
    summary: 'records that the person was told that the restriction will be lifted',
    input: z.strictObject({ restriction: id, how: words }),
    output: entry,
  }),
  'restrictions.lift': operation({
    effect: 'write',
    permission: ['approver'],
    summary: 'lifts a restriction of which the person was told by another member of staff',
    input: z.strictObject({ restriction: id, reason: words, password: passwordAgain }),
    output: entry,
  }),
} as const;
