import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import type { Call } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { signerAt, type Signer } from '#core/signing/index.ts';
import {
  checkLedger,
  entriesOf,
  follower,
  headerLine,
  nameOf,
  sealLine,
  type CheckedLedger,
} from './file.ts';

const lineRow = z.object({ run: z.coerce.number(), line: z.string() });
const begunShape = z.object({
  installation: z.string(),
  secret: z.string(),
  entry: z.number(),
  chain: z.string(),
});
const linesPerPage = 1_000;

export interface SavedLedger {
  readonly file: string;
  readonly sha256: string;
  readonly count: number;
  readonly added: number;
  readonly entry: number;
}

/**
 * Writes the ledger of deletions, or adds to the one in that file what it lacks; what the file has and the database
 * doesn't know any more stays. At any moment the file is the old or the new one.
 * @param signer fingerprint of who signed the file that is there, where the registry doesn't know them
 */
export async function saveLedger(
  at: Desk,
  { file, append, signer }: { readonly file: string; readonly append: boolean; readonly signer?: string },
  call: Call,
): Promise<SavedLedger> {
  const there = await stat(file).then(
    () => true,
    () => false,
  );
  if (there && !append)
    throw new ExpectedError(
      'disk',
      'There is already a file of that name; add to it if it is a ledger, or choose another.',
    );
  const own = await signerAt(at, call);
  if (own === null)
    throw new ExpectedError(
      'no_keychain',
      'This computer has no keychain, so there is no key to sign the ledger with; save it at another one.',
    );
  const before = there ? await checkLedger(file, call.signal) : null;
  if (before !== null) await trust(at, before, signer);
  const begun = await at.database.effect(
    sql`select privacy_console.begin_ledger() as result`,
    begunShape,
    call.note,
  );
  try {
    return await write(at, file, before, begun, own, call);
  } catch (error) {
    const code = error instanceof ExpectedError ? error.code : 'internal';
    await ended(at, begun.entry, null, 0, code, call).catch(() => undefined);
    throw error;
  }
}

/** Refuses a ledger that nobody of the staff has signed, nor whom the caller knows. */
async function trust(at: Desk, ledger: CheckedLedger, signer: string | undefined): Promise<void> {
  if (signer !== undefined) {
    refuseOtherSigner(ledger, signer);
    return;
  }
  const { known } = await at.database.row(
    sql`select privacy_console.knows_ledger(${ledger.sha256}::text, ${ledger.signer}::text) as known`,
    z.object({ known: z.boolean() }),
  );
  if (!known)
    throw new ExpectedError(
      'refused',
      'Nobody of the staff holds the key this ledger is signed with, or it was retired; name the signer if you know whose key it is.',
    );
}

/** @throws ExpectedError `refused` where it is signed by another key than is asked for */
export function refuseOtherSigner(ledger: CheckedLedger, signer: string): void {
  if (ledger.signer !== signer)
    throw new ExpectedError('refused', 'The ledger is not signed by the key that is asked for.');
}

async function write(
  at: Desk,
  file: string,
  before: CheckedLedger | null,
  begun: z.output<typeof begunShape>,
  signer: Signer,
  call: Call,
): Promise<SavedLedger> {
  if (before !== null && (before.installation !== begun.installation || before.secret !== begun.secret))
    throw new ExpectedError(
      'conflict',
      'The ledger in that file is of another installation of the console, or of another secret; keep it, and begin a new one.',
    );
  const temporary = path.join(path.dirname(file), `.${randomUUID()}.part`);
  const handle = await open(temporary, 'wx', 0o600).catch(() => {
    throw new ExpectedError(
      'disk',
      'The file can’t be written there; choose a folder that exists and that you may write to.',
    );
  });
  try {
    const writing = writingTo(handle);
    const header = before?.header ?? headerLine(begun.installation, begun.secret);
    await writing.add(header);
    const known = new Set<string>();
    if (before !== null) {
      for await (const line of entriesOf(file, call.signal)) {
        known.add(nameOf(line));
        await writing.add(line);
      }
      if (writing.followed.chain !== before.chain)
        throw new ExpectedError('conflict', 'The file changed while it was read; save the ledger again.');
    }
    for await (const line of newLines(at, begun.entry, call)) {
      if (!known.has(nameOf(line))) await writing.add(line);
    }
    const added = writing.followed.count - (before?.count ?? 0);
    const { count } = writing.followed;
    if (before !== null && added === 0) {
      await ended(at, begun.entry, before.sha256, count, null, call);
      return { file, sha256: before.sha256, count, added, entry: begun.entry };
    }
    const head = { chain: begun.chain, number: begun.entry };
    await writing.seal(sealLine(writing.followed, head, new Date().toISOString(), signer));
    await handle.sync();
    const sha256 = writing.sha256();
    // The trail knows of it before it has its name.
    await ended(at, begun.entry, sha256, count, null, call);
    await rename(temporary, file);
    return { file, sha256, count, added, entry: begun.entry };
  } finally {
    await handle.close();
    await rm(temporary, { force: true });
  }
}

/** Writes lines in pieces, and follows them. */
function writingTo(handle: FileHandle): {
  readonly followed: ReturnType<typeof follower>;
  add(line: string): Promise<void>;
  seal(line: string): Promise<void>;
  sha256(): string;
} {
  const followed = follower();
  const whole = createHash('sha256');
  let waiting = '';
  const put = async (line: string, atLeast: number): Promise<void> => {
    waiting += `${line}\n`;
    if (waiting.length < atLeast) return;
    whole.update(waiting);
    await handle.writeFile(waiting).catch(() => {
      throw new ExpectedError('disk', 'The ledger can’t be written; look whether the disk is full.');
    });
    waiting = '';
  };
  return {
    followed,
    async add(line) {
      followed.add(line);
      await put(line, 65_536);
    },
    seal: (line) => put(line, 0),
    sha256: () => whole.digest('hex'),
  };
}

async function* newLines(at: Desk, intent: number, call: Call): AsyncGenerator<string> {
  for (let after = 0; ;) {
    const page = await at.database.rows(
      sql`select run, line from privacy_console.ledger_lines(${intent}::bigint, ${after}::bigint, ${linesPerPage}::int)`,
      lineRow,
      { signal: call.signal },
    );
    for (const { line } of page) yield line;
    const last = page.at(-1);
    if (last === undefined || page.length < linesPerPage) return;
    after = last.run;
  }
}

async function ended(
  at: Desk,
  intent: number,
  sha256: string | null,
  count: number,
  code: string | null,
  { note }: Pick<Call, 'note'>,
): Promise<void> {
  await at.database.effect(
    sql`select privacy_console.end_ledger(${intent}::bigint, ${sha256}::text, ${count}::bigint, ${code}::text) as result`,
    z.object({ entry: z.number() }),
    note,
  );
}
