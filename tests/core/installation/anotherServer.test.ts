import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import type { Platform } from '#demo/platform.ts';
import { startPostgres } from '#demo/postgres.ts';
import { writeDemoSecrets } from '#demo/secrets.ts';
import { expectDone, plainConsole } from '#demo/staff.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { openBareClient } from '#tests/helpers/bareClient.ts';
import { openCluster } from '#tests/helpers/ownCluster.ts';
import { find, open, refusal, someone } from '#tests/helpers/psql.ts';
import { need, oldestPostgres } from '#tests/prerequisites.ts';

vi.setConfig({ testTimeout: 120_000 });

const run = promisify(execFile);

// pg_dump dumps no newer server than itself, so both are of the version that Debian offers.
test('a dump restored into another server lets in those who had a login of that name, and nobody by the number of a login', async (context) => {
  need(context, 'oldPostgres');
  const oldest = oldestPostgres();
  if (oldest === null) return;
  await using cluster = await openCluster({ binFolder: oldest.binaries });
  const person = await someone(cluster);
  const before = await cluster.bare('operator');
  await open(before, await find(before, person));
  const folder = await mkdtemp(path.join(tmpdir(), 'privacy-console-elsewhere-'));
  const other = await startPostgres({ binFolder: oldest.binaries });
  try {
    const tool = (name: string): string => path.join(oldest.binaries, name);
    const environment = (superuser: { readonly password: string }): NodeJS.ProcessEnv => ({
      ...process.env,
      PGPASSWORD: superuser.password,
    });
    const { platform } = cluster;
    const at = ({
      host,
      port,
      superuser,
    }: Pick<Platform, 'host' | 'port' | 'superuser'>): readonly string[] => [
      ...['--host', host, '--port', String(port), '--username', superuser.user],
    ];
    const dump = path.join(folder, 'dump');
    await run(tool('pg_dump'), [...at(platform), '--format=custom', '--file', dump, platform.database], {
      env: environment(platform.superuser),
    });
    const { stdout: roles } = await run(tool('pg_dumpall'), [...at(platform), '--roles-only'], {
      env: environment(platform.superuser),
    });
    await withSuperuser(other, 'postgres', async ({ query }) => {
      // The auditor's login is made anew by somebody else's hand, and one more takes a number that was somebody's.
      await query('create role stranger login');
      const wanted = roles
        .split('\n')
        .filter((line) => /^(CREATE|ALTER|GRANT) /.test(line) && !/\bROLE postgres\b|\bauditor\b/.test(line));
      for (const line of wanted.toReversed().filter((each) => each.startsWith('CREATE'))) await query(line);
      for (const line of wanted.filter((each) => !each.startsWith('CREATE'))) await query(line);
      await query(`create database ${platform.database}`);
      await query(`grant create on database ${platform.database} to administrator`);
    });
    await run(tool('pg_restore'), [...at(other), '--dbname', platform.database, dump], {
      env: environment(other.superuser),
    }).catch((error: unknown) => {
      // It complains of the role that isn't there, and goes on.
      expect(String((error as { stderr?: string }).stderr)).toMatch(/auditor/);
    });
    const elsewhere = { ...cluster.secrets, host: other.host, port: other.port };
    await writeDemoSecrets(folder, elsewhere);
    const places = { profileFolder: folder, demoFolder: folder };
    const numbers = (): Promise<readonly unknown[]> =>
      withSuperuser(other, platform.database, async ({ query }) => {
        const { rows } = await query(
          `select s.login, s.active, r.rolname as known from privacy_console.staff s left join pg_roles r on r.oid = s.login_oid order by s.login`,
        );
        return rows;
      });
    // The attack: numbers of the dump are by chance those of other logins here.
    await withSuperuser(other, platform.database, async ({ query }) => {
      await query(
        `update privacy_console.staff set login_oid = (select oid from pg_roles where rolname = 'stranger') where login = 'auditor'`,
      );
      await query(
        `update privacy_console.access set login_oid = (select oid from pg_roles where rolname = 'operator')`,
      );
    });
    const console = plainConsole(places);
    try {
      await expectDone(console, 'database.install', { profile: 'demo:administrator' });
    } finally {
      await console.close();
    }
    expect(await numbers()).toEqual([
      { login: 'administrator', active: true, known: 'administrator' },
      { login: 'approver', active: true, known: 'approver' },
      { login: 'auditor', active: false, known: null },
      { login: 'operator', active: true, known: 'operator' },
      { login: 'second_approver', active: true, known: 'second_approver' },
      { login: 'viewer', active: true, known: 'viewer' },
    ]);
    const operator = await openBareClient(
      { host: other.host, port: other.port, database: platform.database },
      cluster.secrets.logins.operator,
    );
    try {
      // What was open at the time of the backup is open to nobody.
      expect((await operator.query('select 1 from privacy_console.users')).rowCount).toBe(0);
      await open(operator, await find(operator, person));
      expect((await operator.query('select 1 from privacy_console.users')).rowCount).toBe(1);
    } finally {
      await operator.end();
    }
    // Once is once: a login that is made anew on the same server is nobody.
    await withSuperuser(other, platform.database, async ({ query }) => {
      await query('drop owned by viewer');
      await query('drop role viewer');
      await query(`create role viewer login password 'x' in role privacy_viewer`);
    });
    const again = plainConsole(places);
    try {
      await expectDone(again, 'database.install', { profile: 'demo:administrator' });
    } finally {
      await again.close();
    }
    const impostor = await openBareClient(
      { host: other.host, port: other.port, database: platform.database },
      { user: 'viewer', password: 'x' },
    );
    try {
      expect(await refusal(impostor.query('select privacy_console.sign_in()'))).toBe('PC002');
    } finally {
      await impostor.end();
    }
  } finally {
    await other.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
