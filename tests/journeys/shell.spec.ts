import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { PrivacyConsoleBridge } from '#shared/contract/bridge.ts';
import { expect, test } from './fixtures.ts';

declare global {
  interface Window {
    readonly privacyConsole: PrivacyConsoleBridge;
  }
}

/** A server an attacker would like to reach; remembers what did. */
async function listen(): Promise<{ server: Server; address: string; reached: string[] }> {
  const reached: string[] = [];
  const server = createServer((request, response) => {
    reached.push(request.url ?? '');
    response.writeHead(200, { 'access-control-allow-origin': '*' }).end('reached');
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { server, address: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, reached };
}

test('markup that got into the page runs nothing and reaches nobody', async ({ desk }) => {
  // Attack: a person's name holds markup, a bug puts it into the page as HTML, and its script sends what it sees away.
  const { server, address, reached } = await listen();
  const page = await desk.page();
  const violated = await page.evaluate(async (address) => {
    const seen: string[] = [];
    document.addEventListener('securitypolicyviolation', (event) => seen.push(event.effectiveDirective));
    const world = globalThis as unknown as Record<string, unknown>;
    const add = (name: string, attributes: Record<string, string>, text = ''): void => {
      const element = document.createElement(name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      element.textContent = text;
      document.body.append(element);
    };
    add('script', {}, 'globalThis.ran = "inline"');
    add('script', { src: `${address}/script.js` });
    add('img', { src: `${address}/image.png`, onerror: 'globalThis.ran = "handler"' });
    add('style', {}, 'body { background: url("/style.png") }');
    add('link', { rel: 'stylesheet', href: `${address}/style.css` });
    add('iframe', { src: `${address}/frame.html` });
    add('object', { data: `${address}/object.swf` });
    add('video', { src: `${address}/video.mp4` });
    add('form', { action: `${address}/form`, method: 'post', id: 'stolen' });
    (document.getElementById('stolen') as HTMLFormElement).submit();
    add('a', { href: 'javascript:globalThis.ran = "address"', id: 'address' });
    document.getElementById('address')?.click();
    // In a timer of the page, because what a test evaluates is itself outside the policy.
    Reflect.apply(setTimeout, globalThis, ['globalThis.ran = "timer"', 0]);
    await new Promise<void>((resolve) => {
      setTimeout(() => {
        try {
          world['ran'] = (0, eval)('"eval"');
        } catch {
          // As it should be.
        }
        resolve();
      }, 0);
    });
    await fetch(`${address}/fetch`).catch(() => undefined);
    await import(/* @vite-ignore */ `${address}/module.js`).catch(() => undefined);
    navigator.sendBeacon(`${address}/beacon`);
    for (const open of [
      () => new WebSocket(address.replace('http', 'ws')),
      () => new EventSource(`${address}/events`),
      () => new Worker(URL.createObjectURL(new Blob(['globalThis.ran = "worker"']))),
    ]) {
      try {
        open();
      } catch {
        // Refused at once.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    return { seen: [...new Set(seen)].sort(), ran: world['ran'] };
  }, address);
  server.close();
  expect(violated.ran).toBeUndefined();
  expect(reached).toEqual([]);
  expect(violated.seen).toEqual(
    expect.arrayContaining([
      'connect-src',
      'form-action',
      'frame-src',
      'img-src',
      'media-src',
      'object-src',
      'script-src',
      'script-src-attr',
      'script-src-elem',
      'style-src-elem',
      'worker-src',
    ]),
  );
});

test('only the built page is served', async ({ desk }) => {
  // Attack: an address with dots, their encodings, a NUL, a share or a query makes the handler read another file.
  const page = await desk.page();
  const loads = await page.evaluate(async () => {
    const own = document.querySelector('script[src]')?.getAttribute('src') ?? '';
    const load = (source: string): Promise<boolean> =>
      new Promise((resolve) => {
        const script = document.createElement('script');
        script.onload = () => {
          resolve(true);
        };
        script.onerror = () => {
          resolve(false);
        };
        script.src = source;
        document.body.append(script);
      });
    const name = own.replace(/^\.?\//, '');
    const tried = [
      '/../main/main.js',
      '/%2e%2e/main/main.js',
      '/..%2fmain/main.js',
      '/..%5cmain%5cmain.js',
      '/assets/../../main/main.js',
      '/assets/%252e%252e/main/main.js',
      '/main/main.js',
      '/preload.cjs',
      '//main/main.js',
      '/file:///etc/passwd',
      `/${name}%00`,
      `/${name}%00.js`,
      `/${name}?query`,
      `/${name}/`,
      `/${name.toUpperCase()}`,
      `/./${name}/..`,
    ];
    const loaded: string[] = [];
    for (const source of tried) if (await load(source)) loaded.push(source);
    return { own: await load(own), loaded };
  });
  expect(loads.own, 'the page’s own script must load, else the test proves nothing').toBe(true);
  expect(loads.loaded).toEqual([]);
});

test('the window goes nowhere and opens nothing', async ({ desk }) => {
  // Attack: a link or script in the page leads the window, with its preload, to the attacker's page.
  const { server, address, reached } = await listen();
  const page = await desk.page();
  // What follows the number sign is the page's own place in itself.
  const place = (): string => page.url().replace(/#.*/, '');
  const before = place();
  const attempts: readonly ((address: string) => unknown)[] = [
    (address) => location.assign(address),
    (address) => location.replace(`${address}/replaced`),
    () => location.assign('data:text/html,<script>1</script>'),
    () => location.assign('file:///etc/passwd'),
    () => location.assign('/assets/'),
    (address) => void window.open(address),
    (address) => void window.open(address, '_blank', 'noopener,width=100'),
    () => void window.open('about:blank'),
    (address) => {
      const link = document.createElement('a');
      link.href = address;
      link.target = '_blank';
      document.body.append(link);
      link.click();
    },
    (address) => {
      const link = document.createElement('a');
      link.href = address;
      link.dispatchEvent(new MouseEvent('click', { ctrlKey: true }));
      link.click();
    },
    (address) => {
      const refresh = document.createElement('meta');
      refresh.httpEquiv = 'refresh';
      refresh.content = `0;url=${address}`;
      document.head.append(refresh);
    },
    (address) => {
      const frame = document.createElement('iframe');
      document.body.append(frame);
      frame.contentWindow?.location.assign(address);
    },
  ];
  for (const attempt of attempts) {
    // A navigation that is refused may leave the driver waiting for its end; the page is what counts.
    const tried = page.evaluate(attempt, address).catch(() => undefined);
    await Promise.race([tried, pause(3_000)]);
    await pause(100);
    expect(place(), attempt.toString()).toBe(before);
  }
  await expect.poll(() => desk.countWindows()).toBe(1);
  server.close();
  expect(reached).toEqual([]);
  // Asked past the driver, which may still wait for a navigation that was refused.
  const session = await page.context().newCDPSession(page);
  const { result } = await session.send('Runtime.evaluate', {
    expression: 'Object.keys(window.privacyConsole)',
    returnByValue: true,
  });
  expect(result.value).toEqual(['invoke', 'onEvent']);
});

test('every permission is refused', async ({ desk }) => {
  // Attack: a script in the page listens, watches, reads the clipboard or speaks to a device.
  const page = await desk.page();
  const granted = await page.evaluate(async () => {
    const got: string[] = [];
    const names = [
      'geolocation',
      'notifications',
      'camera',
      'microphone',
      'midi',
      'clipboard-read',
      'clipboard-write',
    ];
    for (const name of [
      ...names,
      'persistent-storage',
      'local-fonts',
      'window-management',
      'storage-access',
    ]) {
      const status = await navigator.permissions
        .query({ name: name as PermissionName })
        .catch(() => undefined);
      if (status?.state === 'granted') got.push(`query ${name}`);
    }
    type Try = readonly [string, () => unknown];
    const device = navigator as unknown as Record<
      string,
      { requestDevice(given: object): unknown } | undefined
    >;
    const tries: readonly Try[] = [
      [
        'position',
        () => new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject)),
      ],
      ['camera', () => navigator.mediaDevices.getUserMedia({ video: true, audio: true })],
      ['screen', () => navigator.mediaDevices.getDisplayMedia()],
      ['clipboard read', () => navigator.clipboard.readText()],
      ['clipboard write', () => navigator.clipboard.writeText('planted')],
      ['usb', () => device['usb']?.requestDevice({ filters: [] }) ?? Promise.reject(new Error('absent'))],
      ['hid', () => device['hid']?.requestDevice({ filters: [] }) ?? Promise.reject(new Error('absent'))],
      [
        'bluetooth',
        () =>
          device['bluetooth']?.requestDevice({ acceptAllDevices: true }) ??
          Promise.reject(new Error('absent')),
      ],
      ['midi', () => navigator.requestMIDIAccess()],
      ['fullscreen', () => document.documentElement.requestFullscreen()],
      [
        'notification',
        async () => {
          if ((await Notification.requestPermission()) !== 'granted') throw new Error('refused');
        },
      ],
    ];
    for (const [name, run] of tries) {
      const isRefused = await Promise.race([
        Promise.resolve()
          .then(run)
          .then(
            () => false,
            () => true,
          ),
        // A prompt that stays open grants nothing, but keeps the person from the work.
        new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 3_000)),
      ]);
      if (!isRefused) got.push(name);
    }
    return got;
  });
  expect(granted).toEqual([]);
});

test('the page holds no power but the two functions', async ({ desk }) => {
  // Attack: a script in the page looks for Node, Electron or a bridge it can replace or extend.
  const page = await desk.page();
  const found = await page.evaluate(() => {
    const world = globalThis as unknown as Record<string, unknown>;
    const names = 'require process module exports global Buffer electron ipcRenderer __dirname setImmediate';
    const bridge = world['privacyConsole'] as Record<string, unknown>;
    const attempt = (run: () => unknown): boolean => {
      try {
        run();
        return true;
      } catch {
        return false;
      }
    };
    const before = bridge['invoke'];
    return {
      present: names.split(' ').filter((name) => world[name] !== undefined),
      keys: Reflect.ownKeys(bridge),
      kinds: Object.values(bridge).map((value) => typeof value),
      isFrozen: Object.isFrozen(bridge),
      replaced: [
        Reflect.set(bridge, 'invoke', () => 'mine'),
        Reflect.deleteProperty(bridge, 'invoke'),
        Reflect.defineProperty(bridge, 'more', { value: 1 }),
        Reflect.set(world, 'privacyConsole', {}),
        Reflect.deleteProperty(world, 'privacyConsole'),
        attempt(() => Object.defineProperty(world, 'privacyConsole', { value: {} })),
      ],
      isSame: (world['privacyConsole'] as Record<string, unknown>)['invoke'] === before,
    };
  });
  expect(found).toEqual({
    present: [],
    keys: ['invoke', 'onEvent'],
    kinds: ['function', 'function'],
    isFrozen: true,
    replaced: [false, false, false, false, false, false],
    isSame: true,
  });
});

test('another page and a frame are not answered', async ({ desk }) => {
  // Attack: a page of another origin, or a frame inside ours, gets hold of the preload and calls the console.
  const stranger = await desk.openStranger('data:text/html,<title>stranger</title>');
  const answer = await stranger.evaluate(async () => {
    try {
      await window.privacyConsole.invoke('session.current', {});
      return { refused: 'answered' };
    } catch (error) {
      return { refused: String(error) };
    }
  });
  expect(answer.refused).toContain('may not call the console');

  // The console's own page in a window that isn't the console's.
  const twin = await desk.openStranger(`app://console/`);
  const twinAnswer = await twin.evaluate(() =>
    window.privacyConsole.invoke('session.current', {}).then(
      () => 'answered',
      (error: unknown) => String(error),
    ),
  );
  expect(twinAnswer).toContain('may not call the console');

  const page = await desk.page();
  const inFrame = await page.evaluate(() => {
    const frame = document.createElement('iframe');
    document.body.append(frame);
    return typeof (frame.contentWindow as unknown as Record<string, unknown>)['privacyConsole'];
  });
  expect(inFrame).toBe('undefined');
});

test('prototypes replaced before a call give the page nothing', async ({ desk }) => {
  // Attack (the shape of CVE-2026-70601): the page replaces what the bridge might call and collects
  // every object that passes, hoping for one of the preload's world, whose constructor reaches its globals.
  const page = await desk.page();
  const outcome = await page.evaluate(async () => {
    const collected = new Set<unknown>();
    const isObject = (value: unknown): value is object =>
      (typeof value === 'object' && value !== null) || typeof value === 'function';
    const owners: readonly (readonly [object, readonly string[]])[] = [
      [Function.prototype, ['bind', 'call', 'apply']],
      [Promise.prototype, ['then', 'catch', 'finally']],
      [Promise, ['resolve', 'reject', 'all']],
      [Array.prototype, ['map', 'push', 'slice', 'includes', 'forEach', 'concat']],
      [Map.prototype, ['get', 'set', 'has']],
      [Object, ['keys', 'entries', 'freeze', 'defineProperty', 'assign', 'getOwnPropertyNames']],
      [JSON, ['parse', 'stringify']],
      [Reflect, ['apply', 'construct', 'get']],
      [EventTarget.prototype, ['dispatchEvent', 'addEventListener']],
    ];
    const restore: (() => void)[] = [];
    const { apply } = Reflect;
    const add = Set.prototype.add;
    for (const [owner, names] of owners) {
      for (const name of names) {
        const original = Object.getOwnPropertyDescriptor(owner, name);
        if (!original) continue;
        const target = original.value as (...given: unknown[]) => unknown;
        restore[restore.length] = () => Object.defineProperty(owner, name, original);
        Object.defineProperty(owner, name, {
          configurable: true,
          writable: true,
          value: function (this: unknown, ...given: unknown[]) {
            apply(add, collected, [this]);
            for (let at = 0; at < given.length; at += 1) apply(add, collected, [given[at]]);
            const result = apply(target, this, given);
            apply(add, collected, [result]);
            return result;
          },
        });
      }
    }
    let answer: unknown;
    try {
      answer = await window.privacyConsole.invoke('session.current', { a: [1, { b: 2 }] });
      window.privacyConsole.onEvent(() => undefined)();
    } catch (error) {
      answer = String(error);
    }
    // `defineProperty` itself is among them, so the last put in goes first.
    for (let at = restore.length - 1; at >= 0; at -= 1) restore[at]?.();
    const isForeign = (value: unknown): boolean => {
      if (!isObject(value)) return false;
      const maker = (value as { constructor?: { constructor?: unknown } }).constructor?.constructor;
      return typeof maker === 'function' && maker !== Function;
    };
    const foreign = [...collected].filter(isForeign).map((value) => String(value));
    const frame = document.createElement('iframe');
    document.body.append(frame);
    const ofAnotherWorld = (frame.contentWindow as unknown as { Array: new () => unknown[] }).Array;
    return {
      foreign,
      answered: isObject(answer) || typeof answer === 'string',
      recognised: isForeign(new ofAnotherWorld()),
    };
  });
  expect(outcome).toEqual({ foreign: [], answered: true, recognised: true });
  const after = await page.evaluate(() => window.privacyConsole.invoke('session.current', {}));
  expect(after.ok).toBe(true);
});

test('whatever is pushed through the bridge comes back as a refusal', async ({ desk }) => {
  // Attack: odd values crash the main side, pollute its prototypes or pass the schema.
  const page = await desk.page();
  const answers = await page.evaluate(async () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    let deep: unknown = 1;
    for (let level = 0; level < 5_000; level += 1) deep = [deep];
    const inputs: Record<string, unknown> = {
      cyclic,
      deep,
      huge: 'x'.repeat(2_000_000),
      bigint: 10n,
      symbol: Symbol('s'),
      function: () => 1,
      promise: Promise.resolve(1),
      undefined: undefined,
      null: null,
      notANumber: NaN,
      infinite: -Infinity,
      loneSurrogate: '\ud800',
      nul: '\0',
      text: 'text',
      list: [],
      proto: JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
      getter: {
        get profile(): string {
          throw new Error('from the getter');
        },
      },
      revoked: (() => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      })(),
      toJson: { toJSON: () => ({ profile: 1 }) },
      view: new Uint8Array(10),
      date: new Date(NaN),
      element: document.body,
    };
    const result: Record<string, string> = {};
    const run = async (label: string, name: unknown, input: unknown): Promise<void> => {
      try {
        const answer = await window.privacyConsole.invoke(name as string, input);
        result[label] = answer.ok ? 'done' : 'refused';
      } catch {
        result[label] = 'refused';
      }
    };
    for (const [label, input] of Object.entries(inputs)) await run(label, 'session.signIn', input);
    const names = [
      '',
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      '../x',
      'x'.repeat(10_000),
      'nul\0',
    ];
    for (const name of names) await run(`name ${name.slice(0, 20)}`, name, {});
    for (const name of [undefined, null, 1, {}, [], Symbol('name')])
      await run(`name ${typeof name}`, name, {});
    return result;
  });
  expect(Object.entries(answers).filter(([, answer]) => answer !== 'refused')).toEqual([]);
  const after = await page.evaluate(() => window.privacyConsole.invoke('session.current', {}));
  expect(after.ok).toBe(true);
});

test('locking empties the window', async ({ desk }) => {
  // Attack: somebody sits down at a locked desk and reads what the page still holds, on it or in its memory.
  const page = await desk.page();
  await page.evaluate(() => {
    const secret = document.createElement('p');
    secret.textContent = 'Asha Verma';
    document.body.append(secret);
    (globalThis as unknown as Record<string, unknown>)['held'] = 'Asha Verma';
    sessionStorage.setItem('held', 'Asha Verma');
    localStorage.setItem('held', 'Asha Verma');
  });
  const locked = await desk.lock();
  await expect.poll(() => page.isClosed()).toBe(true);
  expect(await desk.countWindows()).toBe(1);
  expect(await locked.content()).not.toContain('Asha Verma');
  const kept = await locked.evaluate(() => ({
    held: (globalThis as unknown as Record<string, unknown>)['held'],
    session: sessionStorage.getItem('held'),
    local: localStorage.getItem('held'),
  }));
  expect(kept).toEqual({ session: null, local: null });
});

test('the lock of the operating system, its sleep and ten idle minutes lock the console', async ({
  desk,
}) => {
  // Attack: the operator walks away and the console stays open.
  const first = await desk.page();
  await desk.replaced(() => desk.power('lock-screen'));
  await expect.poll(() => first.isClosed()).toBe(true);
  const locked = async (): Promise<unknown> => {
    const page = await desk.page();
    return await page.evaluate(() => window.privacyConsole.invoke('session.current', {}));
  };
  expect(await locked()).toMatchObject({ ok: true });
  const again = await desk.restart();
  await desk.idle(599);
  await again.waitForTimeout(6_000);
  expect(again.isClosed()).toBe(false);
  await desk.replaced(() => desk.idle(600));
  await expect.poll(() => again.isClosed()).toBe(true);
});
