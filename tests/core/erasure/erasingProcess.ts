import { plainConsole, expectDone } from '#demo/staff.ts';

// A workstation of its own for the tests that kill it: signs in as the operator of the demo in the folder, runs or
// resumes the plan and tells how it ended.
const [folder = '', plan = '', batchRows = '20'] = process.argv.slice(2);
const console_ = plainConsole(
  { profileFolder: folder, demoFolder: folder },
  { batchRows: Number(batchRows) },
);
await expectDone(console_, 'session.signIn', { profile: 'demo:operator' });
const { jobId } = await expectDone(console_, 'erasure.run', { planId: Number(plan) });
process.stdout.write('running\n');
const { job } = await expectDone(console_, 'jobs.wait', { id: jobId });
process.stdout.write(`${JSON.stringify({ state: job.state, result: job.result, failure: job.failure })}\n`);
await console_.close();
