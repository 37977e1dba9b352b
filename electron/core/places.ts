import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where this workstation keeps what isn't secret; window and command line find the same. */
export interface WorkstationPlaces {
  readonly profileFolder: string;
  /** Where a running demo leaves its made-up secrets. */
  readonly demoFolder: string;
  /** Where exports keep what they have read until the package is put together, enciphered. */
  readonly stagingFolder: string;
  readonly logFolder: string;
  /** What the window's browser engine keeps between starts, which is next to nothing. */
  readonly windowFolder: string;
}

/** The person's own folder for settings, or the one PRIVACY_CONSOLE_HOME names. */
export function findPlaces(
  environment: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): WorkstationPlaces {
  const home =
    environment['PRIVACY_CONSOLE_HOME'] ??
    join(settingsFolder(environment, platform), 'CloudSingh Privacy Console');
  return {
    profileFolder: join(home, 'profiles'),
    demoFolder: join(home, 'demo'),
    stagingFolder: join(home, 'exports'),
    logFolder: join(home, 'logs'),
    windowFolder: join(home, 'window'),
  };
}

function settingsFolder(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  if (platform === 'win32') return environment['APPDATA'] ?? join(homedir(), 'AppData', 'Roaming');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support');
  return environment['XDG_CONFIG_HOME'] ?? join(homedir(), '.config');
}
