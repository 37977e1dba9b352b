import { app, clipboard, ipcMain, powerMonitor, session, type BrowserWindow } from 'electron';
import { eventChannel } from '#shared/contract/bridge.ts';
import type { ConsoleEvent } from '#shared/contract/events.ts';
import { guardClipboard } from './clipboard.ts';
import { systemDialogs, type DialogsPort } from './dialogs.ts';
import { watchLocks } from './locks.ts';
import { setMenu } from './menu.ts';
import { listAssets, serveAssets } from './protocol.ts';
import { serveIpc, type Dispatch } from './serveIpc.ts';
import { closeSession, confine, openWindow, type WindowOptions } from './window.ts';

/** What the desk needs of the core. */
export interface DeskCore {
  readonly dispatch: Dispatch;
  readonly onEvent: (listener: (event: ConsoleEvent) => void) => () => void;
  readonly close: () => Promise<void>;
}

/** What the desk lends the core. */
export interface DeskPorts extends DialogsPort {
  /** Copies a text that leaves the clipboard after a minute and at lock. */
  copy(text: string): Promise<void>;
  /** What the window runs in. */
  readonly shell: string;
}

export interface DeskFiles {
  /** Folder of the built page. */
  readonly renderer: string;
  /** The built preload script. */
  readonly preload: string;
}

/** Opens the console's window over a core and keeps both until the person quits. */
export async function openDesk(files: DeskFiles, createCore: (ports: DeskPorts) => DeskCore): Promise<void> {
  app.on('web-contents-created', (_event, contents) => {
    confine(contents);
  });
  app.on('window-all-closed', () => {
    app.quit();
  });
  const assets = listAssets(files.renderer);
  await app.whenReady();

  let window: BrowserWindow | undefined;
  const guarded = guardClipboard(clipboard);
  const electron = process.versions['electron'];
  const core = createCore({
    ...systemDialogs(() => window),
    copy: (text) => guarded.writeText(text),
    shell: electron === undefined ? 'the stand-in for Electron' : `Electron ${electron}`,
  });

  // No `persist:`: cookies, caches and storage of the page live in memory and end with it.
  const pageSession = session.fromPartition('console', { cache: false });
  closeSession(pageSession);
  pageSession.protocol.handle('app', serveAssets(assets));
  const options: WindowOptions = {
    preload: files.preload,
    session: pageSession,
    isPackaged: app.isPackaged,
    platform: process.platform,
  };

  serveIpc(ipcMain, core.dispatch, () =>
    window === undefined || window.isDestroyed() ? undefined : window.webContents.id,
  );

  /** Replaces the window, so that the process that held personal data ends and no later script can read it. */
  function empty(): void {
    void guarded.clearIfUnchanged();
    const old = window;
    if (old === undefined || old.isDestroyed()) return;
    window = openWindow(options, old.getBounds());
    old.destroy();
    void pageSession.clearStorageData();
  }

  let isLocked = false;
  function lock(): void {
    // First the core, so that the new page finds it locked.
    const locked = core.dispatch('session.lock', {});
    if (!isLocked) empty();
    isLocked = true;
    void locked;
  }

  core.onEvent((event) => {
    if (event.type === 'session') {
      if (event.locked && !isLocked) empty();
      isLocked = event.locked;
    }
    if (window !== undefined && !window.isDestroyed()) window.webContents.send(eventChannel, event);
  });
  const stopWatching = watchLocks(powerMonitor, lock);
  setMenu(lock, process.platform === 'darwin');

  app.on('second-instance', () => {
    if (window === undefined || window.isDestroyed()) return;
    if (window.isMinimized()) window.restore();
    window.focus();
  });

  let isClosed = false;
  app.on('before-quit', (event) => {
    if (isClosed) return;
    event.preventDefault();
    stopWatching();
    void Promise.allSettled([guarded.clearIfUnchanged(), core.close()]).then(() => {
      isClosed = true;
      app.quit();
    });
  });

  window = openWindow(options);
}
