import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findPlaces } from '#core/places.ts';
import { openDesk } from '#demo/driver.ts';
import { startPlatform, type Platform } from '#demo/platform.ts';
import { expectDone, installDemo, plainConsole } from '#demo/staff.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { ask, atScreen, goTo, part, press, sees } from '#demo/windowActions.ts';
import { en } from '#shared/strings/en.ts';
import { need } from '../prerequisites.ts';
import { examine } from './examine.ts';
import { expect } from './fixtures.ts';
import { test } from './keyring.ts';

test.describe.configure({ timeout: 180_000 });

const words = en.exportPage;
const root = join(import.meta.dirname, '../..');

/** An account with many rows, and an export request that names its holder. */
async function longExport(
  platform: Platform,
  places: { readonly profileFolder: string; readonly demoFolder: string },
): Promise<number> {
  const email = await withSuperuser(platform, platform.database, async ({ query }) => {
    const { rows } = await query<{ email: string }>(
      `with one as (select id, email::text from users u where exists (select from workspaces w where w.owner_id = u.id) order by u.id limit 1),
        many as (insert into page_views (user_id, path, occurred_at)
          select one.id, repeat('/x', 50) || n, now() from one, generate_series(1, 150000) n)
       select email from one`,
    );
    return rows[0]?.email ?? '';
  });
  const console = plainConsole(places);
  await expectDone(console, 'session.signIn', { profile: 'demo:operator' });
  const { hits } = await expectDone(console, 'search.run', { text: email, reason: 'a test' });
  const { request } = await expectDone(console, 'requests.open', {
    kind: 'export',
    receivedOn: '2026-11-01',
    subject: hits[0]?.subject ?? '',
  });
  await console.close();
  return request.id;
}

test('an export that was killed is shown with what is here, and goes on in the window, by keyboard, to a whole package', async ({
  keyring,
}) => {
  need(
    {
      skip: (note) => {
        test.skip(true, note);
      },
    },
    'secretService',
  );
  const home = await mkdtemp(join(tmpdir(), 'privacy-console-resume-'));
  const places = findPlaces({ PRIVACY_CONSOLE_HOME: home });
  const folder = join(home, 'packages');
  for (const each of [places.profileFolder, places.demoFolder, folder]) await mkdir(each, { mode: 0o700 });
  const platform = await startPlatform({ scale: 'small', seed: 1 });
  const environment = { DBUS_SESSION_BUS_ADDRESS: keyring };
  const faults: string[] = [];
  try {
    await installDemo(platform, places);
    const request = await longExport(platform, places);
    const kept = (): Promise<readonly string[]> =>
      readdir(places.stagingFolder, { recursive: true }).catch(() => []);
    const killOne = async (): Promise<void> => {
      const exporter = spawn(
        process.execPath,
        [
          ...['--no-warnings', 'electron/cli/cli.ts', 'export', String(request)],
          ...['--to', folder, '--folder', '--profile', 'demo:operator'],
        ],
        { cwd: root, env: { ...process.env, ...environment, PRIVACY_CONSOLE_HOME: home }, stdio: 'ignore' },
      );
      const gone = once(exporter, 'exit');
      // Some of the collections are read by then.
      while ((await kept()).length < 16) {
        if (exporter.exitCode !== null) throw new Error('The export ended before it was killed.');
        await wait(5);
      }
      exporter.kill('SIGKILL');
      await gone;
    };
    await killOne();

    const desk = await openDesk({ home, environment });
    try {
      const page = await desk.page();
      await press(page, en.signIn.demoAs('operator'));
      await atScreen(page, en.desk.title);
      await goTo(page, 'export', words.listTitle);
      await sees(page.getByText(/^\d+ of \d+ here$/));
      faults.push(...(await examine(page, 'export interrupted list')));
      await page.getByRole('link', { name: words.start, exact: true }).press('Enter');
      const left = page.getByRole('region', { name: /^Package \d+$/ });
      await sees(left.getByText(/^\d+ of \d+ collections are here$/));
      faults.push(...(await examine(page, 'export interrupted')));
      await left.getByRole('button', { name: words.resume, exact: true }).press('Enter');
      await sees(part(page, words.running).getByRole('progressbar'));
      faults.push(...(await examine(page, 'export running')));
      await sees(part(page, words.done));
      await expect(left).toHaveCount(0);
      expect(await readdir(folder)).toHaveLength(1);
      faults.push(...(await examine(page, 'export resumed')));

      // Another one is thrown away: nothing of it stays here, and the trail has it as given up.
      await killOne();
      await goTo(page, 'desk', en.desk.title);
      await page.evaluate(
        (to) => {
          window.location.hash = to;
        },
        `#/requests/${String(request)}/export`,
      );
      await left.getByRole('button', { name: words.throwAway, exact: true }).press('Enter');
      await expect(left).toHaveCount(0);
      expect((await kept()).filter((name) => name.includes('/'))).toEqual([]);
      const { exports } = await ask(page, 'exports.list', { requestId: request });
      expect(exports.map(({ state }) => state).toSorted()).toEqual(['abandoned', 'done']);
    } finally {
      await desk.close();
    }
    expect(faults).toEqual([]);
  } finally {
    await platform.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
});
