import { expectDone } from '#demo/staff.ts';
import { inTurns } from './measure.ts';
import type { Bench } from './platform.ts';
import { figureOf, quantile, type Figure } from './report.ts';

/** How many rounds warm connections, plans and caches up before any counts. */
const warmUp = 10;
const pageRows = 50;
/** The last of the pages measured. */
const farPage = 1000;

interface Row {
  readonly id: string;
  readonly created: string;
}

/** Rows straight off the index of each workspace, merged; the first page is the one below every time. */
const pageSql = `select p.* from workspaces w cross join lateral (
    select m.id, m.created_at, m.workspace_id, m.campaign_id, m.whatsapp_session_id, m.recipient_phone,
      m.status::text, m.content, m.sent_at, m.delivered_at, m.failed_at, m.error_code
    from messages m where m.workspace_id = w.id and m.created_at <= $2 and (m.created_at, m.id) < ($2::timestamptz, $3::bigint)
    order by m.created_at desc, m.id desc limit ${pageRows + 1}) p
  where w.owner_id = $1 order by p.created_at desc, p.id desc limit ${pageRows + 1}`;

interface HeavyAccount {
  readonly id: string;
  readonly email: string;
  readonly messages: number;
}

/** Pages of messages of the account that has most of them, through the guard. */
export async function benchPage(bench: Bench): Promise<readonly Figure[]> {
  const { console, bare, rounds, tell } = bench;
  // Left to itself the planner sorts all the messages: the bare side gets the help the guard's functions have.
  const helped = await bench.bareWith({
    enable_seqscan: 'off',
    enable_bitmapscan: 'off',
    enable_sort: 'off',
    enable_hashjoin: 'off',
    enable_mergejoin: 'off',
  });
  const { rows: accounts } = await bare.query<HeavyAccount>(`
    select u.id, u.email::text, sum(m.held)::int as messages
    from (select workspace_id, count(*) as held from messages group by 1) m
    join workspaces w on w.id = m.workspace_id join users u on u.id = w.owner_id
    group by 1, 2 order by 3 desc limit 1`);
  const [account] = accounts;
  if (account === undefined) throw new Error('Nobody has messages.');
  tell(`The heaviest account has ${account.messages} messages.`);
  const { rows: boundary } = await bare.query<Row>(
    `select m.created_at::text as created, m.id::text from messages m
     where m.workspace_id in (select id from workspaces where owner_id = $1)
     order by m.created_at desc, m.id desc offset $2 limit 1`,
    [account.id, (farPage - 1) * pageRows - 1],
  );
  const { request } = await expectDone(console, 'requests.open', {
    kind: 'access',
    receivedOn: new Date(Date.now() - 86_400_000).toISOString().slice(0, 10),
  });
  const { hits } = await expectDone(console, 'search.run', { text: account.email, requestId: request.id });
  const subject = hits[0]?.subject;
  if (subject === undefined) throw new Error('The search did not find the heaviest account.');
  const { access } = await expectDone(console, 'subjects.open', {
    subject,
    minutes: 60,
    requestId: request.id,
  });
  const pages: { name: string; cursor: string[] | undefined; below: Row }[] = [
    { name: 'first page', cursor: undefined, below: { created: 'infinity', id: '0' } },
  ];
  // The small platform's heaviest account has fewer pages than that.
  const [below] = boundary;
  if (below === undefined) tell(`There is no page ${farPage} at this scale.`);
  else pages.push({ name: `page ${farPage}`, cursor: [below.created, below.id], below });
  const figures: Figure[] = [];
  for (const { name, cursor, below } of pages) {
    const input = { accessId: access.id, collection: 'messages', cursor, limit: pageRows };
    const values = [account.id, below.created, below.id];
    const guarded = await expectDone(console, 'subjects.page', input);
    const beside = await helped.query<Row>(pageSql, values);
    const ids = beside.rows.slice(0, pageRows).map((row) => row.id);
    if (ids.length !== pageRows || guarded.rows.map((row) => row.cells['id']).join() !== ids.join()) {
      throw new Error(`The two sides of the ${name} gave different rows.`);
    }
    const samples = await inTurns(
      {
        console: () => expectDone(console, 'subjects.page', input),
        bare: () => helped.query({ name: 'page', text: pageSql, values }),
      },
      rounds,
      warmUp,
    );
    const [low, high] = [0.05, 0.95].map((share) => quantile(samples.console, share).toFixed(2));
    tell(`${name}: console, 5 to 95 %: ${low} to ${high} ms`);
    figures.push(
      figureOf(
        `${name} of ${pageRows} of ${account.messages} messages, beside the same SQL in a bare client`,
        samples.console,
        samples.bare,
        { under: 20 },
      ),
    );
  }
  await expectDone(console, 'subjects.close', { accessId: access.id });
  await expectDone(console, 'requests.close', { id: request.id, outcome: 'withdrawn' });
  return figures;
}
