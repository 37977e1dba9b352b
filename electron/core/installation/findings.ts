import { z } from 'zod';
import type { Pool } from '#core/database/pool.ts';
import type { Finding } from '#shared/contract/administration.ts';

const row = z.object({ what: z.string(), detail: z.string(), blocks: z.boolean() });

/**
 * What weakens the guard in this database: rights staff logins have beside it,
 * row security that would hide rows, leftovers. Read from the catalogue, which
 * everybody may read.
 */
export async function findings(pool: Pool, installed: boolean): Promise<readonly Finding[]> {
  const { rows } = await pool.query(installed ? `${everywhere} union all ${withStaff}` : everywhere);
  return z.array(row).parse(rows);
}

const everywhere = `
select 'public may create objects' as what, 'schema ' || n.nspname || ': revoke create on it from public' as detail, true as blocks
  from pg_catalog.pg_namespace n
  where n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', 'privacy_console')
    and exists (select from pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a where a.grantee = 0 and a.privilege_type = 'CREATE')
union all
select 'row-level security', n.nspname || '.' || c.relname || ': the console refuses to serve while it is on', true
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relrowsecurity and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
union all
select 'standby', 'this server is a standby; connect to the primary', true where pg_catalog.pg_is_in_recovery()
union all
select 'server log keeps values', 'statements are logged with what they contain, search texts included; set log_parameter_max_length = 0 and log no statements of staff', false
  where pg_catalog.current_setting('log_statement') in ('all', 'mod')
    or (pg_catalog.current_setting('log_min_duration_statement') <> '-1' and pg_catalog.current_setting('log_parameter_max_length') <> '0')
union all
select 'publication of all tables', p.pubname || ' also publishes the console’s tables', false from pg_catalog.pg_publication p where p.puballtables`;

const withStaff = `
select 'staff can reach it outside the guard', s.rolname || ': ' || x.privileges || ' on ' || n.nspname || '.' || c.relname, true
  from pg_catalog.pg_roles s
  cross join pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  cross join lateral (select pg_catalog.concat_ws(', ',
      case when pg_catalog.has_any_column_privilege(s.oid, c.oid, 'select') then 'select' end,
      case when pg_catalog.has_table_privilege(s.oid, c.oid, 'insert, update, delete, truncate') then 'change' end) as privileges) x
  where s.rolcanlogin and not s.rolsuper and not c.relispartition and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', 'privacy_console') and x.privileges <> ''
    and (pg_catalog.pg_has_role(s.oid, 'privacy_viewer', 'usage') or pg_catalog.pg_has_role(s.oid, 'privacy_operator', 'usage')
      or pg_catalog.pg_has_role(s.oid, 'privacy_approver', 'usage') or pg_catalog.pg_has_role(s.oid, 'privacy_auditor', 'usage'))
union all
select 'staff can run code with others’ rights', s.rolname || ': ' || n.nspname || '.' || p.proname, false
  from pg_catalog.pg_roles s cross join pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where s.rolcanlogin and not s.rolsuper and p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema', 'privacy_console')
    and pg_catalog.has_function_privilege(s.oid, p.oid, 'execute')
    and (pg_catalog.pg_has_role(s.oid, 'privacy_viewer', 'usage') or pg_catalog.pg_has_role(s.oid, 'privacy_operator', 'usage')
      or pg_catalog.pg_has_role(s.oid, 'privacy_approver', 'usage') or pg_catalog.pg_has_role(s.oid, 'privacy_auditor', 'usage'))
union all
select 'staff login with special rights', s.rolname, true
  from pg_catalog.pg_roles s
  where s.rolcanlogin and (s.rolsuper or s.rolbypassrls or s.rolreplication)
    and not s.rolsuper and (pg_catalog.pg_has_role(s.oid, 'privacy_viewer', 'usage') or pg_catalog.pg_has_role(s.oid, 'privacy_operator', 'usage'))
union all
select 'staff login can become another role', s.rolname || ': ' || g.rolname, true
  from pg_catalog.pg_roles s join pg_catalog.pg_roles g on g.oid <> s.oid and pg_catalog.pg_has_role(s.oid, g.oid, 'member')
  where s.rolcanlogin and not s.rolsuper and g.rolname not in ('privacy_viewer', 'privacy_operator', 'privacy_approver', 'privacy_auditor', 'privacy_admin')
    and (pg_catalog.pg_has_role(s.oid, 'privacy_viewer', 'member') or pg_catalog.pg_has_role(s.oid, 'privacy_operator', 'member')
      or pg_catalog.pg_has_role(s.oid, 'privacy_approver', 'member') or pg_catalog.pg_has_role(s.oid, 'privacy_auditor', 'member'))
union all
select 'large objects', pg_catalog.count(*) || ' in this database; they outlive an access', false
  from pg_catalog.pg_largeobject_metadata having pg_catalog.count(*) > 0`;
