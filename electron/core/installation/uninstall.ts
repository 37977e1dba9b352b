import { z } from 'zod';
import type { Head } from '#core/audit/chain.ts';
import { becomeOwners } from '#core/database/migrations/0001Roles.ts';
import type { Pool } from '#core/database/pool.ts';
import { ExpectedError } from '#core/kernel/errors.ts';

const ours = [
  'privacy_console_reader',
  'privacy_console_writer',
  'privacy_console_reaper',
  'privacy_console_trail',
  'privacy_viewer',
  'privacy_operator',
  'privacy_approver',
  'privacy_auditor',
  'privacy_admin',
];

/**
 * Removes the schema, our rights and our roles, in one transaction, once the
 * exported trail reaches the last entry. Names what stays: roles another
 * database still uses, staff logins, indexes.
 */
export async function uninstall(pool: Pool, exported: Head): Promise<{ head: Head; remaining: string[] }> {
  return pool.transaction(async (client) => {
    await client.query(becomeOwners);
    await client.query('set local role privacy_console_trail');
    const { rows } = await client.query(
      `select e.number::int as number, encode(e.chain, 'hex') as chain, e.action, e.intent::int as intent from privacy_console.entry e order by e.number desc limit 2`,
    );
    await client.query('reset role');
    const entries = z
      .array(
        z.object({
          number: z.number(),
          chain: z.string(),
          action: z.string(),
          intent: z.number().nullable(),
        }),
      )
      .parse(rows);
    const [last, before] = entries;
    if (last === undefined)
      throw new ExpectedError('trail_broken', 'The trail is empty, which can’t be; nothing was removed.');
    // The export's own outcome is the one entry it can't hold.
    const reaches =
      (exported.number === last.number && exported.chain === last.chain) ||
      (last.action === 'trail.exported' &&
        last.intent !== null &&
        before !== undefined &&
        exported.number === before.number &&
        exported.chain === before.chain);
    if (!reaches) {
      throw new ExpectedError(
        'refused',
        `The exported trail ends at entry ${exported.number}, the database’s at ${last.number}; export the trail again and uninstall right after.`,
      );
    }
    const { rows: built } = await client.query(
      `select n.nspname || '.' || c.relname as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('i', 'I') and c.relname like 'privacy\\_console\\_%' and n.nspname <> 'privacy_console' order by 1`,
    );
    const { rows: logins } = await client.query(
      `select distinct m.rolname::text as name from pg_catalog.pg_auth_members a join pg_catalog.pg_roles m on m.oid = a.member join pg_catalog.pg_roles g on g.oid = a.roleid
       where m.rolcanlogin and g.rolname = any ($1) and m.rolname <> session_user order by 1`,
      [ours.slice(4)],
    );
    await client.query('drop schema privacy_console cascade');
    for (const role of ours.slice(0, 4)) await client.query(`drop owned by ${role}`);
    for (const role of ours) {
      await client.query(
        `do $body$ begin drop role ${role}; exception when dependent_objects_still_exist then null; end $body$`,
      );
    }
    const { rows: kept } = await client.query(
      'select rolname::text as name from pg_catalog.pg_roles where rolname = any ($1) order by 1',
      [ours],
    );
    const names = z.array(z.object({ name: z.string() }));
    // What made the removal possible goes too where the owners stay for another database.
    for (const { name } of names.parse(kept)) {
      if (ours.slice(0, 4).includes(name)) await client.query(`revoke ${name} from current_user`);
    }
    return {
      head: { number: last.number, chain: last.chain },
      remaining: [
        ...names.parse(kept).map((each) => `role ${each.name} (another database uses it)`),
        ...names.parse(logins).map((each) => `login ${each.name}`),
        ...names.parse(built).map((each) => `index ${each.name}`),
      ],
    };
  });
}
