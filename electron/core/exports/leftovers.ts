import { createHash, randomBytes } from 'node:crypto';
import { lstat, readdir, rm } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import { join } from 'node:path';

/** `.privacy-console-<machine>-<process>-<time>-<random>.partial`: enough to tell whether its writer can still be alive. */
const pattern = /^\.privacy-console-([0-9a-f]{8})-(\d{1,10})-(\d{13})-[0-9a-f]{12}\.partial$/;

/** A folder can be a share or a drive that another machine writes to: its process numbers say nothing here. */
function machine(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
}

/** Name for a package in the making; says nothing of the person. */
export function temporaryName(): string {
  const random = randomBytes(6).toString('hex');
  return `.privacy-console-${machine()}-${String(process.pid)}-${String(Date.now())}-${random}.partial`;
}

/**
 * Removes what crashed exports left in a folder, files and folders: call it at start, before any
 * export. Those of exports that may still be running, here or on another
 * machine that shares the folder, are kept and counted.
 */
export async function removeLeftovers(
  folder: string,
): Promise<{ readonly removed: number; readonly kept: number }> {
  const counts = { removed: 0, kept: 0 };
  for (const name of await readdir(folder)) {
    const match = pattern.exec(name);
    if (match === null) continue;
    const path = join(folder, name);
    const found = await lstat(path).catch(() => null);
    if (found?.isFile() !== true && found?.isDirectory() !== true) continue;
    if (isAnothers(match)) {
      counts.kept += 1;
      continue;
    }
    await rm(path, { recursive: true });
    counts.removed += 1;
  }
  return counts;
}

/** Whether a process that may be running has marked the folder as its own, with a file of such a name. */
export async function isInUse(folder: string): Promise<boolean> {
  const names = await readdir(folder);
  return names.map((name) => pattern.exec(name)).some((match) => match !== null && isAnothers(match));
}

function isAnothers([, host, pid, time]: RegExpExecArray): boolean {
  return host !== machine() || mayBeRunning(Number(pid), Number(time));
}

function mayBeRunning(pid: number, begun: number): boolean {
  const slack = 2_000;
  const now = Date.now();
  // No process survives a restart of the machine, whoever has its number now.
  if (begun < now - uptime() * 1_000 - slack) return false;
  if (pid === process.pid) return begun >= now - process.uptime() * 1_000 - slack;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // Gone, or the number now belongs to another person's process, which could not have written here.
    return false;
  }
}
