import type { SuperuserSession } from '#demo/superuser.ts';

const platforms = (alias: string): string =>
  `${alias}.nspname not like 'pg\\_%' and ${alias}.nspname not in ('information_schema', 'privacy_console')`;

/** Rights by meaning: an empty list stands for the default, and the order says nothing. */
const rights = (acl: string, kind: string, owner: string): string =>
  `(select string_agg(x, ',' order by x) from (select a.grantee::regrole::text || ' ' || a.privilege_type || a.is_grantable as x from aclexplode(coalesce(${acl}, acldefault('${kind}', ${owner}))) a
    where a.grantee::regrole::text not like $1) y)`;

/**
 * Everything of the platform that an install could leave changed, one line for each thing.
 * @param without pattern of roles whose rights are left out; none unless told
 */
export async function platformCatalogue(
  { query }: SuperuserSession,
  without = '',
): Promise<readonly string[]> {
  const { rows } = await query<{ line: string }>(
    `
    select 'schema ' || n.nspname || ' ' || n.nspowner::regrole || ' ' || coalesce(${rights('n.nspacl', 'n', 'n.nspowner')}, '') as line
      from pg_namespace n where ${platforms('n')}
    union all
    select 'relation ' || n.nspname || '.' || c.relname || ' ' || c.relkind::text || ' ' || c.relowner::regrole || ' ' || c.relrowsecurity || c.relforcerowsecurity
        || ' ' || coalesce(${rights('c.relacl', 'r', 'c.relowner')}, '') || coalesce(array_to_string(c.reloptions, ','), '')
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${platforms('n')} and c.relkind in ('r', 'p', 'v', 'm', 'f')
    union all
    select 'index ' || pg_get_indexdef(c.oid)
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${platforms('n')} and c.relkind in ('i', 'I')
    union all
    select 'column ' || n.nspname || '.' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
        || ' ' || coalesce((select string_agg(x.grantee::regrole || ' ' || x.privilege_type, ',' order by 1) from aclexplode(a.attacl) x where x.grantee::regrole::text not like $1), '')
        || coalesce((select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d where d.adrelid = c.oid and d.adnum = a.attnum), '')
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      where ${platforms('n')} and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p')
    union all
    select 'constraint ' || k.conrelid::regclass || ' ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
      from pg_constraint k join pg_namespace n on n.oid = k.connamespace where ${platforms('n')}
    union all
    select 'trigger ' || pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
      where ${platforms('n')} and not t.tgisinternal
    union all
    select 'function ' || p.oid::regprocedure || ' ' || md5(p.prosrc) || ' ' || coalesce(${rights('p.proacl', 'f', 'p.proowner')}, '')
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${platforms('n')}
    union all select 'policy ' || polname || polrelid::regclass from pg_policy
    union all select 'rule ' || pg_get_ruledef(r.oid) from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace where ${platforms('n')}
    union all select 'default rights ' || d.defaclrole::regrole || d.defaclobjtype::text || d.defaclacl::text from pg_default_acl d
    union all select 'setting ' || s.setdatabase || s.setrole::regrole || array_to_string(s.setconfig, ',') from pg_db_role_setting s
    union all select 'extension ' || extname || extversion from pg_extension
    union all select 'publication ' || pubname from pg_publication
    union all select 'event trigger ' || evtname from pg_event_trigger
    union all select 'database ' || coalesce(${rights('d.datacl', 'd', 'd.datdba')}, '') from pg_database d where d.datname = current_database()
    order by 1`,
    [without],
  );
  return rows.map((row) => row.line);
}

/** Our schema as it is: functions with their text and rights, tables, views, constraints. */
export async function ourCatalogue({ query }: SuperuserSession): Promise<readonly string[]> {
  const { rows } = await query<{ line: string }>(`
    select 'function ' || p.oid::regprocedure || ' ' || p.proowner::regrole || ' ' || coalesce(p.proacl::text, '') || md5(pg_get_functiondef(p.oid)) as line
      from pg_proc p where p.pronamespace = 'privacy_console'::regnamespace
    union all
    select 'relation ' || c.relname || ' ' || c.relkind::text || ' ' || c.relowner::regrole || ' ' || coalesce(c.relacl::text, '')
      from pg_class c where c.relnamespace = 'privacy_console'::regnamespace
    union all
    select 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || a.attnotnull
      from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relnamespace = 'privacy_console'::regnamespace and a.attnum > 0 and c.relkind in ('r', 'v')
    union all
    select 'constraint ' || k.conrelid::regclass || pg_get_constraintdef(k.oid) from pg_constraint k where k.connamespace = 'privacy_console'::regnamespace and k.contype <> 'n'
    union all
    select 'grant ' || c.relname || coalesce(a.attname, '') || ' ' || x.grantee::regrole || ' ' || x.privilege_type
      from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attacl is not null
      cross join lateral aclexplode(coalesce(a.attacl, c.relacl)) x
      where c.relnamespace = 'public'::regnamespace and x.grantee::regrole::text like 'privacy\\_console\\_%'
    union all select 'comment ' || obj_description('privacy_console'::regnamespace, 'pg_namespace')
    union all select 'map ' || hash || md5(text) || md5(described::text) from privacy_console.data_map where current
    union all select 'migration ' || version || name || sha256 from privacy_console.migration
    order by 1`);
  return rows.map((row) => row.line);
}

/** A checksum of the rows of each of the platform's tables. */
export async function platformRows({ query }: SuperuserSession): Promise<Readonly<Record<string, string>>> {
  const { rows: tables } = await query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
  );
  const sums: Record<string, string> = {};
  for (const { name } of tables) {
    const { rows } = await query<{ sum: string }>(
      `select count(*) || ' ' || coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint), 0) as sum from ${name} t`,
    );
    sums[name] = rows[0]?.sum ?? '';
  }
  return sums;
}
