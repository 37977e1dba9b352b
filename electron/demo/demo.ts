import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { DemoSecrets } from '#core/connections/index.ts';
import { findPlaces } from '#core/places.ts';
import { startPlatform, type Platform, type Scale } from './platform.ts';
import { plantRequests } from './requests.ts';
import { removeDemoSecrets } from './secrets.ts';
import { buildIfStale, ended, findShell, hasDisplay, startShell } from './shell.ts';
import { installDemo } from './staff.ts';

const usage = `npm run demo -- [--headless] [--out DIR] [--platform-only] [--scale small|large] [--seed N]

  with a display     opens the console's window on a made-up platform
  --headless         runs the main job step by step instead, with pictures
  --out DIR          where pictures, package, certificate and trail go (demo-out)
  --platform-only    starts the platform with the console's schema, prints where it is, stays
  --scale, --seed    how many people, and which
`;

interface Options {
  readonly headless: boolean;
  readonly out: string;
  readonly platformOnly: boolean;
  readonly scale: Scale;
  readonly seed: number;
}

function readOptions(argv: readonly string[]): Options | null {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        headless: { type: 'boolean', default: false },
        out: { type: 'string', default: 'demo-out' },
        'platform-only': { type: 'boolean', default: false },
        scale: { type: 'string', default: 'small' },
        seed: { type: 'string', default: '1' },
      },
    });
    const seed = Number(values.seed);
    if (!Number.isSafeInteger(seed) || seed < 0 || seed >= 2 ** 32) return null;
    if (values.scale !== 'small' && values.scale !== 'large') return null;
    return {
      headless: values.headless,
      out: values.out,
      platformOnly: values['platform-only'],
      scale: values.scale,
      seed,
    };
  } catch {
    return null;
  }
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** What `--platform-only` prints: where everything is and how to sign in; made-up secrets of this run. */
function describe(platform: Platform, secrets: DemoSecrets): string {
  return JSON.stringify({
    host: platform.host,
    port: platform.port,
    database: platform.database,
    superuser: platform.superuser,
    logins: secrets.logins,
    r2: platform.r2,
  });
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    // Waiting for a signal keeps no process alive by itself.
    const awake = setInterval(() => undefined, 2 ** 30);
    const stop = (): void => {
      clearInterval(awake);
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop);
    // Whoever started us with a pipe and went away has stopped us too.
    process.once('disconnect', stop);
  });
}

/** npm passes a signal on to the shell it started us in, and that shell ends without a word to us. */
function endWithShell(): void {
  if (process.env['npm_lifecycle_event'] === undefined || process.platform === 'win32') return;
  const shell = process.ppid;
  const watching = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watching);
    process.kill(process.pid, 'SIGTERM');
  }, 250);
  watching.unref();
}

async function demo(options: Options): Promise<number> {
  const places = findPlaces();
  await mkdir(places.profileFolder, { recursive: true, mode: 0o700 });
  await mkdir(places.demoFolder, { recursive: true, mode: 0o700 });
  say(`Starting PostgreSQL and R2 with made-up people (scale ${options.scale}, seed ${options.seed}) …`);
  const platform = await startPlatform({ scale: options.scale, seed: options.seed });
  try {
    say('Installing the console’s schema and making five members of staff …');
    const secrets = await installDemo(platform, places);
    try {
      const planted = await plantRequests(platform, places);
      if (options.platformOnly) {
        process.stdout.write(`${describe(platform, secrets)}\n`);
        say(
          'The platform is up; profiles demo:viewer, demo:operator, demo:approver, demo:second-approver, demo:auditor and demo:administrator reach it. Stop it with Ctrl-C.',
        );
        await untilStopped();
        return 0;
      }
      const shell = await findShell();
      await buildIfStale();
      if (options.headless || !hasDisplay() || !shell.canShow) {
        if (!options.headless)
          say(
            `There is no display or no browser with windows here, so the main job is run and told instead (as --headless does).`,
          );
        const { journey } = await import('./journey.ts');
        return await journey({ platform, secrets, places, planted, out: options.out, say });
      }
      say(
        `Opening the window, shown by ${shell.says}. Sign in as demo:operator; the approver is demo:approver.`,
      );
      const window = startShell(shell, { headless: false });
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
        process.once(signal, () => window.kill(signal));
      return await ended(window);
    } finally {
      await removeDemoSecrets(places.demoFolder, secrets);
    }
  } finally {
    await platform.stop();
  }
}

const options = readOptions(process.argv.slice(2));
if (options === null) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else {
  endWithShell();
  process.exitCode = await demo(options);
}
