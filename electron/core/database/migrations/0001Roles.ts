/**
 * Roles are the cluster's, not the database's: they are made when absent and
 * stay when another database still uses them. Three owners without login: one
 * reads mapped columns, one changes the platform's rows (platform triggers run
 * with its rights, so it may not append), one owns state and trail. The reaper
 * ends staff sessions that block or have lost their rights.
 */
export const roles = `
do $body$
declare
  wanted text;
  fresh boolean;
begin
  foreach wanted in array array[
    'privacy_console_reader', 'privacy_console_writer', 'privacy_console_trail', 'privacy_console_reaper',
    'privacy_viewer', 'privacy_operator', 'privacy_approver', 'privacy_auditor', 'privacy_admin']
  loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
      execute format('create role %I nologin %s', wanted, case wanted when 'privacy_console_reaper' then 'inherit' else 'noinherit' end);
    end if;
    if exists (select from pg_catalog.pg_roles where rolname = wanted and (rolcanlogin or rolsuper or rolbypassrls)) then
      raise exception 'The role % exists and may log in or has special rights; rename it first.', wanted using errcode = 'PC007';
    end if;
  end loop;
end
$body$;
`;

/** Lets the administrator act as the owners until the install ends; run before and taken back after everything else. */
export const becomeOwners = `
do $body$
declare
  wanted text;
begin
  foreach wanted in array array['privacy_console_reader', 'privacy_console_writer', 'privacy_console_trail', 'privacy_console_reaper']
  loop
    if current_setting('server_version_num')::int >= 160000 then
      execute format('grant %I to current_user with inherit true, set true', wanted);
    else
      execute format('grant %I to current_user', wanted);
    end if;
  end loop;
end
$body$;
`;

export const leaveOwners = `
revoke privacy_console_reader, privacy_console_writer, privacy_console_trail, privacy_console_reaper from current_user;
`;

export const schema = `
create schema privacy_console authorization privacy_console_trail;
set role privacy_console_trail;
revoke all on schema privacy_console from public;
grant usage on schema privacy_console
  to privacy_viewer, privacy_operator, privacy_approver, privacy_auditor, privacy_admin,
     privacy_console_reader, privacy_console_writer, privacy_console_reaper;
reset role;
`;
