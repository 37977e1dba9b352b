import { Menu } from 'electron';

/** Puts the menu in place. It holds what a keyboard needs and nothing that reloads or inspects the page. */
export function setMenu(lock: () => void, isMac: boolean): void {
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      ...(isMac ? [{ role: 'appMenu' } as const] : []),
      {
        label: '&Console',
        submenu: [
          { id: 'lock', label: 'Lock', accelerator: 'CommandOrControl+L', click: lock },
          { type: 'separator' },
          { role: isMac ? 'close' : 'quit' },
        ],
      },
      { role: 'editMenu' },
      {
        label: '&View',
        submenu: [
          { role: 'resetZoom' },
          { role: 'zoomIn' },
          { role: 'zoomOut' },
          { type: 'separator' },
          { role: 'togglefullscreen' },
        ],
      },
    ]),
  );
}
