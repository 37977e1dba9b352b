import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { describeEntry, en } from '#shared/strings/en.ts';
import type { Desk } from './driver.ts';
import type { Platform } from './platform.ts';
import type { Planted } from './requests.ts';
import { withSuperuser } from './superuser.ts';
import {
  ask,
  atScreen,
  fact,
  focused,
  follow,
  goTo,
  invoke,
  part,
  press,
  rowTexts,
  rowWith,
  sees,
} from './windowActions.ts';

/** What the main job is done with; the demo takes pictures of each screen, the tests examine it. */
export interface Stage {
  readonly platform: Platform;
  readonly planted: Planted;
  /** Folder for the package, the certificate and the trail. */
  readonly out: string;
  /** The window of the operator, and that of whoever comes beside: the approver, then the auditor. */
  readonly operator: () => Promise<Desk>;
  readonly colleague: () => Promise<Desk>;
  /** Called whenever a screen is there in full for the first time. */
  readonly shown: (name: string, page: Page) => Promise<void>;
}

/** What has been found out on the way. */
export interface Findings {
  /** Opaque reference of the person. */
  reference?: string;
  /** What the platform holds about the person, read before anything is deleted; for judging, never shown. */
  held?: Held;
  plan?: { readonly id: number; readonly sha256: string };
  package?: { readonly file: string; readonly sha256: string };
  certificate?: { readonly file: string };
  trail?: {
    readonly file: string;
    readonly entries: number;
    readonly head: { readonly number: number; readonly chain: string };
    readonly intact: boolean;
  };
}

interface Held {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly phone: string | null;
  readonly workspaces: readonly string[];
  readonly objects: readonly string[];
}

export interface Step {
  readonly step: string;
  /** Does it in the window and answers with what was seen; throws when it isn't as it must be. */
  readonly run: (stage: Stage, findings: Findings) => Promise<string>;
}

const run = promisify(execFile);
/** Milliseconds for what reads or writes a whole person. */
const longWork = 180_000;

/** The name with two letters swapped, as one types in a hurry. */
export function mistype(name: string): string {
  const space = name.indexOf(' ');
  for (let at = space + 2; at + 1 < name.length; at += 1) {
    const [one = '', other = ''] = [name[at], name[at + 1]];
    if (one !== other) return `${name.slice(0, at)}${other}${one}${name.slice(at + 2)}`;
  }
  return name.slice(0, -1);
}

function known<Value>(value: Value | undefined, what: string): Value {
  assert.ok(value !== undefined, `${what} is not known, because an earlier step failed`);
  return value;
}

async function readHeld(stage: Stage): Promise<Held> {
  const { platform, planted } = stage;
  return await withSuperuser(platform, platform.database, async ({ query }) => {
    const id = planted.protagonist.id;
    const { rows } = await query<Omit<Held, 'workspaces' | 'objects'>>(
      'select id::text, name, email::text, phone from users where id = $1',
      [id],
    );
    const { rows: owned } = await query<{ id: string }>(
      'select id::text from workspaces where owner_id = $1',
      [id],
    );
    const workspaces = owned.map((each) => each.id);
    const { rows: named } = await query<{ key: string }>(
      'select r2_key as key from media_files where workspace_id = any ($1::uuid[])',
      [workspaces],
    );
    const prefixes = workspaces.map((each) => `workspaces/${each}/`);
    const keys = new Set(named.map((each) => each.key));
    const objects = (await platform.objectStore.list())
      .map((object) => object.key)
      .filter((key) => keys.has(key) || prefixes.some((prefix) => key.startsWith(prefix)));
    const person = known(rows[0], 'the person of the story');
    return { ...person, workspaces, objects };
  });
}

async function signIn(page: Page, role: 'operator' | 'approver' | 'auditor'): Promise<void> {
  await press(page, en.signIn.demoAs(role));
  await atScreen(page, en.desk.title);
}

/** Opens a request from the desk. */
async function openRequest(page: Page, list: string, id: number): Promise<void> {
  await goTo(page, 'desk', en.desk.title);
  const grid = page.getByRole('grid', { name: list, exact: true });
  await (await rowWith(grid, new RegExp(`^${id}[^0-9]`))).click();
  await page
    .getByRole('heading', { level: 1, name: new RegExp(`^${en.common.request(id)} `) })
    .waitFor({ state: 'visible' });
}

async function searchFor(page: Page, text: string): Promise<void> {
  const box = page.getByRole('searchbox', { name: en.search.label });
  await box.fill(text);
  await box.press('Enter');
}

async function fingerprint(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** Lets programs that know nothing of the console judge a package; answers with those that were here. */
async function judgePackage(file: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'privacy-console-package-'));
  try {
    await run('unzip', ['-tq', file]);
    await run('unzip', ['-q', file, '-d', folder]);
    const { stdout: found } = await run('find', [folder, '-name', 'manifest-sha256.txt']);
    const manifest = found.trim().split('\n')[0];
    assert.ok(manifest !== undefined && manifest !== '', 'the package holds no manifest-sha256.txt');
    await run('sha256sum', ['-c', '--quiet', 'manifest-sha256.txt'], {
      cwd: join(manifest, '..'),
      maxBuffer: 2 ** 26,
    });
    return 'unzip -t and sha256sum -c agree';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return 'unzip or sha256sum is not on this machine, so nobody else was asked';
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const signsIn: Step = {
  step: 'the operator signs in',
  run: async (stage) => {
    const page = await (await stage.operator()).page();
    await sees(page.getByRole('button', { name: en.signIn.demoAs('operator'), exact: true }));
    await stage.shown('sign-in', page);
    await signIn(page, 'operator');
    const { session } = await ask(page, 'session.current', {});
    assert.deepEqual(session?.roles, ['operator']);
    return `signed in to the demo as ${session.person}, ${session.roles.join(', ')}`;
  },
};

const picksRequests: Step = {
  step: 'the operator picks the deletion and the export request from the desk',
  run: async (stage, findings) => {
    const { deletionRequest, exportRequest } = stage.planted;
    findings.held = await readHeld(stage);
    const page = await (await stage.operator()).page();
    const unassigned = page.getByRole('grid', { name: en.desk.unassigned, exact: true });
    const texts = await rowTexts(unassigned);
    const kinds = [
      [deletionRequest, en.request.kind.deletion],
      [exportRequest, en.request.kind.export],
    ] as const;
    for (const [id, kind] of kinds) {
      assert.ok(
        texts.some((text) => text.startsWith(`${id}${kind}`)),
        `request ${String(id)} is not on the desk as ${kind}`,
      );
    }
    await stage.shown('desk', page);
    for (const id of [exportRequest, deletionRequest]) {
      await openRequest(page, en.desk.unassigned, id);
      await press(page, en.request.take);
      await sees(fact(page, en.request.columns.assignee).getByText(`(${en.common.you})`));
    }
    await sees(part(page, en.request.message).getByText(findings.held.email));
    await stage.shown('request', page);
    return `${String(texts.length - 1)} requests lay unassigned; ${String(exportRequest)} and ${String(deletionRequest)} are the operator’s now`;
  },
};

const searches: Step = {
  step: 'the operator searches with a typing error and opens the person',
  run: async (stage, findings) => {
    const { platform, planted } = stage;
    const page = await (await stage.operator()).page();
    await follow(page, en.request.searchPerson);
    await atScreen(page, en.search.title);
    const typed = mistype(planted.protagonist.name);
    assert.notEqual(typed, planted.protagonist.name);
    await searchFor(page, typed);
    const grid = page.getByRole('grid', { name: en.search.title, exact: true });
    await sees(grid.getByRole('gridcell'));
    const reference = await withSuperuser(platform, platform.database, async ({ query }) => {
      const { rows } = await query<{ reference: string }>(
        `select reference from privacy_console.subject where kind = 'account' and key = $1`,
        [planted.protagonist.id],
      );
      return rows[0]?.reference;
    });
    assert.ok(reference, 'the search did not find the person');
    findings.reference = reference;
    const hit = await rowWith(grid, reference);
    const text = (await hit.textContent()) ?? '';
    assert.ok(text.includes(en.search.how.similar), 'the hit does not say that the name is similar');
    assert.ok(!text.includes(planted.protagonist.name), 'the hit shows the name unmasked');
    assert.ok(!text.includes(planted.protagonist.email), 'the hit shows the address unmasked');
    const hits = (await rowTexts(grid)).length - 1;
    await stage.shown('search', page);
    await (await rowWith(grid, reference)).click();
    await atScreen(page, en.person.title);
    await sees(page.getByRole('timer').getByText('access open for'));
    return `two letters swapped, ${String(hits)} hits, all masked; ${reference} among them, opened for fifteen minutes`;
  },
};

const links: Step = {
  step: 'the operator links the person to both requests',
  run: async (stage, findings) => {
    const { deletionRequest, exportRequest } = stage.planted;
    const reference = known(findings.reference, 'the reference');
    const page = await (await stage.operator()).page();
    await openRequest(page, en.desk.mine, deletionRequest);
    await follow(page, en.request.searchPerson);
    const grid = page.getByRole('grid', { name: en.search.title, exact: true });
    const hit = await rowWith(grid, reference);
    await press(hit, `${en.search.link(deletionRequest)}: ${reference}`);
    await sees(part(page, en.request.person).getByText(reference));
    await openRequest(page, en.desk.mine, exportRequest);
    await page.getByRole('textbox', { name: en.request.linkByReference, exact: true }).fill(reference);
    await press(page, en.request.link);
    await sees(part(page, en.request.person).getByText(reference));
    for (const id of [deletionRequest, exportRequest]) {
      const { request } = await ask(page, 'requests.show', { id });
      assert.equal(request.subject, reference);
    }
    return `${reference} by a hit of the search, and by its reference`;
  },
};

const looks: Step = {
  step: 'the operator looks at what is held and reveals one value',
  run: async (stage, findings) => {
    const held = known(findings.held, 'what is held');
    const reference = known(findings.reference, 'the reference');
    const page = await (await stage.operator()).page();
    await openRequest(page, en.desk.mine, stage.planted.deletionRequest);
    await follow(page, en.request.openPerson);
    await atScreen(page, en.person.title);
    await sees(page.getByRole('timer'));
    const inspector = part(page, en.person.inspector);
    const button = inspector.getByRole('button', { name: en.person.reveal('E-mail'), exact: true });
    await sees(button);
    const before = (await page.textContent('body')) ?? '';
    for (const secret of [held.email, held.name, ...(held.phone === null ? [] : [held.phone])])
      assert.ok(!before.includes(secret), 'the person’s page shows a value that was not revealed');
    await stage.shown('person', page);
    await button.click();
    await sees(inspector.getByText(held.email, { exact: true }));
    const after = (await page.textContent('body')) ?? '';
    assert.ok(!after.includes(held.name), 'revealing the address revealed the name, too');
    assert.ok(
      held.phone === null || !after.includes(held.phone),
      'revealing the address revealed the phone, too',
    );
    await stage.shown('person-revealed', page);
    const tabs = page.getByRole('tablist', { name: en.person.tabs }).getByRole('tab');
    const names = await tabs.allTextContents();
    for (const [place, name] of names.entries()) {
      await tabs.nth(place).click();
      await page.getByRole('tabpanel').first().waitFor({ state: 'visible' });
      const word = name
        .replaceAll(/[^A-Za-z]+/g, '-')
        .toLowerCase()
        .replaceAll(/^-|-$/g, '');
      if (place > 0) await stage.shown(`person-${word}`, page);
      const chart = page.getByRole('radiogroup').getByText(en.person.chart, { exact: true });
      if ((await chart.count()) > 0) {
        await chart.first().click();
        await sees(page.getByRole('img').or(page.getByText(en.chart.empty)));
        await stage.shown(`person-${word}-chart`, page);
      }
    }
    const { objects } = await ask(page, 'subjects.objects', {
      accessId: await openAccess(page, stage, reference),
    });
    assert.equal(objects.filter((object) => object.state !== 'missing').length, held.objects.length);
    return `${String(names.length)} categories, ${String(held.objects.length)} files in R2; the address was revealed, name and phone stayed masked`;
  },
};

/** The access that the window holds, as the database knows it. */
async function openAccess(page: Page, stage: Stage, reference: string): Promise<number> {
  const { platform } = stage;
  const { login } = known((await ask(page, 'session.current', {})).session ?? undefined, 'the session');
  return await withSuperuser(platform, platform.database, async ({ query }) => {
    const { rows } = await query<{ id: string }>(
      `select a.id::text from privacy_console.access a join privacy_console.staff s on s.id = a.staff
       where s.login = $1 and a.subject = $2 order by a.id desc limit 1`,
      [login, reference],
    );
    return Number(known(rows[0], 'the access').id);
  });
}

const findsEveryScript: Step = {
  step: 'the operator looks up names in other scripts, with a reason instead of a request',
  run: async (stage) => {
    const page = await (await stage.operator()).page();
    await goTo(page, 'search', en.search.title);
    const why = page.getByRole('group', { name: en.why.title });
    await why.getByText(en.why.reason, { exact: true }).click();
    await why.getByRole('textbox', { name: en.why.reasonLabel }).fill('caller could not spell the address');
    const names = [
      ['अनुष्का देशपांडे', 'अ•••'],
      ['محمد بن عبد الله الأنصاري', 'م•••'],
      ['Priya 🌸✨ Nair', '🌸•••'],
    ] as const;
    for (const [name, masked] of names) {
      await searchFor(page, name);
      const grid = page.getByRole('grid', { name: en.search.title, exact: true });
      await rowWith(grid, masked);
      if (name.startsWith('अ')) await stage.shown('search-devanagari', page);
    }
    const { entries } = await ask(page, 'audit.list', { action: 'search.run', limit: 3 });
    assert.ok(
      entries.length === 3 && entries.every((entry) => entry.requestId === null),
      'the look-ups are not in the trail as look-ups without a request',
    );
    await why.getByText(en.why.request, { exact: true }).click();
    // What somebody wrote is shown as they wrote it.
    const { requests } = await ask(page, 'requests.list', { state: 'open' });
    const letter = requests.find((request) => request.message?.includes('अनुष्का देशपांडे'));
    if (letter !== undefined) {
      await openRequest(page, en.desk.unassigned, letter.id);
      await sees(part(page, en.request.message).getByText('अनुष्का देशपांडे'));
      await stage.shown('request-devanagari', page);
    }
    return 'found in Devanagari, Arabic and with emoji, marked in the trail as look-ups without a request';
  },
};

const exportsPerson: Step = {
  step: 'the operator exports everything held about the person',
  run: async (stage, findings) => {
    const held = known(findings.held, 'what is held');
    const desk = await stage.operator();
    const page = await desk.page();
    await openRequest(page, en.desk.mine, stage.planted.exportRequest);
    await follow(part(page, en.request.artefacts), en.request.export);
    await atScreen(page, en.exportPage.titleFor(stage.planted.exportRequest));
    await desk.answerDialog(stage.out);
    await press(page, en.exportPage.choose);
    await sees(page.getByText(stage.out, { exact: true }));
    // What programs from outside are to judge next has to lie open.
    const protection = page.getByRole('radiogroup', { name: en.exportPage.protection.title });
    const { kind } = en.exportPage.protection;
    assert.ok(
      await protection.getByRole('radio', { name: kind.passphrase }).isChecked(),
      'encryption is not the default',
    );
    await protection.getByRole('radio', { name: kind.none }).check();
    await press(page, en.review.open);
    await sees(part(page, en.review.title).getByRole('article'));
    await stage.shown('export-review', page);
    await press(page, en.exportPage.start);
    const done = part(page, en.exportPage.done);
    const failed = part(page, en.exportPage.failed);
    await done.or(failed).first().waitFor({ state: 'visible', timeout: longWork });
    assert.equal(await failed.count(), 0, `the export failed: ${(await failed.allTextContents()).join(' ')}`);
    const { jobs } = await ask(page, 'jobs.list', {});
    const result = known(
      jobs.find((job) => job.kind === 'export')?.result ?? undefined,
      'the export’s result',
    );
    const file = String(result['file']);
    const sha256 = await fingerprint(file);
    await sees(done.getByText(sha256));
    assert.equal(result['files'], held.objects.length, 'the package does not hold every file of the person');
    findings.package = { file, sha256 };
    await stage.shown('export', page);
    await follow(done, en.delivery.openOf(Number(result['exportId'])));
    await atScreen(page, en.delivery.titleFor(Number(result['exportId'])));
    await stage.shown('delivery', page);
    await goTo(page, 'export', en.exportPage.listTitle);
    await follow(page, en.packageCheck.title);
    await atScreen(page, en.packageCheck.title);
    await desk.answerDialog(file);
    await press(page, en.packageCheck.chooseFile);
    await sees(page.getByText(/^Intact:/));
    await stage.shown('export-check', page);
    return `${String(result['rows'])} rows and ${String(result['files'])} files, read back and verified in the window; ${await judgePackage(file)}`;
  },
};

const plansDeletion: Step = {
  step: 'the operator reads the deletion plan',
  run: async (stage, findings) => {
    const held = known(findings.held, 'what is held');
    const { deletionRequest } = stage.planted;
    const page = await (await stage.operator()).page();
    await openRequest(page, en.desk.mine, deletionRequest);
    await follow(part(page, en.request.artefacts), en.request.planDeletion);
    await sees(page.getByRole('button', { name: en.deletion.make, exact: true }));
    assert.equal(await focused(page), en.common.cancel, 'the focus does not start on Cancel');
    await press(page, en.deletion.make);
    const hash = fact(page, en.deletion.planHash);
    await sees(hash);
    // Questions, when the plan has any, are answered with the first answer and the plan is made again.
    const answers = part(page, en.deletion.decide).getByRole('radiogroup');
    if ((await answers.count()) > 0) {
      for (const group of await answers.all()) await group.getByRole('radio').first().check();
      await press(page, en.deletion.answers);
    }
    await sees(page.getByText(en.deletion.stateText.awaiting));
    const { plans } = await ask(page, 'erasure.list', { requestId: deletionRequest });
    const plan = known(
      plans.find((each) => each.state === 'awaiting'),
      'the plan',
    );
    assert.equal((await hash.textContent())?.trim(), plan.sha256);
    assert.equal(plan.objects.count, held.objects.length, 'the plan does not name every file of the person');
    const goes = plan.lines
      .filter((line) => line.action === 'delete')
      .reduce((sum, line) => sum + line.rows, 0);
    const kept = plan.lines.filter((line) => line.action === 'keep' && line.rows > 0);
    assert.ok(goes > 0, 'the plan deletes nothing');
    assert.ok(
      kept.every((line) => line.because !== null && line.because !== ''),
      'something is kept without saying why',
    );
    assert.equal(await focused(page), en.common.cancel, 'the focus does not start on Cancel');
    findings.plan = { id: plan.id, sha256: plan.sha256 };
    await stage.shown('plan', page);
    return `${String(goes)} rows and ${String(plan.objects.count)} files go, what is kept (${kept.map((line) => line.title.toLowerCase()).join(', ') || 'nothing'}) has its ground in law; hash ${plan.sha256.slice(0, 12)}…; the focus is on Cancel`;
  },
};

const isRefused: Step = {
  step: 'the operator tries to approve the plan and is refused',
  run: async (stage, findings) => {
    const plan = known(findings.plan, 'the plan');
    const page = await (await stage.operator()).page();
    const decide = part(page, en.deletion.approveTitle);
    const button = decide.getByRole('button', { name: en.deletion.approve, exact: true });
    let said: string;
    if ((await button.count()) > 0) {
      await decide.getByRole('textbox', { name: en.deletion.reason }).fill('I made it myself, it is right');
      await button.click();
      const alert = decide.getByRole('alert');
      await sees(alert);
      said = `in the window: ${(await alert.locator('p').allTextContents()).join('. ')}`;
      await stage.shown('plan-refused', page);
    } else {
      const answer = await invoke(page, 'erasure.decide', {
        planId: plan.id,
        sha256: plan.sha256,
        decision: 'approve',
        reason: 'I made it myself, it is right',
      });
      assert.ok(!answer.ok, 'the console let the operator approve the plan');
      said = `the window offers no approval, and through its door: ${answer.failure.message}`;
    }
    const { plan: after } = await ask(page, 'erasure.show', { planId: plan.id });
    assert.equal(after.state, 'awaiting');
    const { entries } = await ask(page, 'audit.list', {
      requestId: stage.planted.deletionRequest,
      outcome: 'refused',
    });
    assert.ok(
      entries.some((entry) => entry.action === 'plan.approved'),
      'the refusal is not in the trail',
    );
    return said;
  },
};

const approves: Step = {
  step: 'the approver reads the same plan and approves it',
  run: async (stage, findings) => {
    const plan = known(findings.plan, 'the plan');
    const page = await (await stage.colleague()).page();
    await signIn(page, 'approver');
    await sees(part(page, en.desk.waiting).getByText(en.desk.toApprove));
    await stage.shown('desk-approver', page);
    await goTo(page, 'approvals', en.approvals.title);
    const grid = page.getByRole('grid', { name: en.approvals.waiting, exact: true });
    const row = await rowWith(grid, known(findings.reference, 'the reference'));
    await stage.shown('approvals', page);
    await row.click();
    await atScreen(page, en.deletion.titleFor(plan.id));
    const hash = fact(page, en.deletion.planHash);
    await sees(hash);
    assert.equal((await hash.textContent())?.trim(), plan.sha256, 'the approver sees another plan');
    assert.equal(await focused(page), en.common.cancel, 'the focus does not start on Cancel');
    const decide = part(page, en.deletion.approveTitle);
    const button = decide.getByRole('button', { name: en.deletion.approve, exact: true });
    assert.ok(await button.isDisabled(), 'a plan can be approved without a reason');
    await decide
      .getByRole('textbox', { name: en.deletion.reason })
      .fill('Compared with the letter: the whole account, no open invoice');
    await stage.shown('plan-approver', page);
    await button.click();
    await sees(page.getByText(en.deletion.stateText.approved));
    const { plan: after } = await ask(page, 'erasure.show', { planId: plan.id });
    assert.equal(after.state, 'approved');
    return `the same hash, approved with a reason by ${after.approvals.map((each) => each.by).join(' and ')}`;
  },
};

const runsDeletion: Step = {
  step: 'the operator runs the deletion with a typed confirmation',
  run: async (stage, findings) => {
    const plan = known(findings.plan, 'the plan');
    const reference = known(findings.reference, 'the reference');
    const page = await (await stage.operator()).page();
    await goTo(page, 'desk', en.desk.title);
    await part(page, en.desk.waiting).getByText(en.desk.toRun).click({ timeout: 60_000 });
    await atScreen(page, en.deletion.titleFor(plan.id));
    const form = part(page, en.deletion.runTitle);
    const button = form.getByRole('button', { name: en.deletion.run, exact: true });
    const box = form.getByRole('textbox');
    await box.fill(reference.slice(0, -1));
    assert.ok(await button.isDisabled(), 'deletion can be started with an incomplete confirmation');
    await box.fill(reference);
    await stage.shown('plan-approved', page);
    await button.click();
    await page.getByText(en.deletion.stateText.done).waitFor({ state: 'visible', timeout: longWork });
    const { plan: after } = await ask(page, 'erasure.show', { planId: plan.id });
    assert.equal(after.state, 'done');
    const steps = after.run?.steps ?? [];
    assert.ok(
      steps.length > 0 && steps.every((step) => (step.left ?? 0) === 0),
      'the second look found something',
    );
    return `${String(steps.length)} steps, and the second look found nothing`;
  },
};

const keepsCertificate: Step = {
  step: 'the certificate is kept',
  run: async (stage, findings) => {
    const plan = known(findings.plan, 'the plan');
    const held = known(findings.held, 'what is held');
    const desk = await stage.operator();
    const page = await desk.page();
    const words = en.deletion.certificate;
    const certificate = part(page, words.title);
    await sees(certificate.getByText(plan.sha256));
    const read = (await certificate.textContent()) ?? '';
    for (const said of [words.ground(stage.planted.deletionRequest), words.kept, ...words.remaining])
      assert.ok(read.includes(said), `the certificate does not say: ${said}`);
    for (const secret of personal(held))
      assert.ok(!read.toLowerCase().includes(secret), 'the certificate names the person');
    await stage.shown('certificate', page);
    await certificate.getByText(words.exact, { exact: true }).click();
    const text = (await certificate.locator('pre').textContent()) ?? '';
    const sha256 = createHash('sha256').update(text, 'utf8').digest('hex');
    await sees(certificate.getByText(sha256));
    const file = join(stage.out, words.filename(plan.id, 'html'));
    // A folder that is used again holds the certificate of the run before.
    await rm(file, { force: true });
    await desk.answerDialog(file);
    await press(certificate, words.savePage);
    await sees(page.getByText(words.saved(file)));
    const verdict = await ask(page, 'certificates.verify', { file });
    // Where there is no keychain nobody can sign, which page and check say.
    const { signatures } = await ask(page, 'erasure.certificate', { planId: plan.id });
    if (signatures.length === 0) await sees(certificate.getByText(words.unsigned));
    assert.deepEqual(
      verdict.faults.map((fault) => fault.kind),
      signatures.length === 0 ? ['signature'] : [],
      'the saved certificate does not verify',
    );
    assert.equal(verdict.sha256, sha256, 'the saved certificate is not the one shown');
    findings.certificate = { file };
    await stage.shown('certificate-exact', page);
    await page.emulateMedia({ media: 'print' });
    await sees(certificate.getByText(words.remaining.at(-1) ?? ''));
    for (const place of ['navigation', 'banner'] as const)
      assert.ok(!(await page.getByRole(place).first().isVisible()), 'the frame would be printed as well');
    await stage.shown('certificate-printed', page);
    await page.emulateMedia({ media: 'screen' });
    return `its SHA-256 is the one in the trail, ${sha256.slice(0, 12)}…`;
  },
};

const findsNothing: Step = {
  step: 'the search finds nothing, and neither database nor R2 holds anything under the person’s keys',
  run: async (stage, findings) => {
    const held = known(findings.held, 'what is held');
    const reference = known(findings.reference, 'the reference');
    const { platform, planted } = stage;
    const page = await (await stage.operator()).page();
    await openRequest(page, en.desk.mine, planted.deletionRequest);
    await goTo(page, 'search', en.search.title);
    await searchFor(page, held.email);
    await sees(page.getByText(en.search.noneTitle));
    await stage.shown('search-nothing', page);
    await searchFor(page, mistype(held.name));
    const grid = page.getByRole('grid', { name: en.search.title, exact: true });
    const none = page.getByText(en.search.noneTitle);
    await page.getByRole('status').getByText(/match/).or(none).first().waitFor({ state: 'visible' });
    await grid.or(none).first().waitFor({ state: 'visible' });
    const texts = (await grid.count()) > 0 ? await rowTexts(grid) : [];
    assert.ok(!texts.some((text) => text.includes(reference)), 'the search still finds the person');
    const left = await withSuperuser(platform, platform.database, async ({ query }) => {
      const { rows } = await query<{ people: number; rows: number }>(
        `select
           (select count(*)::int from users where email = $1 or (id = $2 and (name = $3 or phone is not null))) as people,
           ((select count(*) from messages where workspace_id = any ($4::uuid[]))
            + (select count(*) from contacts where workspace_id = any ($4::uuid[]))
            + (select count(*) from media_files where workspace_id = any ($4::uuid[]))
            + (select count(*) from dashboard_sessions where user_id = $2)
            + (select count(*) from page_views where user_id = $2))::int as rows`,
        [held.email, held.id, held.name, held.workspaces],
      );
      return rows[0];
    });
    assert.deepEqual(left, { people: 0, rows: 0 }, 'the database still holds the person');
    const objects = (await platform.objectStore.list()).filter(
      ({ key }) =>
        held.objects.includes(key) || held.workspaces.some((id) => key.startsWith(`workspaces/${id}/`)),
    );
    assert.equal(objects.length, 0, 'R2 still holds objects of the person');
    return `no hit, no row, and none of ${String(held.objects.length)} objects, counted by SQL and by the bucket itself`;
  },
};

const closesRequests: Step = {
  step: 'the operator closes both requests',
  run: async (stage) => {
    const page = await (await stage.operator()).page();
    const { deletionRequest, exportRequest } = stage.planted;
    for (const id of [exportRequest, deletionRequest]) {
      await openRequest(page, en.desk.mine, id);
      await press(page, en.request.close);
      const dialog = page.getByRole('dialog', { name: en.request.closeTitle });
      await dialog.getByRole('radio', { name: en.request.outcome['done'] ?? '' }).check();
      await press(dialog, en.request.close);
      await dialog.waitFor({ state: 'detached' });
      await sees(fact(page, en.request.outcomeLabel));
    }
    await stage.shown('request-closed', page);
    await goTo(page, 'requests', en.request.title);
    await stage.shown('requests', page);
    return 'both as done';
  },
};

const plansBatch: Step = {
  step: 'the operator plans the deletion of two closed accounts as one batch',
  run: async (stage) => {
    const page = await (await stage.operator()).page();
    const words = en.batches.closed;
    await goTo(page, 'deletion', en.deletion.listTitle);
    await follow(page, words.title);
    await atScreen(page, words.title);
    const grid = page.getByRole('grid', { name: words.title, exact: true });
    await sees(grid);
    const free = grid.getByRole('checkbox', { disabled: false });
    await free.nth(0).check();
    await free.nth(1).check();
    await sees(page.getByText(words.selected(2)));
    await stage.shown('closed-accounts', page);
    await press(page, words.make);
    await press(page, en.batches.make);
    await page
      .getByText(en.batches.stateText.awaiting)
      .or(page.getByText(en.batches.stateText.done))
      .waitFor({ state: 'visible', timeout: longWork });
    await stage.shown('batch', page);
    const { batches } = await ask(page, 'batches.list', {});
    const states = batches[0]?.states ?? {};
    assert.equal(
      (states.planned ?? 0) + (states.set_aside ?? 0),
      2,
      'not everybody was planned or set aside',
    );
    return `${String(states.planned ?? 0)} planned, ${String(states.set_aside ?? 0)} set aside with the reason`;
  },
};

/** What of a person must appear nowhere outside their rows, in small letters. */
function personal(held: Held): readonly string[] {
  return [
    held.email,
    held.name,
    mistype(held.name),
    held.id,
    ...held.workspaces,
    ...held.objects,
    ...(held.phone === null ? [] : [held.phone, held.phone.slice(1)]),
  ].map((text) => text.toLowerCase());
}

const actionsOfDeletion = [
  ['operator', 'request.opened', 'done'],
  ['operator', 'request.assigned', 'done'],
  ['operator', 'search.run', 'done'],
  ['operator', 'access.opened', 'done'],
  ['operator', 'request.linked', 'done'],
  ['operator', 'reveal.shown', 'done'],
  ['operator', 'plan.made', 'done'],
  ['operator', 'plan.approved', 'refused'],
  ['approver', 'plan.approved', 'done'],
  ['operator', 'objects.deleted', 'done'],
  ['operator', 'erasure.finished', 'done'],
  ['operator', 'request.closed', 'done'],
] as const;
const actionsOfExport = [
  ['operator', 'request.opened', 'done'],
  ['operator', 'request.assigned', 'done'],
  ['operator', 'request.linked', 'done'],
  ['operator', 'export.finished', 'done'],
  ['operator', 'request.closed', 'done'],
] as const;

const findsStory: Step = {
  step: 'the auditor finds the deletion again by the address the person had',
  run: async (stage, findings) => {
    const reference = known(findings.reference, 'the reference');
    const held = known(findings.held, 'what is held');
    const page = await (await stage.colleague()).page();
    const words = en.deletion.seek;
    await goTo(page, 'deletion', en.deletion.listTitle);
    const panel = part(page, words.title);
    await panel.getByLabel(words.label, { exact: true }).fill('nobody-at-all@example.com');
    await press(panel, words.submit);
    await sees(panel.getByText(words.none));
    await panel.getByLabel(words.label, { exact: true }).fill(held.email);
    await press(panel, words.submit);
    await sees(panel.getByText(reference));
    await stage.shown('deletions-auditor', page);
    await panel.getByRole('link', { name: words.certificate, exact: true }).click();
    await sees(page.getByText(words.certificate).first());
    return `${reference} and its certificate`;
  },
};

const plansRetention: Step = {
  step: 'the operator counts what the rules let expire, and can’t let it go alone',
  run: async (stage) => {
    const words = en.retention;
    const page = await (await stage.operator()).page();
    await goTo(page, 'deletion', en.deletion.listTitle);
    await follow(page, words.title);
    await atScreen(page, words.title);
    await press(page, words.make);
    await press(page.getByRole('dialog', { name: words.makeTitle }), words.make);
    const waits = page
      .getByRole('grid', { name: words.plans, exact: true })
      .getByText(words.state.awaiting, { exact: true });
    await sees(waits);
    await stage.shown('retention', page);
    await waits.first().click();
    await sees(page.getByText(words.ownPlan));
    await stage.shown('retention-plan', page);
    const { plans } = await ask(page, 'retention.plans', { waiting: true });
    const plan = known(plans[0], 'the retention plan');
    const alone = await invoke(page, 'retention.run', { planId: plan.id });
    assert.ok(!alone.ok, 'a plan that nobody approved was run');
    const due = plan.lines.reduce((sum, line) => sum + line.planned, 0);
    return `${String(due)} rows are due by ${String(plan.lines.length)} rules; without another person: ${alone.failure.message}`;
  },
};

const verifiesTrail: Step = {
  step: 'the auditor verifies the trail and sees every step',
  run: async (stage, findings) => {
    const reference = known(findings.reference, 'the reference');
    const { deletionRequest, exportRequest } = stage.planted;
    const page = await (await stage.colleague()).page();
    await press(page, en.frame.places.signIn);
    await signIn(page, 'auditor');
    await stage.shown('desk-auditor', page);
    await goTo(page, 'trail', en.trail.title);
    await press(page, en.trail.verify);
    await sees(page.getByRole('status').getByText(/^The trail is (intact|broken)/));
    const { jobs } = await ask(page, 'jobs.list', {});
    const result = known(jobs.find((job) => job.kind === 'audit.verify')?.result ?? undefined, 'the verdict');
    assert.equal(result['intact'], true, 'the trail is not intact');
    assert.equal(result['openIntents'], 0, 'an intent has no outcome');
    const entries = Number(result['entries']);
    await sees(page.getByRole('status').getByText(en.trail.intact(entries)));
    await stage.shown('trail', page);
    const number = page.getByRole('textbox', { name: en.trail.request, exact: true });
    const grid = page.getByRole('grid', { name: en.trail.title, exact: true });
    let seen = 0;
    for (const [id, wanted] of [
      [deletionRequest, actionsOfDeletion],
      [exportRequest, actionsOfExport],
    ] as const) {
      await number.fill(String(id));
      await grid
        .getByRole('row')
        .filter({ hasText: `request ${String(id)}` })
        .first()
        .waitFor({ state: 'visible' });
      await grid
        .getByRole('row')
        .filter({ hasNotText: `request ${String(id)}` })
        .nth(1)
        .waitFor({ state: 'detached' });
      const texts = await rowTexts(grid);
      for (const [actor, action, outcome] of wanted) {
        const sentences = [reference, null].map((subject) =>
          describeEntry({
            actor,
            action,
            subject,
            requestId: id,
            outcome,
            refusal: outcome === 'refused' ? 'Only an approver can decide about a plan.' : null,
          }),
        );
        assert.ok(
          texts.some((text) => sentences.some((sentence) => text.includes(sentence))),
          `the trail does not show: ${sentences[0] ?? action}`,
        );
        seen += 1;
      }
      if (id === deletionRequest) {
        await (
          await rowWith(
            grid,
            describeEntry({
              actor: 'approver',
              action: 'plan.approved',
              subject: reference,
              requestId: id,
              outcome: 'done',
              refusal: null,
            }),
          )
        ).click();
        await stage.shown('trail-entry', page);
      }
    }
    return `intact, ${String(entries)} entries recomputed, no intent without an outcome; all ${String(seen)} steps are there in words`;
  },
};

const takesTrail: Step = {
  step: 'the auditor takes the trail away, and it names nobody',
  run: async (stage, findings) => {
    const held = known(findings.held, 'what is held');
    const desk = await stage.colleague();
    const page = await desk.page();
    const file = join(stage.out, en.trail.filename);
    await desk.answerDialog(file);
    await press(page, en.trail.export);
    await sees(page.getByRole('status').getByText(/ written/));
    const text = await readFile(file, 'utf8');
    const lower = text.toLowerCase();
    for (const secret of personal(held))
      assert.ok(!lower.includes(secret), 'the trail holds something personal');
    // Recomputed here from the exported bytes alone, by the rule the documentation gives.
    let chain = Buffer.alloc(0);
    let number = 0;
    for (const line of text.trimEnd().split('\n')) {
      const entry = JSON.parse(line) as { number: number; chain: string; bytes: string };
      const leaf = createHash('sha256')
        .update(Buffer.from([0]))
        .update(entry.bytes, 'utf8')
        .digest();
      chain = createHash('sha256').update(chain).update(leaf).digest();
      number += 1;
      assert.equal(entry.number, number, 'the exported trail has a gap');
      assert.equal(entry.chain, chain.toString('hex'), `the exported trail is broken at ${String(number)}`);
    }
    findings.trail = {
      file,
      entries: number,
      head: { number, chain: chain.toString('hex') },
      intact: true,
    };
    return `${String(number)} lines, recomputed from the file alone, without name, address, phone or identifier`;
  },
};

const looksAround: Step = {
  step: 'the auditor sees the settings and the data map, the jump box and the keys, locks the window and comes back',
  run: async (stage) => {
    const desk = await stage.colleague();
    let page = await desk.page();
    await goTo(page, 'settings', en.settings.title);
    await stage.shown('settings', page);
    await page.getByRole('tab', { name: en.settings.tabs.map, exact: true }).click();
    await sees(page.getByRole('region', { name: en.settings.map.canvas }).getByRole('button').first());
    await stage.shown('map', page);
    await page.keyboard.press('Control+k');
    await sees(
      page.getByRole('textbox', { name: en.jump.label }).or(page.getByPlaceholder(en.jump.placeholder)),
    );
    await stage.shown('jump', page);
    await page.keyboard.press('Escape');
    await page.getByPlaceholder(en.jump.placeholder).waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    const keys = page.getByRole('dialog', { name: en.keys.title });
    await sees(keys);
    await stage.shown('keys', page);
    await page.keyboard.press('Escape');
    await keys.waitFor({ state: 'detached' });
    page = await desk.replaced(() => page.keyboard.press('Control+l').catch(() => undefined));
    await atScreen(page, en.lock.title);
    await stage.shown('lock', page);
    await press(page, en.lock.unlock);
    await atScreen(page, en.desk.title);
    return 'the locked window was empty, and unlocking led back to the desk';
  },
};

/** The main job from signing in to the verified trail, in order; a later step needs the ones before. */
export const journeySteps: readonly Step[] = [
  signsIn,
  picksRequests,
  searches,
  links,
  looks,
  findsEveryScript,
  exportsPerson,
  plansDeletion,
  isRefused,
  approves,
  runsDeletion,
  keepsCertificate,
  findsNothing,
  closesRequests,
  plansRetention,
  plansBatch,
  verifiesTrail,
  takesTrail,
  findsStory,
  looksAround,
];
