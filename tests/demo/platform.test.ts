import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { namedPeople } from '#demo/people.ts';
import { startPlatform, type Platform } from '#demo/platform.ts';
import { plantedObjects, scales } from '#demo/seed.ts';
import { withSuperuser, type SuperuserSession } from '#demo/superuser.ts';
import { temporaryCache } from './cacheFolder.ts';

const small = scales.small;
let cache: Awaited<ReturnType<typeof temporaryCache>>;
let platform: Platform;

function judge<Value>(
  work: (session: SuperuserSession) => Promise<Value>,
  database = platform.database,
): Promise<Value> {
  return withSuperuser(platform, database, work);
}

async function number(sql: string, values: readonly unknown[] = []): Promise<number> {
  const { rows } = await judge(({ query }) =>
    query<{ answer: string }>(`select (${sql})::text as answer`, values),
  );
  return Number(rows[0]?.answer);
}

/** A checksum of every table's rows, whatever their order. */
async function checksums(of: Platform, database = of.database): Promise<Record<string, string>> {
  return withSuperuser(of, database, async ({ query }) => {
    const tables = await query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = relnamespace
       where nspname = 'public' and relkind in ('r', 'p') and not relispartition order by 1`,
    );
    const sums: Record<string, string> = {};
    for (const { name } of tables.rows) {
      const sum = await query<{ sum: string }>(
        `select count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)), 0) as sum from ${name} t`,
      );
      sums[name] = sum.rows[0]?.sum ?? '';
    }
    return sums;
  });
}

beforeAll(async () => {
  cache = await temporaryCache();
  platform = await startPlatform({ scale: 'small', seed: 7, cacheFolder: cache.folder });
}, 180_000);

afterAll(async () => {
  await platform?.stop();
  await cache?.remove();
}, 60_000);

describe('the small platform', () => {
  test('has the promised numbers of rows', async () => {
    expect(await number('select count(*) from users')).toBe(2_000);
    expect(await number('select count(*) from workspaces')).toBe(1_500);
    expect(await number('select count(*) from messages')).toBe(60_000);
    expect(await number('select count(*) from page_views')).toBe(100_000);
  });

  test('has one account with 20,000 messages and 60 objects, in workspaces of its own', async () => {
    const { rows } = await judge(({ query }) =>
      query<{ owner_id: string; messages: string }>(
        `select owner_id, count(*) as messages from workspaces w join messages m on m.workspace_id = w.id group by 1 order by 2 desc limit 2`,
      ),
    );
    expect(Number(rows[0]?.messages)).toBe(20_000);
    expect(Number(rows[1]?.messages)).toBeLessThan(2_000);
    const owner = [rows[0]?.owner_id];
    expect(
      await number(
        'select count(*) from media_files f join workspaces w on w.id = f.workspace_id where owner_id = $1',
        owner,
      ),
    ).toBe(60);
    expect(
      await number(
        'select count(*) from workspace_members m join workspaces w on w.id = m.workspace_id where owner_id = $1 and user_id <> $1',
        owner,
      ),
    ).toBe(0);
  });

  test('knows every case of ownership', async () => {
    const single = `select workspace_id from workspace_members group by 1 having count(*) = 1`;
    expect(await number(`select count(*) from (${single}) x`)).toBeGreaterThan(500);
    expect(await number(`select count(*) from workspaces where id not in (${single})`)).toBeGreaterThan(300);
    const membersOnly = `select count(distinct user_id) from workspace_members where user_id not in (select owner_id from workspaces)`;
    expect(await number(membersOnly)).toBeGreaterThan(100);
    expect(
      await number('select count(*) from users where id not in (select user_id from workspace_members)'),
    ).toBeGreaterThan(100);
    expect(
      await number(
        'select count(*) from workspaces w where not exists (select from workspace_members where workspace_id = w.id and user_id = owner_id)',
      ),
    ).toBe(0);
    expect(await number(`select count(*) from users where closed_at > '2026-10-23'`)).toBeGreaterThan(5);
    expect(await number(`select count(*) from users where closed_at < '2026-10-23'`)).toBeGreaterThan(5);
    expect(await number('select count(distinct workspace_id) from invoices')).toBeGreaterThan(500);
    expect(
      await number(
        'select count(*) from campaigns c join workspaces w on w.id = workspace_id where created_by <> owner_id',
      ),
    ).toBeGreaterThan(50);
    expect(await number('select count(*) from campaigns where created_by is null')).toBeGreaterThan(20);
    expect(await number('select count(*) from page_views where workspace_id is null')).toBeGreaterThan(1_000);
    expect(await number('select count(*) from dashboard_sessions where ended_at is null')).toBeGreaterThan(
      100,
    );
    expect(
      await number(
        'select count(*) from support_messages s join users u on u.email = s.from_email::citext where user_id is null',
      ),
    ).toBeGreaterThan(50);
    expect(
      await number(
        'select count(*) from messages m where exists (select from users u where u.phone = m.recipient_phone)',
      ),
    ).toBeGreaterThan(1_000);
  });

  test('keeps the content of no delivered message, and of the queued ones', async () => {
    expect(
      await number(`select count(*) from messages where status = 'delivered' and content is not null`),
    ).toBe(0);
    expect(await number(`select count(*) from messages where status = 'queued' and content is null`)).toBe(0);
    expect(await number(`select count(*) from messages where status = 'queued'`)).toBeGreaterThan(500);
  });

  test('has the names and addresses that real people have', async () => {
    for (const { name, email } of namedPeople) {
      expect(
        await number(
          'select count(*) from users where name = $1 and ($2::text is null or email::text = $2)',
          [name, email ?? null],
        ),
      ).toBeGreaterThan(0);
    }
    expect(
      await number(`select max(n) from (select count(*) as n from users group by name) x`),
    ).toBeGreaterThan(30);
    expect(await number('select count(*) from users where length(name) = 200')).toBeGreaterThan(1);
    expect(await number('select count(*) from users where phone is null')).toBeGreaterThan(100);
    expect(await number(`select count(*) from users where name ~ '[\u0900-\u097F]'`)).toBeGreaterThan(80);
    expect(await number(`select count(*) from users where name ~ '[\u0600-\u06FF]'`)).toBeGreaterThan(40);
    expect(await number(`select count(*) from users where email::text like '%+%@%'`)).toBeGreaterThan(20);
    expect(await number(`select count(*) from users where email::text ~ '[A-Z]'`)).toBeGreaterThan(50);
  });

  test('uses only mail domains and phone numbers that nobody has', async () => {
    const addresses = `select email::text as a from users union all select from_email from support_messages union all select billing_email from invoices`;
    expect(
      await number(
        `select count(*) from (${addresses}) x where lower(a) !~ '@(example[.](com|org|net)|[a-z-]+[.]test)$'`,
      ),
    ).toBe(0);
    const phones = `select phone from users where phone is not null union all select recipient_phone from messages union all select phone from contacts union all select phone from whatsapp_sessions`;
    expect(
      await number(
        `select count(*) from (${phones}) x where phone !~ '^[+](9170000[0-9]{5}|99970[0-9]{8}|120255501[0-9]{2}|4477009001[0-9]{2}|6149157001[0-9]{2})$'`,
      ),
    ).toBe(0);
  });

  test('belongs to a role that is no superuser and cannot log in; the public may create nothing', async () => {
    expect(
      await number(
        `select count(*) from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = 'public' and relkind in ('r', 'p') and relowner <> 'cloudsingh_owner'::regrole`,
      ),
    ).toBe(0);
    expect(
      await number(
        `select count(*) from pg_roles where rolname = 'cloudsingh_owner' and not rolsuper and not rolcanlogin`,
      ),
    ).toBe(1);
    expect(
      await number(
        `select count(*) from pg_namespace, aclexplode(nspacl) where grantee = 0 and privilege_type = 'CREATE'`,
      ),
    ).toBe(0);
    expect(await number(`select count(*) from pg_namespace where nspname = 'seeding'`)).toBe(0);
    expect(
      await number(
        `select count(*) from pg_class where relpersistence <> 'p' and relnamespace = 'public'::regnamespace`,
      ),
    ).toBe(0);
  });
});

describe('the bucket', () => {
  test('holds 400 objects; every row that is not planned otherwise names one of the same bytes', async () => {
    const objects = new Map((await platform.objectStore.list()).map((object) => [object.key, object]));
    const keys = new Set(objects.keys());
    expect(keys.size).toBe(400);
    const { rows } = await judge(({ query }) =>
      query<{ r2_key: string; sha256: string; bytes: string; content_type: string }>(
        'select r2_key, sha256, bytes, content_type from media_files',
      ),
    );
    expect(rows.filter(({ r2_key }) => !keys.has(r2_key)).length).toBe(plantedObjects.gone);
    const named = new Set(rows.map(({ r2_key }) => r2_key));
    const unnamed = [...keys].filter((key) => !named.has(key));
    expect(unnamed.filter((key) => /^workspaces\/[0-9a-f-]{36}\//.test(key)).length).toBe(
      plantedObjects.unnamed,
    );
    expect(unnamed.length).toBe(plantedObjects.unnamed + plantedObjects.elsewhere);
    for (const { r2_key, sha256, bytes, content_type } of rows.filter((row) => keys.has(row.r2_key))) {
      expect(objects.get(r2_key)).toEqual({
        key: r2_key,
        sha256,
        bytes: Number(bytes),
        contentType: content_type,
      });
    }
    expect(rows.some(({ bytes }) => Number(bytes) > 16 * 1024 * 1024)).toBe(true);
    expect([...keys].some((key) => key.includes(' ') && /[\u0900-\u097F]/.test(key))).toBe(true);
  }, 120_000);

  test('has media that belong to campaigns and messages of their own workspace', async () => {
    expect(await number('select count(*) from media_files where campaign_id is not null')).toBeGreaterThan(
      100,
    );
    expect(await number('select count(*) from media_files where message_id is not null')).toBeGreaterThan(
      100,
    );
    expect(
      await number(
        'select count(*) from media_files f where message_id is not null and not exists (select from messages m where m.id = f.message_id and m.workspace_id = f.workspace_id)',
      ),
    ).toBe(0);
    expect(
      await number(
        'select count(*) from media_files f where campaign_id is not null and not exists (select from campaigns c where c.id = f.campaign_id and c.workspace_id = f.workspace_id)',
      ),
    ).toBe(0);
  });
});

describe('seeds, copies and caches', () => {
  test('the same seed made again gives the same rows, another gives others', async () => {
    const elsewhere = await temporaryCache();
    try {
      const before = await checksums(platform);
      const again = await startPlatform({ scale: 'small', seed: 7, cacheFolder: elsewhere.folder });
      try {
        expect(again.fromCache).toBe(false);
        expect(await checksums(again)).toEqual(before);
      } finally {
        await again.stop();
      }
      const other = await startPlatform({ scale: 'small', seed: 8, cacheFolder: elsewhere.folder });
      try {
        const sums = await checksums(other);
        const same = Object.keys(sums).filter((table) => sums[table] === before[table]);
        expect(same).toEqual(['plans']);
        expect(
          await withSuperuser(
            other,
            other.database,
            async ({ query }) => (await query('select from users')).rowCount,
          ),
        ).toBe(small.users);
      } finally {
        await other.stop();
      }
    } finally {
      await elsewhere.remove();
    }
  }, 240_000);

  test('a second platform beside the first takes other ports and leaves the cache as it was', async () => {
    const second = await startPlatform({ scale: 'small', seed: 7, cacheFolder: cache.folder });
    const folder = second.postgres.dataFolder;
    try {
      expect(second.fromCache).toBe(true);
      expect(second.port).not.toBe(platform.port);
      expect(second.superuser.password).not.toBe(platform.superuser.password);
      await withSuperuser(second, second.database, ({ query }) => query('truncate page_views'));
    } finally {
      await second.stop();
    }
    expect(existsSync(folder)).toBe(false);
    const third = await startPlatform({ scale: 'small', seed: 7, cacheFolder: cache.folder });
    try {
      expect(await checksums(third)).toEqual(await checksums(platform));
    } finally {
      await third.stop();
    }
  }, 120_000);

  test('a fresh database holds the same rows and belongs to the same role', async () => {
    await platform.fresh('fresh_one');
    expect(await checksums(platform, 'fresh_one')).toEqual(await checksums(platform));
    expect(
      await number(
        `select count(*) from pg_database where datname = 'fresh_one' and datdba = 'cloudsingh_owner'::regrole`,
      ),
    ).toBe(1);
  }, 60_000);
});
