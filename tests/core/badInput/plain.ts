import { expect } from 'vitest';
import type { Failure, Result } from '#shared/contract/result.ts';
import type { TestDesk } from '#tests/helpers/testDesk.ts';

/** The failure of a result, which has to be one plain sentence: it begins big, ends once, and holds none of `secrets`. */
export function plainFailure(
  result: Result<unknown> | { readonly failure: Pick<Failure, 'code' | 'message'> | null },
  ...secrets: readonly string[]
): readonly [string, string] {
  const failure = 'failure' in result ? result.failure : null;
  if (failure === null) throw new Error('It did not fail.');
  expect(failure.code).not.toBe('internal');
  expect(failure.message).toMatch(/^[A-Z“][^\n]*[.]$/);
  expect(failure.message).not.toMatch(/[.!?] [A-Z]/);
  for (const secret of secrets) expect(failure.message).not.toContain(secret);
  return [failure.code, failure.message];
}

/** Entries of a request in the trail: action, outcome, whether an intent has its outcome. */
export async function entriesOf(
  desk: TestDesk,
  request: number,
  action: string,
): Promise<readonly (readonly [string, string])[]> {
  return desk.superuser(async ({ query }) => {
    const { rows } = await query<{ action: string; outcome: string }>(
      'select action, outcome from privacy_console.entry where request = $1 and action like $2 order by number',
      [request, action],
    );
    return rows.map((row) => [row.action, row.outcome] as const);
  });
}
