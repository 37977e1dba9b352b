import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { TestDesk } from './testDesk.ts';

/** What these need of a desk: its database, and a superuser to judge by. */
export type Judged = Pick<TestDesk, 'host' | 'port' | 'database' | 'superuser'>;

/** One of the platform's people, read as superuser for a test to judge by. */
export interface Someone {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly phone: string;
}

/** A person with workspaces, contacts, messages and a phone number; another one for each `place`. */
export async function someone(desk: Judged, place = 0): Promise<Someone> {
  return desk.superuser(async ({ query }) => {
    const { rows } = await query<Someone>(
      `select u.id::text, u.email::text, u.name, u.phone from public.users u
       where u.phone is not null and length(u.name) > 6
         and exists (select from public.workspaces w join public.contacts c on c.workspace_id = w.id where w.owner_id = u.id)
         and exists (select from public.page_views v where v.user_id = u.id)
         and exists (select from public.dashboard_sessions d where d.user_id = u.id)
         and (select count(*) from public.workspaces w join public.messages m on m.workspace_id = w.id where w.owner_id = u.id) between 1 and 5000
       order by u.id offset $1 limit 1`,
      [place],
    );
    const [found] = rows;
    if (found === undefined) throw new Error('the platform holds too few people for this test');
    return found;
  });
}

/** The one value a statement gives. */
export async function value<Value = unknown>(
  client: pg.Client,
  text: string,
  values: readonly unknown[] = [],
): Promise<Value> {
  const { rows } = await client.query<Record<string, Value>>(text, [...values]);
  const [row, ...rest] = rows;
  if (row === undefined || rest.length > 0) throw new Error(`${rows.length} rows from ${text.slice(0, 80)}`);
  return Object.values(row)[0] as Value;
}

/** The lines of a window of an export; its last text is none, and tells how many there are. */
export function linesOfWindow(texts: readonly { readonly line: string }[]): readonly string[] {
  return texts.slice(0, -1).flatMap(({ line }) => line.split('\n'));
}

/** How many rows a statement gives. */
export async function rowCount(client: pg.Client, text: string): Promise<number> {
  return (await client.query(text)).rows.length;
}

/** What a writing function of ours answers. */
export interface Effect {
  readonly ok: boolean;
  readonly entry: number;
  readonly code?: string;
  readonly [name: string]: unknown;
}

/** Calls a writing function of ours, e.g. `open_access($1)`. */
export async function effect(
  client: pg.Client,
  call: string,
  values: readonly unknown[] = [],
): Promise<Effect> {
  return value<Effect>(client, `select privacy_console.${call}`, values);
}

/** SQLSTATE of the refusal; `null` when there was none. */
export async function refusal(work: Promise<unknown>): Promise<string | null> {
  return (await refusalOf(work))?.code ?? null;
}

/** SQLSTATE and every text of the refusal. */
export async function refusalOf(
  work: Promise<unknown>,
): Promise<{ readonly code: string; readonly text: string } | null> {
  try {
    await work;
    return null;
  } catch (error) {
    const { code, message, detail, hint, where, internalQuery } = error as pg.DatabaseError;
    return {
      code: code ?? message,
      text: [message, detail, hint, where, internalQuery].filter((each) => each !== undefined).join('\n'),
    };
  }
}

/** The person's opaque reference, found as staff find it: an announced search, then its run. */
export async function find(client: pg.Client, person: Someone): Promise<string> {
  const { search } = await effect(client, `intend_search($1, 50, null, 'a test')`, [person.email]);
  const { rows } = await client.query<{ subject: string }>(
    'select subject from privacy_console.run_search($1)',
    [search],
  );
  const [hit] = rows;
  if (hit === undefined) throw new Error('the person was not found');
  return hit.subject;
}

/** Opens an access, committed. */
export async function open(client: pg.Client, subject: string, minutes = 15): Promise<number> {
  const { access } = await effect(client, `open_access($1, null, 'a test', $2)`, [subject, minutes]);
  return access as number;
}

/** Closes all accesses of the staff, for the next test to begin without any. */
export async function closeAll(desk: Judged): Promise<void> {
  await desk.superuser(({ query }) =>
    query(
      'update privacy_console.access set closed_at = clock_timestamp(), opened_at = opened_at - interval $$2 hours$$ where closed_at is null',
    ),
  );
}

/** Names of all thin views. */
export async function thinViews(desk: Judged): Promise<readonly string[]> {
  return desk.superuser(async ({ query }) => {
    const { rows } = await query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = 'privacy_console'::regnamespace and relkind = 'v' order by 1`,
    );
    return rows.map((row) => row.name);
  });
}

/**
 * Alters a function of ours as superuser: for tests that make a wait short,
 * or see what happens when a control is off.
 */
export async function alterFunction(
  desk: Judged,
  name: string,
  change: (source: string) => string,
): Promise<void> {
  await desk.superuser(async ({ query }) => {
    const { rows } = await query<{ source: string }>(
      `select pg_get_functiondef(p.oid) as source from pg_proc p where p.pronamespace = 'privacy_console'::regnamespace and p.proname = $1`,
      [name],
    );
    const source = rows[0]?.source ?? '';
    const changed = change(source);
    if (changed === source) throw new Error(`nothing to change in ${name}`);
    await query(changed);
  });
}

/** What findings about a login of {@link makeLogin} begin with. */
export const ownLoginName = /^login_[0-9a-f]{12}\b/;

/** A login of this test's own, in the group roles of `roles`, registered as staff of this database when a person is named. */
export async function makeLogin(
  desk: Judged,
  roles: readonly string[],
  person: string | null,
): Promise<OwnLogin> {
  const name = `login_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(18).toString('base64url');
  await desk.superuser(async ({ query }) => {
    await query(`create role ${name} login password '${password}'`);
    for (const role of roles) await query(`grant privacy_${role} to ${name}`);
    await query(`grant ${name} to privacy_console_reaper`);
    if (person !== null)
      await query(
        `insert into privacy_console.staff (login, login_oid, person, roles) values ($1::text, $1::text::regrole, $2, $3)`,
        [name, person, roles],
      );
  });
  return ownLogin(desk, name, password);
}

/** Sessions of a login somebody made; the login is dropped with them. */
export function ownLogin(desk: Judged, name: string, password: string): OwnLogin {
  const sessions: pg.Client[] = [];
  return {
    name,
    password,
    async connect() {
      const client = new pg.Client({
        host: desk.host,
        port: desk.port,
        database: desk.database,
        user: name,
        password,
        ssl: false,
      });
      client.on('error', () => undefined);
      await client.connect();
      sessions.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(sessions.map((each) => each.end()));
      await desk.superuser(async ({ query }) => {
        await query(`drop owned by ${name}`);
        await query(`drop role ${name}`);
      });
    },
  };
}

/** A login that is dropped with its sessions at the end; the database's other logins are shared by all tests. */
export interface OwnLogin {
  readonly name: string;
  readonly password: string;
  connect(): Promise<pg.Client>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A deletion planned by the operator's bare session, without objects in R2. */
export interface Planned {
  readonly plan: number;
  readonly sha256: string;
  readonly request: number;
  readonly subject: string;
}

/** Plans the deletion of a person: what is shared is closed. */
export async function planDeletion(operator: pg.Client, person: Someone): Promise<Planned> {
  const subject = await find(operator, person);
  const { request } = await effect(operator, `open_request('deletion', current_date, 'Delete me.', $1)`, [
    subject,
  ]);
  return { ...(await planAgain(operator, request as number)), request: request as number, subject };
}

/** Plans under an open request; `objects` are said to lie in the bucket. */
export async function planAgain(
  operator: pg.Client,
  request: number,
  objects: readonly string[] = [],
): Promise<{ readonly plan: number; readonly sha256: string }> {
  const decisions = Object.fromEntries(
    Array.from({ length: 50 }, (_each, n) => [`workspaces-${n + 1}`, 'close']),
  );
  const { plan } = await effect(operator, 'draft_plan($1)', [request]);
  await effect(operator, 'fill_plan($1, $2)', [plan, JSON.stringify(decisions)]);
  await effect(operator, 'seal_plan($1, $2, $3)', [plan, objects, objects.map(() => 1)]);
  const { sha256 } = await value<{ sha256: string }>(
    operator,
    'select privacy_console.plans($1, null, false)',
    [plan],
  );
  return { plan: plan as number, sha256 };
}

/** Decides about a plan; gives the code of a recorded refusal, or null. */
export async function decide(
  client: pg.Client,
  planned: Planned,
  decision = 'approve',
): Promise<string | null> {
  const said = await effect(client, `decide_plan($1, $2, $3, 'as asked')`, [
    planned.plan,
    planned.sha256,
    decision,
  ]);
  return said.ok ? null : (said.code ?? '');
}

/** A run as `begin_run` answers. */
export interface Begun {
  readonly run: number;
  readonly steps: readonly { step: number; collection: string; action: string; planned: number }[];
}

/** Begins a run; gives its number and steps, or the code of a recorded refusal. */
export async function beginOnly(client: pg.Client, planned: Planned): Promise<Begun | string> {
  const said = await effect(client, 'begin_run($1)', [planned.plan]);
  return said.ok ? (said as unknown as Begun) : (said.code ?? '');
}

/** The same, and brings to rest what has to be before anything goes. */
export async function begin(client: pg.Client, planned: Planned): Promise<Begun | string> {
  const begun = await beginOnly(client, planned);
  if (typeof begun === 'string') return begun;
  for (const { step, action } of begun.steps)
    if (action === 'quiesce') await effect(client, 'erase_batch($1, $2)', [begun.run, step]);
  return begun;
}

/** Runs all batches and looks again; gives what the last step answered. */
export async function runAll(client: pg.Client, planned: Planned): Promise<Effect> {
  const begun = await begin(client, planned);
  if (typeof begun === 'string') throw new Error(begun);
  for (const { step, action } of begun.steps) {
    if (action === 'objects') {
      const { entry } = await effect(client, 'intend_objects($1)', [begun.run]);
      const { rows } = await client.query<{ number: string }>(
        'select number from privacy_console.announced_objects($1)',
        [entry],
      );
      await effect(client, `objects_deleted($1, $2, $3, '{}')`, [
        begun.run,
        entry,
        rows.map((each) => each.number),
      ]);
      continue;
    }
    for (let finished = false; !finished;)
      finished = (await effect(client, 'erase_batch($1, $2)', [begun.run, step]))['finished'] === true;
  }
  await lookAgain(client, begun.run);
  return effect(client, 'end_run($1, 0)', [begun.run]);
}

/** Looks for the person in every collection, as a run does before it ends. */
export async function lookAgain(client: pg.Client, run: unknown): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    'select c as name from privacy_console.to_look_at($1) c',
    [run],
  );
  for (const { name } of rows) await effect(client, 'look_at($1, $2)', [run, name]);
  await effect(client, `look_at_keys($1, '{}', true, true)`, [run]);
}
