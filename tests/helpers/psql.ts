import type pg from 'pg';
import type { TestDesk } from './testDesk.ts';

/** One of the platform's people, read as superuser for a test to judge by. */
export interface Someone {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly phone: string;
}

/** A person with workspaces, contacts, messages and a phone number; another one for each `place`. */
export async function someone(desk: TestDesk, place = 0): Promise<Someone> {
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
export async function closeAll(desk: TestDesk): Promise<void> {
  await desk.superuser(({ query }) =>
    query(
      'update privacy_console.access set closed_at = clock_timestamp(), opened_at = opened_at - interval $$2 hours$$ where closed_at is null',
    ),
  );
}

/** Names of all thin views. */
export async function thinViews(desk: TestDesk): Promise<readonly string[]> {
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
  desk: TestDesk,
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
