/** Folders the embedded servers can use, also when this process is root and the server is not. */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, realpath, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

/** Uid and gid of `nobody`: PostgreSQL refuses to run as root, so root's demo runs it as this user. */
const nobody = 65534;

/** The user a server has to run as, or `undefined` when it can run as the present one. */
export function serverUser(): { readonly uid: number; readonly gid: number } | undefined {
  return process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : undefined;
}

/** Whether the server's user may enter this folder and read in it; judged by the mode bits of every parent. */
export async function reachableByServer(folder: string): Promise<boolean> {
  const user = serverUser();
  if (user === undefined) return true;
  let current = await realpath(folder);
  for (;;) {
    const { mode, uid } = await stat(current);
    const bits = uid === user.uid ? 0o100 : 0o001;
    if ((mode & bits) === 0) return false;
    const parent = path.dirname(current);
    if (parent === current) return true;
    current = parent;
  }
}

/** Makes a temporary folder whose path the server's user can walk through but not list. */
export async function makeRunFolder(prefix = 'cloudsingh-demo-'): Promise<string> {
  for (const parent of [tmpdir(), '/var/tmp', '/tmp']) {
    try {
      if (!(await reachableByServer(parent))) continue;
    } catch {
      continue;
    }
    const folder = await mkdtemp(path.join(await realpath(parent), prefix));
    if (serverUser() !== undefined) await chmod(folder, 0o711);
    return folder;
  }
  throw new Error(`No temporary folder that user ${nobody} can reach; set TMPDIR to one.`);
}

/** Makes an empty folder that only the server's user can enter. */
export async function makeServerFolder(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  await giveToServer(folder);
}

export async function giveToServer(entry: string): Promise<void> {
  const user = serverUser();
  if (user !== undefined) await chown(entry, user.uid, user.gid);
}

/**
 * Copies a tree to a place that isn't there yet, keeping owners and sharing
 * blocks where the file system can. By the system's own `cp`: Node's `fs.cp`
 * keeps no owners and takes ten times as long over a database's many small files.
 */
export async function copyTree(from: string, to: string): Promise<void> {
  if (process.platform === 'win32') await cp(from, to, { recursive: true, mode: constants.COPYFILE_FICLONE });
  else await promisify(execFile)('cp', ['-a', from, to]);
}
