import type { z } from 'zod';
import { administration } from './administration.ts';
import { audit } from './audit.ts';
import { batches } from './batches.ts';
import { connections } from './connections.ts';
import { corrections } from './corrections.ts';
import { dataMap } from './dataMap.ts';
import { delivery } from './delivery.ts';
import { erasure } from './erasure.ts';
import { exports } from './exports.ts';
import { holds } from './holds.ts';
import { requests } from './requests.ts';
import { restrictions } from './restrictions.ts';
import { retention } from './retention.ts';
import { review } from './review.ts';
import { subjects } from './subjects.ts';
import { workstation } from './workstation.ts';

/** Everything the console can be asked to do. A test pins this list; its diff is the review. */
export const contract = {
  ...connections,
  ...administration,
  ...dataMap,
  ...requests,
  ...subjects,
  ...corrections,
  ...exports,
  ...review,
  ...delivery,
  ...erasure,
  ...batches,
  ...holds,
  ...restrictions,
  ...retention,
  ...audit,
  ...workstation,
} as const;

export type Contract = typeof contract;
export type OperationName = keyof Contract;
/** What a caller passes (defaults may be left out). */
export type InputOf<Name extends OperationName> = z.input<Contract[Name]['input']>;
/** What the operation gets after parsing. */
export type ParsedInputOf<Name extends OperationName> = z.output<Contract[Name]['input']>;
export type OutputOf<Name extends OperationName> = z.output<Contract[Name]['output']>;
