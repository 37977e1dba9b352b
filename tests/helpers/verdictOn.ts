import { expect } from 'vitest';
import type { Console } from '#core/console.ts';
import type { PackageVerdict } from '#shared/contract/exports.ts';
import type { InputOf } from '#shared/contract/index.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { expectDone } from '#demo/staff.ts';

/** The check of a package, once it has ended. */
export async function verifyJob(console: Console, input: InputOf<'packages.verify'>): Promise<Job> {
  const { jobId } = await expectDone(console, 'packages.verify', input);
  return (await expectDone(console, 'jobs.wait', { id: jobId })).job;
}

/** What the check of a package comes to; a refusal is a failure of the test. */
export async function verdictOn(console: Console, input: InputOf<'packages.verify'>): Promise<PackageVerdict> {
  const job = await verifyJob(console, input);
  expect(job.failure).toBeNull();
  // The job's result is that by its kind.
  return job.result as unknown as PackageVerdict;
}
