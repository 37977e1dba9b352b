import { refuseMissing } from './refuse.ts';

type Handler = (event: object, ...sent: unknown[]) => unknown;

export const ipcHandlers = new Map<string, Handler>();

export const ipcMain = refuseMissing('ipcMain', {
  handle(channel: string, handler: Handler) {
    if (ipcHandlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`);
    ipcHandlers.set(channel, handler);
  },
});
