import { createHash, randomBytes } from 'node:crypto';

/** How long a copied text stays, in milliseconds. */
export const clipboardLifetime = 60_000;

interface SystemClipboard {
  readText(): Promise<string>;
  writeText(text: string): Promise<void>;
  clear(): void | Promise<void>;
}

/** The clipboard as the core sees it. */
export interface ClipboardPort {
  /** Copies a text and forgets it again after a minute. */
  writeText(text: string): Promise<void>;
  /** Clears the clipboard if it still holds what was copied last. */
  clearIfUnchanged(): Promise<void>;
}

/** Guards the system's clipboard: what the console put there leaves it again; what anybody else put there stays. */
export function guardClipboard(clipboard: SystemClipboard, lifetime = clipboardLifetime): ClipboardPort {
  const salt = randomBytes(16);
  // A salted hash, so that the text itself isn't kept in memory for a minute.
  let copied: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const mark = (text: string): string => createHash('sha256').update(salt).update(text).digest('hex');

  async function clearIfUnchanged(): Promise<void> {
    clearTimeout(timer);
    if (copied === undefined) return;
    const expected = copied;
    copied = undefined;
    if (mark(await clipboard.readText()) === expected) await clipboard.clear();
  }

  return {
    async writeText(text) {
      clearTimeout(timer);
      copied = mark(text);
      await clipboard.writeText(text);
      timer = setTimeout(() => void clearIfUnchanged(), lifetime);
      timer.unref();
    },
    clearIfUnchanged,
  };
}
