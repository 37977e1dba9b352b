import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { join } from 'node:path';
import { settle, wear } from '#demo/windowActions.ts';

/** Where pictures of the screens go when they are wanted; nowhere otherwise. */
const pictures = process.env['PRIVACY_CONSOLE_PICTURES'];

/** What is wrong with a screen for somebody who can't see it, or not well; light and dark. */
export async function examine(page: Page, name: string): Promise<readonly string[]> {
  const faults: string[] = [];
  await settle(page);
  for (const scheme of ['light', 'dark'] as const) {
    await wear(page, scheme);
    if (pictures !== undefined)
      await page.screenshot({ path: join(pictures, `${name.replaceAll(/\W+/g, '-')}-${scheme}.png`) });
    // The window refuses further pages, in which axe would otherwise gather its results.
    const axe = new AxeBuilder({ page }).setLegacyMode();
    // Only colours differ between the two.
    const { violations } = await (scheme === 'light' ? axe : axe.withRules('color-contrast')).analyze();
    for (const { id, nodes } of violations)
      faults.push(`${name}, ${scheme}: ${id} at ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
  }
  await wear(page, 'light');
  return faults;
}
