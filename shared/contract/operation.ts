import { z } from 'zod';
import type { Permission } from '#shared/domain/roles.ts';

/**
 * What an operation does to the world:
 * `read` shows nothing personal or only what a committed access already opened,
 * `reveal` shows personal data and must leave an audit entry,
 * `write` changes something and must leave an audit entry,
 * `local` changes only this workstation (a profile, a lock).
 */
export type Effect = 'read' | 'reveal' | 'write' | 'local';

/** One thing the console can be asked to do: the whole of what window, command line and tests may call. */
export interface Operation<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly effect: Effect;
  readonly permission: Permission;
  /** Says in a few words what it does; shown by the command line's help. */
  readonly summary: string;
  readonly input: Input;
  readonly output: Output;
}

/**
 * The caller's password, typed for this one decision: approvals are given in a session that has just authenticated.
 * A demo login needs none.
 */
export const passwordAgain = z.string().min(1).max(1_000).optional();

/** Declares an operation; exists so that the types of input and output are kept. */
export function operation<Input extends z.ZodType, Output extends z.ZodType>(
  declared: Operation<Input, Output>,
): Operation<Input, Output> {
  return declared;
}
