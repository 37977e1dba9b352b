import { z } from 'zod';
import { requestKinds, requestStates } from '../domain/requests.ts';
import { operation } from './operation.ts';

export const requestRow = z.object({
  id: z.number().int(),
  kind: z.enum(requestKinds),
  state: z.enum(requestStates),
  /** Opaque reference of the person, once found. */
  subject: z.string().nullable(),
  /** The kind of person, and who else decides about their data; null while the person isn't known, or when it is us. */
  subjectKind: z.string().nullable(),
  controller: z.string().nullable(),
  /** What the person wrote, as received; null for roles that may not see it. */
  message: z.string().nullable(),
  receivedOn: z.string(),
  dueOn: z.string(),
  /** Whole days until it is due; negative when late. */
  daysLeft: z.number().int(),
  assignee: z.string().nullable(),
  mine: z.boolean(),
  openedBy: z.string(),
  closedAt: z.string().nullable(),
  outcome: z.string().nullable(),
});
export type RequestRow = z.infer<typeof requestRow>;

const done = z.object({ request: requestRow, entry: z.number().int() });

export const requests = {
  'requests.list': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists the requests, the most urgent first',
    input: z.strictObject({
      state: z.enum(['open', 'closed', 'all']).default('open'),
      subject: z.string().max(40).optional(),
      limit: z.number().int().min(1).max(500).default(200),
    }),
    output: z.object({ requests: z.array(requestRow) }),
  }),
  'requests.show': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'shows one request',
    input: z.strictObject({ id: z.number().int().positive() }),
    output: z.object({ request: requestRow }),
  }),
  'requests.open': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'records a request that was received',
    input: z.strictObject({
      kind: z.enum(requestKinds),
      receivedOn: z.iso.date(),
      message: z.string().max(10_000).default(''),
      subject: z.string().max(40).optional(),
    }),
    output: done,
  }),
  'requests.assign': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'takes a request, or hands it to someone',
    input: z.strictObject({ id: z.number().int().positive(), login: z.string().max(63).optional() }),
    output: done,
  }),
  'requests.link': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'says which person a request is about',
    input: z.strictObject({ id: z.number().int().positive(), subject: z.string().max(40) }),
    output: done,
  }),
  'requests.close': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'closes a request with its outcome',
    input: z.strictObject({
      id: z.number().int().positive(),
      outcome: z.enum(['done', 'refused', 'withdrawn', 'no_such_person']),
    }),
    output: done,
  }),
} as const;
