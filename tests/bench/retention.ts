import { expectDone, plainConsole } from '#demo/staff.ts';
import { timed } from './measure.ts';
import { openPlatform, type Bench, type BenchOptions } from './platform.ts';
import { figureOf, type Figure } from './report.ts';

const goals = { rows: 3, batchMs: 250 } as const;
/** Messages that are due. */
const due = { small: 30_000, large: 3_000_000 } as const;

/**
 * Lets the oldest messages expire by the platform's plans, each time on a copy of its own: in batches of the console's
 * beside one bare `DELETE` that goes by the same plans.
 */
export async function benchRetention(options: BenchOptions): Promise<{
  readonly figures: readonly Figure[];
  readonly version: string;
}> {
  const bare: number[] = [];
  const batches: number[] = [];
  const longest: number[] = [];
  let version = '';
  const onCopy = async (work: (bench: Bench) => Promise<void>): Promise<void> => {
    await using bench = await openPlatform({ ...options, copy: true });
    ({ version } = bench);
    await makeDue(bench, due[options.scale]);
    await work(bench);
  };
  for (let round = 0; round < options.rounds; round += 1) {
    const sides = [
      () =>
        onCopy(async (bench) => {
          bare.push(
            await timed(() =>
              bench.bare.query(
                `delete from messages m using workspaces w, plans p where w.id = m.workspace_id and p.id = w.plan_id
                 and m.created_at < now() - make_interval(days => p.message_metadata_retention_days)`,
              ),
            ),
          );
          bench.tell(`bare: ${(bare.at(-1) ?? 0).toFixed(0)} ms`);
        }),
      () =>
        onCopy(async (bench) => {
          const took = await run(bench);
          batches.push(took.reduce((sum, ms) => sum + ms, 0));
          longest.push(Math.max(...took));
          bench.tell(
            `in ${String(took.length)} batches: ${(batches.at(-1) ?? 0).toFixed(0)} ms, the longest ${(longest.at(-1) ?? 0).toFixed(0)} ms`,
          );
        }),
    ];
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) await side();
  }
  return {
    version,
    figures: [
      figureOf('messages beyond their plan’s days, beside a bare DELETE by the same plans', batches, bare, {
        times: goals.rows,
      }),
      figureOf(
        'longest batch of it',
        longest,
        longest.map(() => goals.batchMs),
        { under: goals.batchMs },
      ),
    ],
  };
}

/** Sets the platform's plans so that about so many messages, the oldest ones, are due. */
async function makeDue({ bare, tell }: Bench, wanted: number): Promise<void> {
  await bare.query(
    `update plans set message_metadata_retention_days = greatest(0, extract(day from now() - (
       select created_at from messages order by created_at offset least($1, (select count(*) - 1 from messages)) limit 1))::int)`,
    [wanted],
  );
  const { rows } = await bare.query<{ due: number }>(
    `select count(*)::int as due from messages where created_at < now() - make_interval(days => (select max(message_metadata_retention_days) from plans))`,
  );
  tell(`${String(rows[0]?.due ?? 0)} messages are due`);
  await bare.query('checkpoint');
}

/** Milliseconds of each batch of messages, from the entry before it to its own. */
async function run({ console, places, bare }: Bench): Promise<readonly number[]> {
  const counted = await expectDone(console, 'retention.plan', {});
  const { job } = await expectDone(console, 'jobs.wait', { id: counted.jobId });
  const { plan } = await expectDone(console, 'retention.show', { planId: Number(job.result?.['planId']) });
  const approver = plainConsole(places);
  try {
    await expectDone(approver, 'session.signIn', { profile: 'demo:approver' });
    await expectDone(approver, 'retention.decide', {
      planId: plan.id,
      sha256: plan.sha256,
      decision: 'approve',
      reason: 'a benchmark of the same rows',
    });
  } finally {
    await approver.close();
  }
  const begun = await expectDone(console, 'retention.run', { planId: plan.id, pace: 'fast' });
  await expectDone(console, 'jobs.wait', { id: begun.jobId });
  const { rows } = await bare.query<{ ms: number }>(
    `select x.ms from (
       select e.action, d.text, (extract(epoch from e.at - lag(e.at) over (order by e.number)) * 1000)::float8 as ms
       from privacy_console.entry e left join privacy_console.detail d on d.entry = e.number
       where e.number >= (select entry from privacy_console.retention_run where plan = $1)) x
     where x.action = 'retention.batch' and x.text::json ->> 'rule' = 'metadata'`,
    [plan.id],
  );
  return rows.map(({ ms }) => ms);
}
