import { execFile } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { copyOnto } from '#core/exports/delivery/copy.ts';
import { writePackage, type PackageOptions } from '#core/exports/package.ts';
import { encryptionFor } from '#core/exports/seal/age.ts';
import { makePrivateKey, signerOf } from '#core/signing/signature.ts';
import { openDesks } from '#demo/journey.ts';
import { startPlatform } from '#demo/platform.ts';
import { expectDone, installDemo, plainConsole } from '#demo/staff.ts';
import { withSuperuser } from '#demo/superuser.ts';
import { atScreen, goTo, part, press, rowWith, sees } from '#demo/windowActions.ts';
import { en } from '#shared/strings/en.ts';
import { collectionOf, columnOf, fileOf, optionsOf } from '../core/exports/sources.ts';
import { need } from '../prerequisites.ts';
import { examine } from './examine.ts';
import { expect, test } from './fixtures.ts';

test.describe.configure({ timeout: 180_000 });

const words = en.packageCheck;
const run = promisify(execFile);

/** A picture of 120 by 80 points: three stripes. */
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAHgAAABQCAMAAADlRUG7AAAACVBMVEUMXGPyqTvu7u779HzHAAAAOUlEQVR42u3NQQ' +
    '0AAAgEILV/aDv4cbdBAaoAAABy9BOxWCwWi8VisVgsPsTzRCwWi8VisVgsFgfHC0zaJQmd3dG8AAAAAElFTkSuQmCC',
  'base64',
);

test('before anybody signs in, a package is checked and looked into: zip, folder, encrypted; by keyboard, and nothing in it runs', async ({
  desk,
}) => {
  need(
    {
      skip: (note) => {
        test.skip(true, note);
      },
    },
    'age',
  );
  const folder = await mkdtemp(join(tmpdir(), 'privacy-console-packages-'));
  try {
    const signer = signerOf(makePrivateKey());
    const rows = Array.from({ length: 250 }, (_, index) => ({
      id: String(index + 1),
      body: index === 100 ? '<img src=x onerror="globalThis.ran = 1"> नमस्ते' : `Message ${String(index + 1)}`,
      sent_at: '2026-11-01T10:00:00+05:30',
    }));
    // Each package has a staging of its own.
    const optionsWith = (more: Partial<PackageOptions> = {}): PackageOptions =>
      optionsOf(folder, {
        subjectKind: 'Account holder',
        signer,
        collections: [
          {
            ...collectionOf('messages', rows),
            columns: [columnOf('id', 'integer'), columnOf('body', 'text'), columnOf('sent_at', 'time')],
          },
        ],
        files: [
          fileOf('holiday.png', png),
          fileOf('page.png', Buffer.from('<script>globalThis.ran = 2</script>'), {
            contentType: 'image/png',
          }),
        ],
        processing: () => ({
          profile: 'portability',
          thirdParties: { shown: false },
          leftOut: [{ collection: 'risk_scores', column: null, because: 'worked out by CloudSingh' }],
        }),
        ...more,
      });
    const identity = join(folder, 'identity.txt');
    await run('age-keygen', ['-o', identity]);
    const recipient = (await run('age-keygen', ['-y', identity])).stdout.trim();
    const zip = await writePackage(optionsWith());
    const changed = await writePackage(optionsWith({ name: 'changed', form: 'folder' }));
    await appendFile(join(changed.file, 'data/records/messages.jsonl'), '{"id":"251"}\n');
    const sealed = await writePackage(
      optionsWith({ name: 'sealed', encryption: encryptionFor({ recipients: [recipient] }) }),
    );
    const faults: string[] = [];
    const page = await desk.page();
    await press(page, words.title);
    await atScreen(page, words.title);
    faults.push(...(await examine(page, 'package nothing')));

    // Far too large to be at its end already; a person who chose the wrong file need not wait for it.
    const large = join(folder, 'large.zip');
    const handle = await open(large, 'w');
    await handle.truncate(64 * 1024 ** 3);
    await handle.close();
    await desk.answerDialog(large);
    await press(page, words.chooseFile);
    await sees(page.getByText(/reading the file as a whole/));
    faults.push(...(await examine(page, 'package checking')));
    const cancel = page.getByRole('button', { name: `${en.job.cancel}: ${en.job.kind.package}` });
    await cancel.focus();
    await page.keyboard.press('Enter');
    await sees(page.getByText(words.stopped));
    faults.push(...(await examine(page, 'package cancelled')));

    await desk.answerDialog(zip.file);
    await press(page, words.chooseFile);
    await sees(page.getByText(/^Intact: /));
    await sees(page.getByText(signer.fingerprint));
    await sees(page.getByText('risk_scores'));
    await sees(page.getByText(en.exportPage.profile.portability, { exact: true }));
    faults.push(...(await examine(page, 'package about')));

    await page.getByRole('tab', { name: words.tabs.about, exact: true }).focus();
    await page.keyboard.press('ArrowRight');
    const grid = page.getByRole('grid', { name: 'messages' });
    await sees(grid.getByRole('gridcell', { name: 'Message 1', exact: true }));
    faults.push(...(await examine(page, 'package records')));
    await press(page, en.pager.later);
    await sees(page.getByText(words.shown(101, 200)));
    await grid.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const record = page.getByRole('dialog', { name: words.record(101) });
    // Markup is text.
    await sees(record.getByText(/<img src=x onerror=/));
    faults.push(...(await examine(page, 'package record')));
    await page.keyboard.press('Escape');
    await record.waitFor({ state: 'detached' });
    await press(page, en.pager.later);
    await sees(page.getByText(words.shown(201, 250)));
    await expect(page.getByRole('button', { name: en.pager.later, exact: true })).toBeDisabled();

    await page.getByRole('tab', { name: words.tabs.files, exact: true }).click();
    const files = page.getByRole('grid', { name: words.tabs.files });
    await (await rowWith(files, 'holiday.png')).click();
    const picture = page.getByRole('img', { name: words.picture('holiday.png') });
    await sees(picture);
    await expect.poll(() => picture.evaluate((each) => (each as HTMLImageElement).naturalWidth)).toBe(120);
    faults.push(...(await examine(page, 'package picture')));
    await page.keyboard.press('Escape');
    await (await rowWith(files, 'page.png')).click();
    await sees(page.getByText(words.noPicture));
    await page.keyboard.press('Escape');
    expect(await page.evaluate(() => (globalThis as unknown as { ran?: number }).ran)).toBeUndefined();

    // Another signer than the one expected is told, and what was changed is named.
    await page.getByLabel(words.signer).fill(`SHA256:${'A'.repeat(43)}`);
    await press(page, words.again);
    await sees(page.getByText(/not by the signer asked for/));
    await desk.answerDialog(changed.file);
    await press(page, words.chooseFolder);
    await sees(page.getByText('data/records/messages.jsonl: Line 251 lacks “body”.'));
    faults.push(...(await examine(page, 'package changed')));

    await desk.answerDialog(sealed.file);
    await press(page, words.chooseFile);
    await sees(page.getByText(words.lockedHint));
    await page.getByLabel(words.passphrase, { exact: true }).fill('guessed');
    await press(page, words.opening);
    await sees(page.getByText(/does not open with this key or passphrase/));
    faults.push(...(await examine(page, 'package locked')));
    await desk.answerDialog(identity);
    await press(page, words.chooseIdentity);
    await press(page, words.opening);
    await sees(page.getByText(/^Intact: /));
    await page.getByRole('tab', { name: words.tabs.records, exact: true }).click();
    await sees(grid.getByRole('gridcell', { name: 'Message 1', exact: true }));

    // One volume of several is enough to name.
    const medium = join(folder, 'medium');
    await mkdir(medium);
    const { files: volumes } = await copyOnto(
      zip.file,
      medium,
      { volumeBytes: 10_000, accept: () => Promise.resolve(), progress: () => undefined },
      new AbortController().signal,
    );
    const second = join(medium, volumes[1]?.name ?? '');
    await desk.answerDialog(second);
    await press(page, words.chooseFile);
    await sees(page.getByText(/^Intact: /));
    await sees(page.getByText(words.volumeCount, { exact: true }));
    faults.push(...(await examine(page, 'package volumes')));
    await rm(second);
    await press(page, words.again);
    await sees(page.getByText(/002: This volume is not there/));
    // Of what could not be read nothing is said, not even that it is unsigned.
    await expect(page.getByRole('tab', { name: words.tabs.about, exact: true })).toHaveCount(0);
    faults.push(...(await examine(page, 'package volume missing')));

    await press(page, en.signIn.backToSignIn);
    await sees(page.getByRole('button', { name: words.title, exact: true }));
    expect(faults).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('signing keys are listed, shown to be handed over, and retired with a reason', async () => {
  const home = await mkdtemp(join(tmpdir(), 'privacy-console-keys-'));
  const [profileFolder, demoFolder] = [join(home, 'profiles'), join(home, 'demo')];
  for (const folder of [profileFolder, demoFolder]) await mkdir(folder, { mode: 0o700 });
  const platform = await startPlatform({ scale: 'small', seed: 1 });
  const desks = openDesks({ demoFolder });
  const keys = en.settings.keys;
  const faults: string[] = [];
  try {
    await installDemo(platform, { profileFolder, demoFolder });
    const page = await (await desks.desk('operator')).page();
    await press(page, en.signIn.demoAs('operator'));
    await atScreen(page, en.desk.title);
    await goTo(page, 'settings', en.settings.title);
    await page.getByRole('tab', { name: en.settings.tabs.keys, exact: true }).click();
    await sees(page.getByText(keys.empty));
    faults.push(...(await examine(page, 'keys none')));

    // On another computer the operator makes a package, with the keychain there.
    const email = await withSuperuser(platform, platform.database, async ({ query }) => {
      const { rows } = await query<{ email: string }>(
        'select u.email::text as email from users u where exists (select from workspaces w where w.owner_id = u.id) order by u.id limit 1',
      );
      return rows[0]?.email ?? '';
    });
    const console = plainConsole({ profileFolder, demoFolder });
    await expectDone(console, 'session.signIn', { profile: 'demo:operator' });
    const { hits } = await expectDone(console, 'search.run', { text: email, reason: 'a test' });
    const { request } = await expectDone(console, 'requests.open', {
      kind: 'access',
      receivedOn: '2026-11-01',
      subject: hits[0]?.subject ?? '',
    });
    const { jobId } = await expectDone(console, 'exports.start', { requestId: request.id, folder: home });
    const { job } = await expectDone(console, 'jobs.wait', { id: jobId });
    await console.close();
    const fingerprint = String(job.result?.['signer']);

    await goTo(page, 'desk', en.desk.title);
    await goTo(page, 'settings', en.settings.title);
    await page.getByRole('tab', { name: en.settings.tabs.keys, exact: true }).click();
    const grid = page.getByRole('grid', { name: en.settings.tabs.keys });
    const row = await rowWith(grid, fingerprint);
    await sees(row.getByText(keys.inUse));
    faults.push(...(await examine(page, 'keys list')));
    await row.getByRole('button').press('Enter');
    const dialog = page.getByRole('dialog');
    await sees(dialog.getByText(fingerprint));
    expect(await dialog.getByLabel(keys.allowedSigner, { exact: true }).inputValue()).toMatch(
      /^console namespaces="privacy-console-package,privacy-console-certificate,privacy-console-ledger" ssh-ed25519 /,
    );
    await press(dialog, `${en.common.copy}: ${keys.pem}`);
    await sees(page.getByText(en.common.copied));
    await expect(dialog.getByRole('button', { name: keys.retireNow })).toBeDisabled();
    faults.push(...(await examine(page, 'keys one')));
    await dialog.getByLabel(keys.retire).fill('The computer was sold.');
    await press(dialog, keys.retireNow);
    await dialog.waitFor({ state: 'detached' });
    await sees((await rowWith(grid, fingerprint)).getByText(keys.retired, { exact: true }));
    await row.getByRole('button').press('Enter');
    await sees(dialog.getByText(/The computer was sold/));
    await expect(dialog.getByRole('button', { name: keys.retireNow })).toHaveCount(0);
    faults.push(...(await examine(page, 'keys retired')));
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });

    // Whose key signed a package is told where there is a registry to ask.
    await goTo(page, 'export', en.exportPage.listTitle);
    await page.getByRole('link', { name: words.title, exact: true }).click();
    await (await desks.desk('operator')).answerDialog(String(job.result?.['file']));
    await press(page, words.chooseFile);
    await sees(part(page, words.tabs.about).getByText(/key of Ravi Kumar, retired/));
    faults.push(...(await examine(page, 'package signed in')));
    expect(faults).toEqual([]);
  } finally {
    await desks.close();
    await platform.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
});
