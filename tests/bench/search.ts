import { expectDone } from '#demo/staff.ts';
import type { BareClient } from '#tests/helpers/bareClient.ts';
import { inTurns, timed } from './measure.ts';
import type { Bench } from './platform.ts';
import { figureOf, quantile, type Figure } from './report.ts';

/** How many rounds warm connections, plans and caches up before any counts. */
const warmUp = 10;
/** A scan takes a second and more at scale large, and hardly varies. */
const scans = 5;
/** Hits a search shows; the console asks for one more, to know whether there are more. */
const limit = 50;

const shown = `u.id, u.name, u.email::text, u.phone,
  array(select w.name from workspaces w where w.owner_id = u.id limit 3) as workspaces`;

interface Kind {
  readonly name: string;
  /** Query for the texts that are looked for, one for each round. */
  readonly texts: string;
  /** What staff type, from what `texts` gave. */
  typed(text: string): string;
  /** The best SQL for the question, over the same indexes; its one parameter is what `asked` makes of what is typed. */
  readonly sql: string;
  asked(typed: string): string;
  /** Further rows that a tool without indexes reads for it. */
  readonly scanned?: string;
  /** What the bare session is told about a text beforehand, unmeasured. */
  readonly prepared?: string;
}

/** Drawn by a hash of the key: the same people each time, spread over the table. */
const drawn = (column: string, condition: string): string =>
  `select ${column} as text from users where ${condition} order by md5(id::text) limit $1`;

const kinds: readonly Kind[] = [
  {
    name: 'exact e-mail',
    texts: drawn('email::text', 'true'),
    typed: (text) => text,
    sql: `select ${shown} from users u where u.email = $1::citext`,
    asked: (typed) => typed,
  },
  {
    name: 'part of an e-mail',
    texts: drawn(
      "substr(split_part(email::text, '@', 1), 3)",
      "length(split_part(email::text, '@', 1)) >= 10",
    ),
    typed: (text) => text,
    // Whoever types it doesn't say that it is of an e-mail address; names and workspaces that begin so count too.
    sql: `select ${shown} from (
        (select u.id from users u where u.email::text ilike $1 limit ${limit + 1})
        union (select u.id from users u where u.name ilike substr($1, 2) limit ${limit + 1})
        union (select w.owner_id from workspaces w where w.name ilike substr($1, 2) limit ${limit + 1})
      ) found join users u on u.id = found.id limit ${limit + 1}`,
    asked: (typed) => `%${escaped(typed)}%`,
  },
  {
    name: 'phone digits',
    texts: drawn('right(phone, 10)', "phone like '+9%'"),
    typed: (text) => `${text.slice(0, 5)} ${text.slice(5)}`,
    // The number of whom tenants write to counts too.
    // The number of whom tenants write to counts too, with a name and the workspaces that have it.
    sql: `(select ${shown}, null::bigint as tenants from users u where u.phone like $1 limit ${limit + 1})
      union all (with part as materialized (
          select c.phone from contacts c where c.phone like $1
          union all select m.recipient_phone from messages m where m.recipient_phone like $1)
        select null, (select c.name from contacts c where c.phone = p.phone and c.name is not null order by c.created_at, c.id limit 1),
          null, p.phone, w.names, w.number
        from (select part.phone from part group by 1 limit ${limit + 1}) p cross join lateral (
          select count(*), (array_agg(w.name order by w.name))[1:3] from (
            select c.workspace_id from contacts c where c.phone = p.phone
            union select m.workspace_id from messages m where m.recipient_phone = p.phone) t(workspace_id)
          join workspaces w on w.id = t.workspace_id) w(number, names))`,
    asked: (typed) => `%${typed.replace(' ', '')}%`,
    scanned: `union all select null, null, null, c.phone from contacts c where c.phone ilike $1
      union all select null, null, null, m.recipient_phone from messages m where m.recipient_phone ilike $1`,
  },
  {
    name: 'name with a typing error',
    texts: drawn('name', "name ~ '^[A-Z][a-z]{3,} [A-Z][a-z]{3,}$'"),
    typed: mistyped,
    // Names of people and of workspaces, those that begin so first, from the similarity on that one typing error
    // leaves: at a higher one half of these texts find nobody.
    prepared: `select set_config('pg_trgm.similarity_threshold', least(0.55, greatest(0.3,
      (cardinality(show_trgm($1)) - 4) / (cardinality(show_trgm($1)) + 4.0) - 0.001))::text, false)`,
    sql: `select ${shown} from (
        select found.id, max(found.score) as score from (
          (select u.id, 1 as score from users u where u.name ilike $1 || '%' limit ${limit + 1})
          union all
          (select w.owner_id, 1 from workspaces w where w.name ilike $1 || '%' limit ${limit + 1})
          union all
          (select u.id, similarity(u.name, $1) from users u where u.name % $1 order by 2 desc limit ${limit + 1})
          union all
          (select w.owner_id, similarity(w.name, $1) from workspaces w where w.name % $1 order by 2 desc limit ${limit + 1})
        ) found group by 1 order by 2 desc limit ${limit + 1}) best
      join users u on u.id = best.id order by best.score desc`,
    asked: (typed) => typed,
  },
];

/** What a tool without the console's indexes does with a search box: it reads every row. */
const scan = `select u.id, u.name, u.email::text, u.phone from users u
  where u.name ilike $1 or u.email::text ilike $1 or u.phone ilike $1
  union all select w.owner_id, w.name, null, null from workspaces w where w.name ilike $1`;

/** Two letters of the last word in the wrong order. */
function mistyped(name: string): string {
  const at = name.lastIndexOf(' ') + 2;
  return `${name.slice(0, at)}${name[at + 1] ?? ''}${name[at] ?? ''}${name.slice(at + 2)}`;
}

function escaped(text: string): string {
  return text.replace(/[\\%_]/g, (each) => `\\${each}`);
}

async function benchKind(
  bench: Bench,
  kind: Kind,
  scanner: BareClient,
  requestId: number,
): Promise<readonly Figure[]> {
  const { console, bare, rounds, tell } = bench;
  const { prepared } = kind;
  const { rows } = await bare.query<{ text: string }>(kind.texts, [warmUp + rounds]);
  const typed = rows.map((row) => kind.typed(row.text));
  const wordOf = (round: number): string => typed[round % typed.length] ?? '';
  let without = 0;
  const samples = await inTurns(
    {
      console: async (round) => {
        const { hits } = await expectDone(console, 'search.run', { text: wordOf(round), limit, requestId });
        if (hits.length === 0) without += 1;
      },
      bare: (round) => bare.query({ name: kind.name, text: kind.sql, values: [kind.asked(wordOf(round))] }),
    },
    rounds,
    warmUp,
    async (round) => {
      if (prepared !== undefined) await bare.query(prepared, [wordOf(round)]);
    },
  );
  if (without > 0) throw new Error(`${without} searches for ${kind.name} found nobody.`);
  const scanned: number[] = [];
  for (let round = 0; round < scans; round += 1) {
    scanned.push(
      await timed(() => scanner.query(`${scan} ${kind.scanned ?? ''}`, [`%${escaped(wordOf(round))}%`])),
    );
  }
  tell(
    `${kind.name}: console ${spread(samples.console)}, bare ${spread(samples.bare)}, scan ${spread(scanned)}`,
  );
  return [
    figureOf(`search by ${kind.name}, beside the same SQL in a bare client`, samples.console, samples.bare, {
      over: 5,
    }),
    figureOf(`search by ${kind.name}, beside a scan with ILIKE`, samples.console, scanned, { faster: 20 }),
  ];
}

function spread(samples: readonly number[]): string {
  const [low, middle, high] = [0.05, 0.5, 0.95].map((share) => quantile(samples, share).toFixed(2));
  return `${middle} ms (5 to 95 %: ${low} to ${high})`;
}

/** Searching through the whole console path, two committed steps included. */
export async function benchSearch(bench: Bench): Promise<readonly Figure[]> {
  const scanner = await bench.bareWith({
    enable_indexscan: 'off',
    enable_indexonlyscan: 'off',
    enable_bitmapscan: 'off',
  });
  const { request } = await expectDone(bench.console, 'requests.open', {
    kind: 'access',
    receivedOn: new Date(Date.now() - 86_400_000).toISOString().slice(0, 10),
  });
  const figures: Figure[] = [];
  for (const kind of kinds) figures.push(...(await benchKind(bench, kind, scanner, request.id)));
  await expectDone(bench.console, 'requests.close', { id: request.id, outcome: 'withdrawn' });
  return figures;
}
