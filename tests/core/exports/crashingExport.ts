import { writePackage } from '#core/exports/package.ts';
import { manyRows, optionsOf } from './sources.ts';

// A process of its own for the tests that kill or freeze an export: writes rows
// without end (or as many as asked for) and says so when the first have gone out.
const [folder, rows] = process.argv.slice(2);
if (folder === undefined) throw new Error('Say where to write.');
let told = false;
const receipt = await writePackage(
  optionsOf(folder, { collections: [{ name: 'messages', rows: () => manyRows(Number(rows ?? Infinity)) }] }),
  {
    progress: ({ bytes }) => {
      if (bytes === 0 || told) return;
      told = true;
      process.stdout.write('writing\n');
    },
  },
);
process.stdout.write(`${receipt.sha256}\n`);
