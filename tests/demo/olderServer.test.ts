import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startPlatform } from '#demo/platform.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { temporaryCache } from './cacheFolder.ts';

/** Where Debian 12 puts its PostgreSQL. */
const debianBinaries = '/usr/lib/postgresql/15/bin';

test('the platform fills on the oldest PostgreSQL that Debian 12 installs', async (context) => {
  if (!existsSync(debianBinaries))
    context.skip('PostgreSQL 15 is not installed: apt-get install postgresql-15');
  const cache = await temporaryCache();
  try {
    const platform = await startPlatform({
      scale: 'small',
      seed: 7,
      cacheFolder: cache.folder,
      binFolder: debianBinaries,
    });
    try {
      const { rows } = await withSuperuser(platform, platform.database, ({ query }) =>
        query<{ version: string; messages: string; encoding: string }>(
          `select current_setting('server_version_num') as version, (select count(*) from messages) as messages, current_setting('server_encoding') as encoding`,
        ),
      );
      expect(rows).toEqual([
        { version: expect.stringMatching(/^15/) as string, messages: '60000', encoding: 'UTF8' },
      ]);
      expect(await platform.fresh('fresh_one')).toBe('fresh_one');
    } finally {
      await platform.stop();
    }
  } finally {
    await cache.remove();
  }
}, 180_000);
