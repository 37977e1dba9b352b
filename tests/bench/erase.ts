import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { openObjectStore } from '#core/objectStore/r2.ts';
import { expectDone, plainConsole } from '#demo/staff.ts';
import type { ErasurePlan } from '#shared/contract/erasure.ts';
import type { BareClient } from '#tests/helpers/bareClient.ts';
import { timed } from './measure.ts';
import { openPlatform, type Bench, type BenchOptions } from './platform.ts';
import { figureOf, quantile, type Figure } from './report.ts';

const measuredErasure = z.object({
  /** Milliseconds. */
  took: z.number(),
  complete: z.boolean(),
  overIdleMiB: z.number(),
});
export type MeasuredErasure = z.output<typeof measuredErasure>;

const goals = { fast: 1.5, gentle: 1.5, objects: 1.2, batchMs: 250, memoryMiB: 60 } as const;

/** Objects of the part that measures R2. */
const objects = { small: 1_000, large: 10_000 } as const;
/** Milliseconds the platform is watched at rest, and at most beside a gentle deletion. */
const watched = { calm: 10_000, busy: 60_000 } as const;
/** Milliseconds between two things the platform does. */
const platformPauseMs = 5;

interface Account {
  readonly id: string;
  readonly email: string;
  readonly rows: number;
}

/**
 * Erases the account with most messages, each time from a copy of its own of the
 * platform: fast beside bare `DELETE`s of the same rows, gently beside a platform that goes
 * on writing, and somebody with many objects beside the bare calls to R2.
 */
export async function benchErase(options: BenchOptions): Promise<{
  readonly figures: readonly Figure[];
  readonly version: string;
}> {
  const bare: number[] = [];
  const fast: MeasuredErasure[] = [];
  const small: MeasuredErasure[] = [];
  const longest: number[] = [];
  const deleting: number[] = [];
  const rounds = Array.from({ length: options.rounds }, (_, round) => round);
  for (const round of rounds) {
    // Who goes first finds colder caches.
    const sides = [
      () =>
        onCopy(options, async (bench) => {
          const account = await heaviest(bench);
          const { plan } = await plannedFor(bench, account.email);
          await warm(bench.bare, account);
          bare.push(await timed(() => deleteBare(bench.bare, account, plan)));
          bench.tell(`bare: ${(bare.at(-1) ?? 0).toFixed(0)} ms for ${String(account.rows)} messages`);
        }),
      () =>
        onCopy(options, async (bench) => {
          // The same of little, so that memory can be seen not to grow.
          const light = await plannedFor(bench, (await heaviest(bench, 100)).email);
          await approve(bench, light.plan);
          small.push(
            await runIn({ places: bench.places, planId: light.plan.id, pace: 'fast', stopAfter: null }),
          );
          const account = await heaviest(bench);
          const { plan } = await plannedFor(bench, account.email);
          await approve(bench, plan);
          await warm(bench.bare, account);
          fast.push(await runIn({ places: bench.places, planId: plan.id, pace: 'fast', stopAfter: null }));
          const went = await stretches(bench.bare, plan.id);
          const batches = went.filter(({ isBatch }) => isBatch).map(({ ms }) => ms);
          deleting.push(batches.reduce((sum, ms) => sum + ms, 0));
          longest.push(Math.max(...batches));
          bench.tell(inWords(went));
          bench.tell(
            `fast: ${(fast.at(-1)?.took ?? 0).toFixed(0)} ms, longest batch ${(longest.at(-1) ?? 0).toFixed(0)} ms, peak ${(fast.at(-1)?.overIdleMiB ?? 0).toFixed(0)} MiB over idle`,
          );
        }),
    ];
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) await side();
  }
  const calm: number[] = [];
  const busy: number[] = [];
  let version = '';
  await onCopy(options, async (bench) => {
    ({ version } = bench);
    const account = await heaviest(bench);
    const { plan } = await plannedFor(bench, account.email);
    await approve(bench, plan);
    calm.push(...(await platformAtWork(bench, account, wait(watched.calm))));
    const running = runIn({ places: bench.places, planId: plan.id, pace: 'gentle', stopAfter: null });
    const done = running.then(
      () => undefined,
      () => undefined,
    );
    busy.push(...(await platformAtWork(bench, account, done)));
    const { took } = await running;
    bench.tell(
      `gentle: ${took.toFixed(0)} ms; the platform's p99 ${quantile(calm, 0.99).toFixed(2)} ms at rest, ${quantile(busy, 0.99).toFixed(2)} ms beside it, of ${String(calm.length)} and ${String(busy.length)} writes`,
    );
  });
  const { console: r2Console, bare: r2Bare } = await benchObjects(options);
  const atMost = (value: number): number[] => rounds.map(() => value);
  return {
    version,
    figures: [
      figureOf('rows deleted fast, beside bare DELETE of the same rows', deleting, bare, {
        times: goals.fast,
      }),
      figureOf('longest batch of it', longest, atMost(goals.batchMs), { under: goals.batchMs }),
      figureOf(
        'peak memory over idle, beside a small deletion',
        fast.map(({ overIdleMiB }) => overIdleMiB),
        small.map(({ overIdleMiB }) => overIdleMiB),
        { over: goals.memoryMiB },
        'MiB',
      ),
      figureOf(
        'p99 of a platform writing beside a gentle deletion, beside its own at rest',
        [quantile(busy, 0.99)],
        [quantile(calm, 0.99)],
        { times: goals.gentle },
      ),
      figureOf(
        `${String(objects[options.scale])} objects deleted and proved absent, beside the bare calls`,
        r2Console,
        r2Bare,
        { times: goals.objects },
      ),
    ],
  };
}

async function onCopy<Value>(options: BenchOptions, work: (bench: Bench) => Promise<Value>): Promise<Value> {
  await using bench = await openPlatform({ ...options, copy: true });
  return await work(bench);
}

/** Who owns most messages, after those that are skipped. */
export async function heaviest({ bare }: Bench, skipped = 0): Promise<Account> {
  const { rows } = await bare.query<Account>(
    `select u.id, u.email::text, sum(m.held)::int as rows
     from (select workspace_id, count(*) as held from messages group by 1) m
     join workspaces w on w.id = m.workspace_id join users u on u.id = w.owner_id
     group by 1, 2 order by 3 desc limit 1 offset $1`,
    [skipped],
  );
  const [account] = rows;
  if (account === undefined) throw new Error('Nobody has messages.');
  return account;
}

/** A plan of the person's deletion, as an operator makes it: what others share is closed. */
export async function plannedFor(
  { console }: Bench,
  email: string,
): Promise<{ readonly plan: ErasurePlan; readonly subject: string }> {
  const { request } = await expectDone(console, 'requests.open', {
    kind: 'deletion',
    receivedOn: new Date(Date.now() - 86_400_000).toISOString().slice(0, 10),
  });
  const { hits } = await expectDone(console, 'search.run', { text: email, requestId: request.id });
  const subject = hits[0]?.subject;
  if (subject === undefined) throw new Error('The search did not find the account.');
  await expectDone(console, 'subjects.open', { subject, requestId: request.id });
  await expectDone(console, 'requests.link', { id: request.id, subject });
  const { plan } = await expectDone(console, 'erasure.plan', { requestId: request.id, decisions: {} });
  if (plan.decisions.length === 0) return { plan, subject };
  const decisions = Object.fromEntries(plan.decisions.map(({ key }) => [key, 'close']));
  return { ...(await expectDone(console, 'erasure.plan', { requestId: request.id, decisions })), subject };
}

export async function approve({ places }: Bench, plan: ErasurePlan): Promise<void> {
  const approvers = ['demo:approver', 'demo:second-approver'].slice(0, plan.approversNeeded);
  for (const profile of approvers) {
    const console = plainConsole(places);
    try {
      await expectDone(console, 'session.signIn', { profile });
      await expectDone(console, 'erasure.decide', {
        planId: plan.id,
        sha256: plan.sha256,
        decision: 'approve',
        reason: 'a benchmark of the same rows',
      });
    } finally {
      await console.close();
    }
  }
}

/** What the disk keeps cold on either side is no part of the comparison. */
async function warm(bare: BareClient, { id }: Account): Promise<void> {
  await bare.query(
    'select sum(length(m::text)) from messages m where workspace_id in (select id from workspaces where owner_id = $1)',
    [id],
  );
  await bare.query('checkpoint');
}

/** What somebody who knows the reference platform would write: a statement a table, in one transaction. */
async function deleteBare(bare: BareClient, { id }: Account, plan: ErasurePlan): Promise<void> {
  const { rows: workspaces } = await bare.query<{ id: string }>(
    'select id from workspaces where owner_id = $1',
    [id],
  );
  const theirs = workspaces.map((each) => each.id);
  const { rows: columns } = await bare.query<{ table: string; column: string }>(
    `select c.relname as table, a.attname as column from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and a.attname in ('workspace_id', 'user_id')`,
  );
  await bare.query('begin');
  for (const { collection, action } of plan.lines) {
    if (action !== 'delete') continue;
    const found = columns.filter((each) => each.table === collection).map((each) => each.column);
    const where = [
      found.includes('workspace_id') ? 'workspace_id = any ($1::uuid[])' : null,
      found.includes('user_id') ? 'user_id = $2::uuid' : null,
    ].filter((each) => each !== null);
    if (where.length === 0) continue;
    // Both are named, so that both have a type.
    await bare.query(
      `with asked as (select $1::uuid[], $2::uuid) delete from ${collection} where ${where.join(' or ')}`,
      [theirs, id],
    );
  }
  // The last of all, as it is for the console: each is looked for in every message.
  await bare.query(
    'delete from workspaces w where owner_id = $1 and not exists (select from invoices i where i.workspace_id = w.id)',
    [id],
  );
  await bare.query('commit');
}

/** One stretch of a run: from an entry of the trail to the next, told by what the later one is about. */
interface Stretch {
  /** Collection and action of a batch, or the action of another entry. */
  readonly what: string;
  readonly isBatch: boolean;
  readonly ms: number;
}

/** At full speed a batch lasts from the entry before it to its own. */
async function stretches(bare: BareClient, planId: number): Promise<readonly Stretch[]> {
  const { rows } = await bare.query<Stretch>(
    `select case e.action when 'erasure.batch' then (d.text::json ->> 'action') || ' ' || (d.text::json ->> 'collection') else e.action end as what,
       e.action = 'erasure.batch' as "isBatch", (extract(epoch from e.at - lag(e.at) over (order by e.number)) * 1000)::float8 as ms
     from privacy_console.entry e left join privacy_console.detail d on d.entry = e.number
     where e.number >= (select entry from privacy_console.run where plan = $1) order by e.number offset 1`,
    [planId],
  );
  return rows;
}

function inWords(found: readonly Stretch[]): string {
  const sums = new Map<string, { readonly times: number; readonly ms: number }>();
  for (const { what, ms } of found) {
    const sum = sums.get(what) ?? { times: 0, ms: 0 };
    sums.set(what, { times: sum.times + 1, ms: sum.ms + ms });
  }
  return [...sums]
    .toSorted(([, one], [, other]) => other.ms - one.ms)
    .filter(([, { ms }]) => ms >= 100)
    .map(([what, { times, ms }]) => `${what} ${(ms / 1000).toFixed(1)} s (${String(times)})`)
    .join(', ');
}

/** A message that is written and soon after sent, again and again, for somebody who isn't erased; milliseconds of each. */
async function platformAtWork(
  { bareWith }: Bench,
  account: Account,
  until: Promise<unknown>,
): Promise<readonly number[]> {
  const client = await bareWith({});
  const { rows } = await client.query<{ id: string }>(
    'select id from workspaces where owner_id <> $1 limit 50',
    [account.id],
  );
  const ends = new AbortController();
  void Promise.race([until, wait(watched.busy)]).then(() => {
    ends.abort();
  });
  const samples: number[] = [];
  for (let number = 0; !ends.signal.aborted; number += 1) {
    const workspace = rows[number % rows.length]?.id;
    samples.push(
      await timed(async () => {
        await client.query(
          `with written as (insert into messages (workspace_id, recipient_phone, status, content) values ($1, '+919000000000', 'queued', 'x') returning id)
           select * from written`,
          [workspace],
        );
      }),
    );
    await wait(platformPauseMs);
  }
  return samples;
}

async function benchObjects(
  options: BenchOptions,
): Promise<{ readonly console: readonly number[]; readonly bare: readonly number[] }> {
  const console: number[] = [];
  const bare: number[] = [];
  await onCopy(options, async (bench) => {
    const { platform, tell } = bench;
    const bucket = openObjectStore({ ...platform.r2, environment: 'demo' });
    const count = objects[options.scale];
    try {
      for (let round = 0; round < options.rounds; round += 1) {
        const account = await heaviest(bench, 200 + round);
        const { rows } = await bench.bare.query<{ id: string }>(
          'select id from workspaces where owner_id = $1 limit 1',
          [account.id],
        );
        const theirs = `workspaces/${rows[0]?.id ?? ''}/bench/`;
        const others = `bench-${randomUUID()}/`;
        await fill(bench, theirs, count);
        await fill(bench, others, count);
        bare.push(
          await timed(async () => {
            const keys: string[] = [];
            for await (const { key } of bucket.list(others)) keys.push(key);
            const { failed } = await bucket.deleteKeys(keys);
            for await (const _left of bucket.list(others)) throw new Error('An object is left.');
            if (failed.length > 0 || keys.length !== count) throw new Error('Not all objects were deleted.');
          }),
        );
        const { plan } = await plannedFor(bench, account.email);
        await approve(bench, plan);
        await runIn({ places: bench.places, planId: plan.id, pace: 'fast', stopAfter: null });
        const ms = (await stretches(bench.bare, plan.id))
          .filter(({ what }) => /^(uploads|objects)\b/.test(what))
          .reduce((sum, stretch) => sum + stretch.ms, 0);
        console.push(ms);
        tell(`objects: ${ms.toFixed(0)} ms, bare ${(bare.at(-1) ?? 0).toFixed(0)} ms`);
      }
    } finally {
      bucket.close();
    }
  });
  return { console, bare };
}

async function fill({ platform }: Bench, prefix: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    await platform.objectStore.put(
      Array.from({ length: Math.min(500, count - from) }, (_, place) => ({
        key: `${prefix}${String(from + place).padStart(6, '0')}.jpg`,
        bytes: Buffer.from('x'),
        contentType: 'image/jpeg',
      })),
    );
  }
}

async function runIn(order: {
  readonly places: Bench['places'];
  readonly planId: number;
  readonly pace: 'fast' | 'gentle';
  readonly stopAfter: number | null;
}): Promise<MeasuredErasure> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('eraseProcess.ts', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString('utf8')));
  child.stdin.end(JSON.stringify(order));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`The measured process ended with ${String(code)}.`);
  return measuredErasure.parse(JSON.parse(said));
}
