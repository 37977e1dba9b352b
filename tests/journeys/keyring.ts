import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test as base } from './fixtures.ts';

/** A session bus with an open keyring of its own, so that no test touches the person's. */
export const test = base.extend<{ readonly keyring: string }>({
  keyring: async ({ browserName: _browserName }, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'cloudsingh-keyring-'));
    const [data, runtime] = [join(folder, 'data'), join(folder, 'runtime')];
    for (const each of [data, runtime]) await mkdir(each, { mode: 0o700 });
    const script =
      'printf right | gnome-keyring-daemon --unlock --components=secrets >&2; echo "$DBUS_SESSION_BUS_ADDRESS"; cat > /dev/null';
    const bus = spawn('dbus-run-session', ['--', 'sh', '-c', script], {
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_DATA_HOME: data, XDG_RUNTIME_DIR: runtime },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const ended = once(bus, 'exit');
    try {
      const [address] = (await once(createInterface({ input: bus.stdout }), 'line')) as [string];
      await use(address);
    } finally {
      bus.stdin.end();
      await ended;
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  },
  deskOptions: async ({ keyring }, use) => {
    await use({ environment: { DBUS_SESSION_BUS_ADDRESS: keyring } });
  },
});
