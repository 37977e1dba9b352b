import { chmod, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Page } from 'playwright-core';
import type { DemoSecrets, Places } from '#core/connections/index.ts';
import { openDesk, type Desk } from './driver.ts';
import { journeySteps, type Findings, type Stage } from './journeySteps.ts';
import type { Platform } from './platform.ts';
import type { Planted } from './requests.ts';
import { findShell, hashBuilt } from './shell.ts';
import { settle, wear } from './windowActions.ts';

export interface JourneyOptions {
  readonly platform: Platform;
  readonly secrets: DemoSecrets;
  readonly places: Places;
  readonly planted: Planted;
  /** Folder for pictures, package, certificate and trail. */
  readonly out: string;
  /** Tells a person what happens, on standard error. */
  readonly say: (text: string) => void;
}

interface ToldStep {
  readonly step: string;
  readonly ok: boolean;
  /** What was seen, or why it failed. */
  readonly says: string;
  readonly seconds: number;
}

type Who = 'operator' | 'colleague';

const size = { width: 1440, height: 900 } as const;

/**
 * A home for one console: profiles, logs and the memory of the trail are its
 * own, the secrets of the demo are shared. Two people at one table have two computers.
 */
export async function makeHome(places: Pick<Places, 'demoFolder'>): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'privacy-console-home-'));
  await symlink(places.demoFolder, join(home, 'demo'), 'junction');
  return home;
}

/** The windows of a journey, opened when first needed and closed together. */
export function openDesks(places: Pick<Places, 'demoFolder'>): {
  readonly desk: (who: Who) => Promise<Desk>;
  readonly opened: () => ReadonlyMap<Who, Promise<Desk>>;
  readonly close: () => Promise<void>;
} {
  const open = new Map<Who, Promise<Desk>>();
  const homes: string[] = [];
  async function start(): Promise<Desk> {
    const home = await makeHome(places);
    homes.push(home);
    return await openDesk({ home });
  }
  return {
    desk: (who) => {
      const desk = open.get(who) ?? start();
      open.set(who, desk);
      return desk;
    },
    opened: () => open,
    async close() {
      await Promise.all([...open.values()].map(async (desk) => (await desk).close()).map(quietly));
      for (const home of homes) await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function quietly(ending: Promise<void>): Promise<void> {
  // A window that could not be opened or has ended by itself has nothing left to close.
  await ending.catch(() => undefined);
}

/** Takes the screen in light and dark, numbered in the order of the story. */
function photographer(folder: string): (name: string, page: Page) => Promise<void> {
  let number = 0;
  return async (name, page) => {
    number += 1;
    await page.setViewportSize(size);
    await settle(page);
    for (const scheme of ['light', 'dark'] as const) {
      await wear(page, scheme);
      const path = join(folder, `${String(number).padStart(2, '0')}-${name}-${scheme}.png`);
      await page.screenshot({ path, animations: 'disabled', caret: 'initial' });
    }
    await wear(page, 'light');
  };
}

/** The first line of what went wrong, without Playwright's account of how it looked for things. */
function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = stripVTControlCharacters(text)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.slice(0, 3).join(' ');
}

/**
 * Runs the main job in the window and tells it step by step; the last line of
 * standard output is its report. Answers with the exit code.
 */
export async function journey(options: JourneyOptions): Promise<number> {
  const { platform, places, planted, say } = options;
  const out = resolve(options.out);
  const pictures = join(out, 'pictures');
  await mkdir(pictures, { recursive: true });
  // The package and the certificate come here; nobody else on this machine is to read them.
  await chmod(out, 0o700);
  const shell = await findShell();
  say(`The journey runs in ${shell.says}.`);
  const desks = openDesks(places);
  const interrupted: { by: NodeJS.Signals | null } = { by: null };
  const stop = (signal: NodeJS.Signals): void => {
    interrupted.by ??= signal;
    void desks.close();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, stop);
  const take = photographer(pictures);
  const stage: Stage = {
    platform,
    planted,
    out,
    operator: () => desks.desk('operator'),
    colleague: () => desks.desk('colleague'),
    shown: take,
  };
  const findings: Findings = {};
  const told: ToldStep[] = [];
  try {
    for (const { step, run } of journeySteps) {
      const began = performance.now();
      let ok = true;
      let says: string;
      try {
        says = await run(stage, findings);
      } catch (error) {
        ok = false;
        says = interrupted.by === null ? reason(error) : `stopped by ${interrupted.by}`;
      }
      const seconds = Math.round((performance.now() - began) / 100) / 10;
      told.push({ step, ok, says, seconds });
      say(`${ok ? '✓' : '✗'} ${String(told.length).padStart(2)}. ${step}: ${says} (${String(seconds)} s)`);
      if (ok) continue;
      if (interrupted.by === null) await photographFailure(desks.opened(), pictures, say);
      break;
    }
  } finally {
    await desks.close();
    for (const signal of signals) process.off(signal, stop);
  }
  const passed = told.length === journeySteps.length && told.every((step) => step.ok);
  say(
    passed
      ? `The journey passed; pictures, package, certificate and trail are in ${out}.`
      : `The journey failed at: ${told.at(-1)?.step ?? 'its beginning'}.`,
  );
  const report = {
    journey: passed ? 'passed' : 'failed',
    steps: told,
    package: findings.package?.file ?? null,
    certificate: findings.certificate?.file ?? null,
    audit: findings.trail ?? null,
    shell: { kind: shell.kind, says: shell.says, hashes: hashBuilt() },
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  return passed ? 0 : 1;
}

async function photographFailure(
  desks: ReadonlyMap<Who, Promise<Desk>>,
  folder: string,
  say: (text: string) => void,
): Promise<void> {
  for (const [who, desk] of desks) {
    try {
      const path = join(folder, `failed-${who}.png`);
      await (await (await desk).page()).screenshot({ path });
      say(`What the ${who} saw: ${path}`);
    } catch {
      say(`The window of the ${who} could not be photographed.`);
    }
  }
}
