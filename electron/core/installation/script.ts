import { compiledDrop } from './compiled.ts';
import { becomeOwners, leaveOwners, roles } from '#core/database/migrations/0001Roles.ts';
import { migrationHash, migrations, type Migration, type Owner } from '#core/database/migrations/index.ts';
import type { CompiledMap } from '#core/dataMap/compile.ts';
import type { Environment } from '#shared/contract/connections.ts';
import { quoteLiteral } from '#core/dataMap/quote.ts';

/** The statements that make the cluster's roles; run once before anything else. */
export const rolesScript = roles;

/**
 * The SQL of an install from `from` (0 when nothing is installed) to the
 * program's version, for one transaction: the migrations with their records,
 * then the map's functions, compiled anew. `person` is who the administrator is;
 * null takes the login's name. In production a change of the map needs another
 * person's approval, without which the script raises.
 */
export function installScript(
  from: number,
  map: CompiledMap,
  person: string | null,
  environment: Environment,
): string {
  const pending = migrations.filter((each) => each.version > from);
  return [
    roles,
    becomeOwners,
    ...pending.map(migrationScript),
    'set role privacy_console_trail;',
    'grant create on schema privacy_console to privacy_console_reader, privacy_console_writer;',
    'reset role;',
    compiledDrop,
    map.grants,
    'set role privacy_console_reader;',
    map.reading,
    'reset role;',
    'set role privacy_console_writer;',
    map.writing,
    'reset role;',
    'grant privacy_admin to current_user;',
    'set role privacy_console_trail;',
    'revoke create on schema privacy_console from privacy_console_reader, privacy_console_writer;',
    `do $body$ begin perform privacy_console.adopt_map(${quoteLiteral(map.hash)}, ${quoteLiteral(environment)}); end $body$;`,
    map.record,
    from === 0
      ? `insert into privacy_console.staff (login, login_oid, person, roles)
  select session_user, r.oid, ${person === null ? 'session_user' : quoteLiteral(person)}, array['admin'] from pg_catalog.pg_roles r where r.rolname = session_user;`
      : 'do $body$ begin perform privacy_console.know_staff_anew(); end $body$;',
    `do $body$ begin perform privacy_console.append('schema.installed', null, null, 'done', null, ${quoteLiteral(
      JSON.stringify({ version: Math.max(...migrations.map((each) => each.version)), map: map.hash }),
    )}); end $body$;`,
    `comment on schema privacy_console is 'CloudSingh Privacy Console, version ${Math.max(...migrations.map((each) => each.version))}';`,
    'reset role;',
    leaveOwners,
  ].join('\n');
}

function migrationScript(migration: Migration): string {
  return [
    ...migration.parts.map((part) => `${become(part.as)}\n${part.sql}\nreset role;`),
    'set role privacy_console_trail;',
    `insert into privacy_console.migration (version, name, sha256) values (${migration.version}, ${quoteLiteral(migration.name)}, ${quoteLiteral(migrationHash(migration))});`,
    'reset role;',
  ].join('\n');
}

function become(owner: Owner): string {
  return owner === 'administrator' ? '' : `set role privacy_console_${owner};`;
}

/** The rights an administrator needs to run the script, in words. */
export function neededRights(map: CompiledMap): readonly string[] {
  return [
    'createrole (the owners and group roles are made; no superuser)',
    'create on the database (the schema privacy_console)',
    'owner of the mapped tables, or every right below with grant option',
    ...map.rights,
  ];
}
