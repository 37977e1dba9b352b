import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { findPlaces } from '#core/places.ts';
import { openDesk } from '#demo/driver.ts';
import { startPlatform } from '#demo/platform.ts';
import { installDemo } from '#demo/staff.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { ask, atScreen, follow, goTo, part, press, wear } from '#demo/windowActions.ts';
import { en } from '#shared/strings/en.ts';
import { examine } from './examine.ts';
import { expect, test } from './fixtures.ts';

test.describe.configure({ timeout: 120_000 });

const words = en.retention;

test('what is due is counted, approved by another person and run; a law’s floor is switched on and shown where it bites', async () => {
  const home = await mkdtemp(join(tmpdir(), 'privacy-console-retention-'));
  const places = findPlaces({ PRIVACY_CONSOLE_HOME: home });
  for (const each of [places.profileFolder, places.demoFolder]) await mkdir(each, { mode: 0o700 });
  const platform = await startPlatform({ scale: 'small', seed: 1 });
  const faults: string[] = [];
  try {
    await installDemo(platform, places);
    await withSuperuser(platform, platform.database, async ({ query }) => {
      await query(
        `insert into page_views (user_id, path, occurred_at) select id, '/old', now() - interval '2 years' from users order by id limit 400`,
      );
      await query(`
        set role cloudsingh_owner;
        create table page_views_2001_01 partition of page_views for values from ('2001-01-01 00:00:00+00') to ('2001-02-01 00:00:00+00');
        reset role;`);
      await query(
        `insert into page_views (user_id, path, occurred_at) select id, '/2001', '2001-01-05' from users order by id limit 50`,
      );
    });
    const desk = await openDesk({ home });
    try {
      const page = await desk.page();
      const picture = async (name: string): Promise<void> => {
        faults.push(...(await examine(page, name)));
        const folder = process.env['PRIVACY_CONSOLE_PICTURES'];
        if (folder === undefined) return;
        for (const scheme of ['light', 'dark'] as const) {
          await wear(page, scheme);
          await page.screenshot({ path: join(folder, `${name}-${scheme}.png`) });
        }
      };
      const as = async (role: 'operator' | 'approver'): Promise<void> => {
        if ((await ask(page, 'session.current', {})).session !== null) await ask(page, 'session.signOut', {});
        await press(page, en.signIn.demoAs(role));
        await atScreen(page, en.desk.title);
        await goTo(page, 'deletion', en.deletion.listTitle);
        await follow(page, words.title);
        await atScreen(page, words.title);
      };
      await as('operator');
      await press(page, words.make);
      const make = page.getByRole('dialog', { name: words.makeTitle });
      await make.getByRole('checkbox', { name: words.byPartition }).check();
      await make.getByRole('button', { name: words.make }).click();
      await openPlan(page, words.state.awaiting);
      await expect(page.getByText(words.ownPlan)).toBeVisible();
      await picture('retention-plan');
      await as('approver');
      await openPlan(page, words.state.awaiting);
      await page.getByRole('textbox', { name: words.why }).fill('counted as the rules say');
      await press(page, words.approve);
      await expect(page.getByText(words.stateText.approved)).toBeVisible();
      await as('operator');
      await openPlan(page, words.state.approved);
      await press(page, `${words.statement}: public.page_views_2001_01`);
      await expect(page.getByText('detach partition public.page_views_2001_01')).toBeVisible();
      await picture('retention-partition');
      await press(page.getByRole('dialog'), en.common.close);
      await press(page, words.run);
      await expect(page.getByText(words.stateText.done)).toBeVisible({ timeout: 60_000 });
      await press(page, `${words.recordIt}: public.page_views_2001_01`);
      await expect(page.getByText('The partition is still part of its table')).toBeVisible();
      await withSuperuser(platform, platform.database, ({ query }) =>
        query('alter table page_views detach partition page_views_2001_01; drop table page_views_2001_01;'),
      );
      await press(page, `${words.recordIt}: public.page_views_2001_01`);
      await expect(page.getByText(words.recorded('operator'))).toBeVisible();
      await picture('retention-done');
      await press(page, en.common.close);
      await press(page, words.ask);
      const asking = page.getByRole('dialog', { name: words.askTitle });
      await asking.getByRole('textbox', { name: words.why }).fill('each night by the timer');
      await asking.getByRole('button', { name: words.ask }).click();
      await expect(part(page, words.standings).getByText(words.standing(1))).toBeVisible();
      await press(page, words.mediaCount);
      await expect(page.getByText(words.fate.none).first()).toBeVisible();
      await picture('retention');
      await as('approver');
      await press(page, `${words.decide}: ${words.standing(1)}`);
      const deciding = page.getByRole('dialog', { name: words.decideTitle(1) });
      await deciding.getByRole('textbox', { name: words.why }).fill('within these limits');
      await deciding.getByRole('button', { name: words.approve }).click();
      await expect(page.getByText(words.standingState.approved)).toBeVisible();
      await press(page, `${words.change}: IN`);
      const law = page.getByRole('dialog', { name: words.changeTitle('IN') });
      await law.getByRole('switch', { name: words.inForce }).check();
      await law.getByRole('textbox', { name: words.why }).fill('counsel says that rule 8(3) holds');
      await picture('retention-law');
      await law.getByRole('button', { name: en.common.save }).click();
      await expect(page.getByText(words.clashOn(365))).toBeVisible();
      // What was approved without it is void.
      await expect(page.getByText(words.standingState.void)).toBeVisible();
      await picture('retention-floor');
      await as('operator');
      await page.evaluate((to) => {
        window.location.hash = to;
      }, '#/deletions/closed');
      await expect(page.getByText(words.clashPlan(365))).toBeVisible();
      await picture('closed-clash');
      expect(faults).toEqual([]);
    } finally {
      await desk.close();
    }
  } finally {
    await platform.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
});

/** Opens the plan in that state. */
async function openPlan(page: Page, state: string): Promise<void> {
  const grid = page.getByRole('grid', { name: words.plans, exact: true });
  await grid.getByText(state, { exact: true }).first().click();
  await page.getByRole('heading', { level: 1, name: /^Retention plan/ }).waitFor({ state: 'visible' });
}
