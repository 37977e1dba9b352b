import { execFile } from 'node:child_process';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCluster, type ClusterDesk, type OwnCluster } from '#tests/helpers/ownCluster.ts';
import { refusal } from '#tests/helpers/psql.ts';
import { expectDone } from '#demo/staff.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { need } from '#tests/prerequisites.ts';
import { ourCatalogue, platformCatalogue, platformRows } from './catalogueSnapshot.ts';

/*
 * These share one cluster, in this order: roles belong to all its databases.
 * `cloudsingh` is installed as by a demo; `scripted`, `failing` and `elsewhere` are bare copies of the platform.
 */
let cluster: OwnCluster;
let catalogueBefore: readonly string[];
let rowsBefore: Readonly<Record<string, string>>;
let membersBefore: readonly string[];

const members = (desk: Pick<ClusterDesk, 'superuser'>): Promise<readonly string[]> =>
  desk.superuser(async ({ query }) =>
    (
      await query<{ line: string }>(
        `select g.rolname || ' ' || m.rolname as line from pg_auth_members a join pg_roles g on g.oid = a.roleid join pg_roles m on m.oid = a.member order by 1`,
      )
    ).rows.map((row) => row.line),
  );

beforeAll(async () => {
  cluster = await openCluster({
    async before(platform) {
      for (const name of ['scripted', 'failing', 'elsewhere']) await platform.fresh(name);
      await withSuperuser(platform, platform.database, async (session) => {
        catalogueBefore = await platformCatalogue(session);
        rowsBefore = await platformRows(session);
      });
      membersBefore = await members({
        superuser: (work) => withSuperuser(platform, platform.database, work),
      });
    },
  });
}, 300_000);
afterAll(async () => cluster[Symbol.asyncDispose]());

const installHere = { profile: 'demo:administrator', person: 'Asha Rao' } as const;

test('needs no superuser, and says what it needs', async () => {
  const [login] = await cluster.superuser(
    async ({ query }) =>
      (
        await query('select rolsuper, rolcreaterole, rolbypassrls from pg_roles where rolname = $1', [
          'administrator',
        ])
      ).rows,
  );
  expect(login).toEqual({ rolsuper: false, rolcreaterole: true, rolbypassrls: false });
  const { rights } = await expectDone(cluster.console(), 'database.script', {
    profile: 'demo:administrator',
  });
  expect(rights.join('\n')).toContain('createrole');
  expect(rights.join('\n')).toContain('reader: select on');
  // Somebody without these rights is told, and nothing happens.
  expect(await cluster.console().dispatch('database.install', { profile: 'demo:operator' })).toMatchObject({
    ok: false,
    failure: { code: 'not_permitted' },
  });
});

test('the status of a fresh installation names nothing that weakens the guard', async () => {
  const status = await expectDone(cluster.console(), 'database.status', { profile: 'demo:administrator' });
  expect(status).toMatchObject({
    installed: true,
    version: status.programVersion,
    mapHash: status.programMapHash,
  });
  expect(status.findings).toEqual([]);
});

test('a second install changes nothing but adds its entry', async () => {
  const before = await cluster.superuser(ourCatalogue);
  const said = await expectDone(cluster.console(), 'database.install', installHere);
  expect(said.applied).toEqual(['data map']);
  expect(await cluster.superuser(ourCatalogue)).toEqual(before);
  const staff = await cluster.superuser(
    async ({ query }) => (await query('select 1 from privacy_console.staff')).rowCount,
  );
  expect(staff).toBe(6);
  const entries = await cluster.superuser(
    async ({ query }) =>
      (await query(`select 1 from privacy_console.entry where action = 'schema.installed'`)).rowCount,
  );
  expect(entries).toBe(2);
});

test('the platform’s definitions and rows are as before; our rights on its tables are all that came', async () => {
  const now = await cluster.superuser(platformCatalogue);
  const withoutOurs = await cluster.superuser((session) =>
    platformCatalogue(session, 'privacy\\_console\\_%'),
  );
  expect(withoutOurs.filter((line) => !/^index .* privacy_console_/.test(line))).toEqual(catalogueBefore);
  expect(now).not.toEqual(catalogueBefore);
  expect(await cluster.superuser(platformRows)).toEqual(rowsBefore);
});

test('what fails on the way leaves nothing: no schema, no right, no membership', async () => {
  const failing = await cluster.at('failing');
  const before = await failing.superuser(platformCatalogue);
  const membersThen = await members(failing);
  await failing.superuser(({ query }) =>
    query(`create function public.no_views() returns event_trigger language plpgsql as $$ begin raise exception 'no views today'; end $$;
      create event trigger no_views on ddl_command_start when tag in ('CREATE VIEW') execute function public.no_views()`),
  );
  expect(await failing.console().dispatch('database.install', installHere)).toMatchObject({ ok: false });
  await failing.superuser(({ query }) =>
    query('drop event trigger no_views; drop function public.no_views()'),
  );
  expect(await failing.superuser(platformCatalogue)).toEqual(before);
  expect(await members(failing)).toEqual(membersThen);
  const schema = await failing.superuser(
    async ({ query }) =>
      (await query(`select 1 from pg_namespace where nspname = 'privacy_console'`)).rowCount,
  );
  expect(schema).toBe(0);
  expect(await failing.console().dispatch('session.signIn', { profile: 'demo:operator' })).toMatchObject({
    ok: false,
    failure: { code: 'schema_missing' },
  });
});

test('the script, run by psql, gives the very same schema', async (context) => {
  need(context, 'psql');
  const scripted = await cluster.at('scripted');
  // Pages are compiled for the indexes that are there, so the same ones have to be.
  await expectDone(scripted.console(), 'database.indexes', {
    profile: 'demo:administrator',
    apply: true,
  });
  const { script } = await expectDone(scripted.console(), 'database.script', {
    profile: 'demo:administrator',
  });
  const file = path.join(scripted.folder, 'install.sql');
  await writeFile(file, script);
  const { user, password } = scripted.secrets.logins.administrator;
  await promisify(execFile)(
    'psql',
    ['--no-psqlrc', '--quiet', '--single-transaction', '--set=ON_ERROR_STOP=1', `--host=${scripted.host}`, `--port=${scripted.port}`,
      `--username=${user}`, '--dbname=scripted', `--file=${file}`], // prettier-ignore
    { env: { ...process.env, PGPASSWORD: password } },
  );
  expect(await scripted.superuser(ourCatalogue)).toEqual(await cluster.superuser(ourCatalogue));
  await expectDone(await scripted.signIn('administrator'), 'staff.list', {});
});

test('a database newer than the program is refused, an older or unmarked one too', async () => {
  const set = (comment: string): Promise<unknown> =>
    cluster.superuser(({ query }) => query(`comment on schema privacy_console is '${comment}'`));
  const [{ comment } = { comment: '' }] = await cluster.superuser(
    async ({ query }) =>
      (
        await query<{ comment: string }>(
          `select obj_description('privacy_console'::regnamespace, 'pg_namespace') as comment`,
        )
      ).rows,
  );
  await set('CloudSingh Privacy Console, version 99');
  for (const [name, input] of [
    ['database.install', installHere],
    ['session.signIn', { profile: 'demo:operator' }],
  ] as const) {
    expect(await cluster.console().dispatch(name, input), name).toMatchObject({
      ok: false,
      failure: { code: 'schema_newer' },
    });
  }
  await set('CloudSingh Privacy Console, version 0');
  expect(await cluster.console().dispatch('session.signIn', { profile: 'demo:operator' })).toMatchObject({
    ok: false,
    failure: { code: 'schema_older' },
  });
  await set(comment);
  await cluster.signIn('operator');
});

async function exportTrail(desk: ClusterDesk, name: string): Promise<string> {
  const administrator = await desk.signIn('administrator');
  const file = path.join(desk.folder, name);
  const { jobId } = await expectDone(administrator, 'audit.export', { file });
  expect((await expectDone(administrator, 'jobs.wait', { id: jobId })).job.state).toBe('done');
  return file;
}

test('uninstall refuses a trail that isn’t this one, whole and up to the end', async () => {
  const refused = async (trail: string): Promise<string> => {
    const said = await cluster
      .console()
      .dispatch('database.uninstall', { profile: 'demo:administrator', trail });
    return said.ok ? 'done' : said.failure.code;
  };
  expect(await refused(path.join(cluster.folder, 'nothing.jsonl'))).toBe('invalid_input');
  const old = await exportTrail(cluster, 'old.jsonl');
  const changed = path.join(cluster.folder, 'changed.jsonl');
  const lines = (await readFile(old, 'utf8')).trimEnd().split('\n');
  await writeFile(changed, `${[...lines.slice(0, 2), ...lines.slice(3)].join('\n')}\n`);
  expect(await refused(changed)).toBe('trail_broken');
  await writeFile(changed, (await readFile(old, 'utf8')).replace('schema.installed', 'schema.instolled'));
  expect(await refused(changed)).toBe('trail_broken');
  await writeFile(changed, `${lines.slice(0, 5).join('\n')}\n`);
  expect(await refused(changed)).toBe('refused');
  await appendFile(changed, 'not json\n');
  expect(await refused(changed)).toBe('invalid_input');
  // Somebody else's trail, whole in itself.
  expect(await refused(await exportTrail(await cluster.at('scripted'), 'other.jsonl'))).toBe('refused');
  // A later entry makes it old.
  await (await cluster.signIn('operator')).close();
  expect(await refused(old)).toBe('refused');
  // And a member of staff can't, however whole the trail.
  const trail = await exportTrail(cluster, 'new.jsonl');
  const operator = await cluster
    .console()
    .dispatch('database.uninstall', { profile: 'demo:operator', trail });
  expect(operator.ok).toBe(false);
  expect((await cluster.superuser(ourCatalogue)).length).toBeGreaterThan(300);
});

test('uninstall leaves the platform as it was, but for what it names', async () => {
  const ours = `select rolname::text as name from pg_roles where rolname like 'privacy\\_%' order by 1`;
  const trail = await exportTrail(cluster, 'last.jsonl');
  const first = await expectDone(cluster.console(), 'database.uninstall', {
    profile: 'demo:administrator',
    trail,
  });
  const last = JSON.parse((await readFile(trail, 'utf8')).trimEnd().split('\n').at(-1) ?? '') as {
    number: number;
  };
  // The export's own outcome is the one entry the file can't hold.
  expect(first.head.number).toBe(last.number + 1);
  expect(first.remaining).toContain('role privacy_console_trail (another database uses it)');
  expect(first.remaining).toContain('login operator');
  const built = first.remaining.flatMap((each) =>
    each.startsWith('index ') ? [each.slice('index '.length)] : [],
  );
  expect(built.length).toBeGreaterThan(0);
  const now = await cluster.superuser(platformCatalogue);
  expect(
    now.filter(
      (line) => !built.some((name) => line.startsWith('index ') && line.includes(name.split('.')[1] ?? '')),
    ),
  ).toEqual(catalogueBefore);
  expect(await cluster.superuser(platformRows)).toEqual(rowsBefore);
  const usable = await cluster.superuser(
    async ({ query }) =>
      (
        await query(
          `select g.rolname from pg_auth_members a join pg_roles g on g.oid = a.roleid join pg_roles m on m.oid = a.member
           where m.rolname = 'administrator' and g.rolname like 'privacy\\_console\\_%' and (a.inherit_option or a.set_option)`,
        )
      ).rows,
  );
  expect(usable).toEqual([]);

  // The other database works on, until it goes too; then the roles go with it.
  const scripted = await cluster.at('scripted');
  const second = await expectDone(scripted.console(), 'database.uninstall', {
    profile: 'demo:administrator',
    trail: await exportTrail(scripted, 'last.jsonl'),
  });
  expect(second.remaining.filter((each) => each.startsWith('role '))).toEqual([]);
  expect(await cluster.superuser(async ({ query }) => (await query(ours)).rows)).toEqual([]);
  const left = (await members(cluster)).filter((line) => !membersBefore.includes(line));
  // The administrator's own grants by the demo, and logins that were named.
  expect(left.filter((line) => !/(administrator)$/.test(line))).toEqual([]);
});

test('and can be installed again', async () => {
  await expectDone(cluster.console(), 'database.install', installHere);
  const operator = await cluster.bare('operator');
  expect(await refusal(operator.query('select * from privacy_console.sign_in()'))).toBe('42501');
  const trail = await exportTrail(cluster, 'again.jsonl');
  await expectDone(cluster.console(), 'database.uninstall', { profile: 'demo:administrator', trail });
});
