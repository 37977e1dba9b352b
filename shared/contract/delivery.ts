import { z } from 'zod';
import { custodyEvents, mediumLabel, recordedEvents } from '../domain/custody.ts';
import { operation } from './operation.ts';
import { pageLanguages } from './exports.ts';

const id = z.number().int().positive();
const file = z.string().min(1).max(4_000);
const label = z.string().regex(mediumLabel);

const custodyRow = z.object({
  id: z.number().int(),
  medium: z.string(),
  event: z.enum(custodyEvents),
  at: z.string(),
  by: z.string(),
  entry: z.number().int(),
  /** To whom it went, or what else was said; for operators and approvers only. */
  note: z.string().nullable(),
});
export type CustodyRow = z.infer<typeof custodyRow>;

/** A finished package on its way: onto a medium, with its sheet, and from hand to hand. */
export const delivery = {
  'delivery.inspect': operation({
    effect: 'local',
    permission: 'staff',
    summary: 'tells how much room a folder or medium has, and the largest file it holds',
    input: z.strictObject({ folder: file }),
    output: z.object({
      freeBytes: z.number(),
      /** Null where none is known. */
      largestFileBytes: z.number().nullable(),
    }),
  }),
  'delivery.write': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'writes a finished package onto a medium, reads it back from there, and adds its delivery sheet',
    input: z.strictObject({
      exportId: id,
      /** The package, as the export wrote it: one file. */
      file,
      /** On the medium; where the package lies there already, it is read back only. */
      folder: file,
      medium: label,
      /** Splits it into volumes of at most so many bytes. */
      volumeBytes: z
        .number()
        .int()
        .min(1024 * 1024)
        .optional(),
      language: z.enum(pageLanguages).default('en'),
    }),
    output: z.object({ jobId: z.string(), entry: z.number().int() }),
  }),
  'delivery.join': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'puts the volumes of a package together again and compares their sums',
    input: z.strictObject({
      /** The first volume, `….001`. */
      file,
      folder: file,
    }),
    output: z.object({ file: z.string(), sha256: z.string(), bytes: z.number(), volumes: z.number().int() }),
  }),
  'copies.list': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists the packages that lie on this computer, and until when they may',
    input: z.strictObject({}),
    output: z.object({
      /** How long one may lie here. */
      days: z.number().int(),
      copies: z.array(
        z.object({
          exportId: z.number().int(),
          path: z.string(),
          bytes: z.number(),
          madeAt: z.string(),
          expiresAt: z.string(),
        }),
      ),
    }),
  }),
  'copies.shred': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'overwrites and removes the copy of a package on this computer',
    input: z.strictObject({ exportId: id, path: file }),
    output: z.object({ entry: z.number().int() }),
  }),
  'copies.expire': operation({
    effect: 'local',
    permission: ['operator'],
    summary: 'overwrites and removes the copies on this computer that are older than they may be',
    input: z.strictObject({}),
    output: z.object({
      shredded: z.number().int(),
      /** Left alone, as something else lies there now. */
      left: z.number().int(),
    }),
  }),
  'custody.record': operation({
    effect: 'write',
    permission: ['operator', 'approver'],
    summary: 'records what became of a medium: handed over, received, returned, destroyed',
    input: z.strictObject({
      exportId: id,
      medium: label,
      event: z.enum(recordedEvents),
      note: z.string().max(500).optional(),
    }),
    output: z.object({ entry: z.number().int() }),
  }),
  'custody.list': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists the media of a package and who had them',
    input: z.strictObject({ exportId: id }),
    output: z.object({ custody: z.array(custodyRow) }),
  }),
} as const;
