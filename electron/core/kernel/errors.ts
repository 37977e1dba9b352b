import type { FailureCode } from '#shared/contract/result.ts';

/**
 * A failure a person can act on. Its message is one plain sentence that says
 * what happened and what to do next, and holds no personal data. Anything
 * thrown that is not an `ExpectedError` is a bug and leaves the core as
 * `internal` with an incident number.
 */
export class ExpectedError extends Error {
  override readonly name = 'ExpectedError';
  readonly code: Exclude<FailureCode, 'internal'>;

  constructor(code: Exclude<FailureCode, 'internal'>, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Thrown when work was stopped on request; never a bug. */
export function cancelled(what = 'The work'): ExpectedError {
  return new ExpectedError('cancelled', `${what} was cancelled; nothing was left half done.`);
}
