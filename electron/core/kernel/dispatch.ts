import type { z } from 'zod';
import {
  contract,
  type InputOf,
  type OperationName,
  type OutputOf,
  type ParsedInputOf,
} from '#shared/contract/index.ts';
import type { Failure, Result } from '#shared/contract/result.ts';
import { permits, type Role } from '#shared/domain/roles.ts';
import { ExpectedError } from './errors.ts';
import type { Log } from './log.ts';

/** One call of one operation, as its handler sees it. */
export interface Call {
  readonly signal: AbortSignal;
  /** Says that the trail has an entry for this call. */
  note(entry: number): void;
}

/** What carries out an operation. */
export type Handler<Name extends OperationName> = (
  input: ParsedInputOf<Name>,
  call: Call,
) => Promise<OutputOf<Name>>;

export type Handlers = { readonly [Name in OperationName]: Handler<Name> };

/** The handlers of some operations; features give theirs, the composition root joins them. */
export type SomeHandlers<Names extends OperationName> = { readonly [Name in Names]: Handler<Name> };

export interface DispatchOptions {
  readonly handlers: Handlers;
  /** Roles of who is signed in; null when nobody is. */
  readonly roles: () => readonly Role[] | null;
  /** Throws when the operation must not run now whatever the role, e.g. because the trail was contradicted. */
  readonly refuse: (name: OperationName) => void;
  readonly log: Log;
}

export interface Dispatch {
  <Name extends OperationName>(
    name: Name,
    input: InputOf<Name>,
    signal?: AbortSignal,
  ): Promise<Result<OutputOf<Name>>>;
  (name: string, input: unknown, signal?: AbortSignal): Promise<Result<unknown>>;
}

/**
 * The one way in. Is it known? Is it permitted? Does the input parse? Run it;
 * does the output parse? Did what shows or changes something leave an entry in
 * the trail? Failures leave as a closed set; what isn't expected becomes
 * `internal` with the number under which the log holds it.
 */
export function createDispatch(options: DispatchOptions): Dispatch {
  const dispatch: (name: string, input: unknown, signal?: AbortSignal) => Promise<Result<unknown>> = async (
    name,
    input,
    signal,
  ) => {
    try {
      return { ok: true, value: await run(options, name, input, signal ?? new AbortController().signal) };
    } catch (error) {
      return { ok: false, failure: failureOf(error, name, options.log) };
    }
  };
  return dispatch;
}

async function run(
  options: DispatchOptions,
  name: string,
  input: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  if (!Object.hasOwn(contract, name))
    throw new ExpectedError('invalid_input', 'The console has no such operation.');
  const known = name as OperationName;
  const operation = contract[known];
  const roles = options.roles();
  if (!permits(operation.permission, roles)) {
    throw roles === null
      ? new ExpectedError('not_signed_in', 'Nobody is signed in; sign in first.')
      : new ExpectedError('not_permitted', 'Your roles don’t allow this; ask someone whose role does.');
  }
  options.refuse(known);
  const parsed = operation.input.safeParse(input);
  if (!parsed.success) throw invalidInput(parsed.error);
  const entries: number[] = [];
  const handler = options.handlers[known] as (input: unknown, call: Call) => Promise<unknown>;
  const output = await handler(parsed.data, { signal, note: (entry) => entries.push(entry) });
  if ((operation.effect === 'reveal' || operation.effect === 'write') && entries.length === 0) {
    throw new Error(`${known} left no entry in the trail`);
  }
  return operation.output.parse(output);
}

function invalidInput(error: z.ZodError): ExpectedError {
  const [issue] = error.issues;
  const where = issue === undefined || issue.path.length === 0 ? 'The input' : `“${issue.path.join('.')}”`;
  // Messages of the parser may quote what was given; only their kind is told.
  const what =
    issue?.code === 'too_big'
      ? `is too long or too large (at most ${String(issue.maximum)})`
      : issue?.code === 'too_small'
        ? `is too short or too small (at least ${String(issue.minimum)})`
        : issue?.code === 'unrecognized_keys'
          ? 'has a field that isn’t known'
          : 'isn’t valid';
  return new ExpectedError('invalid_input', `${where} ${what}; correct it and try again.`);
}

/** A failure as it leaves the core. */
export function failureOf(error: unknown, where: string, log: Log): Failure {
  if (error instanceof ExpectedError) return { code: error.code, message: error.message };
  const incident = log.incident(where, error);
  return {
    code: 'internal',
    message: `Something unexpected happened; nothing more was done. Tell support the incident number ${incident}.`,
    incident,
  };
}
