import { execFile, spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { verifyPackage } from '#core/exports/verify.ts';
import { startObjectStore, type ObjectStore } from '#demo/objectStore.ts';
import { expectDone } from '#demo/staff.ts';
import { inTurns, timed, type Side } from './measure.ts';
import type { Bench } from './platform.ts';
import { figureOf, median, type Figure } from './report.ts';
import { startSparseStore } from './sparseStore.ts';

/** What one process does: the console's export, the same encrypted, its records alone, one that is cancelled, objects alone. */
export type Work = 'whole' | 'encrypted' | 'records' | 'cancelled' | 'media';

const measuredExport = z.object({
  /** Milliseconds. */
  took: z.number(),
  /** Of the processors, by all threads of the console, in milliseconds; the database's and the store's is their own. */
  cpu: z.number(),
  rows: z.number(),
  /** Of the package. */
  bytes: z.number(),
  /** Milliseconds until something lay on the disk; null where that was not looked at. */
  firstByte: z.number().nullable(),
  overIdleMiB: z.number(),
});
export type MeasuredExport = z.output<typeof measuredExport>;

const goals = { records: 1.2, whole: 1.8, encrypted: 1.3, media: 1 / 0.9 } as const;
const mostMiB = 150;
const firstByteMs = 300;
const cancelMs = 100;
/** As much more memory as 2,000,000 rows may take than 200,000: what a measurement varies by. */
const memoryNoiseMiB = 40;

/** Objects of the media bench, in bytes; at scale small there are fewer of them. */
const objectBytes = { least: 100_000, most: 2_000_000 } as const;
const objects = { small: 100, large: 2_000 } as const;
const largeObject = { small: 100_000_000, large: 5_000_000_000 } as const;

const run = promisify(execFile);

/**
 * Makes packages of the account with most messages, each in a process of its
 * own, in turns with what the system's own tools take for the same rows and objects.
 */
export async function benchExport(bench: Bench, only?: ExportPart): Promise<readonly Figure[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'privacy-console-export-'));
  try {
    const figures: Figure[] = [];
    for (const [part, measure] of Object.entries(parts))
      if (only === undefined || only === part) figures.push(...(await measure(bench, folder)));
    return figures;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const parts = { rows: benchRows, media: benchMedia, object: benchObject } as const;

/** What can be measured by itself. */
export type ExportPart = keyof typeof parts;

export function isExportPart(text: string): text is ExportPart {
  return Object.hasOwn(parts, text);
}

async function benchRows(bench: Bench, folder: string): Promise<readonly Figure[]> {
  const { bare, rounds, tell, platform, secrets, places } = bench;
  const { rows: accounts } = await bare.query<{ id: string; email: string; messages: number }>(`
    select u.id, u.email::text, sum(m.held)::int as messages
    from (select workspace_id, count(*) as held from messages group by 1) m
    join workspaces w on w.id = m.workspace_id join users u on u.id = w.owner_id
    group by 1, 2 order by 3 desc limit 1`);
  const [account] = accounts;
  if (account === undefined) throw new Error('Nobody has messages.');
  const theirs = `workspace_id in (select id from workspaces where owner_id = '${account.id}')`;
  const { rows: tenths } = await bare.query<{ since: string }>(
    `select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since from messages where ${theirs} order by created_at desc offset $1 limit 1`,
    [Math.floor(account.messages / 10)],
  );
  const since = tenths[0]?.since ?? null;
  tell(`The heaviest account has ${account.messages} messages; a tenth of them since ${String(since)}.`);
  const requestId = await requestOf(bench, account.email);
  const at = { host: platform.host, port: platform.port, database: platform.database };
  const console = { places, requestId };
  const all = { ...console, since: null };
  const login = secrets.logins.operator;

  const measured = new Map<string, MeasuredExport[]>();
  const measure = async (name: string, order: object): Promise<void> => {
    const into = await mkdtemp(path.join(folder, 'package-'));
    const each = await measuredIn({ ...order, folder: into });
    await rm(into, { recursive: true });
    tell(
      `${name}: ${each.took.toFixed(0)} ms, ${each.cpu.toFixed(0)} ms of the processors, ${String(each.rows)} rows, ${(each.bytes / 2 ** 20).toFixed(0)} MiB, peak ${each.overIdleMiB.toFixed(0)} MiB over idle`,
    );
    measured.set(name, [...(measured.get(name) ?? []), each]);
  };
  const of = <Name extends keyof MeasuredExport>(name: string, what: Name): MeasuredExport[Name][] =>
    (measured.get(name) ?? []).map((each) => each[what]);
  const pipes: number[] = [];
  const pipe = path.join(folder, 'pipe.gz');
  const sides: Record<string, Side> = {
    pipe: async () => {
      pipes.push(await timed(() => pipeOf(bench, theirs, pipe)));
      tell(`pipe: ${(pipes.at(-1) ?? 0).toFixed(0)} ms`);
    },
    records: () => measure('records', { work: 'records', ...at, login, requestId }),
    whole: () => measure('whole', { work: 'whole', ...all }),
    encrypted: () => measure('encrypted', { work: 'encrypted', ...all }),
    tenth: () => measure('tenth', { work: 'whole', ...console, since }),
    cancelled: () =>
      measure('cancelled', { work: 'cancelled', ...console, ...at, superuser: platform.superuser }),
  };
  await inTurns(sides, rounds, 0);
  const rows = median(of('whole', 'rows'));
  const tenth = median(of('tenth', 'rows'));
  const took = median(of('whole', 'took'));
  tell(
    `Slope from ${String(tenth)} to ${String(rows)} rows: ${(Math.log(took / median(of('tenth', 'took'))) / Math.log(rows / tenth)).toFixed(2)} (1 is linear); ${(rows / took).toFixed(0)} rows a millisecond.`,
  );
  const none = Array.from({ length: rounds }, () => firstByteMs);
  return [
    figureOf('records alone, beside psql | gzip -1', of('records', 'took'), pipes, { times: goals.records }),
    figureOf('whole package with tables, beside psql | gzip -1', of('whole', 'took'), pipes, {
      times: goals.whole,
    }),
    figureOf('encrypted, beside not', of('encrypted', 'took'), of('whole', 'took'), {
      times: goals.encrypted,
    }),
    figureOf(
      `peak memory over idle, ${String(rows)} rows beside ${String(tenth)}`,
      of('whole', 'overIdleMiB'),
      of('tenth', 'overIdleMiB'),
      { under: mostMiB },
      'MiB',
    ),
    figureOf(
      'the same, not growing with the rows',
      of('whole', 'overIdleMiB'),
      of('tenth', 'overIdleMiB'),
      { over: memoryNoiseMiB },
      'MiB',
    ),
    figureOf(
      'first byte on the disk',
      of('whole', 'firstByte').map((each) => each ?? Infinity),
      none,
      { under: firstByteMs },
    ),
    figureOf('server free after a cancellation', of('cancelled', 'took'), none, { under: cancelMs }),
  ];
}

/** A request of the account's holder, found and linked as an operator does it. */
async function requestOf({ console }: Bench, email: string): Promise<number> {
  const { request } = await expectDone(console, 'requests.open', {
    kind: 'access',
    receivedOn: new Date(Date.now() - 86_400_000).toISOString().slice(0, 10),
  });
  const { hits } = await expectDone(console, 'search.run', { text: email, requestId: request.id });
  const subject = hits[0]?.subject;
  if (subject === undefined) throw new Error('The search did not find the heaviest account.');
  await expectDone(console, 'subjects.open', { subject, requestId: request.id });
  await expectDone(console, 'requests.link', { id: request.id, subject });
  return request.id;
}

/** The same rows by the system's tools. */
async function pipeOf({ platform }: Bench, theirs: string, into: string): Promise<void> {
  const { host, port, database, superuser } = platform;
  const copy = `copy (select row_to_json(m) from messages m where ${theirs}) to stdout`;
  await run('bash', ['-c', 'set -o pipefail; psql -X -q -c "$COPY" | gzip -1 > "$INTO"'], {
    env: {
      ...process.env,
      PGHOST: host,
      PGPORT: String(port),
      PGDATABASE: database,
      PGUSER: superuser.user,
      PGPASSWORD: superuser.password,
      COPY: copy,
      INTO: into,
    },
  });
}

async function benchMedia({ scale, rounds, tell }: Bench, folder: string): Promise<readonly Figure[]> {
  const store = await startObjectStore({ folder: path.join(folder, 'store'), bucket: 'media' });
  try {
    const keys = await putObjects(store, objects[scale]);
    tell(`Put ${String(keys.length)} objects of 100 kB to 2 MB.`);
    const rivals = await rivalsOf(store, folder, tell);
    const names = Object.keys(rivals);
    if (names.length === 0) {
      tell(
        'Neither rclone nor aws copies them here, so objects are compared with nothing; install the packages rclone and awscli.',
      );
      return [];
    }
    const measured: MeasuredExport[] = [];
    const sides: Readonly<Record<string, Side>> = {
      ...Object.fromEntries(
        Object.entries(rivals).map(([name, copy]): [string, Side] => [
          name,
          async () => {
            const into = path.join(folder, 'copied');
            await mkdir(into);
            tell(`${name}: ${(await timed(() => copy(into))).toFixed(0)} ms`);
            await rm(into, { recursive: true });
          },
        ]),
      ),
      console: async () => {
        const into = await mkdtemp(path.join(folder, 'package-'));
        measured.push(await measuredIn({ work: 'media', folder: into, store: settingsOf(store), keys }));
        await rm(into, { recursive: true });
        const { took = 0, cpu = 0 } = measured.at(-1) ?? {};
        tell(`console: ${took.toFixed(0)} ms, ${cpu.toFixed(0)} ms of the processors`);
      },
    };
    const samples = await inTurns(sides, rounds, 0);
    const fastest = names.reduce((one, other) =>
      median(samples[one] ?? []) <= median(samples[other] ?? []) ? one : other,
    );
    return [
      figureOf(
        `package of ${String(keys.length)} objects, beside ${fastest}`,
        measured.map(({ took }) => took),
        samples[fastest] ?? [],
        { times: goals.media },
      ),
    ];
  } finally {
    await store.stop();
  }
}

/** One object that is larger than a zip without zip64 can hold. */
async function benchObject({ scale, rounds, tell }: Bench, folder: string): Promise<readonly Figure[]> {
  const store = await startSparseStore(largeObject[scale]);
  try {
    const measured: MeasuredExport[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const into = await mkdtemp(path.join(folder, 'package-'));
      const order = { work: 'media', folder: into, store: store.settings, keys: [store.key] };
      const each = await measuredIn(order);
      const { faults } = await verifyPackage(path.join(into, 'bench.zip'));
      if (faults.length > 0) throw new Error(`The package does not verify: ${faults[0]?.says ?? ''}`);
      await rm(into, { recursive: true });
      tell(
        `object of ${String(largeObject[scale])} bytes: ${each.took.toFixed(0)} ms, peak ${each.overIdleMiB.toFixed(0)} MiB over idle, verified`,
      );
      measured.push(each);
    }
    return [
      figureOf(
        `peak memory over idle, an object of ${String(largeObject[scale])} bytes`,
        measured.map(({ overIdleMiB }) => overIdleMiB),
        measured.map(() => mostMiB),
        { under: mostMiB },
        'MiB',
      ),
    ];
  } finally {
    await store.close();
  }
}

async function putObjects(store: ObjectStore, count: number): Promise<readonly string[]> {
  const keys: string[] = [];
  const { least, most } = objectBytes;
  for (let number = 0; number < count; number += 20) {
    const some = Array.from({ length: Math.min(20, count - number) }, (_, place) => {
      const share = ((number + place) * 7919) % 1000;
      return {
        key: `media/${String(number + place).padStart(5, '0')}.jpg`,
        bytes: randomFillSync(Buffer.alloc(least + Math.floor(((most - least) * share) / 1000))),
        contentType: 'image/jpeg',
      };
    });
    await store.put(some);
    keys.push(...some.map(({ key }) => key));
  }
  return keys;
}

function settingsOf({ endpoint, bucket, accessKeyId, secretAccessKey }: ObjectStore): object {
  return { endpoint, bucket, accessKeyId, secretAccessKey };
}

/** What copies a bucket into a folder here; says which is not there, or can't. */
async function rivalsOf(
  { endpoint, bucket, accessKeyId, secretAccessKey }: ObjectStore,
  folder: string,
  tell: Bench['tell'],
): Promise<Readonly<Record<string, (into: string) => Promise<unknown>>>> {
  // Nobody's own settings of these tools.
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_DEFAULT_REGION: 'auto',
    AWS_EC2_METADATA_DISABLED: 'true',
    RCLONE_CONFIG: '/dev/null',
    // The local store sees another Accept-Encoding than was signed; versions before 1.63 know no such setting.
    RCLONE_S3_USE_ACCEPT_ENCODING_GZIP: 'false',
    RCLONE_RETRIES: '1',
  };
  const all = {
    rclone: (into: string) =>
      run(
        'rclone',
        [
          'copy',
          `:s3:${bucket}`,
          into,
          '--s3-provider',
          'Other',
          '--s3-env-auth',
          '--s3-endpoint',
          endpoint,
          '--s3-region',
          'auto',
          '--s3-force-path-style',
        ],
        { env },
      ),
    aws: (into: string) =>
      run('aws', ['s3', 'cp', '--quiet', '--recursive', `s3://${bucket}`, into, '--endpoint-url', endpoint], {
        env,
      }),
  };
  const there: Record<string, (into: string) => Promise<unknown>> = {};
  for (const [name, copy] of Object.entries(all)) {
    const isThere = await run(name, ['--version']).then(
      () => true,
      () => false,
    );
    if (!isThere) {
      tell(`${name} is not there; its Debian package is ${name === 'aws' ? 'awscli' : name}.`);
      continue;
    }
    const into = await mkdtemp(path.join(folder, 'tried-'));
    const why = await copy(into).then(
      () => null,
      (error: unknown) => String(error instanceof Error && 'stderr' in error ? error.stderr : error),
    );
    await rm(into, { recursive: true });
    if (why === null) there[name] = copy;
    else
      tell(
        `${name} can't read the local store, so it is left out: ${why.trim().split('\n')[0]?.slice(0, 300) ?? ''}`,
      );
  }
  return there;
}

async function measuredIn(order: object): Promise<MeasuredExport> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('exportProcess.ts', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString('utf8')));
  child.stdin.end(JSON.stringify(order));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`The measured process ended with ${String(code)}.`);
  return measuredExport.parse(JSON.parse(said));
}
