import { open, rm, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ExpectedError } from '#core/kernel/errors.ts';
import { newTally, whileWanted } from '../digest.ts';
import { syncFolder } from '../folder.ts';
import { temporaryName } from '../leftovers.ts';
import { publish } from '../disk.ts';
import { writeFully } from '../disk.ts';

const pieceBytes = 1024 * 1024;

/** A file on a medium, as it was read back from there. */
export interface WrittenFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Copied {
  /** In order; several where the package was split. */
  readonly files: readonly WrittenFile[];
  /** Of all of them one after another, as read back from the medium. */
  readonly sha256: string;
  readonly bytes: number;
}

/** The name of one of several volumes, from 1. */
function volumeName(name: string, number: number): string {
  return `${name}.${String(number).padStart(3, '0')}`;
}

/**
 * Copies a file into a folder, whole or in volumes; each is synced, read back and compared before any of them has its
 * name, and none goes over another file. `accept` is called with what was read back before the names are given.
 * Whatever goes wrong, nothing is left there.
 */
export async function copyOnto(
  source: string,
  folder: string,
  options: {
    readonly volumeBytes?: number | undefined;
    readonly accept: (copied: Copied) => Promise<void>;
    readonly progress: (bytes: number) => void;
  },
  signal: AbortSignal,
): Promise<Copied> {
  const name = basename(source);
  const { size } = await stat(source);
  const each = options.volumeBytes ?? size;
  const count = Math.max(1, Math.ceil(size / each));
  if (count > 999)
    throw new ExpectedError(
      'invalid_input',
      'A package is split into at most 999 volumes; choose larger ones.',
    );
  const written: { readonly temporary: string; readonly file: string }[] = [];
  const named: string[] = [];
  try {
    const meant: string[] = [];
    let done = 0;
    for (let number = 1; number <= count; number += 1) {
      const temporary = join(folder, temporaryName());
      const from = (number - 1) * each;
      const file = join(folder, options.volumeBytes === undefined ? name : volumeName(name, number));
      written.push({ temporary, file });
      const tally = newTally();
      const target = await open(temporary, 'wx', 0o600);
      try {
        for await (const chunk of whileWanted(readPart(source, from, Math.min(size, from + each)), signal)) {
          tally.add(chunk);
          await writeFully(target, chunk);
          done += chunk.byteLength;
          options.progress(done);
        }
        await target.sync();
      } finally {
        await target.close();
      }
      meant.push(tally.sha256());
    }
    const whole = newTally();
    const files: WrittenFile[] = [];
    for (const [place, { temporary, file }] of written.entries()) {
      const tally = newTally();
      for await (const chunk of whileWanted(readPart(temporary), signal)) {
        tally.add(chunk);
        whole.add(chunk);
        done += chunk.byteLength;
        options.progress(done);
      }
      if (tally.sha256() !== meant[place])
        throw new ExpectedError(
          'disk',
          'The medium did not give back what was written to it, so nothing was kept there; take another one.',
        );
      files.push({ name: basename(file), bytes: tally.bytes, sha256: tally.sha256() });
    }
    const copied = { files, sha256: whole.sha256(), bytes: whole.bytes };
    await options.accept(copied);
    for (const { temporary, file } of written) {
      await publish(temporary, file);
      named.push(file);
    }
    await syncFolder(folder);
    return copied;
  } catch (error) {
    for (const file of named) await unlink(file).catch(() => undefined);
    throw error;
  } finally {
    for (const { temporary } of written) await rm(temporary, { force: true });
  }
}

/** Reads what lies on a medium already, and gives its sum. */
export async function readBackFrom(
  file: string,
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Copied> {
  const tally = newTally();
  for await (const chunk of whileWanted(readPart(file), signal)) {
    tally.add(chunk);
    progress(tally.bytes);
  }
  const sha256 = tally.sha256();
  return { files: [{ name: basename(file), bytes: tally.bytes, sha256 }], sha256, bytes: tally.bytes };
}

/**
 * Puts volumes together again, beside which nothing else is needed.
 * @throws ExpectedError `invalid_input` for a file that is no first volume, `not_found` where one is missing
 */
export async function joinVolumes(
  first: string,
  folder: string,
  signal: AbortSignal,
): Promise<{
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly volumes: number;
}> {
  const match = /^(.+)\.001$/.exec(basename(first));
  if (match?.[1] === undefined)
    throw new ExpectedError('invalid_input', 'Name the first volume, whose name ends with .001.');
  const [, name] = match;
  const file = join(folder, name);
  const temporary = join(folder, temporaryName());
  const tally = newTally();
  let volumes = 0;
  try {
    const target = await open(temporary, 'wx', 0o600);
    try {
      for (let number = 1; ; number += 1) {
        const volume = join(dirname(first), volumeName(name, number));
        if (number > 1 && !(await exists(volume))) break;
        for await (const chunk of whileWanted(readPart(volume), signal)) {
          tally.add(chunk);
          await writeFully(target, chunk);
        }
        volumes = number;
      }
      await target.sync();
    } finally {
      await target.close();
    }
    await publish(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
  return { file, sha256: tally.sha256(), bytes: tally.bytes, volumes };
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function* readPart(file: string, from = 0, to = Infinity): AsyncGenerator<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    for (let at = from; at < to;) {
      const wanted = Math.min(pieceBytes, to - at);
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
