import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDesks } from '#demo/journey.ts';
import { startPlatform } from '#demo/platform.ts';
import { installDemo } from '#demo/staff.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { ask, atScreen, press } from '#demo/windowActions.ts';
import { en } from '#shared/strings/en.ts';
import { expect, test } from './fixtures.ts';

test.describe.configure({ timeout: 120_000 });

test('a search runs 400 ms after the last letter, or at once on Enter, and only once', async () => {
  const home = await mkdtemp(join(tmpdir(), 'privacy-console-search-'));
  const [profileFolder, demoFolder] = [join(home, 'profiles'), join(home, 'demo')];
  for (const folder of [profileFolder, demoFolder]) await mkdir(folder, { mode: 0o700 });
  const platform = await startPlatform({ scale: 'small', seed: 1 });
  const desks = openDesks({ demoFolder });
  try {
    await installDemo(platform, { profileFolder, demoFolder });
    const page = await (await desks.desk('operator')).page();
    await press(page, en.signIn.demoAs('operator'));
    await atScreen(page, en.desk.title);
    const { request } = await ask(page, 'requests.open', { kind: 'access', receivedOn: '2026-10-01' });
    await page.evaluate(
      (to) => {
        window.location.hash = `#${to}`;
      },
      `/search?request=${String(request.id)}`,
    );
    await atScreen(page, en.search.title);
    const box = page.getByRole('searchbox', { name: en.search.label });
    // The box knows the request before the time stands still.
    await page.getByRole('link', { name: en.common.request(request.id), exact: true }).waitFor();

    /** Searches in the trail, counted behind a call that came in after them. */
    const searches = async (): Promise<number> => {
      await ask(page, 'requests.list', { state: 'open' });
      const { entries } = await ask(page, 'audit.list', { action: 'search.intended', limit: 100 });
      return entries.length;
    };
    await page.clock.install();
    await page.clock.pauseAt(Date.now() + 60_000);

    // Two letters are too few for a pause.
    await box.pressSequentially('ra');
    await page.clock.runFor(2_000);
    expect(await searches()).toBe(0);

    // Each letter begins the pause anew.
    for (const letter of ['v', 'i', ' ']) {
      await box.press(letter === ' ' ? 'Space' : letter);
      await page.clock.runFor(300);
    }
    await box.press('k');
    await page.clock.runFor(399);
    expect(await searches()).toBe(0);
    await page.clock.runFor(1);
    await expect.poll(searches).toBe(1);

    // Enter does not wait, and the pause after it does not search again.
    await box.press('u');
    await box.press('Enter');
    await expect.poll(searches).toBe(2);
    await page.clock.runFor(2_000);
    await expect(page.getByRole('status').filter({ hasText: /match/ })).toBeVisible();
    expect(await searches()).toBe(2);

    const { rows } = await withSuperuser(platform, platform.database, ({ query }) =>
      query<{ text: string }>(
        `select d.text from privacy_console.entry e join privacy_console.detail d on d.entry = e.number where e.action = 'search.intended' order by e.number`,
      ),
    );
    expect(rows).toHaveLength(2);
    for (const [place, text] of ['ravi k', 'ravi ku'].entries()) expect(rows[place]?.text).toContain(text);
  } finally {
    await desks.close();
    await platform.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
});
