import { BrowserWindow, type Session, type WebContents } from 'electron';
import { consoleOrigin } from '#shared/contract/bridge.ts';

export interface WindowOptions {
  readonly preload: string;
  readonly session: Session;
  readonly isPackaged: boolean;
  readonly platform: NodeJS.Platform;
}

/** Opens the console's window on its page. Shown when the page has painted. */
export function openWindow(options: WindowOptions, bounds?: Partial<Electron.Rectangle>): BrowserWindow {
  const window = new BrowserWindow({
    width: 1440,
    height: 900,
    ...bounds,
    minWidth: 1024,
    minHeight: 640,
    show: false,
    title: 'CloudSingh Privacy Console',
    webPreferences: {
      preload: options.preload,
      session: options.session,
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
      devTools: !options.isPackaged,
    },
  });
  // Only Windows keeps this promise: newer macOS ignores it and Linux has no such thing.
  if (options.platform === 'win32') window.setContentProtection(true);
  window.once('ready-to-show', () => {
    window.show();
  });
  void window.loadURL(`${consoleOrigin}/`);
  return window;
}

/** Keeps contents on the page they were opened on: no navigation, redirect, frame, webview or new window. */
export function confine(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  // `will-navigate` doesn't speak for frames, and a redirect comes after both.
  contents.on('will-frame-navigate', (event) => {
    event.preventDefault();
  });
  contents.on('will-navigate', (event) => {
    event.preventDefault();
  });
  contents.on('will-redirect', (event) => {
    event.preventDefault();
  });
  contents.on('will-attach-webview', (event) => {
    event.preventDefault();
  });
}

/** Refuses every permission, and every request that leaves the program. */
export function closeSession(session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => {
    answer(false);
  });
  // Most web interfaces ask here first; without it a refused request is reported as still open.
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.setDisplayMediaRequestHandler((_request, answer) => {
    answer(null);
  });
  session.webRequest.onBeforeRequest((details, answer) => {
    answer({ cancel: !isOwn(details.url) });
  });
}

function isOwn(url: string): boolean {
  return url.startsWith(`${consoleOrigin}/`) || url.startsWith('blob:') || url.startsWith('devtools://');
}
