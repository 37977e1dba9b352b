import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron, chromium, type Browser, type ElectronApplication, type Page } from 'playwright-core';
import { builtEntry, findShell, forkStandIn, sandboxSwitches, type Shell } from './shell.ts';
import type { Told } from './standIn/control.ts';

export interface DeskOptions {
  /** Arguments of the program. */
  readonly arguments?: readonly string[];
  /** Added to the environment of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Folder of profiles, logs and what a demo left; a temporary one, removed at the end, when left out. */
  readonly home?: string;
}

/** The built program, running in real Electron or the stand-in, as seen by the person and the machine around it. */
export interface Desk {
  readonly shell: Shell['kind'];
  /** Where the page is: `app://console`, or what stands for it. */
  readonly origin: string;
  /** The page of the window that is open now, once it has loaded. */
  page(): Promise<Page>;
  /** How many windows there are. */
  countWindows(): Promise<number>;
  /** Does something that makes the program replace its window, and answers with the new page. */
  replaced(action: () => Promise<unknown>): Promise<Page>;
  /** Locks by the menu and answers with the new page. */
  lock(): Promise<Page>;
  /** Ends the program and starts it again on the same profile. */
  restart(): Promise<Page>;
  /** Lets the operating system tell of its lock or sleep. */
  power(event: 'lock-screen' | 'suspend'): Promise<void>;
  /** Lets the operating system say that nobody has touched anything for so many seconds. */
  idle(seconds: number): Promise<void>;
  /** What the next dialog answers; null closes it. */
  answerDialog(path: string | null): Promise<void>;
  readClipboard(): Promise<string>;
  writeClipboard(text: string): Promise<void>;
  /** Opens another address in a window with the console's own preload, as an attacker would like to. */
  openStranger(url: string): Promise<Page>;
  /** What the program has printed so far. */
  output(): string;
  /** Quits and waits until everything has ended. */
  close(): Promise<void>;
}

const preload = join(builtEntry, '../../preload/preload.cjs');

/** Starts the built program without showing it. */
export async function openDesk(options: DeskOptions = {}): Promise<Desk> {
  const shell = await findShell();
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'privacy-console-desk-')));
  const given = options.arguments ?? [];
  const environment = { ...process.env, PRIVACY_CONSOLE_HOME: home, ...options.environment };
  const open = shell.kind === 'electron' ? openElectron : openStandIn;
  const driven = await open(shell as never, given, environment);
  let running = driven;

  async function replaced(action: () => Promise<unknown>): Promise<Page> {
    const old = await running.page();
    await action();
    for (;;) {
      const page = await running.page();
      if (page !== old && !page.isClosed()) return page;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  const desk: Desk = {
    shell: shell.kind,
    origin: shell.kind === 'electron' ? 'app://console' : 'https://console.app.test',
    page: () => running.page(),
    countWindows: () => running.countWindows(),
    replaced,
    lock: () => replaced(() => running.ask('clickMenu', 'lock')),
    async restart() {
      await running.end();
      running = await open(shell as never, given, environment);
      return await running.page();
    },
    async power(event) {
      await running.ask('power', event);
    },
    async idle(seconds) {
      await running.ask('idle', seconds);
    },
    async answerDialog(path) {
      await running.ask('answerDialog', path);
    },
    readClipboard: async () => (await running.ask('readClipboard')) as string,
    async writeClipboard(text) {
      await running.ask('writeClipboard', text);
    },
    openStranger: (url) => running.openStranger(url),
    output: () => running.output(),
    async close() {
      await running.end();
      if (options.home === undefined) await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  try {
    await running.page();
  } catch (error) {
    await desk.close();
    throw error;
  }
  return desk;
}

/** One running program. */
interface Running {
  page(): Promise<Page>;
  countWindows(): Promise<number>;
  ask(action: string, value?: unknown): Promise<unknown>;
  openStranger(url: string): Promise<Page>;
  output(): string;
  end(): Promise<void>;
}

const patience = 20_000;

async function openStandIn(
  shell: Extract<Shell, { kind: 'standIn' }>,
  given: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<Running> {
  const child = forkStandIn(shell, { headless: true, arguments: given, environment });
  const printed = collect(child);
  const windows = new Map<number, string>();
  const strangers = new Set<number>();
  const attached = new Map<number, Promise<Browser>>();
  const waiting = new Map<number, { resolve(value: unknown): void; reject(reason: Error): void }>();
  let last = 0;
  let hasEnded = false;
  child.on('message', (message: Told) => {
    if (message.kind === 'window') windows.set(message.id, message.endpoint);
    else if (message.kind === 'answer') waiting.get(message.request)?.resolve(message.value);
    else waiting.get(message.request)?.reject(new Error(message.message));
  });
  const ended = once(child, 'exit').then(() => {
    hasEnded = true;
    for (const { reject } of waiting.values()) reject(new Error(`The program has ended: ${printed()}`));
  });

  function attach(id: number, endpoint: string): Promise<Browser> {
    const known = attached.get(id) ?? chromium.connectOverCDP(endpoint);
    attached.set(id, known);
    return known;
  }

  function current(): [number, string] | undefined {
    return [...windows].filter(([id]) => !strangers.has(id)).at(-1);
  }

  async function page(): Promise<Page> {
    const until = Date.now() + patience;
    for (;;) {
      if (hasEnded) throw new Error(`The program has ended: ${printed()}`);
      const found = current();
      try {
        const found2 = found && (await attach(...found)).contexts()[0]?.pages()[0];
        if (found2?.url().startsWith('https://console.app.test/')) {
          await found2.waitForLoadState('load');
          return found2;
        }
      } catch (error) {
        // The window was replaced while it was being attached to.
        if (Date.now() > until || current() === found) throw error;
      }
      if (Date.now() > until) throw new Error(`No window opened in time: ${printed()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  function ask(action: string, value?: unknown): Promise<unknown> {
    const request = ++last;
    return new Promise((resolve, reject) => {
      waiting.set(request, { resolve, reject });
      child.send({ request, action, value });
    }).finally(() => waiting.delete(request));
  }

  return {
    page,
    ask,
    async countWindows() {
      const found = current();
      return found ? ((await attach(...found)).contexts()[0]?.pages().length ?? 0) : 0;
    },
    async openStranger(url) {
      const id = (await ask('openStranger', { url, preload })) as number;
      strangers.add(id);
      const opened = (await attach(id, windows.get(id) ?? '')).contexts()[0]?.pages()[0];
      if (!opened) throw new Error('The stranger has no page.');
      return opened;
    },
    output: printed,
    async end() {
      if (child.connected) child.disconnect();
      await ended;
      for (const browser of attached.values())
        await browser.then((one) => one.close()).catch(() => undefined);
    },
  };
}

async function openElectron(
  shell: Extract<Shell, { kind: 'electron' }>,
  given: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<Running> {
  const application = await _electron.launch({
    executablePath: shell.executable,
    args: [...sandboxSwitches(), builtEntry, ...given],
    env: Object.fromEntries(
      Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  });
  const strangers = new Set<Page>();
  const actions = electronActions(application);
  const printed = collect(application.process());
  return {
    output: printed,
    async page() {
      const until = Date.now() + patience;
      for (;;) {
        const found = application
          .windows()
          .findLast((window) => !strangers.has(window) && !window.isClosed());
        if (found?.url().startsWith('app://console/')) {
          await found.waitForLoadState('load');
          return found;
        }
        if (Date.now() > until) throw new Error(`No window opened in time: ${printed()}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    countWindows: () =>
      Promise.resolve(application.windows().filter((window) => !strangers.has(window)).length),
    ask: async (action, value) => await actions[action]?.(value),
    async openStranger(url) {
      const opening = application.waitForEvent('window');
      await application.evaluate(
        async ({ BrowserWindow }, given) => {
          const ours = BrowserWindow.getAllWindows()[0];
          if (!ours) throw new Error('There is no window.');
          const { preload, url } = given;
          const webPreferences = { preload, sandbox: true, session: ours.webContents.session };
          await new BrowserWindow({ show: false, webPreferences }).loadURL(url);
        },
        { url, preload },
      );
      const opened = await opening;
      strangers.add(opened);
      return opened;
    },
    end: () => application.close(),
  };
}

function electronActions(
  application: ElectronApplication,
): Record<string, (value: unknown) => Promise<unknown>> {
  return {
    clickMenu: (id) =>
      application.evaluate(({ Menu }, id) => {
        Menu.getApplicationMenu()?.getMenuItemById(id)?.click();
      }, id as string),
    power: (event) =>
      application.evaluate(({ powerMonitor }, event) => powerMonitor.emit(event), event as string),
    idle: (seconds) =>
      application.evaluate(({ powerMonitor }, seconds) => {
        powerMonitor.getSystemIdleTime = () => seconds;
      }, seconds as number),
    answerDialog: (path) =>
      application.evaluate(
        ({ dialog }, path) => {
          const canceled = path === null;
          const filePaths = path === null ? [] : [path];
          dialog.showOpenDialog = () => Promise.resolve({ canceled, filePaths });
          dialog.showSaveDialog = () => Promise.resolve({ canceled, filePath: path ?? '' });
        },
        path as string | null,
      ),
    readClipboard: () => application.evaluate(({ clipboard }) => clipboard.readText()),
    writeClipboard: (text) =>
      application.evaluate(({ clipboard }, text) => clipboard.writeText(text), text as string),
  };
}

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
  }
  return () => text;
}
