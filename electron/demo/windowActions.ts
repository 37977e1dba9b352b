import { strict as assert } from 'node:assert';
import type { Locator, Page } from 'playwright-core';
import type { PrivacyConsoleBridge } from '#shared/contract/bridge.ts';
import type { InputOf, OperationName, OutputOf } from '#shared/contract/index.ts';
import type { Result } from '#shared/contract/result.ts';
import { en } from '#shared/strings/en.ts';

/** What a person does in the window, found by role and label as an assistive program finds it. */

/** Milliseconds after which a screen that has not come counts as missing; a loaded machine is slow. */
const patience = 60_000;

/** Text that stands for itself in a pattern. */
function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** Waits for the screen of this title. */
export async function atScreen(page: Page, title: string): Promise<void> {
  await page
    .getByRole('heading', { level: 1, name: title, exact: true })
    .waitFor({ state: 'visible', timeout: patience });
}

/** Goes to a place by the rail at the left. */
export async function goTo(
  page: Page,
  place: Exclude<keyof typeof en.frame.places, 'signIn'>,
  title: string,
): Promise<void> {
  await page
    .getByRole('navigation', { name: en.frame.placesLabel })
    // A place that has work waiting carries its number in its name.
    .getByRole('link', { name: new RegExp(`^${literally(en.frame.places[place])}( ?[0-9]+)?$`) })
    .click({ timeout: patience });
  await atScreen(page, title);
}

/** A framed part of the screen. */
export function part(page: Page, label: string): Locator {
  return page.getByRole('region', { name: label, exact: true });
}

export async function press(within: Page | Locator, name: string): Promise<void> {
  await within.getByRole('button', { name, exact: true }).click({ timeout: patience });
}

export async function follow(within: Page | Locator, name: string): Promise<void> {
  await within.getByRole('link', { name, exact: true }).first().click({ timeout: patience });
}

/** Waits until this is to be seen. */
export async function sees(what: Locator): Promise<void> {
  await what.first().waitFor({ state: 'visible', timeout: patience });
}

/** What stands beside a term. */
export function fact(page: Page, term: string): Locator {
  return page.locator('dt').getByText(term, { exact: true }).locator('xpath=following-sibling::dd[1]');
}

/** The row of a table that holds a text, scrolled to if the table is longer than its frame. */
export async function rowWith(grid: Locator, text: string | RegExp): Promise<Locator> {
  await sees(grid.getByRole('gridcell'));
  const row = grid.getByRole('row').filter({ hasText: text });
  const before = await scrollTop(grid, 0);
  for (let top = before; ;) {
    if ((await row.count()) > 0) return row.first();
    const next = await scrollTop(grid, top + 300);
    assert.notEqual(next, top, `no row of the table holds ${String(text)}`);
    top = next;
  }
}

/** The texts of all rows of a table, by scrolling through it. */
export async function rowTexts(grid: Locator): Promise<readonly string[]> {
  await sees(grid.getByRole('gridcell'));
  const seen = new Map<string, string>();
  for (let top = await scrollTop(grid, 0); ;) {
    for (const row of await grid.getByRole('row').all()) {
      const index = await row.getAttribute('aria-rowindex');
      if (index !== null) seen.set(index, ((await row.textContent()) ?? '').trim());
    }
    const next = await scrollTop(grid, top + 300);
    if (next === top) break;
    top = next;
  }
  return [...seen.values()];
}

async function scrollTop(grid: Locator, top: number): Promise<number> {
  const reached = await grid.evaluate((element, wanted) => {
    const scroller = element as unknown as { scrollTop: number };
    scroller.scrollTop = wanted;
    return Math.round(scroller.scrollTop);
  }, top);
  // The rows that came into view are drawn in the next frame.
  await new Promise((resolve) => setTimeout(resolve, 80));
  return reached;
}

/** Calls the core through the page's own door, for what the window does not offer or does not say. */
export async function invoke<Name extends OperationName>(
  page: Page,
  name: Name,
  input: InputOf<Name>,
): Promise<Result<OutputOf<Name>>> {
  const answer = await page.evaluate(
    async ([operation, given]) => {
      const { privacyConsole } = globalThis as unknown as { privacyConsole: PrivacyConsoleBridge };
      return await privacyConsole.invoke(operation, given);
    },
    [name, input] as const,
  );
  return answer as Result<OutputOf<Name>>;
}

/** Like {@link invoke}, for what must succeed. */
export async function ask<Name extends OperationName>(
  page: Page,
  name: Name,
  input: InputOf<Name>,
): Promise<OutputOf<Name>> {
  const answer = await invoke(page, name, input);
  assert.ok(answer.ok, answer.ok ? '' : `${name}: ${answer.failure.message}`);
  return answer.value;
}

/** Name of the control that has the focus. */
export async function focused(page: Page): Promise<string> {
  return await page.evaluate(() => {
    interface Focusable {
      readonly innerText?: string;
      readonly getAttribute: (name: string) => string | null;
    }
    const { document } = globalThis as unknown as { document: { activeElement: Focusable | null } };
    const element = document.activeElement;
    return (element?.getAttribute('aria-label') ?? element?.innerText ?? '').trim();
  });
}

/** Waits until nothing is being loaded and all letters have their font, so that a picture is of a finished screen. */
export async function settle(page: Page): Promise<void> {
  await page
    .locator('[aria-busy="true"]')
    .first()
    .waitFor({ state: 'detached', timeout: patience })
    .catch(() => undefined);
  await page.evaluate(async () => {
    const { document, requestAnimationFrame } = globalThis as unknown as {
      document: { fonts: { ready: Promise<unknown> } };
      requestAnimationFrame: (run: () => void) => void;
    };
    await document.fonts.ready;
    await new Promise<void>((resolve) =>
      requestAnimationFrame(() => {
        requestAnimationFrame(() => {
          resolve();
        });
      }),
    );
  });
}

/** Lets the operating system prefer light or dark, and waits until the window has followed. */
export async function wear(page: Page, scheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme });
  await page.locator(`html[data-mantine-color-scheme="${scheme}"]`).waitFor({ state: 'attached' });
  await settle(page);
}
