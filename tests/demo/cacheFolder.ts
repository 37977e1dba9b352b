import { chmod, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';

/** A cache of the test's own, in a place that the database's user can reach also when the tests run as root. */
export async function temporaryCache(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const parent = await mkdtemp(
    process.platform === 'win32'
      ? path.join(process.env['TEMP'] ?? '.', 'cloudsingh-test-')
      : '/var/tmp/cloudsingh-test-',
  );
  await chmod(parent, 0o711);
  return { folder: path.join(parent, 'cache'), remove: () => rm(parent, { recursive: true, force: true }) };
}
