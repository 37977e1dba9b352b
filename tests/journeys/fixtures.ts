import { test as base } from '@playwright/test';
import { openDesk, type Desk, type DeskOptions } from '#demo/driver.ts';

export { expect } from '@playwright/test';

export interface Fixtures {
  /** What the program is started with; set with `test.use`. */
  readonly deskOptions: DeskOptions;
  /** The built program, started for this test. */
  readonly desk: Desk;
}

export const test = base.extend<Fixtures>({
  deskOptions: [{}, { option: true }],
  desk: async ({ deskOptions }, use, information) => {
    const desk = await openDesk(deskOptions);
    information.annotations.push({ type: 'shell', description: desk.shell });
    try {
      await use(desk);
    } finally {
      await desk.close();
      if (information.status !== information.expectedStatus) console.log(desk.output());
    }
  },
});
