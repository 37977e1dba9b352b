import type { InputOf, OperationName, OutputOf } from '#shared/contract/index.ts';
import type { PrivacyConsoleBridge } from '#shared/contract/bridge.ts';
import type { Failure, FailureCode, Result } from '#shared/contract/result.ts';
import { en } from '#shared/strings/en.ts';

declare global {
  interface Window {
    /** The window's one door to the core; the preload script puts it there. */
    readonly privacyConsole: PrivacyConsoleBridge;
  }
}

/** An operation that did not end well; carries what the core said and nothing else. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly code: FailureCode;
  readonly incident: string | undefined;

  constructor(failure: Failure) {
    super(failure.message);
    this.code = failure.code;
    this.incident = failure.incident;
  }
}

/**
 * Calls one operation of the contract.
 * @throws {CallFailed} with the core's sentence; a door that does not answer counts as `internal`.
 */
export async function call<Name extends OperationName>(
  name: Name,
  input: InputOf<Name>,
): Promise<OutputOf<Name>> {
  const result = await window.privacyConsole.invoke(name, input).catch((): Result<unknown> => ({
    ok: false,
    failure: { code: 'internal', message: en.failure.noAnswer },
  }));
  if (!result.ok) throw new CallFailed(result.failure);
  // Dispatch has parsed the output against the same contract before it crossed over.
  return result.value as OutputOf<Name>;
}
