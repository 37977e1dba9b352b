import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The folder that holds package.json: the checkout, or the installed archive. */
export function programFolder(): string {
  let folder = import.meta.dirname;
  for (;;) {
    try {
      readFileSync(path.join(folder, 'package.json'));
      return folder;
    } catch {
      const parent = path.dirname(folder);
      if (parent === folder) throw new Error('package.json was not found above the program');
      folder = parent;
    }
  }
}
