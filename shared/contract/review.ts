import { z } from 'zod';
import { redactionGrounds } from '../domain/redaction.ts';
import { exportScope } from './exports.ts';
import { operation } from './operation.ts';

const id = z.number().int().positive();
const rowReference = z.object({ collection: z.string(), id: z.string() });
const why = z.string().min(3).max(2_000);

const redaction = z.object({
  id: z.number().int(),
  requestId: z.number().int(),
  ground: z.enum(redactionGrounds),
  /** Null for a file. */
  row: rowReference.nullable(),
  /** Null for the whole record, or a file. */
  column: z.string().nullable(),
  /** SHA-256 of the file's key, hex; null for a record. */
  object: z.string().nullable(),
  redactedBy: z.string(),
  redactedAt: z.string(),
  /** Taken back, so that it goes out again. */
  withdrawn: z.boolean(),
});
export type RedactionRow = z.infer<typeof redaction>;

const reviewedRow = z.object({
  /** Key of the row, a JSON array of texts; `[]` where nothing tells the rows apart. */
  row: z.string(),
  /** As the package has them, before redaction; texts and documents longer than 2,000 characters are cut. */
  values: z.record(z.string(), z.unknown()),
});
export type ReviewedRow = z.infer<typeof reviewedRow>;

const reviewedFile = z.object({
  key: z.string(),
  /** SHA-256 of the key, hex: how a redaction names it. */
  object: z.string(),
  contentType: z.string(),
  bytes: z.number().nullable(),
  row: rowReference.nullable(),
});
export type ReviewedFile = z.infer<typeof reviewedFile>;

/** Before a package leaves: what goes out, seen by who is about to release it, and what is kept back of it. */
export const review = {
  'reviews.open': operation({
    effect: 'reveal',
    permission: ['operator'],
    summary: 'shows what a package would hold, before it is written',
    input: z.strictObject({ requestId: id, ...exportScope }),
    output: z.object({ exportId: z.number().int(), entry: z.number().int() }),
  }),
  'reviews.show': operation({
    effect: 'read',
    permission: ['operator'],
    summary: 'tells what an open review goes through, with the number of records of each collection',
    input: z.strictObject({ exportId: id }),
    output: z.object({
      collections: z.array(
        z.object({
          name: z.string(),
          title: z.string(),
          columns: z.array(z.object({ name: z.string(), title: z.string() })),
          /** Null where counting took too long. */
          rows: z.number().int().nullable(),
        }),
      ),
    }),
  }),
  'reviews.page': operation({
    effect: 'read',
    permission: ['operator'],
    summary: 'shows records of an open review, newest first',
    input: z.strictObject({
      exportId: id,
      collection: z.string().max(63),
      /** As the page before gave it. */
      cursor: z.array(z.string().max(10_000)).max(40).nullable().default(null),
      limit: z.number().int().min(1).max(200).default(50),
    }),
    output: z.object({
      rows: z.array(reviewedRow),
      /** Null at the end. */
      cursor: z.array(z.string()).nullable(),
    }),
  }),
  'reviews.files': operation({
    effect: 'read',
    permission: ['operator'],
    summary: 'shows the files of an open review',
    input: z.strictObject({
      exportId: id,
      offset: z.number().int().min(0).default(0),
      limit: z.number().int().min(1).max(500).default(100),
    }),
    output: z.object({ files: z.array(reviewedFile), more: z.boolean() }),
  }),
  'reviews.redact': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'keeps a record, a field of one, or a file out of a request’s packages, on a ground',
    input: z.strictObject({
      requestId: id,
      what: z.discriminatedUnion('kind', [
        z.strictObject({
          kind: z.literal('record'),
          collection: z.string().max(63),
          row: z.string().max(10_000),
        }),
        z.strictObject({
          kind: z.literal('field'),
          collection: z.string().max(63),
          row: z.string().max(10_000),
          column: z.string().max(63),
        }),
        z.strictObject({ kind: z.literal('file'), key: z.string().min(1).max(1_024) }),
      ]),
      ground: z.enum(redactionGrounds),
      reason: why,
    }),
    output: z.object({ redactionId: z.number().int(), entry: z.number().int() }),
  }),
  'reviews.withdraw': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'takes a redaction back, so that what it kept goes out again',
    input: z.strictObject({ redactionId: id, reason: why }),
    output: z.object({ entry: z.number().int() }),
  }),
  'reviews.redactions': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists what is kept out of a request’s packages',
    input: z.strictObject({ requestId: id }),
    output: z.object({ redactions: z.array(redaction) }),
  }),
} as const;
