import { contextBridge, ipcRenderer } from 'electron';
import { eventChannel, invokeChannel, type PrivacyConsoleBridge } from '#shared/contract/bridge.ts';
import type { ConsoleEvent } from '#shared/contract/events.ts';
import type { Result } from '#shared/contract/result.ts';

/**
 * Carries the input as JSON text: what is not plain data (a cycle, a BigInt, a getter that throws,
 * a prototype) ends here instead of reaching the main side's parser of structured clones.
 */
async function invoke(name: string, input: unknown): Promise<Result<unknown>> {
  let text: string;
  try {
    text = JSON.stringify(input) ?? 'null';
  } catch {
    return {
      ok: false,
      failure: {
        code: 'invalid_input',
        message: 'The input is not plain data, so it was not sent; correct it and try again.',
      },
    };
  }
  return (await ipcRenderer.invoke(invokeChannel, String(name), text)) as Result<unknown>;
}

function onEvent(listener: (event: ConsoleEvent) => void): () => void {
  // The event object of ipcRenderer would give the page `sender`; only the message goes on.
  const pass = (_: unknown, event: ConsoleEvent): void => {
    listener(event);
  };
  ipcRenderer.on(eventChannel, pass);
  return () => {
    ipcRenderer.off(eventChannel, pass);
  };
}

contextBridge.exposeInMainWorld('privacyConsole', { invoke, onEvent } satisfies PrivacyConsoleBridge);
