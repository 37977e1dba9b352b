import { schemaVersion } from '#core/database/migrations/index.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import type { Jobs } from '#core/kernel/jobs.ts';

type Names =
  | 'jobs.list'
  | 'jobs.wait'
  | 'jobs.cancel'
  | 'dialogs.chooseFolder'
  | 'dialogs.chooseFile'
  | 'clipboard.copy'
  | 'about.show';

/** What only the computer the console runs on can do. */
export interface WorkstationPorts {
  /** Null where there is no way to ask, and when the person chose nothing. */
  chooseFolder(): Promise<string | null>;
  chooseFile(purpose: 'open' | 'save', suggested: string | null): Promise<string | null>;
  /** Copies a text that leaves the clipboard after a minute and at lock. */
  copy(text: string): Promise<void>;
  /** What the window runs in, e.g. `Electron 45.4.1`. */
  readonly shell: string;
}

export interface WorkstationOptions {
  readonly ports: WorkstationPorts;
  readonly jobs: Jobs;
  readonly version: string;
  readonly workstation: string;
  readonly demoRunning: () => Promise<boolean>;
}

export function workstationOperations(options: WorkstationOptions): SomeHandlers<Names> {
  const { ports, jobs } = options;
  return {
    'jobs.list': () => Promise.resolve({ jobs: [...jobs.list()] }),
    'jobs.wait': async ({ id }) => ({ job: await jobs.wait(id) }),
    'jobs.cancel': ({ id }) => {
      jobs.cancel(id);
      return Promise.resolve({});
    },
    'dialogs.chooseFolder': async () => ({ folder: await ports.chooseFolder() }),
    'dialogs.chooseFile': async ({ purpose, suggested }) => ({
      file: await ports.chooseFile(purpose, suggested ?? null),
    }),
    'clipboard.copy': async ({ text }) => {
      await ports.copy(text);
      return {};
    },
    'about.show': async () => ({
      version: options.version,
      schemaVersion,
      node: process.version,
      shell: ports.shell,
      workstation: options.workstation,
      demoRunning: await options.demoRunning(),
    }),
  };
}
