import { refuseMissing } from './refuse.ts';

type ProtocolHandler = (request: Request) => Response | Promise<Response>;
type PermissionHandler = (contents: unknown, permission: string, answer: (granted: boolean) => void) => void;
type BeforeRequest = (details: { url: string }, answer: (decision: { cancel?: boolean }) => void) => void;

/** What one session was told; the windows read it. */
export interface StandInSession {
  readonly handlers: Map<string, ProtocolHandler>;
  permission: PermissionHandler | null;
  check: ((contents: unknown, permission: string) => boolean) | null;
  beforeRequest: BeforeRequest | null;
}

const states = new WeakMap<object, StandInSession>();
const byPartition = new Map<string, object>();

export function stateOf(session: object): StandInSession {
  const state = states.get(session);
  if (!state) throw new Error('This is no session of the Electron stand-in.');
  return state;
}

function makeSession(): object {
  const state: StandInSession = { handlers: new Map(), permission: null, check: null, beforeRequest: null };
  const made = refuseMissing('session', {
    protocol: refuseMissing('session.protocol', {
      handle(scheme: string, handler: ProtocolHandler) {
        state.handlers.set(scheme, handler);
      },
    }),
    setPermissionRequestHandler(handler: PermissionHandler | null) {
      state.permission = handler;
    },
    setPermissionCheckHandler(handler: StandInSession['check']) {
      state.check = handler;
    },
    // Chromium is started so that it refuses devices and screens without asking.
    setDevicePermissionHandler() {},
    setDisplayMediaRequestHandler() {},
    // Each window has a profile of its own, which ends with it.
    clearStorageData: () => Promise.resolve(),
    webRequest: refuseMissing('session.webRequest', {
      onBeforeRequest(listener: BeforeRequest | null) {
        state.beforeRequest = listener;
      },
    }),
  });
  states.set(made, state);
  return made;
}

function fromPartition(partition: string): object {
  if (partition.startsWith('persist:'))
    throw new Error('The Electron stand-in keeps no persistent partition.');
  const known = byPartition.get(partition) ?? makeSession();
  byPartition.set(partition, known);
  return known;
}

export const session = refuseMissing('session', {
  fromPartition,
  get defaultSession() {
    return fromPartition('');
  },
});

const permissions = ['camera', 'clipboard-read', 'geolocation', 'media', 'midi', 'notifications', 'usb'];

/** Chromium's prompts can only be refused as a whole, so a program that would grant one can't be shown. */
export function refuseGrants(state: StandInSession): void {
  if (!state.permission || !state.check) {
    throw new Error('The Electron stand-in refuses permissions; a session must do so too.');
  }
  for (const permission of permissions) {
    let granted = state.check(null, permission);
    state.permission(null, permission, (answer) => {
      granted ||= answer;
    });
    if (granted) throw new Error(`The Electron stand-in can't grant ${permission}.`);
  }
}
