import type { ConsoleEvent } from './events.ts';
import type { Result } from './result.ts';

/** The origin of the window's page. */
export const consoleOrigin = 'app://console';

/** The only channel on which the main side listens. */
export const invokeChannel = 'privacyConsole:invoke';
/** The only channel on which the main side speaks. */
export const eventChannel = 'privacyConsole:event';

/** All that the page can reach: `window.privacyConsole`. */
export interface PrivacyConsoleBridge {
  /** Runs an operation of the contract. Input is carried as JSON; the promise rejects only when the sender is not trusted. */
  invoke(name: string, input: unknown): Promise<Result<unknown>>;
  /** Calls the listener with each event until the returned function is called. */
  onEvent(listener: (event: ConsoleEvent) => void): () => void;
}
