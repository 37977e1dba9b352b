import { EventEmitter } from 'node:events';

/** How the stand-in's windows are shown; set by whoever starts it, in the variable below. */
export interface StandInSettings {
  readonly headless: boolean;
  readonly executablePath: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Opens a debugging port on loopback for a test that drives the window. */
  readonly debug: boolean;
}

export const settingsVariable = 'PRIVACY_CONSOLE_STAND_IN';

export function readSettings(): StandInSettings {
  const text = process.env[settingsVariable];
  if (text === undefined) throw new Error(`The Electron stand-in needs ${settingsVariable}.`);
  const settings = JSON.parse(text) as StandInSettings;
  // Only a parent that holds the other end of the channel may drive the window.
  return { ...settings, debug: settings.debug && process.send !== undefined };
}

/** What the stand-in tells its parent. */
export type Told =
  | { readonly kind: 'window'; readonly id: number; readonly endpoint: string }
  | { readonly kind: 'answer'; readonly request: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly request: number; readonly message: string };

/** What a test may do from outside the window, as the person or the operating system would. */
export interface Asked {
  readonly request: number;
  readonly action: string;
  readonly value?: unknown;
}

export function tell(message: Told): void {
  if (process.connected) process.send?.(message);
}

const actions = new EventEmitter();

/** Registers what happens when the parent asks for an action. */
export function onAsked(action: string, run: (value: unknown) => unknown): void {
  actions.on(action, (request: number, value: unknown) => {
    void Promise.resolve()
      .then(() => run(value))
      .then(
        (answer) => {
          tell({ kind: 'answer', request, value: answer });
        },
        (error: unknown) => {
          tell({ kind: 'failed', request, message: String(error) });
        },
      );
  });
}

/** Starts to listen to the parent, if there is one. */
export function listenToParent(quit: () => void): void {
  if (process.send === undefined) return;
  process.on('message', (message: Asked) => {
    if (!actions.emit(message.action, message.request, message.value)) {
      tell({ kind: 'failed', request: message.request, message: `No action ${message.action}.` });
    }
  });
  // A test run that was killed must not leave a browser behind.
  process.on('disconnect', quit);
}
