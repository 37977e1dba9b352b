import type pg from 'pg';
import { effect, value, type Effect } from './psql.ts';

/** What came of a line, as staff read it. */
export interface Line {
  readonly line: number;
  readonly state: string;
  readonly because: string | null;
  readonly subject: string | null;
  readonly request: number | null;
  readonly planId: number | null;
}

/** Begins a batch of identifiers and matches them, in two transactions; gives its number. */
export async function beginList(
  operator: pg.Client,
  identifiers: readonly string[],
  form: 'email' | 'phone' | 'id' = 'email',
): Promise<number> {
  const { batch } = await effect(operator, `begin_batch('csv', 'account', $1, $2, 'they left')`, [
    form,
    identifiers,
  ]);
  await effect(operator, 'match_batch($1)', [batch]);
  return batch as number;
}

/** What came of each line. */
export async function linesOf(client: pg.Client, batch: number): Promise<readonly Line[]> {
  const { rows } = await client.query<{ item: Line }>(
    'select i as item from privacy_console.batch_items($1, 0, 1000, null) i',
    [batch],
  );
  return rows.map(({ item }) => item);
}

/** Plans everybody, without objects in R2; gives the hash that an approval binds. */
export async function planList(operator: pg.Client, batch: number): Promise<string> {
  const { turn } = await effect(operator, 'take_turn($1)', [batch]);
  for (let more = true; more;) {
    const drafted = await effect(operator, 'draft_items($1, $2, 25)', [batch, turn]);
    await effect(operator, 'fill_items($1, $2, $3)', [batch, turn, drafted['plans']]);
    await effect(operator, `seal_items($1, $2, $3, '[]')`, [batch, turn, drafted['plans']]);
    more = drafted['more'] === true;
  }
  await effect(operator, 'seal_batch($1, $2)', [batch, turn]);
  return (await batchOf(operator, batch)).sha256 ?? '';
}

/** A batch as staff read it. */
export async function batchOf(
  client: pg.Client,
  batch: number,
): Promise<{
  readonly sha256: string | null;
  readonly state: string;
  readonly states: Record<string, number>;
}> {
  return value(client, 'select privacy_console.batches($1, false)', [batch]);
}

/** Decides about a batch; gives what was answered. */
export function decideList(
  client: pg.Client,
  batch: number,
  sha256: string,
  decision = 'approve',
): Promise<Effect> {
  return effect(client, `decide_batch($1, $2, $3, 'as asked')`, [batch, sha256, decision]);
}

/** Takes the turn and begins everybody's run; gives the plans that were begun. */
export async function beginAll(
  operator: pg.Client,
  batch: number,
): Promise<readonly { plan: number; run: number }[]> {
  const { turn } = await effect(operator, 'take_turn($1)', [batch]);
  const { begun } = await effect(operator, 'begin_items($1, $2, 100)', [batch, turn]);
  await effect(operator, 'keep_turn($1, $2, true)', [batch, turn]);
  return (begun as { plan: number; begun: { run: number } }[]).map((each) => ({
    plan: each.plan,
    run: each.begun.run,
  }));
}
