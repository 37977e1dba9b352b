/** The child behind watchdog.ts: reads orders from its standard input and acts once that closes. */
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

interface Order {
  readonly order: 'watch' | 'forget';
  readonly process?: number;
  readonly path?: string;
}

const processes = new Set<number>();
const paths = new Set<string>();

function alive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch {
    return false;
  }
}

function signal(id: number, name: NodeJS.Signals): void {
  try {
    process.kill(id, name);
  } catch {
    // Already gone, which is what was wanted.
  }
}

async function tidyUp(): Promise<void> {
  // SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one; both take its children along, SIGKILL would not.
  for (const name of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    for (const id of processes) signal(id, name);
    for (let waited = 0; waited < 3000 && [...processes].some(alive); waited += 50) await delay(50);
  }
  for (const path of paths)
    await rm(path, { recursive: true, force: true, maxRetries: 5 }).catch(() => undefined);
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  const { order, process: id, path } = JSON.parse(line) as Order;
  if (id !== undefined) processes[order === 'watch' ? 'add' : 'delete'](id);
  if (path !== undefined) paths[order === 'watch' ? 'add' : 'delete'](path);
}
await tidyUp();
