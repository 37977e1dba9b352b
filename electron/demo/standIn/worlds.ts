import type { CarryFunctions, Clone } from './clone.ts';

/*
 * The functions of this file run in the page: their source is sent there, so they refer to nothing
 * outside themselves but the browser's own globals.
 */

interface Joined {
  /** Makes a value reachable from the page as a frozen global, as contextBridge does. */
  expose(name: string, value: unknown): void;
}

/**
 * Joins the page's world and the preload's world of one document. Only text crosses, as synchronous
 * events whose random names the page can't know; functions and promises cross as numbers.
 */
export function joinWorlds(
  makeClone: (functions: CarryFunctions) => Clone,
  sendName: string,
  receiveName: string,
): Joined {
  // Taken before any script of the page has run, so that nothing the page replaces is ever called.
  const { CustomEvent, EventTarget, Map, Promise, Error, TypeError, Object, Reflect, JSON } = globalThis;
  const { addEventListener, dispatchEvent } = EventTarget.prototype;
  const { parse, stringify } = JSON;
  const { apply } = Reflect;
  const { freeze, defineProperty, getOwnPropertyNames } = Object;
  const { get, set, delete: remove } = Map.prototype;
  const then = Promise.prototype.then;
  const detail = Object.getOwnPropertyDescriptor(CustomEvent.prototype, 'detail')?.get;

  type Callable = (...given: unknown[]) => unknown;
  type Settle = { resolve(value: unknown): void; reject(reason: unknown): void };
  type Message =
    | { readonly op: 'call'; readonly id: number; readonly text: string }
    | { readonly op: 'reply'; readonly id: number; readonly ok: boolean; readonly text: string }
    | { readonly op: 'settle'; readonly id: number; readonly ok: boolean; readonly text: string }
    | { readonly op: 'expose'; readonly name: string; readonly text: string };
  const own = new Map<number, Callable>();
  const waiting = new Map<number, Settle>();
  let last = 0;
  let reply: { ok: boolean; text: string } | undefined;

  const clone: Clone = makeClone({
    out(value) {
      if (typeof value === 'function') {
        const id = ++last;
        apply(set, own, [id, value]);
        return ['function', id];
      }
      if (!(value instanceof Promise)) return undefined;
      const id = ++last;
      void apply(then, value, [
        (result: unknown) => {
          settle(id, true, result);
        },
        (reason: unknown) => {
          settle(id, false, reason);
        },
      ]);
      return ['promise', id];
    },
    into(kind, id) {
      if (kind === 'function') return (...given: unknown[]) => call(id, given);
      return new Promise((resolve, reject) => {
        apply(set, waiting, [id, { resolve, reject }]);
      });
    },
  });

  function post(message: Message): void {
    apply(dispatchEvent, globalThis, [new CustomEvent(sendName, { detail: stringify(message) })]);
  }

  function call(id: number, given: unknown[]): unknown {
    reply = undefined;
    post({ op: 'call', id, text: clone.encode(given) });
    const answer = reply as { ok: boolean; text: string } | undefined;
    reply = undefined;
    if (!answer) throw new Error('The other world has gone.');
    const value = clone.decode(answer.text);
    if (answer.ok) return value;
    throw value;
  }

  function settle(id: number, ok: boolean, value: unknown): void {
    let text: string;
    try {
      text = clone.encode(value);
    } catch {
      ok = false;
      text = clone.encode(new TypeError('An object could not be cloned.'));
    }
    post({ op: 'settle', id, ok, text });
  }

  function answer(id: number, text: string): void {
    try {
      const target = apply(get, own, [id]) as Callable;
      const encoded = clone.encode(apply(target, undefined, clone.decode(text) as unknown[]));
      post({ op: 'reply', id, ok: true, text: encoded });
    } catch (error) {
      const told = error instanceof Error ? error : new Error(String(error));
      post({ op: 'reply', id, ok: false, text: clone.encode(told) });
    }
  }

  function deepFreeze(value: unknown): unknown {
    if (typeof value === 'object' && value !== null) {
      for (const name of getOwnPropertyNames(value)) deepFreeze((value as Record<string, unknown>)[name]);
      freeze(value);
    } else if (typeof value === 'function') freeze(value);
    return value;
  }

  apply(addEventListener, globalThis, [
    receiveName,
    (event: unknown) => {
      const message = parse(apply(detail as Callable, event, []) as string) as Message;
      if (message.op === 'call') answer(message.id, message.text);
      else if (message.op === 'reply') reply = { ok: message.ok, text: message.text };
      else if (message.op === 'settle') {
        const waits: unknown = apply(get, waiting, [message.id]);
        const { resolve, reject } = waits as Settle;
        apply(remove, waiting, [message.id]);
        const value = clone.decode(message.text);
        if (message.ok) resolve(value);
        else reject(value);
      } else {
        defineProperty(globalThis, message.name, {
          value: deepFreeze(clone.decode(message.text)),
          enumerable: true,
        });
      }
    },
  ]);
  return {
    expose(name, value) {
      post({ op: 'expose', name, text: clone.encode(value) });
    },
  };
}

/** The `electron` module as a sandboxed preload sees it, over a binding of the preload's world. */
export function preloadModule(
  clone: Clone,
  joined: Joined,
  bindingName: string,
  receiverName: string,
): Record<string, unknown> {
  type Listener = (event: unknown, ...sent: unknown[]) => void;
  const world = globalThis as unknown as Record<string, unknown>;
  const binding = world[bindingName] as (text: string) => void;
  const calls = new Map<number, { resolve(value: unknown): void; reject(reason: unknown): void }>();
  const listeners = new Map<string, Set<Listener>>();
  let last = 0;

  world[receiverName] = (text: string): void => {
    const message = JSON.parse(text) as { id?: number; ok?: boolean; channel?: string; text: string };
    const value = clone.decode(message.text);
    if (message.id === undefined) {
      for (const listener of listeners.get(message.channel ?? '') ?? [])
        listener({}, ...(value as unknown[]));
      return;
    }
    const call = calls.get(message.id);
    calls.delete(message.id);
    if (message.ok) call?.resolve(value);
    else call?.reject(value);
  };

  function refuseMissing(name: string, members: object): object {
    return new Proxy(members, {
      get(target, member, receiver) {
        if (typeof member === 'symbol' || member in target)
          return Reflect.get(target, member, receiver) as unknown;
        throw new Error(`The Electron stand-in has no ${name}.${member} in a preload.`);
      },
    });
  }

  const ipcRenderer = {
    invoke: (channel: string, ...sent: unknown[]) =>
      new Promise((resolve, reject) => {
        const id = ++last;
        const text = clone.encode(sent);
        calls.set(id, { resolve, reject });
        binding(JSON.stringify({ id, channel, text }));
      }),
    on(channel: string, listener: Listener) {
      const known = listeners.get(channel) ?? new Set();
      listeners.set(channel, known.add(listener));
    },
    off(channel: string, listener: Listener) {
      listeners.get(channel)?.delete(listener);
    },
  };
  return {
    contextBridge: refuseMissing('contextBridge', {
      exposeInMainWorld: (name: string, value: unknown) => {
        joined.expose(name, value);
      },
    }),
    ipcRenderer: refuseMissing('ipcRenderer', ipcRenderer),
  };
}
