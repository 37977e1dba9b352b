import { copyFile, mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { referenceMapText } from '#core/dataMap/map.ts';
import { openDesks } from '#demo/journey.ts';
import { startPlatform, type Platform } from '#demo/platform.ts';
import { installDemo } from '#demo/staff.ts';
import { withSuperuser } from '#demo/superuser.ts';
import {
  ask,
  atScreen,
  focused,
  goTo,
  part,
  press,
  rowWith,
  sees,
  settle,
  wear,
} from '#demo/windowActions.ts';
import { en } from '#shared/strings/en.ts';
import { examine } from './examine.ts';
import { expect, test as base } from './fixtures.ts';

interface Office {
  readonly platform: Platform;
  readonly administrator: () => Promise<Page>;
  readonly operator: () => Promise<Page>;
  readonly approver: () => Promise<Page>;
  /** On the other computer, while somebody else works at this one. */
  readonly approverBeside: () => Promise<Page>;
  readonly auditor: () => Promise<Page>;
  /** What the operator's next dialog answers. */
  readonly operatorAnswers: (folder: string) => Promise<void>;
  /** What the auditor's next dialog answers. */
  readonly answers: (file: string) => Promise<void>;
  readonly folder: string;
}

const test = base.extend<{ readonly office: Office }>({
  office: async ({ browserName: _browserName }, use) => {
    const home = await mkdtemp(join(tmpdir(), 'privacy-console-office-'));
    const [profileFolder, demoFolder] = [join(home, 'profiles'), join(home, 'demo')];
    for (const folder of [profileFolder, demoFolder]) await mkdir(folder, { mode: 0o700 });
    const platform = await startPlatform({ scale: 'small', seed: 1 });
    const open = openDesks({ demoFolder });
    try {
      await installDemo(platform, { profileFolder, demoFolder });
      await use({
        platform,
        administrator: async () =>
          await signedIn(await (await open.desk('colleague')).page(), 'administrator'),
        operator: async () => await signedIn(await (await open.desk('operator')).page(), 'operator'),
        approverBeside: async () => await signedIn(await (await open.desk('colleague')).page(), 'approver'),
        approver: async () => await signedIn(await (await open.desk('operator')).page(), 'approver'),
        auditor: async () => await signedIn(await (await open.desk('colleague')).page(), 'auditor'),
        operatorAnswers: async (chosen) => {
          await (await open.desk('operator')).answerDialog(chosen);
        },
        answers: async (file) => {
          await (await open.desk('colleague')).answerDialog(file);
        },
        folder: home,
      });
    } finally {
      await open.close();
      await platform.stop();
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    }
  },
});

test.describe.configure({ timeout: 120_000 });

async function signedIn(page: Page, role: string): Promise<Page> {
  await press(page, en.signIn.demoAs(role));
  await atScreen(page, en.desk.title);
  return page;
}

async function settings(page: Page, tab: keyof typeof en.settings.tabs): Promise<void> {
  await goTo(page, 'settings', en.settings.title);
  await page.getByRole('tab', { name: en.settings.tabs[tab], exact: true }).click();
}

test('an administrator adds, changes and removes staff, and sees what the map no longer covers', async ({
  office,
}) => {
  const words = en.settings.staff;
  const page = await office.administrator();
  await settings(page, 'staff');
  const staff = page.getByRole('grid', { name: en.settings.tabs.staff });
  await rowWith(staff, 'approver');

  await press(page, words.add);
  const form = page.getByRole('dialog', { name: words.add });
  await form.getByRole('textbox', { name: words.login }).fill('Not A Login');
  await press(form, en.common.save);
  await sees(form.getByText(words.loginRule));
  await sees(form.getByText(words.rolesNeeded));
  await form.getByRole('textbox', { name: words.login }).fill('nina');
  // Somebody who has a login already.
  await form.getByRole('textbox', { name: words.person }).fill('RAVI  KUMAR');
  await form.getByRole('checkbox', { name: en.role.viewer }).check();
  await form.getByLabel(words.password).fill('a long first password');
  await press(form, en.common.save);
  await sees(form.getByText(/one person has one login/));
  await form.getByRole('textbox', { name: words.person }).fill('Nina Novak');
  await press(form, en.common.save);
  await form.waitFor({ state: 'hidden' });
  await rowWith(staff, 'Nina Novak');

  await press(page, `${words.change}: nina`);
  const change = page.getByRole('dialog', { name: words.change });
  await change.getByRole('checkbox', { name: en.role.auditor }).check();
  await press(change, en.common.save);
  await change.waitFor({ state: 'hidden' });
  await expect
    .poll(
      async () =>
        (await ask(page, 'staff.list', {})).staff.find(({ login }) => login === 'nina')?.roles.length,
    )
    .toBe(2);

  await press(page, `${words.remove}: nina`);
  const removing = page.getByRole('dialog', { name: words.remove });
  await sees(removing.getByText(words.removeText('nina')));
  await press(removing, words.remove);
  await removing.waitFor({ state: 'hidden' });
  await expect
    .poll(async () => (await ask(page, 'staff.list', {})).staff.find(({ login }) => login === 'nina')?.active)
    .toBe(false);

  await settings(page, 'map');
  await sees(page.getByText(en.settings.map.clean));
  await withSuperuser(office.platform, office.platform.database, ({ query }) =>
    query('alter table public.users add column shoe_size int'),
  );
  await settings(page, 'database');
  await sees(page.getByText('public.users.shoe_size'));

  // Who is no administrator sees the staff, and nothing to change them by.
  const operator = await office.operator();
  await settings(operator, 'staff');
  await rowWith(operator.getByRole('grid', { name: en.settings.tabs.staff }), 'approver');
  await expect(operator.getByRole('button', { name: words.add })).toHaveCount(0);
  await expect(operator.getByRole('button', { name: new RegExp(`^${words.remove}`) })).toHaveCount(0);
});

test('a role that approves is given by two people, and an administrator pauses all deletions', async ({
  office,
}) => {
  const words = en.settings.staff;
  const faults: string[] = [];
  const page = await office.administrator();
  await settings(page, 'staff');
  await press(page, words.add);
  const form = page.getByRole('dialog', { name: words.add });
  await form.getByRole('textbox', { name: words.login }).fill('tara');
  await form.getByRole('textbox', { name: words.person }).fill('Tara Bose');
  await form.getByRole('checkbox', { name: en.role.approver, exact: true }).check();
  await form.getByLabel(words.password).fill('a long first password');
  await press(form, en.common.save);
  await form.waitFor({ state: 'hidden' });
  const waiting = page.getByRole('grid', { name: words.pending });
  await rowWith(waiting, 'Tara Bose');
  // Who proposed it is offered no decision.
  await expect(page.getByRole('button', { name: `${words.decide}: tara` })).toHaveCount(0);
  faults.push(...(await examine(page, 'settings-staff-pending')));

  const approver = await office.approver();
  await settings(approver, 'staff');
  await press(approver, `${words.decide}: tara`);
  const decide = approver.getByRole('dialog', { name: words.decideTitle('Tara Bose') });
  await sees(decide.getByText(words.decideText('tara', en.role.approver)));
  faults.push(...(await examine(approver, 'settings-staff-decide')));
  await press(decide, words.approve);
  await decide.waitFor({ state: 'hidden' });
  await expect
    .poll(
      async () => (await ask(approver, 'staff.list', {})).staff.find(({ login }) => login === 'tara')?.roles,
    )
    .toEqual(['approver']);

  await goTo(page, 'deletion', en.deletion.listTitle);
  await press(page, en.deletion.held.pause);
  const pausing = page.getByRole('dialog', { name: en.deletion.held.pause });
  await pausing.getByRole('textbox', { name: en.deletion.reason }).fill('the platform is upgraded');
  await press(pausing, en.deletion.held.pause);
  await sees(page.getByText('An administrator has paused deletions: the platform is upgraded'));
  faults.push(...(await examine(page, 'deletions-paused')));
  await press(page, en.deletion.held.go);
  await expect(page.getByText('An administrator has paused deletions')).toHaveCount(0);
  expect(faults).toEqual([]);
});

test('a deletion brings to rest, waits, has people do their part, and is called off', async ({ office }) => {
  test.setTimeout(180_000);
  const faults: string[] = [];
  const { email } = await withSuperuser(office.platform, office.platform.database, async ({ query }) => {
    await query(`insert into privacy_console.setting values ('grace_minutes', 90)`);
    await query(
      `insert into privacy_console.map_task values ('account', 'gateway', 'Disconnect the person’s sessions on the gateway', 'Platform operations', 'before'),
           ('account', 'mailbox', 'Delete the person’s mail at support', 'Support', 'after')`,
    );
    const { rows } = await query<{ email: string }>(
      `select u.email::text from users u join workspaces w on w.owner_id = u.id
         where length(u.email) between 10 and 60 and exists (select from api_keys k where k.workspace_id = w.id and k.revoked_at is null)
           and not exists (select from workspaces v join workspace_members m on m.workspace_id = v.id where v.owner_id = u.id and m.user_id <> u.id)
         order by u.id limit 1`,
    );
    return rows[0] ?? { email: '' };
  });
  const page = await office.operator();
  const { request } = await ask(page, 'requests.open', { kind: 'deletion', receivedOn: '2026-10-01' });
  const { hits } = await ask(page, 'search.run', { text: email, requestId: request.id });
  const subject = hits[0]?.subject ?? '';
  await ask(page, 'subjects.open', { subject, requestId: request.id });
  await ask(page, 'requests.link', { id: request.id, subject });
  const { plan } = await ask(page, 'erasure.plan', { requestId: request.id });
  // Planned once more, so that there is something to compare with.
  const { plan: again } = await ask(page, 'erasure.plan', { requestId: request.id });
  const approver = await office.approverBeside();
  await ask(approver, 'erasure.decide', {
    ...{ planId: again.id, sha256: again.sha256, decision: 'approve', reason: 'identity proved' },
  });
  await page.evaluate((to) => (window.location.hash = `#${to}`), `/deletions/${String(again.id)}`);
  await atScreen(page, en.deletion.titleFor(again.id));
  await sees(part(page, en.deletion.since(plan.id)).getByText(en.deletion.sinceNothing));
  await sees(page.getByText(en.deletion.action.quiesce).first());
  faults.push(...(await examine(page, 'plan-before-run')));
  const { jobId } = await ask(page, 'erasure.run', { planId: again.id });
  await ask(page, 'jobs.wait', { id: jobId });
  const waiting = part(page, en.deletion.callOffTitle);
  await sees(waiting.getByRole('timer'));
  await expect(page.getByRole('button', { name: en.deletion.goOn })).toHaveCount(0);

  await press(page, en.deletion.handDoTitle('Disconnect the person’s sessions on the gateway'));
  const told = page.getByRole('dialog');
  await expect(told.getByRole('textbox', { name: en.deletion.evidence })).toBeFocused();
  await page.keyboard.type('ticket 4711');
  await press(told, en.common.save);
  await sees(part(page, en.deletion.handTitle).getByText(en.deletion.handDone('operator')));
  faults.push(...(await examine(page, 'plan-waiting')));

  await waiting.getByRole('textbox', { name: en.deletion.reason }).fill('the person has thought again');
  await press(waiting, en.deletion.callOff);
  await sees(page.getByText(en.deletion.stateText.expired));
  faults.push(...(await examine(page, 'plan-called-off')));

  // Somebody else has written about the person: planned anew and run, it isn't done until an approver says why that stays.
  await withSuperuser(office.platform, office.platform.database, async ({ query }) => {
    await query(`update privacy_console.setting set value = 0 where name = 'grace_minutes'`);
    await query('delete from privacy_console.map_task');
    await query(
      `insert into support_messages (from_email, subject, body) values ('a@example.net', 'About', $1)`,
      [`Ask ${email}.`],
    );
  });
  const { plan: third } = await ask(page, 'erasure.plan', { requestId: request.id });
  await ask(approver, 'erasure.decide', {
    ...{ planId: third.id, sha256: third.sha256, decision: 'approve', reason: 'identity proved' },
  });
  const run = async (): Promise<void> => {
    const { jobId: job } = await ask(page, 'erasure.run', { planId: third.id });
    await ask(page, 'jobs.wait', { id: job });
  };
  await run();
  const show = (to: Page): Promise<unknown> =>
    to.evaluate((hash) => (window.location.hash = hash), `#/deletions/${String(third.id)}`);
  const words = en.deletion.again;
  await show(page);
  await atScreen(page, en.deletion.titleFor(third.id));
  const found = part(page, words.title);
  await sees(found.getByText(words.own));
  await sees(page.getByText(en.deletion.unfinishedText));
  await sees(found.getByText(words.open, { exact: true }));
  await sees(part(page, words.outcomes).getByText(words.outcome.failed));
  faults.push(...(await examine(page, 'plan-found-again')));
  await show(approver);
  await atScreen(approver, en.deletion.titleFor(third.id));
  const judging = words.judgeTitle(words.place('Support messages', 'Text'));
  await approver.getByRole('button', { name: judging }).focus();
  await approver.keyboard.press('Enter');
  const judge = approver.getByRole('dialog', { name: judging });
  await expect(judge.getByRole('textbox', { name: words.why })).toBeFocused();
  await approver.keyboard.type('Proof of a dispute');
  faults.push(...(await examine(approver, 'plan-judging')));
  await press(judge, words.judge);
  await judge.waitFor({ state: 'hidden' });
  await sees(part(approver, words.title).getByText(words.because('Proof of a dispute', 'approver')));
  await run();
  const certificate = part(page, en.deletion.certificate.title);
  await sees(certificate.getByText(words.because('Proof of a dispute', 'approver')).first());
  await sees(certificate.getByText(/are kept for 35 days/));
  faults.push(...(await examine(page, 'certificate-with-finds')));
  expect(faults).toEqual([]);
});

test('a legal hold is placed at a person’s record, stops part of a deletion, nags, and is lifted by two', async ({
  office,
}) => {
  const words = en.holds;
  const faults: string[] = [];
  const { email } = await withSuperuser(
    office.platform,
    office.platform.database,
    async ({ query }) =>
      (
        await query<{ email: string }>(
          `select u.email::text from users u join workspaces w on w.owner_id = u.id
           where length(u.email) between 10 and 60 and exists (select from messages m where m.workspace_id = w.id)
             and not exists (select from workspaces v join workspace_members m on m.workspace_id = v.id where v.owner_id = u.id and m.user_id <> u.id)
           order by u.id limit 1`,
        )
      ).rows[0] ?? { email: '' },
  );
  const page = await office.operator();
  await goTo(page, 'holds', words.title);
  faults.push(...(await examine(page, 'holds-none')));
  const { request } = await ask(page, 'requests.open', { kind: 'deletion', receivedOn: '2026-10-01' });
  const { hits } = await ask(page, 'search.run', { text: email, requestId: request.id });
  const subject = hits[0]?.subject ?? '';
  await page.evaluate(
    (to) => {
      window.location.hash = `#${to}`;
    },
    `/people/${subject}?request=${String(request.id)}`,
  );
  await press(page, en.person.openAction);
  await atScreen(page, en.person.title);
  await ask(page, 'requests.link', { id: request.id, subject });
  await press(page, words.placeOnRow);
  const dialog = page.getByRole('dialog', { name: words.place });
  await expect(dialog.getByRole('textbox', { name: words.ground })).toBeFocused();
  await page.keyboard.type('Suit 12 of 2026');
  await dialog.getByRole('textbox', { name: words.authority }).fill('High Court');
  faults.push(...(await examine(page, 'holds-place')));
  await press(dialog, words.place);
  await dialog.waitFor({ state: 'hidden' });

  const { plan } = await ask(page, 'erasure.plan', { requestId: request.id });
  await page.evaluate((to) => (window.location.hash = `#${to}`), `/deletions/${String(plan.id)}`);
  await atScreen(page, en.deletion.titleFor(plan.id));
  await sees(part(page, en.deletion.kept).getByText('Legal hold 1'));
  faults.push(...(await examine(page, 'holds-plan')));
  await ask(page, 'holds.place', {
    on: { subject },
    ground: 'Notice of the agency',
    authority: 'Agency',
    owner: 'operator',
    reviewOn: '2099-01-31',
  });
  await withSuperuser(office.platform, office.platform.database, ({ query }) =>
    query('update privacy_console.hold set review_on = current_date - 2 where id = 1'),
  );
  await page.reload();
  await sees(page.getByText(words.found.person));
  faults.push(...(await examine(page, 'holds-plan-stopped')));
  await page.evaluate(
    (to) => (window.location.hash = `#${to}`),
    `/people/${subject}?request=${String(request.id)}`,
  );
  await press(page, en.person.openAction);
  await sees(page.getByText(words.reviewed));
  faults.push(...(await examine(page, 'holds-person')));
  await goTo(page, 'desk', en.desk.title);
  await sees(page.getByText(words.dueNote(1)));
  faults.push(...(await examine(page, 'holds-desk')));

  await goTo(page, 'holds', words.title);
  await sees(page.getByText(words.states.due));
  faults.push(...(await examine(page, 'holds-list')));
  await press(page, `${words.act.lift}: ${words.number(1)}`);
  const lifting = page.getByRole('dialog', { name: words.actTitle.lift(1) });
  await lifting.getByRole('textbox', { name: words.why }).fill('settled');
  await press(lifting, words.act.lift);
  await lifting.waitFor({ state: 'hidden' });
  // Who proposed it is offered no decision.
  await sees(page.getByText(words.states.asked));
  await expect(page.getByRole('button', { name: `${words.act.decide}: ${words.number(1)}` })).toHaveCount(0);

  const approver = await office.approverBeside();
  await goTo(approver, 'approvals', en.approvals.title);
  await sees(part(approver, words.liftsWaiting).getByText('settled'));
  faults.push(...(await examine(approver, 'holds-approvals')));
  await goTo(approver, 'holds', words.title);
  await press(approver, `${words.act.decide}: ${words.number(1)}`);
  const deciding = approver.getByRole('dialog', { name: words.actTitle.decide(1) });
  await deciding.getByRole('textbox', { name: words.why }).fill('settled, as the court says');
  faults.push(...(await examine(approver, 'holds-decide')));
  await press(deciding, words.approve);
  await deciding.waitFor({ state: 'hidden' });
  await sees(approver.getByText(words.states.lifted, { exact: true }));
  expect(faults).toEqual([]);
});

test('processing is restricted from a person’s page, excepted for a request, and lifted once they were told', async ({
  office,
}) => {
  const words = en.restrictions;
  const faults: string[] = [];
  const page = await office.operator();
  const request = await accessRequest(page, office);
  const { request: row } = await ask(page, 'requests.show', { id: request });
  const go = (to: string): Promise<unknown> =>
    page.evaluate((hash) => (window.location.hash = `#${hash}`), to);
  await go(`/people/${row.subject ?? ''}?request=${String(request)}`);
  await press(page, en.person.openAction);
  await atScreen(page, en.person.title);
  await press(page, words.act.place);
  const dialog = page.getByRole('dialog', { name: words.place });
  await dialog.getByRole('radio', { name: words.grounds.objection }).press('Space');
  await dialog.getByRole('textbox', { name: words.reason }).fill('it is being weighed');
  faults.push(...(await examine(page, 'restriction-place')));
  await dialog.getByRole('button', { name: words.place }).press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  await sees(page.getByText(words.onRequest));

  await go(`/requests/${String(request)}`);
  await sees(page.getByText(words.onRequest));
  faults.push(...(await examine(page, 'restriction-request')));
  await press(page, words.act.except);
  const stating = page.getByRole('dialog', { name: words.actTitle.except(1) });
  await stating.getByRole('combobox', { name: words.exception }).click();
  await page.getByRole('option', { name: words.exceptionNames.consent }).click();
  await stating.getByRole('textbox', { name: words.reason }).fill('they ask for a copy');
  faults.push(...(await examine(page, 'restriction-except')));
  await press(stating, words.act.except);
  await stating.waitFor({ state: 'hidden' });
  await sees(page.getByText(words.onRequestExcepted(words.exceptionNames.consent)));

  await goTo(page, 'holds', en.holds.title);
  await press(page, `${words.act.told}: ${words.number(1)}`);
  const telling = page.getByRole('dialog', { name: words.actTitle.told(1) });
  await telling.getByRole('textbox', { name: words.how }).fill('by e-mail today');
  await press(telling, words.act.told);
  await telling.waitFor({ state: 'hidden' });
  await sees(page.getByText(words.states.told));
  faults.push(...(await examine(page, 'restrictions')));
  // Who told the person of it is offered no lifting.
  await expect(page.getByRole('button', { name: `${words.act.lift}: ${words.number(1)}` })).toHaveCount(0);
  const approver = await office.approverBeside();
  await goTo(approver, 'holds', en.holds.title);
  await press(approver, `${words.act.lift}: ${words.number(1)}`);
  const lifting = approver.getByRole('dialog', { name: words.actTitle.lift(1) });
  await lifting.getByRole('textbox', { name: words.reason }).fill('it was weighed');
  await press(lifting, words.act.lift);
  await lifting.waitFor({ state: 'hidden' });
  await sees(approver.getByText(words.states.lifted, { exact: true }));
  expect(faults).toEqual([]);
});

test('a workspace that others work in is left to them by a choice on the plan', async ({ office }) => {
  const faults: string[] = [];
  const { email } = await withSuperuser(office.platform, office.platform.database, async ({ query }) => {
    const { rows } = await query<{ email: string }>(
      `select u.email::text from users u join workspaces w on w.owner_id = u.id join workspace_members m on m.workspace_id = w.id and m.user_id <> u.id
         where length(u.email) between 10 and 60 group by u.id having count(distinct w.id) = 1 order by u.id limit 1`,
    );
    return rows[0] ?? { email: '' };
  });
  const page = await office.operator();
  const { request } = await ask(page, 'requests.open', { kind: 'deletion', receivedOn: '2026-10-01' });
  const { hits } = await ask(page, 'search.run', { text: email, requestId: request.id });
  const subject = hits[0]?.subject ?? '';
  await ask(page, 'subjects.open', { subject, requestId: request.id });
  await ask(page, 'requests.link', { id: request.id, subject });
  const { plan } = await ask(page, 'erasure.plan', { requestId: request.id });
  await page.evaluate((to) => (window.location.hash = `#${to}`), `/deletions/${String(plan.id)}`);
  await atScreen(page, en.deletion.titleFor(plan.id));
  const title = plan.decisions[0]?.options.find(({ value }) => value === 'anonymise')?.title ?? '';
  const choice = part(page, en.deletion.decide).getByRole('radio', { name: title });
  await choice.check();
  faults.push(...(await examine(page, 'plan-decision')));
  await press(part(page, en.deletion.decide), en.deletion.answers);
  await atScreen(page, en.deletion.titleFor(plan.id + 1));
  await sees(part(page, en.deletion.kept).getByText(new RegExp(en.deletion.action.anonymise_shared)));
  await expect(choice).toBeChecked();
  faults.push(...(await examine(page, 'plan-left-to-members')));
  expect(faults).toEqual([]);
});

test('an operator ends a login of a person, asked once more, and the row shows it', async ({ office }) => {
  const page = await office.operator();
  const { id, email } = await withSuperuser(
    office.platform,
    office.platform.database,
    async ({ query }) =>
      (
        await query<{ id: string; email: string }>(
          `insert into public.dashboard_sessions (user_id, token_hash, ip, user_agent, last_seen_at)
           select id, 'secret', '203.0.113.9', 'a browser', now() from public.users u where length(u.email) between 10 and 60 order by id limit 1
           returning user_id::text as id, (select email::text from public.users where id = user_id) as email`,
        )
      ).rows[0] ?? { id: '', email: '' },
  );
  const { request } = await ask(page, 'requests.open', { kind: 'access', receivedOn: '2026-10-01' });
  const { hits } = await ask(page, 'search.run', { text: email, requestId: request.id });
  await page.evaluate(
    (to) => {
      window.location.hash = `#${to}`;
    },
    `/people/${hits[0]?.subject ?? ''}?request=${String(request.id)}`,
  );
  await press(page, en.person.openAction);
  await atScreen(page, en.person.title);
  await page
    .getByRole('radiogroup', { name: en.person.collections })
    .getByText(/^Logins/)
    .click();
  const logins = page.getByRole('grid', { name: 'Logins' });
  // The newest is the first.
  await logins
    .getByRole('row')
    .filter({ has: page.getByRole('gridcell') })
    .first()
    .click();
  const inspector = part(page, en.person.inspector);
  await press(inspector, 'End this login');
  await press(inspector, en.common.confirm('End this login'));
  const ended = (): Promise<number> =>
    withSuperuser(
      office.platform,
      office.platform.database,
      async ({ query }) =>
        (
          await query(
            `select 1 from public.dashboard_sessions where user_id = $1 and token_hash = 'secret' and ended_at is not null`,
            [id],
          )
        ).rowCount ?? 0,
    );
  await expect.poll(ended).toBe(1);
  const { entries } = await ask(page, 'audit.list', { action: 'row.acted', limit: 5 });
  expect(entries).toMatchObject([{ outcome: 'done', requestId: request.id }]);
});

test('a change of the data map is read and approved by a second person', async ({ office }) => {
  const words = en.mapChange;
  const administrator = await office.administrator();
  const text = referenceMapText().replace(/^( +phone:\s+\{[^}]*?),\s+mask: phone/m, '$1');
  const file = { file: 'map.yaml', text };
  const { base } = await ask(administrator, 'map.compare', file);
  const { change } = await ask(administrator, 'map.propose', {
    ...file,
    base,
    reason: 'Support needs numbers',
  });
  await goTo(administrator, 'approvals', en.approvals.title);
  const lists = (page: Page): Locator => page.getByRole('grid', { name: words.waiting });
  await (await rowWith(lists(administrator), 'Support needs numbers')).click();
  await atScreen(administrator, words.title(change.id));
  // Nobody decides about a change of their own.
  await sees(administrator.getByText(words.own));
  await expect(administrator.getByRole('button', { name: words.approve })).toHaveCount(0);

  const approver = await office.approver();
  // The rail says that something waits.
  await sees(approver.getByRole('link', { name: new RegExp(`^${en.frame.places.approvals} ?1$`) }));
  await goTo(approver, 'approvals', en.approvals.title);
  await rowWith(lists(approver), 'Support needs numbers');
  await lists(approver).focus();
  await approver.keyboard.press('j');
  await approver.keyboard.press('Enter');
  await atScreen(approver, words.title(change.id));
  await sees(approver.getByText('users.phone: mask from phone to nothing'));
  await sees(approver.getByText(words.exposes(1)));
  expect(await examine(approver, 'a change of the map')).toEqual([]);
  await approver.getByRole('textbox', { name: words.why }).fill('Read it with support');
  await press(approver, words.approve);
  await sees(approver.getByText(words.state.approved));
  expect((await ask(approver, 'map.change', { change: change.id })).change.state).toBe('approved');
});

test('the map page draws the map, says why by keys alone, and saves the record of processing', async ({
  office,
}) => {
  const words = en.settings.map;
  const page = await office.auditor();
  await settings(page, 'map');
  const picture = page.getByRole('region', { name: words.canvas });
  const invoices = picture.getByRole('button', { name: /^Invoices/ });
  await sees(invoices);
  await expect(picture.getByRole('button')).toHaveCount(17);
  await sees(invoices.getByText(words.does.keep));
  await sees(picture.getByRole('button', { name: /^Message recipient/ }).getByText(words.noTable));

  // From the picture's frame the tables follow one another by Tab; one is chosen by Enter.
  await picture.focus();
  await page.keyboard.press('Tab');
  expect(await focused(page)).toMatch(/^Account/);
  await page.keyboard.press('Tab');
  // A person without a table, told by a phone number.
  expect(await focused(page)).toMatch(/^Message recipient/);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await sees(page.getByText(words.path(1, 'owner_id → users.id')));
  await invoices.focus();
  await page.keyboard.press('Enter');
  const columns = page.getByRole('region', { name: words.columnsOf('Invoices') });
  await sees(columns.getByText(/kept by law: Central Goods and Services Tax Act/).first());
  await sees(columns.getByRole('row', { name: /billing_email/ }).getByText('user.contact.email'));

  const bucket = part(page, words.bucket.title);
  await press(bucket, words.bucket.begin);
  await sees(bucket.getByText('workspaces/', { exact: false }).first());
  await sees(bucket.getByText(/ objects: .* named by nothing\./));
  await sees(bucket.getByText(words.blocks).first());
  await sees(bucket.getByRole('button', { name: words.bucket.again }));

  const record = part(page, words.record.title);
  await sees(record.getByText('Retention not stated for plans; write “retention” in the map.'));
  const file = join(office.folder, words.record.filename('csv'));
  await office.answers(file);
  await press(record, words.record.save.csv);
  await sees(page.getByText(words.record.saved(file)));
  expect(await readFile(file, 'utf8')).toMatch(/^\ufeff"Activity","Purpose"/);
  // Never over a file that is there.
  await office.answers(file);
  await press(record, words.record.save.csv);
  await sees(page.getByText(/already a file of that name/));

  expect(await examine(page, 'the map')).toEqual([]);
  const pictures = process.env['PRIVACY_CONSOLE_PICTURES'];
  for (const scheme of ['light', 'dark'] as const) {
    await wear(page, scheme);
    await settle(page);
    if (pictures === undefined) continue;
    await picture.scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(pictures, `map-${scheme}.png`) });
    await columns.scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(pictures, `map-columns-${scheme}.png`) });
    await bucket.scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(pictures, `map-bucket-${scheme}.png`) });
    await record.getByRole('table').scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(pictures, `map-record-${scheme}.png`) });
  }
});

/** On the export page: an access request is a copy; chosen things and other people shown need a reason; all of it by keys. */
async function choosesByKeys(page: Page, office: Office): Promise<void> {
  const words = en.exportPage;
  const purpose = part(page, words.purpose);
  await expect(purpose.getByRole('radio', { name: words.profile.access })).toBeChecked();
  await sees(part(page, words.leftOut).getByText(words.leftOutNever));
  await office.operatorAnswers(office.folder);
  await press(page, words.choose);
  const start = page.getByRole('button', { name: words.start });
  await expect(start).toBeEnabled();

  await purpose.getByRole('radio', { name: words.profile.access }).focus();
  for (let steps = 0; steps < 3; steps += 1) await page.keyboard.press('ArrowDown');
  await expect(purpose.getByRole('radio', { name: words.profile.custom })).toBeChecked();
  await expect(start).toBeDisabled();
  const contents = part(page, words.contents);
  await contents.getByRole('checkbox', { name: 'Pages visited' }).press('Space');
  const fields = contents.getByLabel(words.fieldsOf('Messages', 12));
  await fields.focus();
  await page.keyboard.press('Enter');
  await contents.getByRole('checkbox', { name: 'Content until delivered' }).press('Space');
  const out = part(page, words.leftOut);
  await sees(out.getByText('Pages visited'));
  await sees(out.getByText(words.whole));
  await sees(out.getByText('Content until delivered'));
  await purpose.getByRole('checkbox', { name: words.showOthers }).press('Space');
  expect(await examine(page, 'a package of chosen things')).toEqual([]);
  const pictures = process.env['PRIVACY_CONSOLE_PICTURES'];
  for (const scheme of ['light', 'dark'] as const) {
    await wear(page, scheme);
    await settle(page);
    if (pictures !== undefined)
      await page.screenshot({ path: join(pictures, `export-custom-${scheme}.png`) });
  }
  await purpose.getByRole('textbox', { name: words.reason }).fill('the court asks for no more');
  await expect(start).toBeEnabled();
  await press(page, words.start);
  await sees(part(page, words.done));
  const { exports } = await ask(page, 'exports.list', {});
  expect(exports[0]).toMatchObject({ profile: 'custom', showsOthers: true, state: 'done' });
}

/** An access request of a person of the platform, opened by an operator. */
async function accessRequest(operator: Page, office: Office): Promise<number> {
  const { email } = await withSuperuser(
    office.platform,
    office.platform.database,
    async ({ query }) =>
      (
        await query<{ email: string }>(
          `select email::text as email from public.users where length(email) between 10 and 60 order by id limit 1`,
        )
      ).rows[0] ?? { email: '' },
  );
  const { request } = await ask(operator, 'requests.open', { kind: 'access', receivedOn: '2026-10-01' });
  const { hits } = await ask(operator, 'search.run', { text: email, requestId: request.id });
  const subject = hits[0]?.subject ?? '';
  await ask(operator, 'subjects.open', { subject, minutes: 15, requestId: request.id });
  await ask(operator, 'requests.link', { id: request.id, subject });
  return request.id;
}

async function openExport(page: Page, request: number): Promise<void> {
  await page.evaluate(
    (to) => {
      window.location.hash = `#${to}`;
    },
    `/requests/${String(request)}/export`,
  );
  await atScreen(page, en.exportPage.titleFor(request));
}

test('an operator reviews what goes out and keeps a record and a field back, by keys', async ({ office }) => {
  const words = en.review;
  const page = await office.operator();
  const request = await accessRequest(page, office);
  await openExport(page, request);
  await office.operatorAnswers(office.folder);
  await press(page, en.exportPage.choose);
  await press(page, words.open);
  const review = part(page, words.title);
  await review.getByRole('combobox', { name: words.collection }).click();
  await page.getByRole('option', { name: /^Messages \(/ }).click();
  const records = review.getByRole('list', { name: 'Messages' }).getByRole('article');
  await sees(records.first());
  const before = await records.count();
  expect(before).toBeGreaterThan(2);

  const dialog = page.getByRole('dialog', { name: words.redactTitle });
  const keepBack = async (record: number, what: string): Promise<void> => {
    const article = records.nth(record);
    await article.getByRole('button', { name: /^Keep back/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: what, exact: true }).focus();
    await page.keyboard.press('Enter');
    await sees(dialog);
  };
  await keepBack(0, words.wholeRecord);
  const submit = dialog.getByRole('button', { name: words.keepBack, exact: true });
  await expect(submit).toBeDisabled();
  await dialog.getByRole('radio', { name: words.ground.others }).press('Space');
  await dialog.getByRole('textbox', { name: words.reason }).fill('a neighbour is told of');
  expect(await examine(page, 'keeping something back')).toEqual([]);
  const pictures = process.env['PRIVACY_CONSOLE_PICTURES'];
  for (const scheme of ['light', 'dark'] as const) {
    await wear(page, scheme);
    await settle(page);
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, `redact-${scheme}.png`) });
  }
  await page.keyboard.press('Control+Enter');
  await dialog.waitFor({ state: 'hidden' });
  await sees(records.nth(0).getByText(words.kept(words.ground.others)));
  await keepBack(1, 'Status');
  // What was said of the one before is offered again.
  await expect(submit).toBeEnabled();
  await page.keyboard.press('Control+Enter');
  await dialog.waitFor({ state: 'hidden' });
  await sees(records.nth(1).getByText(words.kept(words.ground.others)));
  await keepBack(2, 'Status');
  await page.keyboard.press('Control+Enter');
  await dialog.waitFor({ state: 'hidden' });
  const kept = page.getByRole('grid', { name: words.redactions });
  await expect(kept.getByRole('row')).toHaveCount(4);
  expect(await examine(page, 'a review')).toEqual([]);
  for (const scheme of ['light', 'dark'] as const) {
    await wear(page, scheme);
    await settle(page);
    if (pictures === undefined) continue;
    await review.scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(pictures, `review-${scheme}.png`) });
    await kept.scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(pictures, `redactions-${scheme}.png`) });
  }

  await kept
    .getByRole('button', { name: /^Let Messages.* go out$/ })
    .last()
    .click();
  const letOut = page.getByRole('dialog', { name: words.letOutTitle });
  await letOut.getByRole('textbox', { name: words.reason }).fill('it names nobody');
  await press(letOut, words.letOut);
  await sees(kept.getByText(words.withdrawn));

  await press(page, en.exportPage.start);
  await sees(part(page, en.exportPage.done));
  const { exports } = await ask(page, 'exports.list', { requestId: request });
  expect(exports).toHaveLength(1);
  expect(exports[0]).toMatchObject({ state: 'done', profile: 'access' });
  // Left with its page, a review is closed.
  await press(page, words.open);
  await sees(review);
  await goTo(page, 'desk', en.desk.title);
  await expect
    .poll(async () => (await ask(page, 'exports.list', { requestId: request })).exports[0]?.state)
    .toBe('abandoned');
});

test('an operator writes a package onto a medium and records whose hands it goes through', async ({
  office,
}) => {
  const words = en.delivery;
  const page = await office.operator();
  const request = await accessRequest(page, office);
  await openExport(page, request);
  await office.operatorAnswers(office.folder);
  await press(page, en.exportPage.choose);
  await press(page, en.exportPage.start);
  const done = part(page, en.exportPage.done);
  await sees(done);
  const { exports } = await ask(page, 'exports.list', { requestId: request });
  const id = exports[0]?.id ?? 0;
  await done.getByRole('link', { name: words.openOf(id) }).click();
  await atScreen(page, words.titleFor(id));
  await sees(page.getByText(words.none));
  const medium = join(office.folder, 'medium');
  await mkdir(medium);
  await office.operatorAnswers(medium);
  await press(page, words.chooseMedium);
  await sees(page.getByText(/ free\.$/));
  const write = part(page, words.write);
  const label = write.getByRole('textbox', { name: words.label });
  await label.fill('USB/1');
  await sees(write.getByText(words.labelRule));
  const start = write.getByRole('button', { name: words.writeAction });
  await expect(start).toBeDisabled();
  await label.fill('USB-1');
  await start.focus();
  await page.keyboard.press('Enter');
  await sees(part(page, words.done));
  const custody = page.getByRole('grid', { name: words.custody });
  await rowWith(custody, words.event.written);

  const record = part(page, words.record);
  await expect(record.getByRole('button', { name: words.recordAction })).toBeDisabled();
  await record.getByRole('textbox', { name: words.note }).fill('the registry of the court');
  await record.getByRole('button', { name: words.recordAction }).press('Enter');
  await rowWith(custody, words.event.handed_over);
  await sees(custody.getByText('the registry of the court'));
  expect(await examine(page, 'a delivery')).toEqual([]);
  const pictures = process.env['PRIVACY_CONSOLE_PICTURES'];
  for (const scheme of ['light', 'dark'] as const) {
    await wear(page, scheme);
    await settle(page);
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, `delivery-${scheme}.png`) });
  }
  const files = await readdir(medium);
  expect(files).toHaveLength(2);
  // What lies on this computer still is seen there, and goes.
  await goTo(page, 'export', en.exportPage.listTitle);
  const copies = page.getByRole('grid', { name: words.copies });
  expect(await examine(page, 'packages on this computer')).toEqual([]);
  for (const scheme of ['light', 'dark'] as const) {
    await wear(page, scheme);
    await settle(page);
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, `copies-${scheme}.png`) });
  }
  await copies.getByRole('button', { name: words.shredOf(id) }).press('Enter');
  const dialog = page.getByRole('dialog', { name: words.shredTitle });
  // The focus starts on Cancel, so that no single key removes anything.
  await expect(dialog.getByRole('button', { name: en.common.cancel })).toBeFocused();
  await press(dialog, words.shred);
  await expect(copies.getByRole('button', { name: words.shredOf(id) })).toHaveCount(0);
  const sheet = files.find((each) => each.endsWith('.delivery.html')) ?? '';
  if (pictures !== undefined) await copyFile(join(medium, sheet), join(pictures, 'sheet.html'));
});

test('an export that gaps of the map stop is let go by two people, never by one', async ({ office }) => {
  const words = en.release;
  const operator = await office.operator();
  const request = await accessRequest(operator, office);
  await openExport(operator, request);
  await expect(part(operator, words.title)).toHaveCount(0);
  await choosesByKeys(operator, office);
  // The gaps were read a moment ago; a table that comes now is told all the same.
  await goTo(operator, 'desk', en.desk.title);
  await openExport(operator, request);
  await withSuperuser(office.platform, office.platform.database, ({ query }) =>
    query('create table public.leads (id int primary key, phone text)'),
  );
  await goTo(operator, 'desk', en.desk.title);
  await openExport(operator, request);
  const panel = part(operator, words.title);
  await sees(panel.getByText('unmapped table public.leads'));
  expect(await examine(operator, 'gaps of the map')).toEqual([]);
  await panel.getByRole('textbox', { name: words.why }).fill('The day of the law is tomorrow');
  await press(panel, words.ask);
  await sees(panel.getByText(words.state.asked));
  // Nobody decides about what they asked for.
  await sees(panel.getByText(words.approverDecides));
  await expect(panel.getByRole('button', { name: words.approve })).toHaveCount(0);

  const approver = await office.approverBeside();
  await goTo(approver, 'approvals', en.approvals.title);
  const waiting = approver.getByRole('grid', { name: words.waiting });
  await (await rowWith(waiting, 'unmapped table public.leads')).click();
  await atScreen(approver, en.exportPage.titleFor(request));
  const other = part(approver, words.title);
  await other.getByRole('textbox', { name: words.why }).fill('Leads holds nobody of ours');
  await press(other, words.approve);
  await sees(other.getByText(words.state.approved, { exact: true }));
  const { releases } = await ask(approver, 'exports.releases', { requestId: request });
  expect(releases).toMatchObject([{ state: 'approved', gaps: ['unmapped table public.leads'] }]);
});

test('an operator corrects an address by keys, another person approves it, and it is taken back', async ({
  office,
}) => {
  const words = en.correction;
  const faults: string[] = [];
  const { id, email } = await withSuperuser(office.platform, office.platform.database, async ({ query }) => {
    await query(`insert into privacy_console.setting values ('identity_by_two', 1)`);
    const { rows } = await query<{ id: string; email: string }>(
      `select u.id, u.email::text from users u where length(u.email) between 10 and 40 and u.phone is not null
         and exists (select from workspaces w join invoices i on i.workspace_id = w.id where w.owner_id = u.id)
         and exists (select from support_messages m where m.user_id is null and lower(m.from_email) = lower(u.email::text)) order by u.id limit 1`,
    );
    return rows[0] ?? { id: '', email: '' };
  });
  const held = (): Promise<string | undefined> =>
    withSuperuser(office.platform, office.platform.database, async ({ query }) => {
      const { rows } = await query<{ email: string }>('select email::text from users where id = $1', [id]);
      return rows[0]?.email;
    });
  const page = await office.operator();
  const { request } = await ask(page, 'requests.open', { kind: 'correction', receivedOn: '2026-10-01' });
  const { hits } = await ask(page, 'search.run', { text: email, requestId: request.id });
  const subject = hits.find(({ score }) => score === 1)?.subject ?? '';
  await ask(page, 'subjects.open', { subject, requestId: request.id });
  await ask(page, 'requests.link', { id: request.id, subject });
  const go = (to: string): Promise<unknown> =>
    page.evaluate((hash) => (window.location.hash = `#${hash}`), to);
  await go(`/people/${subject}?request=${String(request.id)}`);
  await press(page, en.person.openAction);
  await atScreen(page, en.person.title);

  // By keys alone: the button, the fields, what is wrong with one of them, and what would follow.
  const button = part(page, en.person.inspector).getByRole('button', { name: words.act, exact: true });
  await button.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: words.actOn });
  await sees(dialog);
  const field = (title: string) => dialog.getByRole('textbox', { name: words.newValue(title) });
  await expect(field('E-mail')).toBeFocused();
  await page.keyboard.type('new.address@');
  await field('Phone').fill('98765 43210');
  await dialog.getByRole('textbox', { name: words.reason }).fill('they wrote from the new address');
  await sees(dialog.getByText(words.format.email));
  await sees(dialog.getByText(words.format.phone));
  await expect(dialog.getByRole('button', { name: words.propose })).toBeDisabled();
  faults.push(...(await examine(page, 'correction-format')));
  await field('Phone').fill('+919999000111');
  await field('E-mail').focus();
  await page.keyboard.press('End');
  await page.keyboard.type('person.example');
  await page.keyboard.press('Enter');
  await sees(dialog.getByText(words.identityNote));
  await sees(dialog.getByText(new RegExp(words.role.elsewhere)));
  await sees(dialog.getByText(new RegExp(words.role.lost)));
  await press(dialog, words.leaveWaiting);
  await dialog.waitFor({ state: 'hidden' });
  expect(await held()).toBe(email);

  const approver = await office.approverBeside();
  await sees(part(approver, en.desk.waiting).getByText(en.desk.toApprove));
  await goTo(approver, 'approvals', en.approvals.title);
  await sees(part(approver, words.waitingTitle).getByText('E-mail, Phone'));
  await part(approver, words.waitingTitle).getByRole('row').filter({ hasText: 'E-mail' }).dblclick();
  await atScreen(approver, words.titleFor(request.id));
  await press(approver, words.decideOf(1));
  const deciding = approver.getByRole('dialog', { name: words.decideOf(1) });
  await sees(deciding.getByText('new.address@person.example'));
  await deciding.getByRole('textbox', { name: words.reason }).fill('the old address answered to it');
  faults.push(...(await examine(approver, 'correction-decide')));
  await press(deciding, words.approve);
  await deciding.waitFor({ state: 'hidden' });
  await sees(approver.getByText(words.state.ready, { exact: true }));

  await go(`/requests/${String(request.id)}/corrections`);
  await atScreen(page, words.titleFor(request.id));
  await press(page, words.carryOutOf(1));
  const carrying = page.getByRole('dialog', { name: words.carryOutOf(1) });
  await press(carrying, words.carryOut);
  await carrying.waitFor({ state: 'hidden' });
  await sees(page.getByText(words.undoDays(30)));
  expect(await held()).toBe('new.address@person.example');
  await go(`/requests/${String(request.id)}`);
  await sees(part(page, en.request.artefacts).getByText(words.state.done));

  // Where nobody asks for a second person it is taken back at once.
  await withSuperuser(office.platform, office.platform.database, ({ query }) =>
    query(`update privacy_console.setting set value = 0 where name = 'identity_by_two'`),
  );
  await go(`/requests/${String(request.id)}/corrections`);
  await press(page, words.undoOf(1));
  const undoing = page.getByRole('dialog', { name: words.undoOf(1) });
  await expect(undoing.getByRole('textbox', { name: words.reason })).toBeFocused();
  await page.keyboard.type('it was somebody else who wrote');
  await press(undoing, words.undo);
  await undoing.waitFor({ state: 'hidden' });
  await sees(page.getByText(words.state.undone, { exact: true }));
  expect(await held()).toBe(email);
  expect(faults).toEqual([]);
});
