import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { keychainOver, type Keychain } from '#core/keychain/keychain.ts';
import { plainConsole, expectDone } from '#demo/staff.ts';
import { pathToFileURL } from 'node:url';

/** A keychain that outlives its process, as the operating system's does; for made-up secrets in a test's own folder. */
export function fileKeychain(file: string): Keychain {
  const read = (): Record<string, string> => {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    } catch {
      return {};
    }
  };
  return keychainOver({
    get: (name) => Promise.resolve(read()[name] ?? null),
    set: (name, secret) => {
      writeFileSync(file, JSON.stringify({ ...read(), [name]: secret }), { mode: 0o600 });
      return Promise.resolve();
    },
    delete: (name) => {
      const { [name]: found, ...others } = read();
      writeFileSync(file, JSON.stringify(others), { mode: 0o600 });
      return Promise.resolve(found !== undefined);
    },
  });
}

// A process of its own for the tests that kill an export: exports under a request and says so.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [home = '', request = '', target = ''] = process.argv.slice(2);
  const places = { profileFolder: home, demoFolder: home };
  const console_ = plainConsole(places, {}, fileKeychain(path.join(home, 'keychain.json')));
  await expectDone(console_, 'session.signIn', { profile: 'demo:operator' });
  const { jobId } = await expectDone(console_, 'exports.start', {
    requestId: Number(request),
    folder: target,
  });
  console_.onEvent((event) => {
    if (event.type === 'job') process.stdout.write(`${event.job.progress.says}\n`);
  });
  await expectDone(console_, 'jobs.wait', { id: jobId });
  await console_.close();
}
