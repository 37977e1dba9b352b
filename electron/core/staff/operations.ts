import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { quoteIdentifier, quoteLiteral } from '#core/dataMap/quote.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import { roles } from '#shared/domain/roles.ts';
import { scramVerifier } from './scram.ts';

type Names = 'staff.list' | 'staff.add' | 'staff.changes' | 'staff.decide' | 'staff.remove';

const staffRow = z.object({
  login: z.string(),
  person: z.string(),
  roles: z.array(z.enum(roles)),
  active: z.boolean(),
  addedAt: z.string(),
});

const staffChangeRow = z.object({
  id: z.coerce.number(),
  login: z.string(),
  person: z.string(),
  roles: z.array(z.enum(roles)),
  proposedBy: z.string(),
  proposedAt: z.string(),
  state: z.enum(['asked', 'approved', 'denied', 'superseded', 'expired']),
  decidedBy: z.string().nullable(),
  decidedAt: z.string().nullable(),
});

export function staffOperations(desk: () => Desk): SomeHandlers<Names> {
  return {
    'staff.list': async () => ({
      staff: [
        ...(await desk().database.rows(
          sql`select login, person, roles, active, to_json(added_at) #>> '{}' as "addedAt" from privacy_console.staff_list()`,
          staffRow,
        )),
      ],
    }),
    'staff.add': async ({ login, person, roles: held, password }, call) => {
      const { pool, database } = desk();
      await makeLogin(pool, login, held, password);
      const { entry, change } = await database.effect(
        sql`select privacy_console.register_staff(${login}::text, ${person}::text, ${held}::text[]) as result`,
        z.object({ entry: z.number(), change: z.number().nullable() }),
        call.note,
      );
      return { entry, change };
    },
    'staff.changes': async () => ({
      changes: [
        ...(await desk().database.rows(
          sql`select id, login, person, roles, proposed_by as "proposedBy", to_json(proposed_at) #>> '{}' as "proposedAt", state,
                decided_by as "decidedBy", to_json(decided_at) #>> '{}' as "decidedAt" from privacy_console.staff_changes()`,
          staffChangeRow,
        )),
      ],
    }),
    'staff.decide': async ({ change, decision, password }, call) => {
      const { entry } = await desk().decide(decision, password, (database) =>
        database.effect(
          sql`select privacy_console.decide_staff(${change}::bigint, ${decision}::text) as result`,
          z.object({ entry: z.number() }),
          call.note,
        ),
      );
      return { entry };
    },
    'staff.remove': async ({ login }, call) => {
      const { pool, database } = desk();
      const { entry } = await database.effect(
        sql`select privacy_console.unregister_staff(${login}::text) as result`,
        z.object({ entry: z.number() }),
        call.note,
      );
      const name = quoteIdentifier(login);
      await pool.query(`alter role ${name} nologin`);
      for (const role of roles) await pool.query(`revoke privacy_${role} from ${name}`);
      await pool.query('select privacy_console.reap()');
      return { entry };
    },
  };
}

/** Makes the login role where it is missing and gives it exactly the group roles asked for. */
async function makeLogin(
  pool: Desk['pool'],
  login: string,
  held: readonly string[],
  password: string | undefined,
): Promise<void> {
  const name = quoteIdentifier(login);
  const { rows } = await pool.query(
    `select rolsuper or rolbypassrls or rolreplication as special, current_setting('server_version_num')::int as version
     from pg_catalog.pg_roles where rolname = $1`,
    [login],
  );
  const [found] = z.array(z.object({ special: z.boolean(), version: z.number() })).parse(rows);
  if (found?.special === true) {
    throw new ExpectedError(
      'refused',
      'This login has special rights that would pass the guard; use one without.',
    );
  }
  if (found === undefined && password === undefined) {
    throw new ExpectedError('invalid_input', 'A new login needs a first password.');
  }
  await pool.transaction(async (client) => {
    if (found === undefined)
      await client.query(
        `create role ${name} nosuperuser nocreatedb nocreaterole inherit connection limit 6`,
      );
    // The password itself never travels: a server that logs statements would keep it.
    if (password !== undefined)
      await client.query(`alter role ${name} password ${quoteLiteral(scramVerifier(password))}`);
    await client.query(`alter role ${name} login`);
    const version = z
      .array(z.object({ version: z.number() }))
      .parse(
        (await client.query("select current_setting('server_version_num')::int as version")).rows,
      )[0]?.version;
    const options = (version ?? 0) >= 160_000 ? ' with inherit true, set false' : '';
    for (const role of roles) {
      await client.query(
        held.includes(role)
          ? `grant privacy_${role} to ${name}${options}`
          : `revoke privacy_${role} from ${name}`,
      );
    }
    // The reaper may end this login's sessions, and nothing else.
    await client.query(
      `grant ${name} to privacy_console_reaper${(version ?? 0) >= 160_000 ? ' with inherit true, set false' : ''}`,
    );
  });
}
