import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expectDone, plainConsole } from '#demo/staff.ts';
import { timed } from './measure.ts';
import { openPlatform, type Bench, type BenchOptions } from './platform.ts';
import { figureOf, type Figure } from './report.ts';

/** People of the batch, and of the one whose memory it is held against. */
const people = { all: 1_000, few: 100 } as const;
/** At least twenty people a second: planned, run and proved absent. */
const goals = { msEach: 50, memoryMiB: 60 } as const;

interface Measured {
  /** Milliseconds of matching, planning, approving and running. */
  readonly stretches: Readonly<Record<'match' | 'plan' | 'approve' | 'run', number>>;
  readonly erased: number;
  readonly peakMiB: number;
}

/** Erases a thousand people from a list of their keys, under one plan and one approval, in a copy of the platform. */
export async function benchBulk(options: BenchOptions): Promise<{
  readonly figures: readonly Figure[];
  readonly version: string;
}> {
  await using bench = await openPlatform({ ...options, copy: true });
  const few = await erased(bench, people.few, 0);
  const all = await erased(bench, people.all, people.few);
  const { match, plan, approve, run } = all.stretches;
  const each = (match + plan + approve + run) / all.erased;
  bench.tell(
    `${String(all.erased)} people: match ${match.toFixed(0)} ms, plan ${plan.toFixed(0)} ms, approve ${approve.toFixed(0)} ms, run ${run.toFixed(0)} ms; ${(1000 / each).toFixed(1)} people a second in all, ${((all.erased * 1000) / run).toFixed(1)} of them run`,
  );
  return {
    version: bench.version,
    figures: [
      figureOf(
        `one of ${String(people.all)} people: matched, planned, approved, run`,
        [each],
        [goals.msEach],
        {
          under: goals.msEach,
        },
      ),
      figureOf(
        `peak memory held by ${String(people.all)} people, beside ${String(people.few)}`,
        [all.peakMiB],
        [few.peakMiB],
        { over: goals.memoryMiB },
        'MiB',
      ),
    ],
  };
}

async function erased(
  { console, bare, places, tell }: Bench,
  count: number,
  after: number,
): Promise<Measured> {
  // In whose workspaces nobody else works; the heaviest account is another bench's.
  const { rows } = await bare.query<{ id: string }>(
    `select u.id from users u where u.closed_at is null
       and not exists (select from workspaces w join workspace_members m on m.workspace_id = w.id where w.owner_id = u.id and m.user_id <> u.id)
       and (select count(*) from messages m join workspaces w on w.id = m.workspace_id where w.owner_id = u.id) < 500
     order by u.id limit $1 offset $2`,
    [count, after],
  );
  let peak = 0;
  // What is held, without what nobody needs any more.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const sampled = setInterval(() => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    peak = Math.max(peak, heapUsed + external);
  }, 1_000);
  const finish = async (jobId: string): Promise<void> => {
    const { job } = await expectDone(console, 'jobs.wait', { id: jobId });
    if (job.state !== 'done') throw new Error(`The batch ended ${job.state}: ${job.failure?.message ?? ''}`);
  };
  const approvers = ['demo:approver', 'demo:second-approver'];
  try {
    let id = 0;
    const match = await timed(async () => {
      const { batch } = await expectDone(console, 'batches.begin', {
        reason: 'a benchmark',
        from: { source: 'csv', form: 'id', text: rows.map((row) => row.id).join('\n') },
      });
      ({ id } = batch);
    });
    const plan = await timed(async () => finish((await expectDone(console, 'batches.plan', { id })).jobId));
    const { batch } = await expectDone(console, 'batches.show', { id });
    const approve = await timed(async () => {
      for (const profile of approvers.slice(0, batch.approversNeeded ?? 1)) {
        const other = plainConsole(places);
        try {
          await expectDone(other, 'session.signIn', { profile });
          await expectDone(other, 'batches.decide', {
            ...{ id, sha256: batch.sha256 ?? '', decision: 'approve', reason: 'a benchmark' },
          });
        } finally {
          await other.close();
        }
      }
    });
    const run = await timed(async () => finish((await expectDone(console, 'batches.run', { id })).jobId));
    const { batch: ended } = await expectDone(console, 'batches.show', { id });
    tell(`batch of ${String(count)}: ${JSON.stringify(ended.states)}`);
    return {
      stretches: { match, plan, approve, run },
      erased: ended.states.done ?? 0,
      peakMiB: peak / 1_048_576,
    };
  } finally {
    clearInterval(sampled);
  }
}
