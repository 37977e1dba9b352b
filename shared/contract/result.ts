/**
 * What a failed operation tells its caller. The list is closed: a caller can
 * switch over it, and a new kind of failure is a change to the contract.
 *
 * Everything but `internal` is expected: its message is one plain sentence
 * (what happened, what to do next) that may be shown as it is. `internal` is a
 * bug; it carries an incident number and nothing of its cause.
 */
export const failureCodes = [
  'invalid_input',
  'not_signed_in',
  'not_permitted',
  'not_found',
  'conflict',
  'refused',
  'budget_spent',
  'access_closed',
  'unreachable',
  'wrong_credentials',
  'certificate',
  'schema_missing',
  'schema_older',
  'schema_newer',
  'schema_drift',
  'no_keychain',
  'object_store',
  'disk',
  'trail_contradiction',
  'trail_broken',
  'cancelled',
  'internal',
] as const;

export type FailureCode = (typeof failureCodes)[number];

/** A failure as it crosses the process boundary: a closed set of fields, never a stack or a database detail. */
export interface Failure {
  readonly code: FailureCode;
  /** One sentence: what happened and what to do next. Holds no personal data. */
  readonly message: string;
  /** Number under which the redacted log holds the cause; only with `internal`. */
  readonly incident?: string;
}

/** The answer to one operation. */
export type Result<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly failure: Failure };
