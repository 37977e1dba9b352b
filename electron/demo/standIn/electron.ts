import { EventEmitter } from 'node:events';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { BrowserWindow as Window, connectApp, endWindows } from './browserWindow.ts';
import { listenToParent, onAsked } from './control.ts';
import { refuseMissing } from './refuse.ts';

/**
 * Stands in for the `electron` module where Electron's binary can't be had: windows are Chromium's,
 * opened through Playwright. It has what the console uses and refuses everything else by name.
 */
export { ipcMain } from './ipcMain.ts';
export { session } from './session.ts';
export const BrowserWindow = Window;

const appEvents = new EventEmitter();
let isQuitting = false;

function quit(): void {
  let isPrevented = false;
  appEvents.emit('before-quit', {
    preventDefault() {
      isPrevented = true;
    },
  });
  if (!isPrevented) exit(0);
}

function exit(code = 0): void {
  if (isQuitting) return;
  isQuitting = true;
  void endWindows().finally(() => process.exit(code));
}

export const app = refuseMissing(
  'app',
  Object.assign(appEvents, {
    isPackaged: false,
    name: 'CloudSingh Privacy Console',
    whenReady: () => Promise.resolve(),
    isReady: () => true,
    enableSandbox() {},
    requestSingleInstanceLock: () => true,
    quit,
    exit,
    // A browser has a profile of its own for each window.
    setPath() {},
  }),
);

export const protocol = refuseMissing('protocol', {
  registerSchemesAsPrivileged(schemes: { scheme: string; privileges: Record<string, boolean> }[]) {
    for (const { scheme, privileges } of schemes) {
      const { standard, secure, supportFetchAPI, corsEnabled, bypassCSP } = privileges;
      if (scheme !== 'app' || !standard || !secure || !supportFetchAPI || !corsEnabled || bypassCSP) {
        throw new Error(`The Electron stand-in can't give ${scheme}:// these privileges.`);
      }
    }
  },
});

let idleSeconds = 0;
const power = new EventEmitter();
export const powerMonitor = refuseMissing(
  'powerMonitor',
  Object.assign(power, { getSystemIdleTime: () => idleSeconds }),
);

let clipboardText = '';
export const clipboard = refuseMissing('clipboard', {
  readText: () => Promise.resolve(clipboardText),
  writeText(text: string) {
    clipboardText = text;
    return Promise.resolve();
  },
  clear() {
    clipboardText = '';
  },
});

interface MenuItem {
  readonly id?: string;
  readonly click?: () => void;
  readonly submenu?: readonly MenuItem[];
}
let menu: readonly MenuItem[] = [];
export const Menu = refuseMissing('Menu', {
  buildFromTemplate: (template: readonly MenuItem[]) => template,
  setApplicationMenu(items: readonly MenuItem[] | null) {
    menu = items ?? [];
  },
});

/** What the next dialogs answer; a person at a display gets one fixed folder instead. */
const answers: (string | null)[] = [];
function nextAnswer(suggested: string | undefined): string | null {
  const answer = answers.shift();
  if (answer !== undefined) return answer;
  if (process.send !== undefined) throw new Error('A dialog was opened that the test did not answer.');
  const folder = join(homedir(), 'Downloads', app.name);
  mkdirSync(folder, { recursive: true });
  const chosen = suggested === undefined ? folder : join(folder, basename(suggested) || 'file');
  process.stderr.write(`There are no system dialogs in this stand-in for Electron; it chose ${chosen}.\n`);
  return chosen;
}

type DialogOptions = { readonly defaultPath?: string; readonly properties?: readonly string[] };
const optionsOf = (given: readonly unknown[]): DialogOptions => given.at(-1) ?? {};
export const dialog = refuseMissing('dialog', {
  showOpenDialog(...given: unknown[]) {
    const isFolder = optionsOf(given).properties?.includes('openDirectory') === true;
    // Which file to read can't be guessed; without a test's answer the dialog counts as closed.
    const answer = isFolder || answers.length > 0 ? nextAnswer(undefined) : null;
    return Promise.resolve({ canceled: answer === null, filePaths: answer === null ? [] : [answer] });
  },
  showSaveDialog(...given: unknown[]) {
    const answer = nextAnswer(optionsOf(given).defaultPath ?? 'file');
    return Promise.resolve({ canceled: answer === null, filePath: answer ?? '' });
  },
});

function clickMenu(id: unknown, items: readonly MenuItem[] = menu): boolean {
  return items.some((item) => {
    if (item.id !== id) return clickMenu(id, item.submenu ?? []);
    item.click?.();
    return true;
  });
}

onAsked('answerDialog', (value) => {
  answers.push(value as string | null);
});
onAsked('clickMenu', (id) => {
  if (!clickMenu(id)) throw new Error(`The menu has no item ${String(id)}.`);
});
onAsked('power', (event) => power.emit(event as string));
onAsked('idle', (seconds) => {
  idleSeconds = seconds as number;
});
onAsked('readClipboard', () => clipboardText);
onAsked('writeClipboard', (text) => {
  clipboardText = text as string;
});
onAsked('openStranger', async (value) => {
  const { url, preload } = value as { url: string; preload: string };
  const ours = Window.getAllWindows()[0];
  const stranger = new Window({
    webPreferences: { preload, session: ours?.webContents['session'] as object, sandbox: true },
  });
  await stranger.loadURL(url);
  return stranger.id;
});

connectApp(
  () => {
    if (!appEvents.emit('window-all-closed')) quit();
  },
  (contents) => appEvents.emit('web-contents-created', {}, contents),
);
listenToParent(quit);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, quit);
