import { consoleOrigin, invokeChannel } from '#shared/contract/bridge.ts';
import type { Result } from '#shared/contract/result.ts';

/** What the sender check reads of Electron's event. */
export interface IpcEvent {
  readonly sender: { readonly id: number };
  readonly senderFrame: {
    readonly origin: string;
    readonly parent: unknown;
    readonly detached: boolean;
  } | null;
}

export interface IpcReceiver {
  handle(channel: string, listener: (event: IpcEvent, ...sent: unknown[]) => Promise<unknown>): void;
}

export type Dispatch = (name: string, input: unknown) => Promise<Result<unknown>>;

/** Longest input taken from the window, in characters of JSON. */
export const longestInput = 1_048_576;
const longestName = 100;

/** Says whether a message comes from the main frame of the console's own page in the console's own window. */
export function isFromWindow(event: IpcEvent, windowContents: number | undefined): boolean {
  const frame = event.senderFrame;
  return (
    windowContents !== undefined &&
    event.sender.id === windowContents &&
    frame !== null &&
    !frame.detached &&
    frame.parent === null &&
    // Not `new URL(frame.url).origin`: Node answers the text 'null' for app://.
    frame.origin === consoleOrigin
  );
}

/**
 * Answers the window's calls. A sender that is not trusted gets a rejection; everything else gets a
 * result from dispatch, which alone decides what is known, permitted and well formed.
 *
 * @param windowContents the id of the window's contents at this moment, or undefined while there is no window
 */
export function serveIpc(
  receiver: IpcReceiver,
  dispatch: Dispatch,
  windowContents: () => number | undefined,
): void {
  receiver.handle(invokeChannel, (event, ...sent) => {
    // Read before anything is awaited: Electron sets senderFrame to null once the frame has gone.
    if (!isFromWindow(event, windowContents())) {
      return Promise.reject(new Error('This sender may not call the console.'));
    }
    return answer(dispatch, sent);
  });
}

async function answer(dispatch: Dispatch, sent: readonly unknown[]): Promise<Result<unknown>> {
  const [name, text] = sent;
  if (sent.length !== 2 || typeof name !== 'string' || typeof text !== 'string') return malformed;
  if (name.length > longestName || text.length > longestInput) return malformed;
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch {
    return malformed;
  }
  return await dispatch(name, input);
}

const malformed: Result<never> = {
  ok: false,
  failure: {
    code: 'invalid_input',
    message: 'The window sent something that is not a call of the console; reload the window and try again.',
  },
};
