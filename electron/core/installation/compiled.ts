/**
 * Takes away what an earlier map left: functions and views of the reader and
 * the writer, and every right they hold on the platform's tables. Run by the
 * administrator, who is a member of both for the time of the install.
 */
export const compiledDrop = `
do $body$
declare
  each record;
begin
  for each in
    select c.oid::regclass as view, c.relowner::regrole as owner from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'privacy_console' and c.relkind = 'v'
  loop
    execute format('drop view %s', each.view);
  end loop;
  for each in
    select p.oid::regprocedure as function from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'privacy_console'
        and p.proowner in ('privacy_console_reader'::regrole, 'privacy_console_writer'::regrole)
  loop
    execute format('drop function %s', each.function);
  end loop;
  for each in
    select distinct c.oid::regclass as relation from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attacl is not null
      where n.nspname <> 'privacy_console' and c.relkind in ('r', 'p')
        and exists (select from pg_catalog.aclexplode(coalesce(a.attacl, c.relacl)) x
          where x.grantee in ('privacy_console_reader'::regrole, 'privacy_console_writer'::regrole))
  loop
    execute format('revoke all on %s from privacy_console_reader, privacy_console_writer', each.relation);
  end loop;
end
$body$;
`;
