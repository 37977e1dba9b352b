import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import type { Jobs } from '#core/kernel/jobs.ts';
import { packageVerdict, type PackageSource } from '#shared/contract/exports.ts';
import { filesOf, pictureAt, recordsOf, type Browsed } from './browse.ts';
import { identitiesOf, type Opener } from './seal/age.ts';
import { fingerprintGiven } from '#core/signing/index.ts';
import { verifyPackage } from './verify.ts';

type Names = 'packages.verify' | 'packages.records' | 'packages.files' | 'packages.picture';

/** What is done with a package that lies on this computer: no database, no network, nobody signed in. */
export function packageOperations(jobs: Jobs): SomeHandlers<Names> {
  return {
    'packages.verify': async ({ signer, ...source }, { signal: asked }) => {
      // What opens it is looked at before the work begins.
      const { file, opener } = await browsed(source, asked);
      const expectedSigner = signer === undefined ? undefined : await fingerprintGiven(signer);
      const jobId = jobs.start('package', null, async (progress, signal) => {
        const { ok, faults, gaps, ...verdict } = await verifyPackage(file, {
          ...(opener === undefined ? {} : { opener }),
          ...(expectedSigner === undefined ? {} : { expectedSigner }),
          signal,
          progress,
        });
        return packageVerdict.parse({
          ...verdict,
          intact: ok,
          gaps: [...gaps],
          faults: faults.map(({ kind, path, says }) => ({ kind, path: path ?? 'the package', fault: says })),
        });
      });
      return { jobId };
    },
    'packages.records': async ({ collection, from, limit, ...source }, { signal }) =>
      recordsOf(await browsed(source, signal), { collection, from, limit }),
    'packages.files': async ({ from, limit, ...source }, { signal }) =>
      filesOf(await browsed(source, signal), { from, limit }),
    'packages.picture': async ({ path, ...source }, { signal }) =>
      pictureAt(await browsed(source, signal), path),
  };
}

async function browsed(
  { file, identityFile, passphrase }: PackageSource,
  signal: AbortSignal,
): Promise<Browsed> {
  const opener = await openerOf(identityFile, passphrase);
  return { file, signal, ...(opener === null ? {} : { opener }) };
}

async function openerOf(
  identityFile: string | undefined,
  passphrase: string | undefined,
): Promise<Opener | null> {
  if (identityFile !== undefined) return { identities: await identitiesOf(identityFile) };
  return passphrase === undefined ? null : { passphrase };
}
