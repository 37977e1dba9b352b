import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { openDesks } from '#demo/journey.ts';
import { journeySteps, type Findings } from '#demo/journeySteps.ts';
import { startPlatform, type Platform } from '#demo/platform.ts';
import { plantRequests, type Planted } from '#demo/requests.ts';
import { installDemo } from '#demo/staff.ts';
import { withSuperuser } from '#demo/superuser.ts';
import {
  ask,
  atScreen,
  fact,
  focused,
  goTo,
  part,
  press,
  rowWith,
  settle,
  wear,
} from '#demo/windowActions.ts';
import { en } from '#shared/strings/en.ts';
import { examine } from './examine.ts';
import { expect, test as base } from './fixtures.ts';

/** A running demo: platform, schema, staff and a morning's requests. */
interface Demo {
  readonly platform: Platform;
  readonly planted: Planted;
  readonly demoFolder: string;
  readonly out: string;
}

interface Desks {
  readonly operator: () => Promise<Page>;
  readonly colleague: () => Promise<Page>;
  readonly open: ReturnType<typeof openDesks>;
}

const test = base.extend<{ readonly desks: Desks }, { readonly demo: Demo }>({
  demo: [
    // Playwright reads from the pattern what a fixture needs, so there has to be one.
    async ({ browserName: _browserName }, use) => {
      const home = await mkdtemp(join(tmpdir(), 'privacy-console-main-job-'));
      const [profileFolder, demoFolder, out] = ['profiles', 'demo', 'out'].map((name) =>
        join(home, name),
      ) as [string, string, string];
      for (const folder of [profileFolder, demoFolder, out]) await mkdir(folder, { mode: 0o700 });
      const platform = await startPlatform({ scale: 'small', seed: 1 });
      try {
        const places = { profileFolder, demoFolder };
        await installDemo(platform, places);
        const planted = await plantRequests(platform, places);
        await use({ platform, planted, demoFolder, out });
      } finally {
        await platform.stop();
        await rm(home, { recursive: true, force: true, maxRetries: 5 });
      }
    },
    { scope: 'worker', timeout: 180_000 },
  ],
  desks: async ({ demo }, use) => {
    const open = openDesks(demo);
    try {
      await use({
        operator: async () => await (await open.desk('operator')).page(),
        colleague: async () => await (await open.desk('colleague')).page(),
        open,
      });
    } finally {
      await open.close();
    }
  },
});

test.describe.configure({ timeout: 240_000 });

async function signIn(page: Page, role: string): Promise<void> {
  await press(page, en.signIn.demoAs(role));
  await atScreen(page, en.desk.title);
}

/** Goes to an address of the window without touching anything on it. */
async function visit(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => {
    window.location.hash = `#${to}`;
  }, path);
}

async function named(demo: Demo, name: string): Promise<{ readonly id: string; readonly email: string }> {
  return await withSuperuser(demo.platform, demo.platform.database, async ({ query }) => {
    const { rows } = await query<{ id: string; email: string }>(
      'select id::text, email::text from users where name = $1 limit 1',
      [name],
    );
    const [found] = rows;
    if (found === undefined) throw new Error(`Nobody is called ${name}.`);
    return found;
  });
}

async function setSearchBudget(demo: Demo, tokens: number): Promise<void> {
  await withSuperuser(demo.platform, demo.platform.database, async ({ query }) => {
    await query(`update privacy_console.budget set tokens = $1, refreshed_at = clock_timestamp()`, [tokens]);
  });
}

test('the main job, from signing in to the verified trail, on screens anybody can use', async ({
  demo,
  desks,
}) => {
  const findings: Findings = {};
  const faults: string[] = [];
  const stage = {
    platform: demo.platform,
    planted: demo.planted,
    out: demo.out,
    operator: () => desks.open.desk('operator'),
    colleague: () => desks.open.desk('colleague'),
    shown: async (name: string, page: Page) => {
      faults.push(...(await examine(page, name)));
    },
  };
  for (const { step, run } of journeySteps) {
    await test.step(step, async () => {
      await run(stage, findings);
    });
  }
  expect(findings.trail?.intact).toBe(true);
  expect(faults).toEqual([]);
});

test('the important things are done with the keyboard alone', async ({ demo, desks }) => {
  const page = await desks.operator();
  await page.getByRole('button', { name: en.signIn.demoAs('operator') }).focus();
  await page.keyboard.press('Enter');
  await atScreen(page, en.desk.title);

  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: en.keys.title }).waitFor();
  await expect(page.getByText(en.keys.note)).toBeVisible();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog', { name: en.keys.title }).waitFor({ state: 'detached' });

  await page.keyboard.press('g');
  await page.keyboard.press('t');
  await atScreen(page, en.trail.title);
  await page.keyboard.press('g');
  await page.keyboard.press('d');
  await atScreen(page, en.desk.title);

  await page.keyboard.press('g');
  await page.keyboard.press('r');
  await atScreen(page, en.request.title);
  const rows = page.getByRole('grid', { name: en.request.title }).getByRole('row');
  await rows.nth(1).waitFor();
  const second = (await rows.nth(2).textContent()) ?? '';
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  await expect(rows.nth(2)).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Enter');
  const number = /^[0-9,]+/.exec(second.replace(/^\D+/, ''))?.[0] ?? 'none';
  // The page that still loads has the number in its heading as well, but not the kind.
  await expect(page.getByRole('heading', { level: 1 })).toContainText(`${number} · `);
  await page.keyboard.press('Control+Enter');

  await atScreen(page, en.search.title);
  const box = page.getByRole('searchbox', { name: en.search.label });
  await expect(box).toBeFocused();
  const { email } = await named(demo, 'Priya 🌸✨ Nair');
  await page.keyboard.type(email);
  await page.keyboard.press('Enter');
  const hits = page.getByRole('grid', { name: en.search.title });
  await hits.getByRole('gridcell').first().waitFor();
  await page.keyboard.press('ArrowDown');
  await expect(hits).toBeFocused();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await atScreen(page, en.person.title);

  const timer = page.getByRole('timer');
  await expect(timer).toHaveText(/^access open for 1[45]:[0-9]{2}$/);
  const first = await timer.textContent();
  await expect.poll(() => timer.textContent()).not.toBe(first);

  const inspector = part(page, en.person.inspector);
  await inspector.getByRole('button', { name: en.person.reveal('E-mail') }).waitFor();
  await page.keyboard.press('r');
  await expect(inspector.getByText(email, { exact: true })).toBeVisible();
  await page.keyboard.press('r');
  await expect(page.getByText(en.person.openRequests)).toBeVisible();

  await page.keyboard.press('/');
  await atScreen(page, en.search.title);
  await expect(box).toBeFocused();

  await page.keyboard.press('Control+k');
  const jump = page.getByPlaceholder(en.jump.placeholder);
  await expect(jump).toBeFocused();
  await page.keyboard.type(en.frame.places.settings);
  await page.keyboard.press('Enter');
  await atScreen(page, en.settings.title);
});

test('locking empties the window of the person, and unlocking leads back to the desk', async ({
  demo,
  desks,
}) => {
  const desk = await desks.open.desk('operator');
  const page = await desk.page();
  await signIn(page, 'operator');
  const { email } = await named(demo, 'Priya 🌸✨ Nair');
  const { hits } = await ask(page, 'search.run', { text: email, reason: 'locks while reading' });
  const subject = hits[0]?.subject ?? '';
  await visit(page, `/people/${subject}`);
  await page.getByText(en.why.reason, { exact: true }).click();
  await page.getByRole('textbox', { name: en.why.reasonLabel }).fill('locks while reading');
  await press(page, en.person.openAction);
  await press(part(page, en.person.inspector), en.person.reveal('E-mail'));
  await expect(page.getByText(email, { exact: true })).toBeVisible();

  const locked = await desk.replaced(() => page.keyboard.press('Control+l').catch(() => undefined));
  await atScreen(locked, en.lock.title);
  expect(page.isClosed()).toBe(true);
  const content = await locked.content();
  for (const secret of [email, subject, 'Priya']) expect(content).not.toContain(secret);
  const answer = await locked.evaluate(() => window.privacyConsole.invoke('requests.list', {}));
  expect(answer).toMatchObject({ ok: false, failure: { code: 'not_signed_in' } });
  await expect(locked.getByRole('button', { name: en.lock.unlock })).toBeFocused();
  await locked.keyboard.press('Enter');
  await atScreen(locked, en.desk.title);
});

test('no single key approves or deletes, and the focus starts on Cancel', async ({ demo, desks }) => {
  const operator = await desks.operator();
  await signIn(operator, 'operator');
  const { email } = await named(demo, 'Null');
  const { request } = await ask(operator, 'requests.open', { kind: 'deletion', receivedOn: '2026-01-05' });
  const { hits } = await ask(operator, 'search.run', { text: email, requestId: request.id });
  const subject = hits[0]?.subject ?? '';
  await ask(operator, 'subjects.open', { subject, requestId: request.id });
  await ask(operator, 'requests.link', { id: request.id, subject });
  const { plan } = await ask(operator, 'erasure.plan', { requestId: request.id });
  expect(plan.state).toBe('awaiting');

  const keys = [
    ...'abcdefghijklmnopqrstuvwxyz0123456789',
    'Delete',
    'Backspace',
    'Enter',
    ' ',
    'Control+Enter',
  ];
  async function pressEverything(page: Page): Promise<void> {
    for (const key of keys) {
      await visit(page, '/requests');
      await atScreen(page, en.request.title);
      await visit(page, `/deletions/${String(plan.id)}`);
      await fact(page, en.deletion.planHash).waitFor();
      await expect.poll(() => focused(page)).toBe(en.common.cancel);
      await page.keyboard.press(key);
      await page.keyboard.press('Escape');
    }
  }
  const approver = await desks.colleague();
  await signIn(approver, 'approver');
  await pressEverything(approver);
  const awaiting = await ask(approver, 'erasure.show', { planId: plan.id });
  expect(awaiting.plan).toMatchObject({ state: 'awaiting', approvals: [] });

  await ask(approver, 'erasure.decide', {
    planId: plan.id,
    sha256: plan.sha256,
    decision: 'approve',
    reason: 'to see whether a key would run it',
  });
  await pressEverything(operator);
  const approved = await ask(operator, 'erasure.show', { planId: plan.id });
  expect(approved.plan).toMatchObject({ state: 'approved', run: null });
});

test('a search without hits, a spent budget and a wrong password end in a sentence that says what to do', async ({
  demo,
  desks,
}) => {
  const page = await desks.operator();
  await signIn(page, 'operator');
  await goTo(page, 'search', en.search.title);
  const box = page.getByRole('searchbox', { name: en.search.label });
  await box.fill('zzqqxxjj');
  await box.press('Enter');
  await expect(page.getByText(en.why.needed)).toBeVisible();
  const why = page.getByRole('group', { name: en.why.title });
  await why.getByText(en.why.reason, { exact: true }).click();
  await why.getByRole('textbox', { name: en.why.reasonLabel }).fill('states of the screen');
  await box.press('Enter');
  await expect(page.getByText(en.search.noneTitle)).toBeVisible();
  await expect(page.getByText(en.search.noneText)).toBeVisible();

  await setSearchBudget(demo, 0);
  try {
    await box.fill('Kavita');
    await box.press('Enter');
    const alert = page.getByRole('alert');
    await expect(alert).toContainText(en.failure.title.budget_spent);
    await expect(alert).toContainText('wait a few minutes');
    expect(await examine(page, 'budget spent')).toEqual([]);
  } finally {
    await setSearchBudget(demo, 200);
  }
  await page.getByRole('button', { name: en.common.retry }).click();
  await page.getByRole('grid', { name: en.search.title }).getByRole('gridcell').first().waitFor();

  const { host, port, database } = demo.platform;
  await ask(page, 'profiles.save', {
    profile: {
      name: 'mistyped',
      environment: 'demo',
      host,
      port,
      database,
      user: 'operator',
      caCertificate: null,
      tlsServerName: null,
      r2: null,
    },
  });
  await press(page, en.frame.places.signIn);
  await page.getByRole('radio', { name: /^mistyped/ }).click();
  await page.getByLabel(en.signIn.password, { exact: true }).fill('not the password');
  await press(page, en.signIn.signIn);
  const alert = page.getByRole('alert');
  await expect(alert).toBeVisible();
  expect(await alert.textContent()).not.toContain('not the password');
  expect(await alert.getByRole('paragraph').last().textContent()).toMatch(/[a-z].*[.;]/);
  expect(await examine(page, 'wrong password')).toEqual([]);
});

test('a name with markup is text, and every script has its letters', async ({ desks }) => {
  // Attack: a person calls themselves <img onerror=…> or <script>…, and waits for staff to open them.
  const page = await desks.operator();
  await signIn(page, 'operator');
  const markup = '<img src=x onerror="document.title=1">';
  const names = ['अनुष्का देशपांडे', 'محمد بن عبد الله الأنصاري', '👩🏽‍🚀 Anika 👨‍👩‍👧‍👦'];
  const message = [markup, '"><script>document.title=2</script>', ...names].join('\n');
  const { request } = await ask(page, 'requests.open', { kind: 'access', receivedOn: '2026-11-02', message });
  await visit(page, `/requests/${String(request.id)}`);
  const letter = part(page, en.request.message);
  for (const line of message.split('\n')) await expect(letter).toContainText(line);

  const { hits } = await ask(page, 'search.run', {
    text: 'markup@attacker.test',
    reason: 'markup in a name',
  });
  await visit(page, `/people/${hits[0]?.subject ?? ''}`);
  await page.getByText(en.why.reason, { exact: true }).click();
  await page.getByRole('textbox', { name: en.why.reasonLabel }).fill('markup in a name');
  await press(page, en.person.openAction);
  await press(part(page, en.person.inspector), en.person.reveal('Name'));
  await expect(part(page, en.person.inspector).getByText(markup, { exact: true })).toBeVisible();
  expect(await page.locator('img, script:not([src])').count()).toBe(0);
  expect(await page.title()).toBe(`${en.person.title} · ${en.product}`);

  await visit(page, `/requests/${String(request.id)}`);
  await letter.waitFor();
  const drawn = await page.evaluate(
    async (texts) => {
      await document.fonts.ready;
      const family = getComputedStyle(document.body).fontFamily;
      const canvas = document.createElement('canvas');
      const ink = (text: string): string => {
        canvas.width = 240;
        canvas.height = 40;
        const context = canvas.getContext('2d', { willReadFrequently: true });
        if (context === null) throw new Error('There is no canvas.');
        context.font = `24px ${family}`;
        context.fillText(text, 4, 30);
        return canvas.toDataURL();
      };
      return {
        families: [...document.fonts].filter((font) => font.status === 'loaded').map((font) => font.family),
        // Two letters that have no glyph look the same.
        distinct: texts.map(
          ([one = '', other = '']) => ink(one) !== ink(other) && ink(one) !== ink('\u{10FFFE}'),
        ),
      };
    },
    [
      ['अ', 'क्ष'],
      ['م', 'ح'],
      ['🌸', '👨‍👩‍👧‍👦'],
    ],
  );
  expect(drawn.distinct).toEqual([true, true, true]);
  const families = drawn.families.join(', ');
  for (const script of ['Devanagari', 'Arabic', 'Emoji']) expect(families).toContain(script);
});

test('a table that is longer than the window is read by scrolling, and its place is kept by arrow keys', async ({
  desks,
}) => {
  const page = await desks.colleague();
  await signIn(page, 'auditor');
  await goTo(page, 'trail', en.trail.title);
  const grid = page.getByRole('grid', { name: en.trail.title });
  const last = await rowWith(grid, en.trail.outcomes.done);
  await last.waitFor();
  await grid.focus();
  await page.keyboard.press('End');
  await expect(grid.getByRole('row').last()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Home');
  await expect(grid.getByRole('row').nth(1)).toHaveAttribute('aria-selected', 'true');
});

test('a cut tail: the console says so on every screen and lets nobody work with anything but the trail', async ({
  demo,
  desks,
}) => {
  // Attack: a database administrator takes the newest entries off the trail and hopes nobody counts.
  const page = await desks.operator();
  await signIn(page, 'operator');
  await ask(page, 'requests.open', { kind: 'access', receivedOn: '2026-11-03' });
  // Answers when the console has remembered where the trail ends.
  await ask(page, 'session.signOut', {});
  await withSuperuser(demo.platform, demo.platform.database, async ({ query }) => {
    for (const table of ['detail where entry', 'entry where number'])
      await query(`delete from privacy_console.${table} = (select max(number) from privacy_console.entry)`);
  });

  await press(page, en.signIn.demoAs('auditor'));
  await atScreen(page, en.trail.title);
  const { session } = await ask(page, 'session.current', {});
  const number = session?.trailFault?.number ?? 0;
  expect(number).toBeGreaterThan(0);
  const banner = page.getByRole('alert');
  await expect(banner).toContainText(en.frame.trailFault(number));
  await expect(banner).toContainText(en.frame.trailFaultHint);
  const places = page.getByRole('navigation', { name: en.frame.placesLabel }).getByRole('link');
  expect(await places.allTextContents()).toEqual([en.frame.places.trail, en.frame.places.settings]);
  expect(await examine(page, 'trail that contradicts')).toEqual([]);

  // The address, the keys and the jump box lead nowhere else either.
  for (const path of ['/', '/requests', '/deletions', '/search', '/approvals']) {
    await visit(page, path);
    await atScreen(page, en.trail.title);
  }
  await page.keyboard.press('g');
  await page.keyboard.press('r');
  await atScreen(page, en.trail.title);
  await page.keyboard.press('Control+k');
  const jump = page.getByRole('dialog');
  await jump.getByPlaceholder(en.jump.placeholder).waitFor();
  await expect(jump.getByText(en.frame.places.settings, { exact: true })).toBeVisible();
  for (const place of ['desk', 'requests', 'deletion'] as const)
    await expect(jump.getByText(en.frame.places[place], { exact: true })).toHaveCount(0);
  await page.keyboard.press('Escape');
  await jump.waitFor({ state: 'detached' });

  // What can still be done: read the trail, verify it and see where it breaks.
  await press(page, en.trail.verify);
  await expect(page.getByRole('status').getByText(en.trail.broken(number))).toBeVisible();
  await expect(page.getByRole('grid', { name: en.trail.title }).getByRole('row').nth(1)).toBeVisible();
  expect(await examine(page, 'trail verified as broken')).toEqual([]);
  await goTo(page, 'settings', en.settings.title);
  for (const tab of await page.getByRole('tab').all()) {
    await tab.click();
    await settle(page);
    // The banner is the only alarm: no tab offers what the console would refuse.
    await expect(banner).toHaveCount(1);
  }
  const pictures = process.env['PRIVACY_CONSOLE_PICTURES'];
  if (pictures !== undefined)
    for (const scheme of ['light', 'dark'] as const) {
      await wear(page, scheme);
      await page.screenshot({ path: join(pictures, `fault-settings-${scheme}.png`) });
      await goTo(page, 'trail', en.trail.title);
      await settle(page);
      await page.screenshot({ path: join(pictures, `fault-trail-${scheme}.png`) });
      await goTo(page, 'settings', en.settings.title);
    }
});

test('a notice covers nothing, waits while it is read, and is reached and dismissed by keys', async ({
  desks,
}) => {
  const page = await desks.operator();
  await page.setViewportSize({ width: 1024, height: 640 });
  await signIn(page, 'operator');
  const { request } = await ask(page, 'requests.open', { kind: 'access', receivedOn: '2026-11-04' });
  await visit(page, `/requests/${String(request.id)}`);
  await press(page, en.request.take);
  const notices = page.getByRole('region', { name: en.frame.notices });
  await expect(notices).toHaveAttribute('aria-live', 'polite');
  const notice = notices.getByText(en.request.taken(request.id));
  await expect(notice).toBeVisible();
  const close = page.getByRole('button', { name: en.request.close, exact: true });
  await close.focus();
  await page.keyboard.press('F8');
  await expect.poll(() => focused(page)).toBe(en.frame.dismiss);
  expect(await examine(page, 'notice')).toEqual([]);

  const place = await notices.boundingBox();
  const main = await page.getByRole('main').boundingBox();
  expect((place?.x ?? 0) + (place?.width ?? Infinity)).toBeLessThanOrEqual(main?.x ?? 0);
  const links = page.getByRole('navigation', { name: en.frame.placesLabel }).locator('a, button');
  for (const link of await links.all()) {
    const box = await link.boundingBox();
    const above = (box?.y ?? 0) + (box?.height ?? 0) <= (place?.y ?? 0) + 1;
    const below = (box?.y ?? 0) >= (place?.y ?? 0) + (place?.height ?? 0) - 1;
    expect(above || below, `${(await link.textContent()) ?? ''} is covered`).toBe(true);
  }

  // Longer than it stays by itself.
  await page.waitForTimeout(9_000);
  await expect(notice).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(notice).toHaveCount(0);
  await expect(close).toBeFocused();
  await atScreen(page, `${en.common.request(request.id)} · ${en.request.kind.access}`);
});
