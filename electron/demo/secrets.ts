import path from 'node:path';
import { demoSecretsFile, demoSecretsShape, type ReadDemoSecrets } from '#core/connections/index.ts';
import { readPrivateFile, removePrivateFile, writePrivateFile } from '#core/connections/privateFile.ts';

/** Writes what demo profiles read: mode 0600, made-up secrets that last as long as the demo. */
export async function writeDemoSecrets(folder: string, secrets: ReadDemoSecrets): Promise<void> {
  await writePrivateFile(path.join(folder, demoSecretsFile), `${JSON.stringify(secrets, null, 2)}\n`);
}

/** Removes them again, with which profiles `demo:…` are gone; those of a demo started later stay. */
export async function removeDemoSecrets(folder: string, own: ReadDemoSecrets): Promise<void> {
  const file = path.join(folder, demoSecretsFile);
  const text = await readPrivateFile(file);
  if (text === null || demoSecretsShape.safeParse(JSON.parse(text)).data?.port !== own.port) return;
  await removePrivateFile(file);
}
