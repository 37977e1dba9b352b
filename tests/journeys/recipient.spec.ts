import { AxeBuilder } from '@axe-core/playwright';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { openDesks } from '#demo/journey.ts';
import { startPlatform } from '#demo/platform.ts';
import { installDemo } from '#demo/staff.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { ask, atScreen, press, rowWith, settle, wear } from '#demo/windowActions.ts';
import { en } from '#shared/strings/en.ts';
import { expect, test } from './fixtures.ts';

test.describe.configure({ timeout: 180_000 });

const controller = 'The tenant (workspace owner) is the controller; CloudSingh is the processor.';

/** Where pictures go when they are wanted; nowhere otherwise. */
const pictures = process.env['PRIVACY_CONSOLE_PICTURES'];

/** What axe finds on a screen, light and dark. */
async function examine(page: Page, name: string): Promise<readonly string[]> {
  const faults: string[] = [];
  await settle(page);
  for (const scheme of ['light', 'dark'] as const) {
    await wear(page, scheme);
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}-${scheme}.png`) });
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
    for (const { id, nodes } of violations)
      faults.push(`${name}, ${scheme}: ${id} at ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
  }
  await wear(page, 'light');
  return faults;
}

async function visit(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => {
    window.location.hash = `#${to}`;
  }, path);
}

test('a recipient is found by the number, and each page says that the tenant is the controller', async () => {
  const home = await mkdtemp(join(tmpdir(), 'privacy-console-recipient-'));
  const [profileFolder, demoFolder] = [join(home, 'profiles'), join(home, 'demo')];
  for (const folder of [profileFolder, demoFolder]) await mkdir(folder, { mode: 0o700 });
  const platform = await startPlatform({ scale: 'small', seed: 1 });
  const desks = openDesks({ demoFolder });
  const faults: string[] = [];
  try {
    await installDemo(platform, { profileFolder, demoFolder });
    const phone = await withSuperuser(platform, platform.database, async ({ query }) => {
      const { rows } = await query<{ phone: string }>(
        `select recipient_phone as phone from messages m where exists (select from contacts c where c.phone = m.recipient_phone)
         group by 1 having count(distinct workspace_id) > 3 order by count(*) desc, 1 limit 1`,
      );
      return rows[0]?.phone ?? '';
    });
    const page = await (await desks.desk('operator')).page();
    await press(page, en.signIn.demoAs('operator'));
    await atScreen(page, en.desk.title);
    const { request } = await ask(page, 'requests.open', { kind: 'deletion', receivedOn: '2026-10-01' });

    await visit(page, `/search?request=${String(request.id)}`);
    await atScreen(page, en.search.title);
    await page.getByRole('link', { name: en.common.request(request.id), exact: true }).waitFor();
    await page.getByRole('searchbox', { name: en.search.label }).fill(phone);
    await page.keyboard.press('Enter');
    const hit = await rowWith(page.locator('#hits').getByRole('grid'), 'Message recipient');
    await expect(hit).toContainText(/\d+ · /);
    await expect(hit).not.toContainText(phone.slice(3));
    faults.push(...(await examine(page, 'search')));

    await hit.dblclick();
    await atScreen(page, en.person.title);
    await expect(page.getByText(controller)).toBeVisible();
    await expect(page.getByText('Message recipient', { exact: true })).toBeVisible();
    await page.getByRole('grid').getByRole('row').nth(1).waitFor();
    await expect(page.getByRole('tab')).toHaveText([/^Messages/, /^Files/, en.person.filesTab]);
    faults.push(...(await examine(page, 'person')));

    const { hits } = await ask(page, 'search.run', { text: phone, requestId: request.id });
    const subject = hits.find(({ kind }) => kind === 'recipient')?.subject ?? '';
    await ask(page, 'requests.link', { id: request.id, subject });
    await visit(page, `/requests/${String(request.id)}`);
    await expect(page.getByText(`${controller} ${en.request.controllerDecides}`)).toBeVisible();
    faults.push(...(await examine(page, 'request')));

    await visit(page, `/requests/${String(request.id)}/export`);
    await atScreen(page, en.exportPage.titleFor(request.id));
    await expect(page.getByText(controller)).toBeVisible();
    // What goes in is what there is of a recipient.
    await expect(page.getByText('Policy notices')).toHaveCount(0);
    faults.push(...(await examine(page, 'export')));

    const { plan } = await ask(page, 'erasure.plan', { requestId: request.id });
    await visit(page, `/deletions/${String(plan.id)}`);
    await atScreen(page, en.deletion.titleFor(plan.id));
    await expect(page.getByText(controller)).toBeVisible();
    faults.push(...(await examine(page, 'plan')));
    const approver = await (await desks.desk('colleague')).page();
    await press(approver, en.signIn.demoAs('approver'));
    await atScreen(approver, en.desk.title);
    await ask(approver, 'erasure.decide', {
      planId: plan.id,
      sha256: plan.sha256,
      decision: 'approve',
      reason: 'the tenants know',
    });
    const { jobId } = await ask(page, 'erasure.run', { planId: plan.id });
    await ask(page, 'jobs.wait', { id: jobId });
    await visit(page, '/requests');
    await visit(page, `/deletions/${String(plan.id)}`);
    await page.getByRole('heading', { name: en.deletion.certificate.title }).waitFor();
    await expect(page.getByText(controller).first()).toBeVisible();
    faults.push(...(await examine(page, 'certificate')));
    expect(faults).toEqual([]);
  } finally {
    await desks.close();
    await platform.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
});
