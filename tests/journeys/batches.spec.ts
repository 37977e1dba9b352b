import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

const words = en.batches;

test('a list is matched, planned, approved by another person, erased and reported; closed accounts are chosen from their queue', async () => {
  const home = await mkdtemp(join(tmpdir(), 'privacy-console-batches-'));
  const places = findPlaces({ PRIVACY_CONSOLE_HOME: home });
  for (const each of [places.profileFolder, places.demoFolder]) await mkdir(each, { mode: 0o700 });
  const platform = await startPlatform({ scale: 'small', seed: 1 });
  const faults: string[] = [];
  try {
    await installDemo(platform, places);
    const emails = await withSuperuser(platform, platform.database, async ({ query }) => {
      const { rows } = await query<{ email: string }>(
        `select u.email::text from users u where u.closed_at is null and not exists (select from workspaces w join workspace_members m on m.workspace_id = w.id
           where w.owner_id = u.id and m.user_id <> u.id) order by u.id limit 2`,
      );
      return rows.map(({ email }) => email);
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
      await press(page, en.signIn.demoAs('operator'));
      await atScreen(page, en.desk.title);
      await follow(page, words.closed.title);
      await atScreen(page, words.closed.title);
      const queue = page.getByRole('grid', { name: words.closed.title, exact: true });
      await expect(queue.getByText(/days? late/).first()).toBeVisible();
      await picture('closed-queue');
      await follow(page, words.title);
      await atScreen(page, words.title);
      await page
        .getByLabel(words.from.list, { exact: true })
        .fill(['email', ...emails, 'nobody@person.example', emails[0] ?? ''].join('\n'));
      await page.getByLabel(words.from.why).fill('They asked for it by letter');
      await picture('batch-list');
      await press(page, words.from.match);
      await expect(page.getByText(words.stateText.planning)).toBeVisible();
      await expect(page.getByText(words.itemState.not_found, { exact: true })).toBeVisible();
      await press(page, words.make);
      await expect(page.getByText(words.stateText.awaiting)).toBeVisible();
      await picture('batch-awaiting');
      await ask(page, 'session.signOut', {});

      await press(page, en.signIn.demoAs('approver'));
      await atScreen(page, en.desk.title);
      await goTo(page, 'approvals', en.approvals.title);
      await page.getByRole('grid', { name: words.waitingTitle }).getByRole('row').nth(1).click();
      await page.getByLabel(words.decideWhy).fill('The letters are there');
      await picture('batch-approver');
      await press(page, words.approve);
      await expect(page.getByText(words.stateText.approved)).toBeVisible();
      await ask(page, 'session.signOut', {});

      await press(page, en.signIn.demoAs('operator'));
      await atScreen(page, en.desk.title);
      await goTo(page, 'deletion', en.deletion.listTitle);
      await follow(page, words.title);
      await page.getByRole('grid', { name: words.title }).getByRole('row').nth(1).click();
      await press(page, words.run(2));
      await expect(page.getByText(words.stateText.done)).toBeVisible({ timeout: 30_000 });
      await expect(
        part(page, words.itemsTitle).getByText(words.itemState.done, { exact: true }).first(),
      ).toBeVisible();
      await picture('batch-done');
      const file = join(home, 'report.html');
      await desk.answerDialog(file);
      await press(page, words.saveReport);
      await expect(page.getByText(words.saved)).toBeVisible();
      const report = await readFile(file, 'utf8');
      for (const email of emails) expect(report).not.toContain(email);
    } finally {
      await desk.close();
    }
    expect(faults).toEqual([]);
  } finally {
    await platform.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
});
