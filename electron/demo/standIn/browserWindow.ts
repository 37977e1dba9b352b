import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type CDPSession, type Page, type Route } from 'playwright-core';
import { makeClone } from './clone.ts';
import { readSettings, tell } from './control.ts';
import { ipcHandlers } from './ipcMain.ts';
import { refuseMissing, refuseOptions } from './refuse.ts';
import { refuseGrants, session as sessions, stateOf } from './session.ts';
import { joinWorlds, preloadModule } from './worlds.ts';

const settings = readSettings();
const clone = makeClone();
const worldName = 'preload';

/** Chromium can't navigate to a scheme it doesn't know, so the page of app://console lives at https://console.app.test. */
const shown = 'https://$1.app.test';
export const toShown = (url: string): string => url.replace(/^app:\/\/([a-z0-9-]+)/, shown);
export const toApp = (url: string): string => url.replace(/^https:\/\/([a-z0-9-]+)\.app\.test/, 'app://$1');

interface Options extends Record<string, unknown> {
  readonly width?: number;
  readonly height?: number;
  readonly webPreferences?: Readonly<Record<string, unknown>> & { preload?: string; session?: object };
}

const knownOptions = 'width height x y minWidth minHeight show title webPreferences'.split(' ');
/** What the stand-in's pages are like, whatever is asked; anything else is refused. */
const preferences: Readonly<Record<string, unknown>> = {
  sandbox: true,
  contextIsolation: true,
  nodeIntegration: false,
  nodeIntegrationInSubFrames: false,
  nodeIntegrationInWorker: false,
  webSecurity: true,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  webviewTag: false,
  navigateOnDragDrop: false,
  spellcheck: false,
};

const open = new Map<number, BrowserWindow>();
let lastId = 0;
let onLastClosed = (): void => undefined;
let onCreated: (contents: object) => void = () => undefined;

/** Connects the windows with the app: what to do when the last is closed, whom to tell of new contents. */
export function connectApp(allClosed: () => void, created: (contents: object) => void): void {
  onLastClosed = allClosed;
  onCreated = created;
}

export class BrowserWindow extends EventEmitter {
  readonly id: number = ++lastId;
  readonly webContents: EventEmitter & Record<string, unknown>;
  private readonly opened: Promise<Page>;
  private readonly size: { readonly width: number; readonly height: number };
  private context: BrowserContext | undefined;
  private protocol: CDPSession | undefined;
  private profile = '';
  private gone = false;
  private expected = '';
  private mainFrame = '';
  private receiver = '';
  private openHandler: (details: object) => { action: string } = () => ({ action: 'allow' });
  private readonly worlds = new Map<number, { readonly frame: string; readonly origin: string }>();

  constructor(options: Options = {}) {
    super();
    refuseOptions('BrowserWindow', options, knownOptions);
    const {
      preload,
      session = sessions.defaultSession,
      devTools: _devTools,
      ...rest
    } = options.webPreferences ?? {};
    for (const [name, value] of Object.entries(rest)) {
      if (preferences[name] !== value)
        throw new Error(`The Electron stand-in can't have ${name}: ${String(value)}.`);
    }
    this.size = { width: options.width ?? 800, height: options.height ?? 600 };
    this.webContents = refuseMissing('webContents', this.makeContents(session));
    open.set(this.id, this);
    this.opened = this.start(session, preload);
    this.opened.catch((error: unknown) => {
      if (this.gone) return;
      process.stderr.write(`${String(error)}\n`);
      process.exit(3);
    });
    queueMicrotask(() => {
      onCreated(this.webContents);
    });
    return refuseMissing('BrowserWindow', this);
  }

  static getAllWindows(): BrowserWindow[] {
    return [...open.values()];
  }

  private makeContents(session: object): EventEmitter & Record<string, unknown> {
    const members: Record<string, unknown> = {
      id: this.id,
      session,
      isDestroyed: () => this.gone,
      setWindowOpenHandler: (handler: (details: object) => { action: string }) => {
        this.openHandler = handler;
      },
      send: (channel: string, ...sent: unknown[]) => {
        const text = JSON.stringify({ channel, text: clone.encode(sent) });
        for (const [context, world] of this.worlds)
          if (world.frame === this.mainFrame) this.deliver(context, text);
      },
    };
    return Object.assign(new EventEmitter(), members);
  }

  private async start(session: object, preload: string | undefined): Promise<Page> {
    const state = stateOf(session);
    refuseGrants(state);
    this.profile = await mkdtemp(join(tmpdir(), 'privacy-console-window-'));
    const context = await launch(this.profile, this.size);
    this.context = context;
    if (this.gone) {
      await this.end();
      throw new Error('The window was closed while it opened.');
    }
    context.on('close', () => {
      this.closed();
    });
    await context.route('**/*', (route) =>
      // The window may go in the middle of a request; then there is nobody left to answer.
      this.answer(route, state.handlers, state.beforeRequest).catch(() =>
        route.abort('failed').catch(() => undefined),
      ),
    );
    await context.routeWebSocket('**/*', (socket) => socket.close());
    const page = context.pages()[0] ?? (await context.newPage());
    await this.closeOthers(context, page);
    page.on('close', () => {
      this.closed();
    });
    this.protocol = await context.newCDPSession(page);
    await this.joinPreload(this.protocol, preload);
    if (settings.debug) {
      const port = await this.debuggingPort();
      tell({ kind: 'window', id: this.id, endpoint: `http://127.0.0.1:${port}` });
    }
    return page;
  }

  /** The port Chromium listens on, which it writes down in its own time: after it answers on its pipe, on a busy machine. */
  private async debuggingPort(): Promise<string> {
    const until = Date.now() + 15_000;
    for (;;) {
      const written = await readFile(join(this.profile, 'DevToolsActivePort'), 'utf8').catch(() => '');
      const [port, rest] = written.split('\n');
      if (port !== undefined && rest !== undefined) return port;
      if (this.gone || Date.now() > until) throw new Error('Chromium never told its debugging port.');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** A window the page opens exists for a moment; the program's handler is asked, and it is closed. */
  private async closeOthers(context: BrowserContext, own: Page): Promise<void> {
    context.on('page', (page) => {
      if (page !== own) void page.close().catch(() => undefined);
    });
    const browser = await context.browser()?.newBrowserCDPSession();
    if (!browser) return;
    const { targetInfos } = await browser.send('Target.getTargets');
    const known = new Set(targetInfos.map((target) => target.targetId));
    // Playwright doesn't tell of a popup whose first request was refused.
    browser.on('Target.targetCreated', ({ targetInfo }) => {
      if (targetInfo.type !== 'page' || known.has(targetInfo.targetId)) return;
      void browser.send('Target.closeTarget', { targetId: targetInfo.targetId }).catch(() => undefined);
    });
    await browser.send('Target.setDiscoverTargets', { discover: true });
  }

  private async joinPreload(protocol: CDPSession, preload: string | undefined): Promise<void> {
    const name = (): string => `on${randomBytes(16).toString('hex')}`;
    const [toPage, toPreload, binding, receiver] = [name(), name(), name(), name()];
    protocol.on('Page.windowOpen', ({ url }) => {
      const { action } = this.openHandler({ url: toApp(url), disposition: 'foreground-tab' });
      if (action !== 'deny') throw new Error(`The Electron stand-in can't open ${url} in a window.`);
    });
    protocol.on('Runtime.executionContextCreated', ({ context }) => {
      const { frameId } = context.auxData as { frameId: string };
      if (context.name !== worldName) return;
      this.worlds.set(context.id, { frame: frameId, origin: context.origin });
    });
    protocol.on('Runtime.executionContextDestroyed', ({ executionContextId }) => {
      this.worlds.delete(executionContextId);
    });
    protocol.on('Runtime.executionContextsCleared', () => {
      this.worlds.clear();
    });
    protocol.on('Runtime.bindingCalled', (called) => {
      if (called.name === binding) void this.receive(called.executionContextId, called.payload);
    });
    this.receiver = receiver;
    const { frameTree } = await protocol.send('Page.getFrameTree');
    this.mainFrame = frameTree.frame.id;
    await protocol.send('Page.enable');
    await protocol.send('Runtime.enable');
    await protocol.send('Runtime.addBinding', { name: binding, executionContextName: worldName });
    if (preload === undefined) return;
    const text = JSON.stringify;
    const shared = `if (globalThis.top !== globalThis) return; const makeClone = ${makeClone.toString()};`;
    await protocol.send('Page.addScriptToEvaluateOnNewDocument', {
      source: `(() => { ${shared} (${joinWorlds.toString()})(makeClone, ${text(toPreload)}, ${text(toPage)}); })();`,
    });
    await protocol.send('Page.addScriptToEvaluateOnNewDocument', {
      worldName,
      source: `(() => { ${shared}
        const joined = (${joinWorlds.toString()})(makeClone, ${text(toPage)}, ${text(toPreload)});
        const electron = (${preloadModule.toString()})(makeClone(), joined, ${text(binding)}, ${text(receiver)});
        const require = (name) => {
          if (name === 'electron') return electron;
          throw new Error('module not found: ' + name);
        };
        (function (require, module, exports) {${readFileSync(preload, 'utf8')}
        })(require, { exports: {} }, {});
      })();`,
    });
  }

  private deliver(context: number, text: string): void {
    // The frame may have gone meanwhile; then nobody waits for it.
    void this.protocol
      ?.send('Runtime.callFunctionOn', {
        executionContextId: context,
        functionDeclaration: `function (text) { globalThis[${JSON.stringify(this.receiver)}](text); }`,
        arguments: [{ value: text }],
      })
      .catch(() => undefined);
  }

  private async receive(context: number, payload: string): Promise<void> {
    const { id, channel, text } = JSON.parse(payload) as { id: number; channel: string; text: string };
    const world = this.worlds.get(context);
    const senderFrame = world
      ? refuseMissing('senderFrame', {
          origin: world.origin === '://' ? 'null' : toApp(world.origin),
          parent: world.frame === this.mainFrame ? null : { origin: 'a frame above' },
          detached: false,
        })
      : null;
    const event = refuseMissing('event', { type: 'frame', sender: this.webContents, senderFrame });
    try {
      const handler = ipcHandlers.get(channel);
      if (!handler) throw new Error(`No handler registered for '${channel}'`);
      const value: unknown = await handler(event, ...(clone.decode(text) as unknown[]));
      this.deliver(context, JSON.stringify({ id, ok: true, text: clone.encode(value) }));
    } catch (error) {
      const told = new Error(`Error invoking remote method '${channel}': ${String(error)}`);
      this.deliver(context, JSON.stringify({ id, ok: false, text: clone.encode(told) }));
    }
  }

  private async answer(
    route: Route,
    handlers: ReadonlyMap<string, (request: Request) => Response | Promise<Response>>,
    beforeRequest:
      ((details: { url: string }, answer: (decision: { cancel?: boolean }) => void) => void) | null,
  ): Promise<void> {
    const request = route.request();
    const url = toApp(request.url());
    let cancel = request.isNavigationRequest() && !this.mayNavigate(route);
    if (cancel) {
      await route.abort('aborted');
      return;
    }
    beforeRequest?.({ url }, (decision) => {
      cancel = decision.cancel === true;
    });
    const handler = handlers.get(new URL(url).protocol.slice(0, -1));
    if (cancel || !handler) {
      await route.abort('blockedbyclient');
      return;
    }
    const method = request.method();
    const body = request.postDataBuffer();
    const response = await handler(
      new Request(url, {
        method,
        headers: request.headers(),
        ...(body ? { body: new Uint8Array(body) } : {}),
      }),
    );
    await route.fulfill({
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: Buffer.from(await response.arrayBuffer()),
    });
  }

  private mayNavigate(route: Route): boolean {
    const request = route.request();
    const url = request.url();
    let isMainFrame: boolean;
    let current: string;
    try {
      isMainFrame = request.frame().parentFrame() === null;
      current = request.frame().url();
    } catch {
      return false; // a popup that is being closed
    }
    if (isMainFrame && (url === this.expected || url === current)) return true;
    const details = {
      url: toApp(url),
      isMainFrame,
      isSameDocument: false,
      defaultPrevented: false,
      preventDefault() {
        details.defaultPrevented = true;
      },
    };
    this.webContents.emit('will-frame-navigate', details);
    if (isMainFrame && !details.defaultPrevented) this.webContents.emit('will-navigate', details);
    return !details.defaultPrevented;
  }

  async loadURL(url: string): Promise<void> {
    try {
      const page = await this.opened;
      this.expected = toShown(url);
      await page.goto(this.expected, { waitUntil: 'load' });
      this.emit('ready-to-show');
    } catch (error) {
      if (!this.gone) throw error;
    }
  }

  // Chromium shows its window from the start.
  show(): void {
    if (this.gone) throw new TypeError('Object has been destroyed');
  }
  focus(): void {
    void this.opened.then((page) => page.bringToFront()).catch(() => undefined);
  }
  isMinimized(): boolean {
    return false;
  }
  getBounds(): { x: number; y: number; width: number; height: number } {
    return { x: 0, y: 0, ...this.size };
  }
  isDestroyed(): boolean {
    return this.gone;
  }
  close(): void {
    this.destroy();
  }
  destroy(): void {
    void this.end();
    this.closed();
  }

  /** Closes the browser and removes its profile. */
  async end(): Promise<void> {
    this.gone = true;
    await this.context?.close().catch(() => undefined);
    if (this.profile) await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  private closed(): void {
    if (!open.delete(this.id)) return;
    const end = this.end();
    endings.add(end);
    void end.finally(() => endings.delete(end));
    this.webContents.emit('destroyed');
    this.emit('closed');
    if (open.size === 0) onLastClosed();
  }
}

const endings = new Set<Promise<void>>();

/** Closes all windows and waits for their browsers. */
export async function endWindows(): Promise<void> {
  onLastClosed = () => undefined;
  for (const window of open.values()) window.destroy();
  await Promise.allSettled(endings);
}

async function launch(profile: string, size: { width: number; height: number }): Promise<BrowserContext> {
  const options: LaunchOptions = {
    executablePath: settings.executablePath,
    env: { ...cleanEnvironment(), ...settings.environment },
    headless: settings.headless,
    colorScheme: null,
    serviceWorkers: 'block',
    acceptDownloads: false,
    viewport: settings.headless ? size : null,
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    args: [
      '--host-resolver-rules=MAP * ~NOTFOUND',
      '--deny-permission-prompts',
      '--disable-dev-shm-usage',
      ...(settings.debug ? ['--remote-debugging-port=0'] : []),
      // An app window has no tabs and no address bar; --test-type hides the bar that warns of switches.
      ...(settings.headless
        ? []
        : [
            '--app=data:text/html,',
            '--test-type',
            `--window-size=${String(size.width)},${String(size.height)}`,
          ]),
    ],
    // Headless without a first page waits for ever; with it an app window gets a second tab. Scroll bars are part of the window.
    ignoreDefaultArgs: [settings.headless ? '--hide-scrollbars' : 'about:blank'],
  };
  if (sandbox !== 'off') {
    try {
      return await chromium.launchPersistentContext(profile, { ...options, chromiumSandbox: true });
    } catch (error) {
      if (!/sandbox/i.test(String(error))) throw error;
      sandbox = 'off';
    }
  }
  if (!hasSaid)
    process.stderr.write("Chromium's own sandbox can't be had here; the window runs without it.\n");
  hasSaid = true;
  return await chromium.launchPersistentContext(profile, options);
}

let hasSaid = false;

/** Whether Chromium's own sandbox is worth a try: root can't have it, and many containers have no room for it. */
let sandbox: 'try' | 'off' = process.platform === 'linux' && process.getuid?.() === 0 ? 'off' : 'try';

type LaunchOptions = NonNullable<Parameters<typeof chromium.launchPersistentContext>[1]>;
function cleanEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !name.startsWith('NODE_') && !name.startsWith('PRIVACY_CONSOLE_'))
      kept[name] = value;
  }
  return kept;
}
