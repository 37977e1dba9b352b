import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { programFolder } from '#core/kernel/programFolder.ts';

/** Version of the program. Read, not imported: a bundle would carry the whole of package.json. */
export const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(path.join(programFolder(), 'package.json'), 'utf8')));
