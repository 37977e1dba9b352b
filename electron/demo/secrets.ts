import { rm } from 'node:fs/promises';
import path from 'node:path';
import { demoSecretsFile, type DemoSecrets } from '#core/connections/index.ts';
import { writePrivateFile } from '#core/connections/privateFile.ts';

/** Writes what demo profiles read: mode 0600, made-up secrets that last as long as the demo. */
export async function writeDemoSecrets(folder: string, secrets: DemoSecrets): Promise<void> {
  await writePrivateFile(path.join(folder, demoSecretsFile), `${JSON.stringify(secrets, null, 2)}\n`);
}

/** Removes them again; profiles `demo:…` are gone with it. */
export async function removeDemoSecrets(folder: string): Promise<void> {
  await rm(path.join(folder, demoSecretsFile), { force: true });
}
