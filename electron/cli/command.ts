import type { InputOf, OperationName, OutputOf } from '#shared/contract/index.ts';
import type { Failure } from '#shared/contract/result.ts';
import type { Job } from '#shared/contract/workstation.ts';

/** The command line was written wrongly; its message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A refusal on its way to the end of a command. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** What a command works with: one console, and a way to say things beside its result. */
export interface Command {
  call<Name extends OperationName>(name: Name, input: InputOf<Name>): Promise<OutputOf<Name>>;
  /** Signs in with the profile given; commands that need nobody signed in don't call it. */
  signIn(): Promise<OutputOf<'session.signIn'>>;
  readonly profile: string | null;
  /** Waits for a job, telling its progress; a failed one is a refusal. */
  finish(jobId: string): Promise<Job>;
}
