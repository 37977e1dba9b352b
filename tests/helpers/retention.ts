import type { BareClient } from './bareClient.ts';
import type { RetentionPlan } from '#shared/contract/retention.ts';
import { effect, value, type Effect } from './psql.ts';

/** Plans what is due, as an operator's bare session does. */
export async function planRetention(operator: BareClient, byPartition = false): Promise<RetentionPlan> {
  const { plan, rules } = await effect(operator, 'draft_retention($1)', [byPartition]);
  for (const { collection, rule } of rules as { collection: string; rule: string }[])
    await effect(operator, 'fill_retention($1, $2, $3)', [plan, collection, rule]);
  await effect(operator, 'seal_retention($1)', [plan]);
  return retentionPlan(operator, plan as number);
}

/** The plan as everybody on the staff reads it. */
export function retentionPlan(client: BareClient, plan: number): Promise<RetentionPlan> {
  return value<RetentionPlan>(client, 'select privacy_console.retention_plans($1)', [plan]);
}

/** Decides about a plan; gives the code of a recorded refusal, or null. */
export async function decideRetention(
  client: BareClient,
  { id, sha256 }: Pick<RetentionPlan, 'id' | 'sha256'>,
  decision = 'approve',
): Promise<string | null> {
  const said = await effect(client, `decide_retention($1, $2, $3, 'as counted')`, [id, sha256, decision]);
  return said.ok ? null : (said.code ?? '');
}

/** The line of a rule. */
export function lineOf(
  plan: RetentionPlan,
  collection: string,
  rule: string,
): RetentionPlan['lines'][number] {
  const found = plan.lines.find((each) => each.collection === collection && each.rule === rule);
  if (found === undefined) throw new Error(`the plan has no line for ${collection}.${rule}`);
  return found;
}

/** Runs every batch, counts anew and ends the run; gives what the end answered. */
export async function runRetention(client: BareClient, plan: number, rows = 20_000): Promise<Effect> {
  const begun = await effect(client, 'begin_retention($1, false)', [plan]);
  if (!begun.ok) throw new Error(begun.code);
  const steps = begun['steps'] as { line: number; finished: boolean }[];
  for (const { line, finished } of steps)
    for (let over = finished; !over;) {
      const batch = await effect(client, 'retention_batch($1, $2, $3)', [begun['run'], line, rows]);
      if (!batch.ok) return batch;
      over = batch['finished'] === true;
    }
  for (const { line } of steps) await effect(client, 'recount_retention($1, $2)', [begun['run'], line]);
  return effect(client, 'end_retention($1)', [begun['run']]);
}
