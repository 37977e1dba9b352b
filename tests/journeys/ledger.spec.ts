import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPlaces } from '#core/places.ts';
import { openDesk } from '#demo/driver.ts';
import { startPlatform, type Platform } from '#demo/platform.ts';
import { expectDone, installDemo, plainConsole, type DemoPlaces } from '#demo/staff.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { ask, atScreen, follow, goTo, part, press, wear } from '#demo/windowActions.ts';
import { en } from '#shared/strings/en.ts';
import { need } from '../prerequisites.ts';
import { examine } from './examine.ts';
import { expect } from './fixtures.ts';
import { test } from './keyring.ts';

test.describe.configure({ timeout: 120_000 });

const words = en.deletion.ledger;

/** Erases somebody whom nobody and nothing keeps; gives the row of their account. */
async function erased(platform: Platform, places: DemoPlaces): Promise<object> {
  const { email, row } = await withSuperuser(platform, platform.database, async ({ query }) => {
    const { rows } = await query<{ email: string; row: object }>(
      `select u.email::text as email, to_jsonb(u) as row from users u join workspaces w on w.owner_id = u.id
       where not exists (select from invoices i join workspaces v on v.id = i.workspace_id where v.owner_id = u.id)
         and not exists (select from workspace_members m join workspaces v on v.id = m.workspace_id where v.owner_id = u.id and m.user_id <> u.id)
       order by u.id desc limit 1`,
    );
    const [found] = rows;
    if (found === undefined) throw new Error('Nobody fits.');
    return found;
  });
  const [operator, approver] = [plainConsole(places), plainConsole(places)];
  await expectDone(operator, 'session.signIn', { profile: 'demo:operator' });
  await expectDone(approver, 'session.signIn', { profile: 'demo:approver' });
  const { request } = await expectDone(operator, 'requests.open', {
    kind: 'deletion',
    receivedOn: '2026-11-05',
  });
  const { hits } = await expectDone(operator, 'search.run', { text: email, requestId: request.id });
  const subject = hits[0]?.subject ?? '';
  await expectDone(operator, 'subjects.open', { subject, requestId: request.id });
  await expectDone(operator, 'requests.link', { id: request.id, subject });
  const { plan } = await expectDone(operator, 'erasure.plan', { requestId: request.id });
  const decided = { planId: plan.id, sha256: plan.sha256, decision: 'approve', reason: 'as asked' } as const;
  await expectDone(approver, 'erasure.decide', decided);
  const { jobId } = await expectDone(operator, 'erasure.run', { planId: plan.id });
  const { job } = await expectDone(operator, 'jobs.wait', { id: jobId });
  expect(job).toMatchObject({ result: { complete: true } });
  await Promise.all([operator.close(), approver.close()]);
  return row;
}

test('after a restore: said by two people, told on every screen, and who came back is found by the ledger', async ({
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
  const home = await mkdtemp(join(tmpdir(), 'privacy-console-ledger-'));
  const places = findPlaces({ PRIVACY_CONSOLE_HOME: home });
  for (const each of [places.profileFolder, places.demoFolder]) await mkdir(each, { mode: 0o700 });
  const platform = await startPlatform({ scale: 'small', seed: 1 });
  const faults: string[] = [];
  try {
    await installDemo(platform, places);
    const account = await erased(platform, places);
    const desk = await openDesk({ home, environment: { DBUS_SESSION_BUS_ADDRESS: keyring } });
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
      // It nags until it is saved.
      await goTo(page, 'deletion', en.deletion.listTitle);
      await expect(page.getByText(words.never)).toBeVisible();
      await picture('ledger-nags');
      await follow(page, words.title);
      await atScreen(page, words.title);
      const file = join(home, 'deletions.ledger');
      await desk.answerDialog(file);
      await press(page, words.save);
      await expect(page.getByText(words.savedAt)).toBeVisible();
      await picture('ledger-saved');
      await ask(page, 'session.signOut', {});

      // The backup that is restored lacks the last entry and holds the person's account.
      await withSuperuser(platform, platform.database, async ({ query }) => {
        for (const table of ['detail where entry', 'entry where number'])
          await query(
            `delete from privacy_console.${table} = (select max(number) from privacy_console.entry)`,
          );
        await query('insert into users select * from jsonb_populate_record(null::users, $1)', [
          JSON.stringify(account),
        ]);
      });
      const asOf = new Date().toLocaleString('sv-SE', { timeZone: 'Asia/Kolkata' }).replace(' ', 'T');
      await press(page, en.signIn.demoAs('administrator'));
      await atScreen(page, en.trail.title);
      const said = part(page, en.trail.restore.title);
      await said.getByLabel(en.trail.restore.when('IST')).fill(asOf);
      await said.getByLabel(en.trail.restore.reason).fill('The disk failed; the backup of last night');
      await press(page, en.trail.restore.declare);
      await expect(said.getByText(en.trail.restore.own)).toBeVisible();
      await picture('restore-declared');
      await ask(page, 'session.signOut', {});
      await press(page, en.signIn.demoAs('auditor'));
      await atScreen(page, en.trail.title);
      await picture('restore-to-confirm');
      await press(page, en.trail.restore.confirm);
      await expect(said.getByText(en.trail.restore.state.confirmed)).toBeVisible();
      await ask(page, 'session.signOut', {});
      await press(page, en.signIn.demoAs('operator'));
      await atScreen(page, en.desk.title);
      await expect(page.getByText(en.frame.restoredHint)).toBeVisible();

      await goTo(page, 'deletion', en.deletion.listTitle);
      await follow(page, words.title);
      await desk.answerDialog(file);
      await press(page, words.choose);
      await expect(page.getByText(file)).toBeVisible();
      await press(page, words.check);
      const last = part(page, words.last);
      await expect(last.getByText(words.came(1))).toBeVisible();
      await expect(last.getByText(words.outcome.came_back, { exact: true })).toBeVisible();
      await picture('ledger-checked');
      await last.getByRole('row').nth(1).getByRole('link').click();
      await expect(page.getByText('Came back with a restored backup')).toBeVisible();
    } finally {
      await desk.close();
    }
    expect(faults).toEqual([]);
  } finally {
    await platform.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
});
