import { once } from 'node:events';
import { createServer } from 'node:net';
import { AxeBuilder } from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { press, sees, settle } from '#demo/windowActions.ts';
import { en } from '#shared/strings/en.ts';
import { secretServiceMissing } from '#tests/helpers/secretService.ts';
import { expect, test as base } from './fixtures.ts';
import { test } from './keyring.ts';

const words = en.signIn;
const missing = secretServiceMissing();

test.beforeEach(() => {
  if (missing !== null && process.env['CI'] === 'true') throw new Error(missing);
  test.skip(missing !== null, missing ?? '');
});

async function expectAccessible(page: Page): Promise<void> {
  await settle(page);
  // The window refuses further pages, in which axe would otherwise gather its results.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
}

async function fill(page: Page, values: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, value] of Object.entries(values))
    await page.getByLabel(label, { exact: true }).fill(value);
}

/** The step of a connection test, with its state as it is read out. */
function step(page: Page, name: keyof typeof words.step): Locator {
  return page
    .getByRole('region', { name: words.stepsTitle })
    .getByRole('listitem')
    .filter({ has: page.getByText(words.step[name], { exact: true }) });
}

test('a profile is added by its rules, and the connection test names the step that failed and what to do', async ({
  desk,
}) => {
  // Something answers, but it is no database.
  const stranger = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  });
  stranger.listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  const address = stranger.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const page = await desk.page();
    await press(page, words.add);
    await press(page, en.common.save);
    await sees(page.getByText(words.required).first());
    await fill(page, {
      [words.name]: 'Not A Name',
      [words.host]: 'postgres://db.cloudsingh.test/?sslmode=disable',
      [words.port]: String(port),
      [words.database]: 'cloudsingh',
      [words.user]: 'ravi',
      [words.password]: 'a password for nobody',
    });
    await press(page, en.common.save);
    await sees(page.getByText(words.nameRule));
    await expectAccessible(page);

    // Attack: a URL in place of the host brings parameters that switch TLS off.
    await fill(page, { [words.name]: 'test-desk' });
    await press(page, en.common.save);
    const refused = page.getByRole('alert');
    await sees(refused.getByText(/because of "host".*without a scheme, port or path/));
    await fill(page, { [words.host]: '127.0.0.1' });
    await press(page, en.common.save);
    await sees(page.getByRole('radio', { name: /^test-desk/ }));
    await sees(page.getByText(words.passwordStored));

    await press(page, words.test);
    for (const name of ['resolve', 'reach'] as const)
      await sees(step(page, name).getByLabel(words.stepState.ok));
    const failed = step(page, 'certificate');
    await sees(failed.getByLabel(words.stepState.failed));
    await expect(failed).toContainText(/[A-Z][^.]+[.]/);
    await sees(failed.getByText(`${words.todo}:`));
    for (const name of ['login', 'schema', 'rights', 'bucket'] as const)
      await sees(step(page, name).getByLabel(words.stepState.skipped));
    await expect(page.getByText(words.allOk)).toHaveCount(0);
    await expect(page.getByText('a password for nobody')).toHaveCount(0);
    await expectAccessible(page);
  } finally {
    stranger.close();
  }
});

base.describe('without a keychain', () => {
  base.use({ deskOptions: { environment: { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent/bus' } } });

  base('a password is kept nowhere: the profile is not saved, and the form says why', async ({ desk }) => {
    base.skip(process.platform !== 'linux', 'elsewhere the keychain cannot be taken away');
    const page = await desk.page();
    await press(page, words.add);
    await fill(page, {
      [words.name]: 'test-desk',
      [words.host]: '127.0.0.1',
      [words.database]: 'cloudsingh',
      [words.user]: 'ravi',
      [words.password]: 'a password for nobody',
    });
    await press(page, en.common.save);
    const refused = page.getByRole('alert');
    await sees(refused.getByText(en.failure.title.no_keychain));
    await expect(refused).toContainText(/keychain/i);
    await expectAccessible(page);
    await press(page, en.common.cancel);
    await sees(page.getByText(words.noProfiles));
  });
});
